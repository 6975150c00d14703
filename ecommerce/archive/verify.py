"""Verification: what was written is read back and compared with what MongoDB holds, before anything is published.

Twice. Within the archive: every row's content hash, computed from the document when it was read, must equal the one
that Spark computes from what the Parquet file gives back. Against MongoDB: per day the number of orders, their amounts,
and the hashes of contents and versions, folded, as computed from the documents without Spark. Where a day differs,
because its orders changed meanwhile or because something is wrong, its orders are compared one by one.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np

from ecommerce.archive.chunks import chunks_of
from ecommerce.archive.compare import DIFFERENT, compare, read_hot
from ecommerce.archive.content_columns import xxh64
from ecommerce.archive.errors import VerificationError
from ecommerce.archive.hot import MILLISECONDS_PER_DAY, HotOrders, hot_orders
from ecommerce.archive.rows import DAY_COLUMN, HASH_COLUMN
from ecommerce.archive.runs import Day, Run
from ecommerce.archive.selection import order_match
from ecommerce.documents.bson_codec import decode_order
from ecommerce.documents.content_hash import MICROSECONDS_PER_MILLISECOND, content_hash, content_hash_sql
from ecommerce.documents.kinds import to_scaled
from ecommerce.mongo import MongoDatabase
from ecommerce.summaries.scan import raw_batches

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row


SAMPLED = 100
"""Of so many documents in MongoDB, one is also decoded by PyMongo: a hundredth of that reader's time."""


@dataclass(frozen=True, slots=True)
class DaySums:
    """What the orders of a day come to."""

    orders: int
    total_amount: int
    """In 10^-4 units."""
    content_hash: int
    """Content hashes, folded by exclusive or."""
    versioned_hash: int
    """The same with each order's `updated_at` hashed into it."""

    def plus(self, other: "DaySums") -> "DaySums":
        """Both together."""
        return DaySums(
            self.orders + other.orders,
            self.total_amount + other.total_amount,
            self.content_hash ^ other.content_hash,
            self.versioned_hash ^ other.versioned_hash,
        )


def verify_rows(database: MongoDatabase, rows: "DataFrame", run: Run) -> tuple[Day, ...]:
    """What the exported rows hold per day, verified. Raises VerificationError where they are not what MongoDB holds."""
    with ThreadPoolExecutor(1, "verify") as threads:
        source = threads.submit(source_sums, database, run)
        per_day = {row[DAY_COLUMN]: row for row in _archive_days(rows, run)}
        of_source = source.result()
    corrupt = {day: row["corrupt"] for day, row in per_day.items() if row["corrupt"]}
    if corrupt:
        raise VerificationError(
            f"run {run.run_id}: {sum(corrupt.values())} rows came back from the archive with another content than was "
            f"written, on {', '.join(str(day) for day in sorted(corrupt))}"
        )
    differing = [(day, int(row["orders"])) for day, row in per_day.items() if _sums_of(row) != of_source.get(day)]
    if differing:
        _compare_one_by_one(database, rows, differing, run)
    return days_of(per_day.values())


def days_of(summary: Iterable["Row"]) -> tuple[Day, ...]:
    """The days of a `summary_of_days`, in order."""
    days = (
        Day(row[DAY_COLUMN], int(row["orders"]), to_scaled(row["total_amount"]), int(row["content_hash"]))
        for row in summary
    )
    return tuple(sorted(days, key=lambda day: day.order_date))


def summary_of_days(rows: "DataFrame") -> list["Row"]:
    """Count, sum and folded hashes per day, with the number of rows whose content is not what their hash says."""
    from pyspark.sql import functions as f

    # No lambda anywhere: with one, Spark would neither compile the aggregation nor run it over unboxed values.
    return list(
        rows.groupBy(DAY_COLUMN)
        .agg(
            f.count("*").alias("orders"),
            f.sum("order.total_amount").cast("decimal(38,4)").alias("total_amount"),
            f.bit_xor(HASH_COLUMN).alias("content_hash"),
            f.bit_xor(f.xxhash64(HASH_COLUMN, f.unix_micros("updated_at"))).alias("versioned_hash"),
            f.sum(f.expr(f"if({content_hash_sql()} <=> {HASH_COLUMN}, 0, 1)")).alias("corrupt"),
        )
        .collect()
    )


def source_sums(database: MongoDatabase, run: Run) -> Mapping[date, DaySums]:
    """What the orders that a run selects come to per day, as MongoDB holds them now."""
    sums: dict[date, DaySums] = {}
    match = order_match(run.statuses, run.slices[0].start if run.slices else None, run.cutoff)
    for documents in raw_batches(database, match):
        if not documents:
            continue
        hot = hot_orders(documents)
        _require_same_reading(hot, run)
        for day, found in _sums_per_day(hot):
            sums[day] = sums[day].plus(found) if day in sums else found
    return sums


def _require_same_reading(hot: HotOrders, run: Run) -> None:
    """The export and this comparison read columns alike, so what both misread would stay unseen: PyMongo reads too."""
    for at in range(0, len(hot.documents), SAMPLED):
        decoded = decode_order(hot.documents[at]) if hot.columns.regular[at] else None
        if decoded and (content_hash(decoded), decoded.order.order_id) != (hot.hashes[at], hot.ids[at]):
            raise VerificationError(
                f"run {run.run_id}: order {decoded.order.order_id} reads otherwise in columns than one by one, "
                "so this version cannot archive it: please report that"
            )


def _sums_per_day(hot: HotOrders) -> Iterable[tuple[date, DaySums]]:
    days = hot.times // MILLISECONDS_PER_DAY
    versioned = xxh64(hot.versions * MICROSECONDS_PER_MILLISECOND, xxh64(hot.hashes)).view(np.int64)
    for day in np.unique(days).tolist():
        rows = days == day
        sums = DaySums(
            int(rows.sum()),
            sum(hot.amounts[rows].tolist()),  # ten of the largest amounts overflow 64 bits
            int(np.bitwise_xor.reduce(hot.hashes[rows])),
            int(np.bitwise_xor.reduce(versioned[rows])),
        )
        yield datetime.fromtimestamp(day * MILLISECONDS_PER_DAY // 1000, UTC).date(), sums


def _archive_days(rows: "DataFrame", run: Run) -> list["Row"]:
    days = summary_of_days(rows)
    if run.orders and not days:
        raise VerificationError(f"run {run.run_id}: the export of {run.orders} orders came back empty")
    return days


def _sums_of(row: "Row") -> DaySums:
    return DaySums(row["orders"], to_scaled(row["total_amount"]), row["content_hash"], row["versioned_hash"])


def _compare_one_by_one(database: MongoDatabase, rows: "DataFrame", days: list[tuple[date, int]], run: Run) -> None:
    different: list[int] = []
    for chunk in chunks_of(rows, days, run.chunk_orders):
        comparison = compare(read_hot(database, [chunk]), chunk)
        different.extend(int(chunk.ids[at]) for at, reason in comparison.superseded if reason == DIFFERENT)
    if different:
        raise VerificationError(
            f"run {run.run_id}: {len(different)} exported orders differ from the same version in MongoDB, "
            f"the first of them {sorted(different)[:5]}"
        )
