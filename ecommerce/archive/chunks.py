"""What a run holds, in chunks of ids: the unit of verification and of deletion.

Chunk n of a day holds its rows from n times the run's chunk_orders on, by (order_id, updated_at), so that a run's
chunks are the same whoever asks and whenever, and a purge that was killed goes on where it was.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from ecommerce.archive.rows import DAY_COLUMN, HASH_COLUMN
from ecommerce.bson_reading.order_columns import IntArray
from ecommerce.documents.kinds import MONEY_FACTOR

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

BATCH_ORDERS = 250_000
"""Orders whose ids come into the driver at a time, 10 MB as Arrow columns; more where one day has more."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Parallel columns, in the order of ids."""

    order_date: date
    number: int
    ids: IntArray
    versions: IntArray
    """updated_at in milliseconds since 1970."""
    hashes: IntArray
    amounts: IntArray
    """total_amount in 10^-4 units."""


def chunks_of(
    rows_of: "Callable[[Sequence[date]], DataFrame]", days: Iterable[tuple[date, int]], chunk_orders: int
) -> Iterator[Chunk]:
    """The chunks of the archive rows that `rows_of` gives of some days, each given with its number of orders.

    Arrow carries the columns; grouping rows into arrays in Spark, with a shuffle and a window, took six times as long.
    """
    from pyspark.sql import functions as f

    columns = (
        f.col(DAY_COLUMN).alias("day"),
        f.col("order.order_id").alias("id"),
        f.unix_millis("updated_at").alias("version"),
        f.col(HASH_COLUMN).alias("hash"),
        (f.col("order.total_amount") * MONEY_FACTOR).cast("bigint").alias("amount"),
    )
    for batch in _batches(days):
        table = rows_of(batch).select(*columns).toArrow().combine_chunks()
        ordered = table.sort_by([("day", "ascending"), ("id", "ascending"), ("version", "ascending")])
        yield from _chunks(ordered, chunk_orders)


def _batches(days: Iterable[tuple[date, int]]) -> Iterator[list[date]]:
    """Days that together have about BATCH_ORDERS."""
    batch: list[date] = []
    size = 0
    for day, orders in sorted(days):
        if batch and size + orders > BATCH_ORDERS:
            yield batch
            batch, size = [], 0
        batch.append(day)
        size += orders
    if batch:
        yield batch


def _chunks(table: Any, chunk_orders: int) -> Iterator[Chunk]:
    """Cuts an Arrow table that is sorted by day and id."""
    import pyarrow.compute as compute

    counts = compute.value_counts(table["day"]).to_pylist()
    start = 0
    for day, rows in ((one["values"], one["counts"]) for one in counts):
        for number, at in enumerate(range(0, rows, chunk_orders)):
            part = table.slice(start + at, min(chunk_orders, rows - at))
            columns = (part[name].to_numpy() for name in ("id", "version", "hash", "amount"))
            yield Chunk(day, number, *columns)
        start += rows
