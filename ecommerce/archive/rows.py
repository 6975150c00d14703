"""Rows of the archive as Spark sees them: the order's columns, its content hash, and the day that partitions them."""

from functools import reduce
from typing import TYPE_CHECKING, Any

from bson import json_util

from ecommerce.archive.hot import milliseconds_of
from ecommerce.archive.selection import order_match
from ecommerce.documents.content_hash import content_hash_sql
from ecommerce.documents.spark import order_ddl
from ecommerce.mongo import ORDERS, mongo_uri

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from ecommerce.archive.runs import Slice
    from ecommerce.settings import Settings

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

_ONE_PARTITION = "com.mongodb.spark.sql.connector.read.partitioner.SinglePartitionPartitioner"


_PADDING = " " * 1500
"""A field that Spark leaves out. MongoDB sends 16 MB at a time, the connector decodes all of that at once and has no
option for less: of the small documents of orders it is 30 000, some 5 kB each as objects. With this it is 8 000."""


def row_ddl() -> str:
    """Schema of an archive row, without the columns that its path gives."""
    return f"{order_ddl()}, {HASH_COLUMN} bigint"


def partitioned_ddl() -> str:
    """Schema of archive rows read with the columns of their path."""
    return f"{row_ddl()}, {DAY_COLUMN} date"


def mongo_frame(
    spark: "SparkSession", settings: "Settings", collection: str, ddl: str, pipeline: list[dict[str, Any]]
) -> "DataFrame":
    """A collection as one partition of a DataFrame, by one aggregation."""
    return (
        spark.read.format("mongodb")
        .option("connection.uri", mongo_uri(settings))
        .option("database", settings.database)
        .option("collection", collection)
        .option("comment", "ecommerce archive")
        .option("partitioner", _ONE_PARTITION)
        .option("aggregation.pipeline", json_util.dumps(pipeline, json_options=json_util.CANONICAL_JSON_OPTIONS))
        .schema(ddl)
        .load()
    )


def source_frame(
    spark: "SparkSession", settings: "Settings", slices: "tuple[Slice, ...]", statuses: tuple[str, ...] | None
) -> "DataFrame":
    """The orders of the slices as archive rows, a Spark partition per slice.

    Slices are ranges of order_time in whole hours, so an order is in one of them whatever happens meanwhile to others,
    and a day's orders meet in one task without a shuffle. The connector's own partitioners cut by `_id` and need one.
    """
    from pyspark.sql import functions as f

    def orders_of(part: "Slice") -> "DataFrame":
        # The index on order_time gives this order, so nothing is sorted.
        pipeline = [
            {"$match": order_match(statuses, part.start, part.end)},
            {"$sort": {"order.order_time": 1}},
            {"$addFields": {"padding": _PADDING}},
        ]
        frame = mongo_frame(spark, settings, ORDERS, order_ddl(), pipeline)
        # A wrong order here would be deleted from MongoDB, so Spark looks as well. Expressions that the connector
        # understands it would only send to MongoDB, which then looks twice.
        time = f.unix_millis("order.order_time")
        frame = frame.where((time >= milliseconds_of(part.start)) & (time < milliseconds_of(part.end)))
        if statuses:
            frame = frame.where(f.array_contains(f.array(*map(f.lit, statuses)), f.col("delivery.status")))
        return frame

    frames = [orders_of(part) for part in slices]
    orders = reduce(lambda left, right: left.union(right), frames)
    return orders.withColumn(HASH_COLUMN, f.expr(content_hash_sql())).withColumn(
        DAY_COLUMN, f.to_date("order.order_time")
    )


def write_rows(rows: "DataFrame", uri: str) -> None:
    """Write archive rows as zstd Parquet, a directory per day, in the order in which they come."""
    options = {f"parquet.enable.dictionary#{column}": "false" for column in DISTINCT_COLUMNS}
    options |= {"compression": "zstd", "parquet.block.size": str(ROW_GROUP_BYTES)}
    rows.write.mode("error").options(**options).partitionBy(DAY_COLUMN).parquet(uri)


def read_rows(spark: "SparkSession", *uris: str, base: str | None = None, ddl: str | None = None) -> "DataFrame":
    """Archive rows of directories; with `base`, the parts of their paths below it become columns."""
    reader = spark.read.schema(ddl or partitioned_ddl())
    return (reader.option("basePath", base) if base else reader).parquet(*uris)
