"""MongoDB as Spark reads it: Spark's Python workers take BSON off the wire and hand it to the JVM as Arrow columns.

MongoDB's own connector for Spark makes an object of every value of every document, on the heap of the JVM: that cost
more than all the rest of an export.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ecommerce.archive.hot import milliseconds_of
from ecommerce.archive.rows import partitioned_ddl
from ecommerce.archive.selection import order_match
from ecommerce.mongo import get_database

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from ecommerce.archive.runs import Slice
    from ecommerce.settings import Settings

_BATCH_DOCUMENTS = 20_000


def source_frame(
    spark: "SparkSession", settings: "Settings", slices: "tuple[Slice, ...]", statuses: tuple[str, ...] | None
) -> "DataFrame":
    """The orders of the slices as archive rows, a Spark partition per slice, each in the order of order_time.

    Slices are ranges of order_time in whole hours, so an order is in one of them whatever happens meanwhile to others,
    and a day's orders meet in one task without a shuffle.
    """
    from pyspark.sql import functions as f

    numbers = spark.range(0, len(slices), 1, len(slices))
    rows = numbers.mapInArrow(partial(_orders, settings, slices, statuses), partitioned_ddl())
    # A wrong order here would be deleted from MongoDB, so Spark looks as well.
    time = f.unix_millis("order.order_time")
    rows = rows.where((time >= milliseconds_of(slices[0].start)) & (time < milliseconds_of(slices[-1].end)))
    if statuses:
        rows = rows.where(f.array_contains(f.array(*map(f.lit, statuses)), f.col("delivery.status")))
    return rows


def mongo_frame(
    spark: "SparkSession", settings: "Settings", collection: str, ddl: str, match: Mapping[str, Any]
) -> "DataFrame":
    """Some fields of the documents of a query, as one partition; `ddl` names them and their types."""
    from pyspark.sql.pandas.types import to_arrow_schema
    from pyspark.sql.types import StructType

    schema = to_arrow_schema(StructType.fromDDL(ddl))
    return spark.range(0, 1, 1, 1).mapInArrow(partial(_fields, settings, collection, schema, dict(match)), ddl)


def _orders(
    settings: "Settings",
    slices: "tuple[Slice, ...]",
    statuses: tuple[str, ...] | None,
    numbers: Iterable["pa.RecordBatch"],
) -> Iterator["pa.RecordBatch"]:
    """In a Python worker: the rows of the slices with these numbers."""
    from ecommerce.archive.arrow_rows import row_batches
    from ecommerce.summaries.scan import raw_batches

    database = get_database(settings)
    for batch in numbers:
        for number in batch.column(0).to_pylist():
            part = slices[number]
            match = order_match(statuses, part.start, part.end)
            # The index on order_time gives this order, so nothing is sorted.
            for documents in raw_batches(database, match, sort={"order.order_time": 1}):
                yield from row_batches(documents)


def _fields(
    settings: "Settings", collection: str, schema: "pa.Schema", match: dict[str, Any], _: Iterable["pa.RecordBatch"]
) -> Iterator["pa.RecordBatch"]:
    """In a Python worker: the fields of the documents."""
    import pyarrow as pa

    found = get_database(settings)[collection].find(match, dict.fromkeys(schema.names, 1), batch_size=_BATCH_DOCUMENTS)
    documents: list[Any] = []
    for document in found:
        documents.append(document)
        if len(documents) == _BATCH_DOCUMENTS:
            yield pa.RecordBatch.from_pylist(documents, schema=schema)
            documents = []
    yield pa.RecordBatch.from_pylist(documents, schema=schema)
