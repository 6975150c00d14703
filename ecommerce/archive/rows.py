"""Rows of the archive as Spark sees them: the order's columns, its content hash, and the run that archived it."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, cast

from ecommerce.documents.spark import order_ddl

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

HASH_COLUMN = "content_hash"
RUN_COLUMN = "archive_run"
DAY_COLUMN = "order_date"
"""The UTC day of `order.order_time`. Not a column of the table, which is partitioned by it."""

DICTIONARY_BYTES = 4 * 1024
"""Of a column's dictionary in a file, whoever writes it.

A dictionary pays where a column has few different values. Most of ours differ in every row, and with Iceberg's 2 MB,
which a day's file never fills, collecting them took a sixth of an export. This holds the statuses, cities and payment
types; one that grows beyond it is given up, and the files are as small.
"""


def read_ddl() -> str:
    """Schema of the rows that are read from MongoDB."""
    return f"{order_ddl()}, {HASH_COLUMN} bigint"


def row_ddl() -> str:
    """Schema of the table."""
    return f"{read_ddl()}, {RUN_COLUMN} string"


def in_shape(rows: "DataFrame") -> "DataFrame":
    """The rows with the columns and fields of the definition; null are those that the table has not gained yet."""
    from pyspark.sql.types import StructType

    wanted = cast(StructType, StructType.fromDDL(row_ddl()))
    return rows if rows.schema.simpleString() == wanted.simpleString() else rows.to(wanted)


def with_day(rows: "DataFrame") -> "DataFrame":
    """The rows with their day."""
    from pyspark.sql import functions as f

    return rows.withColumn(DAY_COLUMN, f.to_date("order.order_time"))


def of_days(rows: "DataFrame", start: date | None, end: date | None) -> "DataFrame":
    """The rows of the days [start, end] (None: open); by their time, so that Iceberg skips the other days' files."""
    from pyspark.sql import functions as f

    if start is not None:
        rows = rows.where(f.col("order.order_time") >= f.lit(f"{start} 00:00:00").cast("timestamp"))
    if end is not None:
        rows = rows.where(f.col("order.order_time") < f.lit(f"{end + timedelta(days=1)} 00:00:00").cast("timestamp"))
    return rows
