"""Verification: what was written is read back and compared with what was read from MongoDB, before anything is deleted.

Every row must be one that the run selects, and its content hash, computed from the document when that was read, the one
that Spark computes from what the table gives back. And per day the number of orders, their amounts, and the hashes of
contents and versions, folded, must be those of the documents, which were counted and hashed without Spark. (What
MongoDB holds by then is for the purge to compare, order by order, in the transaction that deletes.)
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ecommerce.archive.chunks import chunks_of
from ecommerce.archive.compare import DIFFERENT, compare, read_hot
from ecommerce.archive.errors import VerificationError
from ecommerce.archive.hot import milliseconds_of
from ecommerce.archive.rows import DAY_COLUMN, HASH_COLUMN, of_days
from ecommerce.archive.run import Day, Run
from ecommerce.documents.content_hash import content_hash_sql
from ecommerce.documents.kinds import to_scaled
from ecommerce.documents.statuses import sql_has
from ecommerce.mongo import MongoDatabase
from ecommerce.readable import counted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

NAMED = 5
"""Most orders that an error names."""


def verify_rows(database: MongoDatabase, rows: "DataFrame", run: Run) -> tuple[Day, ...]:
    """What the exported rows hold per day, verified. Raises VerificationError where that is not what was read."""
    summary = summary_of_days(rows, _selected(run))
    if others := sum(row["others"] for row in summary):
        raise VerificationError(f"run {run.run_id}: {counted(others, 'row')} came back that it does not select")
    if corrupt := {row[DAY_COLUMN]: row["corrupt"] for row in summary if row["corrupt"]}:
        raise VerificationError(
            f"run {run.run_id}: {counted(sum(corrupt.values()), 'row')} came back from the archive with another "
            f"content than was written, on {', '.join(str(day) for day in sorted(corrupt))}"
        )
    days = days_of(summary)
    if differing := set(days) ^ set(run.read_days):
        raise VerificationError(f"run {run.run_id}: {_difference(database, rows, days, differing, run)}")
    return days


def days_of(summary: Iterable["Row"]) -> tuple[Day, ...]:
    """The days of a `summary_of_days`, in order."""
    days = (
        Day(
            row[DAY_COLUMN],
            int(row["orders"]),
            to_scaled(row["total_amount"]),
            int(row["content_hash"]),
            int(row["versioned_hash"]),
        )
        for row in summary
    )
    return tuple(sorted(days, key=lambda day: day.order_date))


def _selected(run: Run) -> str:
    """The condition, in SQL, that the rows of a run meet: what else is deleted from MongoDB would be missed there."""
    start, end = (milliseconds_of(time) for time in (run.slices[0].start, run.slices[-1].end))
    time = "unix_millis(`order`.order_time)"
    statuses = f" AND {sql_has('delivery.status', run.statuses)}" if run.statuses else ""
    return f"{time} >= {start} AND {time} < {end}{statuses}"


def summary_of_days(rows: "DataFrame", selected: str = "true") -> list["Row"]:
    """Count, sum and folded hashes per day, with the numbers of rows whose content is not what their hash says, and of
    those for which a condition does not hold.
    """
    from pyspark.sql import functions as f

    # Each row's hash in a step of its own: it has a lambda, with which Spark would not compile the aggregation.
    each = rows.select(
        DAY_COLUMN,
        f.col("order.total_amount").alias("total_amount"),
        f.col(HASH_COLUMN).alias("content_hash"),
        f.xxhash64(HASH_COLUMN, f.unix_micros("updated_at")).alias("versioned_hash"),
        f.expr(f"if({content_hash_sql()} <=> {HASH_COLUMN}, 0, 1)").alias("corrupt"),
        f.expr(f"if({selected}, 0, 1)").alias("others"),
    )
    return list(
        each.groupBy(DAY_COLUMN)
        .agg(
            f.count("*").alias("orders"),
            f.sum("total_amount").cast("decimal(38,4)").alias("total_amount"),
            f.bit_xor("content_hash").alias("content_hash"),
            f.bit_xor("versioned_hash").alias("versioned_hash"),
            f.sum("corrupt").alias("corrupt"),
            f.sum("others").alias("others"),
        )
        .collect()
    )


def _difference(
    database: MongoDatabase, rows: "DataFrame", days: Iterable[Day], differing: Iterable[Day], run: Run
) -> str:
    """Says on which days the branch holds something else than was read, and which orders that are."""
    dates = {day.order_date for day in differing}
    different: list[int] = []
    written = [(day.order_date, day.orders) for day in days if day.order_date in dates]
    for chunk in chunks_of(lambda some: of_days(rows, min(some), max(some)), written, run.chunk_orders):
        comparison = compare(read_hot(database, [chunk]), chunk)
        different.extend(int(chunk.ids[at]) for at, reason in comparison.superseded if reason == DIFFERENT)
    where = f"on {', '.join(map(str, sorted(dates)))} the branch does not hold what was read from MongoDB"
    if not different:
        return where
    return f"{where}; {len(different)} exported orders differ, the first of them {sorted(different)[:NAMED]}"
