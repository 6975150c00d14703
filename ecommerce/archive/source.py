"""MongoDB as Spark reads it: Spark's Python workers take BSON off the wire and hand it to the JVM as Arrow columns.

MongoDB's own connector for Spark makes an object of every value of every document, on the heap of the JVM: that cost
more than all the rest of an export.
"""

import gc
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, partial
from itertools import islice
from typing import TYPE_CHECKING, Any, cast
from zipimport import zipimporter

from ecommerce.archive.arrow_rows import row_batches
from ecommerce.archive.changes import changed_orders
from ecommerce.archive.day_sums import days_of_orders, require_same_reading
from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.hot import milliseconds_of, only_orders
from ecommerce.archive.rows import read_ddl
from ecommerce.archive.run import Day, Slice, together
from ecommerce.archive.selection import order_match
from ecommerce.bson_reading.batches import raw_batches
from ecommerce.documents.statuses import sql_has
from ecommerce.mongo import ARCHIVED_ORDERS, get_database

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark import Accumulator, SparkContext
    from pyspark.sql import DataFrame, SparkSession

    from ecommerce.settings import Settings

_BATCH_DOCUMENTS = 20_000


class DaysRead:
    """What Spark's workers read of each day, by the documents themselves."""

    def __init__(self, spark: "SparkSession", slices: "tuple[Slice, ...]") -> None:
        self.by_slice: Accumulator[dict[int, tuple[Day, ...]]] = spark.sparkContext.accumulator(
            {},
            _Latest(),  # type: ignore[arg-type]  # by its methods: PySpark imports too much for its base class
        )
        self._slices = len(slices)

    def days(self) -> tuple[Day, ...]:
        """The days, after the export. Raises ArchiveError where a slice was not read."""
        by_slice = self.by_slice.value
        if len(by_slice) != self._slices:
            raise ArchiveError(f"{len(by_slice)} of {self._slices} stretches of time were read")
        return together(day for days in by_slice.values() for day in days)


class _Latest:
    """Accumulates by slice; a task that runs again says again what its slice holds."""

    def zero(self, _: object) -> "dict[int, tuple[Day, ...]]":
        return {}

    def addInPlace(
        self, days: "dict[int, tuple[Day, ...]]", more: "dict[int, tuple[Day, ...]]"
    ) -> "dict[int, tuple[Day, ...]]":
        return days | more


def source_frame(
    spark: "SparkSession",
    settings: "Settings",
    slices: "tuple[Slice, ...]",
    statuses: tuple[str, ...] | None,
    days_read: DaysRead,
) -> "DataFrame":
    """The orders of the slices as archive rows, a Spark partition per slice, each in the order of order_time.

    What was read is in `days_read` when the rows have been written. Slices are ranges of order_time in whole hours, so
    an order is in one of them whatever happens meanwhile to others, and a day's orders meet in one task without a
    shuffle.
    """
    from pyspark.sql import functions as f

    numbers = spark.range(0, len(slices), 1, len(slices))
    rows = numbers.mapInArrow(partial(_orders, settings, slices, statuses, days_read.by_slice), read_ddl())
    # A wrong order here would be deleted from MongoDB, so Spark looks as well.
    time = f.unix_millis("order.order_time")
    rows = rows.where((time >= milliseconds_of(slices[0].start)) & (time < milliseconds_of(slices[-1].end)))
    if statuses:
        rows = rows.where(f.expr(sql_has("delivery.status", statuses)))
    return rows


def start_workers(context: "SparkContext") -> None:
    """Start as many Python workers as can work at a time, and have them import what reading orders needs.

    Spark keeps them for its next jobs, which would else wait for that with their first tasks.
    """
    workers = context.defaultParallelism
    context.parallelize(range(workers), workers).foreachPartition(_settle_worker)


def mongo_frame(
    spark: "SparkSession", settings: "Settings", collection: str, ddl: str, match: Mapping[str, Any]
) -> "DataFrame":
    """Some fields of the documents of a query, as one partition; `ddl` names them and their types."""
    from pyspark.sql.pandas.types import to_arrow_schema
    from pyspark.sql.types import StructType

    schema = to_arrow_schema(cast(StructType, StructType.fromDDL(ddl)))
    return spark.range(0, 1, 1, 1).mapInArrow(partial(_fields, settings, collection, schema, dict(match)), ddl)


def changed_frame(spark: "SparkSession", settings: "Settings", run_id: str) -> "DataFrame":
    """The later versions of archived orders that a run puts into the rows, as archive rows."""
    return spark.range(0, 1, 1, 1).mapInArrow(partial(_changed, settings, run_id), read_ddl())


def only_archived(rows: "DataFrame", settings: "Settings", match: Mapping[str, Any]) -> "DataFrame":
    """Of an archive's rows those that are the archived orders of a query, by id and content."""
    from pyspark.sql import functions as f

    ddl = "_id bigint, content_hash bigint"
    entries = mongo_frame(rows.sparkSession, settings, ARCHIVED_ORDERS, ddl, match).alias("entry")
    same_order = f.col("row.order.order_id") == f.col("entry._id")
    same_content = f.col("row.content_hash") == f.col("entry.content_hash")
    return rows.alias("row").join(entries, same_order & same_content, "left_semi")


def _orders(
    settings: "Settings",
    slices: "tuple[Slice, ...]",
    statuses: tuple[str, ...] | None,
    by_slice: "Accumulator[dict[int, tuple[Day, ...]]]",
    numbers: Iterable["pa.RecordBatch"],
) -> Iterator["pa.RecordBatch"]:
    """In a Python worker: the rows of the slices with these numbers."""
    _settle_worker()
    database = get_database(settings)
    for batch in numbers:
        for number in batch.column(0).to_pylist():
            part = slices[number]
            match = order_match(statuses, part.start, part.end)
            days: tuple[Day, ...] = ()
            # The index on order_time gives this order, so nothing is sorted.
            for documents in raw_batches(database, match, sort={"order.order_time": 1}):
                # What is no order stays where it is: the summaries have set it aside, or will.
                if hot := only_orders(documents):
                    require_same_reading(hot)
                    yield from row_batches(hot)
                    days = together((*days, *days_of_orders(hot)))
            by_slice.add({number: days})


def _changed(settings: "Settings", run_id: str, _: Iterable["pa.RecordBatch"]) -> Iterator["pa.RecordBatch"]:
    """In a Python worker: the rows of a run's changes."""
    _settle_worker()
    for hot in changed_orders(get_database(settings), run_id):
        require_same_reading(hot)
        yield from row_batches(hot)


def _settle_worker(_: Iterable[int] = ()) -> None:
    """Spare the worker what Spark does around each task, a third of its time.

    Before it, Spark has Python forget and read again what is in every directory of its path, PySpark's zip among them;
    after it, Spark collects garbage among all objects, nearly all of which are modules that stay.
    """
    for path in [path for path, finder in sys.path_importer_cache.items() if isinstance(finder, zipimporter)]:
        del sys.path_importer_cache[path]
    _keep_modules()


_keep_modules = cache(gc.freeze)


def _fields(
    settings: "Settings", collection: str, schema: "pa.Schema", match: dict[str, Any], _: Iterable["pa.RecordBatch"]
) -> Iterator["pa.RecordBatch"]:
    """In a Python worker: the fields of the documents."""
    import pyarrow as pa

    found = get_database(settings)[collection].find(match, dict.fromkeys(schema.names, 1), batch_size=_BATCH_DOCUMENTS)
    while documents := list(islice(found, _BATCH_DOCUMENTS)):
        yield pa.RecordBatch.from_pylist(documents, schema=schema)
