"""MongoDB as Spark reads it: Spark's Python workers take BSON off the wire and make Arrow columns of it.

MongoDB's own connector for Spark makes an object of every value of every document, on the heap of the JVM: that cost
more than all the rest of an export. Orders that are archived do not pass through the JVM at all.
"""

import gc
import os
import pickle
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from typing import TYPE_CHECKING, Any, cast
from zipimport import zipimporter

from ecommerce.archive.arrow_rows import row_batches
from ecommerce.archive.changes import changed_orders
from ecommerce.archive.day_files import DayFile, DayFiles, FilesOfRun
from ecommerce.archive.day_sums import days_of_orders, require_same_reading
from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.hot import only_orders
from ecommerce.archive.rows import read_ddl
from ecommerce.archive.run import Day, Slice, together
from ecommerce.archive.selection import order_match
from ecommerce.bson_reading.batches import gathered, raw_batches
from ecommerce.documents.kinds import DAY_MS
from ecommerce.mongo import ARCHIVED_ORDERS, get_database

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark import SparkContext
    from pyspark.sql import DataFrame, SparkSession

    from ecommerce.settings import Settings

_BATCH_DOCUMENTS = 20_000

SLICES_TOGETHER = 4
"""Most slices of a task: progress is told by tasks."""

TASKS_PER_PROCESSOR = 3
"""As many at least, where there are enough slices, so that no processor is idle for long while another has work."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What Spark's workers read and wrote."""

    days: tuple[Day, ...]
    """By the documents themselves."""
    files: tuple[DayFile, ...]


def export_orders(
    spark: "SparkSession",
    settings: "Settings",
    slices: "tuple[Slice, ...]",
    statuses: tuple[str, ...] | None,
    run: FilesOfRun,
) -> Exported:
    """Write the orders of the slices as files of the archive's table.

    Slices are ranges of order_time in whole hours, so an order is in one of them whatever happens meanwhile to others,
    and a day's orders meet in one task without a shuffle. The files are in no snapshot yet.
    """
    tasks = -(-len(slices) // _slices_together(len(slices), spark.sparkContext.defaultParallelism))
    numbers = spark.range(0, len(slices), 1, tasks)
    user = spark.sparkContext.sparkUser()
    # What tasks give back, and not an accumulator: of a task that was tried twice it is what one of them wrote.
    written = numbers.mapInArrow(partial(_orders, settings, slices, statuses, run, user), "written binary").collect()
    found: list[Exported] = [pickle.loads(row["written"]) for row in written]  # noqa: S301 - of our own workers
    if len(found) != tasks:
        raise ArchiveError(f"{len(found)} of {tasks} tasks said what they wrote")
    return Exported(
        together(day for one in found for day in one.days), tuple(file for one in found for file in one.files)
    )


def _slices_together(slices: int, processors: int) -> int:
    """How many slices a task has: it ends by waiting for HDFS, half a second, while none of its processors works."""
    return max(1, min(SLICES_TOGETHER, slices // (TASKS_PER_PROCESSOR * processors)))


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
    run: FilesOfRun,
    user: str,
    numbers: Iterable["pa.RecordBatch"],
) -> Iterator["pa.RecordBatch"]:
    """In a Python worker: writes the files of the slices with these numbers; gives what was read and written."""
    import pyarrow as pa

    _settle_worker()
    # As Spark's own tasks do, the worker writes for whoever runs the driver.
    os.environ.setdefault("HADOOP_USER_NAME", user)
    database = get_database(settings)
    days: tuple[Day, ...] = ()
    with DayFiles(run) as files:
        for number in (number for batch in numbers for number in batch.column(0).to_pylist()):
            match = order_match(statuses, slices[number].start, slices[number].end)
            # The index on order_time gives this order, so nothing is sorted.
            for documents in gathered(raw_batches(database, match, sort={"order.order_time": 1})):
                # What is no order stays where it is: the summaries have set it aside, or will.
                if hot := only_orders(documents):
                    require_same_reading(hot)
                    for rows in row_batches(hot):
                        files.add(rows)
                    files.end_before(int(hot.times.max()) // DAY_MS)
                    days = together((*days, *days_of_orders(hot)))
        written = pickle.dumps(Exported(days, tuple(files.close())))
    yield pa.RecordBatch.from_pydict({"written": pa.array([written], pa.binary())})


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
