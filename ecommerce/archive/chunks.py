"""What a published run holds, in chunks of ids: the unit of verification and of deletion.

Chunk n of a day holds its rows n*CHUNK_ORDERS … by (order_id, updated_at), so that a run's chunks are the same whoever
asks and whenever, and a purge that was killed goes on where it was.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from ecommerce.archive.rows import DAY_COLUMN, HASH_COLUMN

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

CHUNK_ORDERS = 10_000
"""Most orders per transaction: 10 000 deletes reach the server's best rate and stay below its limits."""

PARTITION_ORDERS = 100_000
"""Orders whose ids are in the driver at a time: 4 MB of arrays."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Parallel columns, in the order of ids."""

    order_date: date
    number: int
    ids: list[int]
    versions: list[int]
    """updated_at in milliseconds since 1970."""
    hashes: list[int]
    amounts: list[int]
    """total_amount in 10^-4 units."""

    @property
    def key(self) -> tuple[date, int]:
        return self.order_date, self.number


def chunks_of(rows: "DataFrame", orders: int) -> Iterator[Chunk]:
    """The chunks of archive rows, a bounded number at a time in the driver."""
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    partitions = max(1, -(-orders // PARTITION_ORDERS))
    columns = rows.select(
        DAY_COLUMN,
        f.col("order.order_id").alias("id"),
        f.unix_millis("updated_at").alias("version"),
        f.col(HASH_COLUMN).alias("hash"),
        (f.col("order.total_amount") * 10_000).cast("bigint").alias("amount"),
    ).repartition(partitions, DAY_COLUMN)
    position = f.row_number().over(Window.partitionBy(DAY_COLUMN).orderBy("id", "version")) - 1
    numbered = columns.withColumn("chunk", f.floor(position / CHUNK_ORDERS).cast("int"))
    grouped = (
        numbered.groupBy(DAY_COLUMN, "chunk")
        .agg(f.sort_array(f.collect_list(f.struct("id", "version", "hash", "amount"))).alias("rows"))
        .sortWithinPartitions(DAY_COLUMN, "chunk")
        .select(DAY_COLUMN, "chunk", "rows.id", "rows.version", "rows.hash", "rows.amount")
    )
    for day, number, ids, versions, hashes, amounts in grouped.toLocalIterator(prefetchPartitions=True):
        yield Chunk(day, number, ids, versions, hashes, amounts)
