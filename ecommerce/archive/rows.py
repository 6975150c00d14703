"""Rows of the archive as Spark sees them: the order's columns, its content hash, and the day that partitions them."""

import re
from typing import TYPE_CHECKING

from ecommerce.documents.spark import order_ddl

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

HASH_COLUMN = "content_hash"
DAY_COLUMN = "order_date"

ROW_GROUP_BYTES = 16 * 1024 * 1024
"""Before encoding; some 60 000 orders, so that a reader of one day can skip, and holds little."""

DISTINCT_COLUMNS = (
    HASH_COLUMN,
    "updated_at",
    "order.order_id",
    "order.order_time",
    "order.total_amount",
    "order_items.list.element.order_item_id",
    "order_items.list.element.order_id",
    "order_items.list.element.event_time",
    "delivery.delivery_id",
    "delivery.order_id",
    "delivery.expected_time",
    "delivery.actual_time",
)
"""Paths in Parquet whose values hardly repeat: it would put all of them into a dictionary and then give that up."""


def row_ddl() -> str:
    """Schema of an archive row, without the columns that its path gives."""
    return f"{order_ddl()}, {HASH_COLUMN} bigint"


def partitioned_ddl() -> str:
    """Schema of archive rows read with the columns of their path."""
    return f"{row_ddl()}, {DAY_COLUMN} date"


def write_rows(rows: "DataFrame", uri: str) -> None:
    """Write archive rows as zstd Parquet, a directory per day, in the order in which they come."""
    options = {f"parquet.enable.dictionary#{column}": "false" for column in DISTINCT_COLUMNS}
    options |= {"compression": "zstd", "parquet.block.size": str(ROW_GROUP_BYTES)}
    rows.write.mode("error").options(**options).partitionBy(DAY_COLUMN).parquet(uri)


def read_rows(
    spark: "SparkSession",
    *uris: str,
    base: str | None = None,
    ddl: str | None = None,
    only_parquet: bool = False,
    skip_unreadable: bool = False,
) -> "DataFrame":
    """Archive rows of directories; with `base`, the parts of their paths below it become columns.

    `only_parquet` leaves out what else somebody put there, `skip_unreadable` files that are no Parquet.
    """
    # Spark takes these characters of a path for a pattern of names.
    uris = tuple(re.sub(r"[{}\[\]*?\\]", r"\\\g<0>", uri) for uri in uris)
    reader = spark.read.schema(ddl or partitioned_ddl()).option("ignoreCorruptFiles", str(skip_unreadable).lower())
    reader = reader.option("pathGlobFilter", "*.parquet") if only_parquet else reader
    return (reader.option("basePath", base) if base else reader).parquet(*uris)
