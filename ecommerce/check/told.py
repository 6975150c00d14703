"""What is kept beside the cells for others to read: sales of archived orders for BI tools, refunds for imports.

No figure is made of either, so no comparison of figures finds what somebody changed in them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import bson
from bson import Int64
from pymongo import DeleteOne, UpdateOne

from ecommerce.archive.rows import DAY_COLUMN, HASH_COLUMN, RUN_COLUMN
from ecommerce.archive.run import day_start
from ecommerce.bson_reading.batches import raw_batches
from ecommerce.check.archived import ROWS, rows_in_sql
from ecommerce.check.report import Difference
from ecommerce.documents.bson_codec import CODEC_OPTIONS, decode_order
from ecommerce.documents.content_hash import CONTENT_HASH
from ecommerce.hours import hours_of
from ecommerce.ingest.archived_changes import REFUNDS, archived_refunds, entry_content
from ecommerce.mongo import ARCHIVED_ORDERS, MongoDatabase
from ecommerce.readable import first_of
from ecommerce.summaries.cells import CellTable
from ecommerce.summaries.records import CELLS, MOVED, SALES, TIME_ZONE, sales_of_days
from ecommerce.summaries.state import ARCHIVE_SUMMARY

if TYPE_CHECKING:
    import pyarrow as pa

IDS_NAMED = 5
"""Orders of a day that a difference names."""

MODULUS = 2**31 - 1
"""Hashes are summed by their remainders: the sum of a billion of them still is an integer of 64 bits."""

WRITTEN_AT_ONCE = 1_000


def compare_sales_told(database: MongoDatabase, *, mend: bool = False) -> Iterator[Difference]:
    """The records of the archive whose `sales` are not what their cells say; with `mend` they are made so."""
    for batch in raw_batches(database, {}, collection=ARCHIVE_SUMMARY):
        for record in (bson.decode(raw, CODEC_OPTIONS) for raw in batch):
            wrong = {path: right for path, kept, right in _sales(record) if kept != right}
            if wrong and mend:
                database[ARCHIVE_SUMMARY].update_one({"_id": record["_id"]}, {"$set": wrong})
            if wrong:
                day = record["order_date"].date()
                yield Difference("archive", f"sales for BI in record {record['_id']} of {day}", len(wrong), 0, "0.00")


def _sales(record: Mapping[str, Any]) -> Iterator[tuple[str, Any, list[dict[str, Any]]]]:
    """Path, what is kept and what the cells say; records of before have no sales."""
    parts = {"": record} | ({f"{MOVED}.": record[MOVED]} if MOVED in record else {})
    for path, part in parts.items():
        if SALES in part:
            hours = hours_of(part.get(TIME_ZONE, "UTC"))
            yield f"{path}{SALES}", part[SALES], sales_of_days(CellTable.decode(part[CELLS]), hours)


@dataclass(slots=True)
class WrongEntries:
    """Entries of archived orders that are not as the archive's rows: what is wrong, and what mends it."""

    differences: list[Difference] = field(default_factory=list)
    writes: list[DeleteOne | UpdateOne] = field(default_factory=list)


def compare_entries(database: MongoDatabase, rows: "pa.Table", first: date, last: date) -> WrongEntries:
    """Compare the entries of archived orders of these UTC days with the rows of the archive.

    An entry is what an import knows of an archived order: without one the order would come in, and count, a second
    time; one without a row keeps an order out that is in neither place.
    """
    of_rows, of_entries = _sums_of_rows(rows), _sums_of_entries(database, first, last)
    differing = {day for day in {*of_rows, *of_entries} if of_rows.get(day) != of_entries.get(day)}
    right, kept = _right_entries(rows, differing), _kept_entries(database, first, last, differing)
    wrong, ids_of_day = WrongEntries(), defaultdict[date, list[int]](list)
    for order_id in sorted({*right, *kept}):
        entry, is_kept = right.get(order_id), kept.get(order_id)
        if entry is None or is_kept is None or not _says_the_same(entry, is_kept):
            wrong.writes.append(_mending(order_id, entry))
            ids_of_day[(entry or kept[order_id])["order_date"].date()].append(order_id)
    for day, ids in sorted(ids_of_day.items()):
        bucket = f"archived_orders of {day}, orders {first_of(ids, IDS_NAMED)}"
        wrong.differences.append(Difference("archive", bucket, len(ids), 0, "0.00"))
    return wrong


def mend_entries(database: MongoDatabase, writes: Sequence[DeleteOne | UpdateOne]) -> None:
    """Make the entries those of the rows."""
    for at in range(0, len(writes), WRITTEN_AT_ONCE):
        database[ARCHIVED_ORDERS].bulk_write(writes[at : at + WRITTEN_AT_ONCE], ordered=False)


def _sums_of_entries(database: MongoDatabase, first: date, last: date) -> dict[date, tuple[int, int]]:
    """By day: how many entries, and the sum of their hashes' remainders."""
    sums = {"orders": {"$sum": 1}, "hashes": {"$sum": {"$mod": [f"${CONTENT_HASH}", MODULUS]}}}
    pipeline = [{"$match": _of_days(first, last)}, {"$group": {"_id": "$order_date", **sums}}]
    return {one["_id"].date(): (one["orders"], one["hashes"]) for one in database[ARCHIVED_ORDERS].aggregate(pipeline)}


def _sums_of_rows(rows: "pa.Table") -> dict[date, tuple[int, int]]:
    with rows_in_sql(rows) as connection:
        found = connection.sql(
            f"select {DAY_COLUMN}, count(*), cast(sum({HASH_COLUMN} % {MODULUS}) as bigint) from {ROWS} group by all"  # noqa: S608 - ours
        ).fetchall()
    return {day: (orders, hashes) for day, orders, hashes in found}


def _right_entries(rows: "pa.Table", days: Collection[date]) -> dict[int, dict[str, Any]]:
    """By the order's id what its entry should say, of the orders with refunds and of all orders of some days."""
    import pyarrow as pa
    from pyarrow import compute

    from ecommerce.archive.encoded_orders import documents_of

    has_refunds = compute.greater(compute.fill_null(compute.list_value_length(rows["refunds"]), 0), 0)
    of_days = compute.is_in(rows[DAY_COLUMN], pa.array([*days], pa.date32()))
    table = rows.filter(compute.or_(has_refunds, of_days))
    found = {}
    for document, run_id, day in zip(
        documents_of(table.drop_columns([HASH_COLUMN, RUN_COLUMN, DAY_COLUMN])),
        table[RUN_COLUMN].to_pylist(),
        table[DAY_COLUMN].to_pylist(),
        strict=True,
    ):
        order = decode_order(document)
        found[order.order.order_id] = entry_content(order) | {"order_date": day_start(day), "run_id": run_id}
    return found


def _kept_entries(database: MongoDatabase, first: date, last: date, days: Collection[date]) -> dict[int, Any]:
    """The entries with refunds, and all of some days."""
    chosen = {"$or": [{REFUNDS: {"$exists": True}}, {"order_date": {"$in": [*map(day_start, days)]}}]}
    return {entry["_id"]: entry for entry in database[ARCHIVED_ORDERS].find({**_of_days(first, last), **chosen})}


def _says_the_same(right: Mapping[str, Any], kept: Mapping[str, Any]) -> bool:
    try:
        return bool(kept[CONTENT_HASH] == right[CONTENT_HASH] and archived_refunds(kept) == archived_refunds(right))
    except Exception:  # noqa: BLE001 - somebody may have written anything there
        return False


def _mending(order_id: int, right: Mapping[str, Any] | None) -> DeleteOne | UpdateOne:
    if right is None:
        return DeleteOne({"_id": order_id})
    gone = {} if REFUNDS in right else {"$unset": {REFUNDS: ""}}
    return UpdateOne({"_id": Int64(order_id)}, {"$set": dict(right), **gone}, upsert=True)


def _of_days(first: date, last: date) -> dict[str, Any]:
    return {"order_date": {"$gte": day_start(first), "$lt": day_start(last + timedelta(days=1))}}
