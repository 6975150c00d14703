"""Verification: what was written is read back and compared with what MongoDB holds, before anything is published.

Twice. Within Spark: every row's content hash, computed from the source, must equal the one computed from what the
Parquet file gives back. Against MongoDB: counts and sums per day, which MongoDB aggregates itself. Where a day differs,
because its orders changed meanwhile or because something is wrong, its orders are compared one by one.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bson import Decimal128

from ecommerce.archive.chunks import chunks_of
from ecommerce.archive.compare import DIFFERENT, compare
from ecommerce.archive.errors import VerificationError
from ecommerce.archive.rows import DAY_COLUMN, HASH_COLUMN
from ecommerce.archive.runs import Day, Run
from ecommerce.archive.selection import order_match
from ecommerce.documents.content_hash import content_hash_sql
from ecommerce.documents.kinds import to_scaled
from ecommerce.mongo import ORDERS, MongoDatabase

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

Sums = dict[str, Decimal]

_SUMS: tuple[tuple[str, str, Any], ...] = (
    # name, as Spark sums it, as MongoDB sums it
    ("orders", "1", 1),
    ("total_amount", "order.total_amount", "$order.total_amount"),
    ("discount", "order.discount", "$order.discount"),
    ("items", "cast(size(order_items) as bigint)", {"$size": "$order_items"}),
    (
        "item_prices",
        "aggregate(order_items.price, cast(0 as decimal(38,4)), (sum, price) -> cast(sum + price as decimal(38,4)))",
        {"$sum": "$order_items.price"},
    ),
    (
        "item_quantities",
        "aggregate(order_items.quantity, cast(0 as bigint), (sum, quantity) -> sum + quantity)",
        {"$sum": "$order_items.quantity"},
    ),
    ("versions", "cast(unix_millis(updated_at) as decimal(20,0))", {"$toDecimal": {"$toLong": "$updated_at"}}),
)


def verify_rows(database: MongoDatabase, rows: "DataFrame", run: Run) -> tuple[Day, ...]:
    """What the exported rows hold per day, verified. Raises VerificationError where they are not what MongoDB holds."""
    with ThreadPoolExecutor(1, "verify") as threads:
        source = threads.submit(_source_sums, database, run)
        per_day = {row[DAY_COLUMN]: row for row in _archive_days(rows, run)}
        source_sums = source.result()
    corrupt = {day: row["corrupt"] for day, row in per_day.items() if row["corrupt"]}
    if corrupt:
        raise VerificationError(
            f"run {run.run_id}: {sum(corrupt.values())} rows came back from the archive with another content than was "
            f"written, on {', '.join(str(day) for day in sorted(corrupt))}"
        )
    differing = [(day, int(row["sum_orders"])) for day, row in per_day.items() if _sums_of(row) != source_sums.get(day)]
    if differing:
        _compare_one_by_one(database, rows, differing, run)
    return days_of(per_day.values())


def days_of(summary: Iterable["Row"]) -> tuple[Day, ...]:
    """The days of a `summary_of_days`, in order."""
    days = (
        Day(row[DAY_COLUMN], int(row["sum_orders"]), to_scaled(row["sum_total_amount"]), int(row["content_hash"]))
        for row in summary
    )
    return tuple(sorted(days, key=lambda day: day.order_date))


def summary_of_days(rows: "DataFrame") -> list["Row"]:
    """Count, sum and folded content hash per day, with the number of rows whose content is not what its hash says."""
    from pyspark.sql import functions as f

    # The sum of the whole comparison is one pass: each row is decoded once.
    return list(
        rows.groupBy(DAY_COLUMN)
        .agg(
            f.bit_xor(HASH_COLUMN).alias("content_hash"),
            f.sum(f.expr(f"cast({content_hash_sql()} <=> {HASH_COLUMN} as int) * -1 + 1")).alias("corrupt"),
            *(f.sum(f.expr(sql)).cast("decimal(38,4)").alias(f"sum_{name}") for name, sql, _ in _SUMS),
            f.min("order.order_time").alias("first"),
            f.max("order.order_time").alias("last"),
        )
        .collect()
    )


def _archive_days(rows: "DataFrame", run: Run) -> list["Row"]:
    days = summary_of_days(rows)
    outside = [row[DAY_COLUMN] for row in days if row["sum_orders"] < 1]
    if outside or (run.orders and not days):
        raise VerificationError(f"run {run.run_id}: the export of {run.orders} orders came back empty")
    return days


def _sums_of(row: "Row") -> Sums:
    return {name: row[f"sum_{name}"] for name, _, _ in _SUMS}


def _source_sums(database: MongoDatabase, run: Run) -> Mapping[date, Sums]:
    day = {"$dateTrunc": {"date": "$order.order_time", "unit": "day"}}
    group = {"_id": day} | {name: {"$sum": expression} for name, _, expression in _SUMS}
    start = run.slices[0].start if run.slices else None
    match = order_match(run.statuses, start, run.cutoff)
    found = database[ORDERS].aggregate([{"$match": match}, {"$group": group}], allowDiskUse=True)
    return {row["_id"].date(): {name: _decimal(row[name]) for name, _, _ in _SUMS} for row in found}


def _decimal(value: Any) -> Decimal:
    return value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)


def _compare_one_by_one(database: MongoDatabase, rows: "DataFrame", days: list[tuple[date, int]], run: Run) -> None:
    different: list[int] = []
    for chunk in chunks_of(rows, days):
        (comparison,) = compare(database, [chunk])
        different.extend(chunk.ids[position] for position, reason in comparison.superseded if reason == DIFFERENT)
    if different:
        raise VerificationError(
            f"run {run.run_id}: {len(different)} exported orders differ from the same version in MongoDB, "
            f"the first of them {sorted(different)[:5]}"
        )
