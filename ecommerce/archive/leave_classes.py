"""`python -m ecommerce.archive.leave_classes`: leaves Spark's classes in the cache for later starts.

It starts Spark and does a little of all that an archive run does, at the lowest priority: `ecommerce up` runs it while
others work.

Within a run it took 31 s more of a busy machine after the commit, and the JVM was ended before it had written them.
"""

import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from ecommerce.archive.class_archive import has_class_archive
from ecommerce.archive.day_files import DayFile
from ecommerce.archive.rows import row_ddl
from ecommerce.archive.spark import spark_session
from ecommerce.archive.table import ArchiveTable
from ecommerce.archive.verify import summary_of_days
from ecommerce.errors import EcommerceError
from ecommerce.java import java_home
from ecommerce.settings import Settings, get_settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOWEST_PRIORITY = 19
PATIENCE_SECONDS = 3600.0
"""At that priority the JVM may be silent for minutes beside what others do."""

HDFS_CLIENT = "org.apache.hadoop.hdfs.DistributedFileSystem"


def main() -> int:
    """Leave the classes where there are none; exit code 1 where Spark did not start."""
    # On a cluster the driver's JVM has the same classes.
    settings = get_settings().model_copy(update={"spark_master": "local[2]", "spark_answer_seconds": PATIENCE_SECONDS})
    os.nice(LOWEST_PRIORITY)
    with suppress(AttributeError, psutil.Error):
        psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)
    try:
        if has_class_archive(settings, java_home(settings)):
            return 0
        with tempfile.TemporaryDirectory() as folder, spark_session(settings, leaves_classes=True) as spark:
            _use_what_a_run_uses(spark, settings, Path(folder))
    except EcommerceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _use_what_a_run_uses(spark: "SparkSession", settings: Settings, folder: Path) -> None:
    """Orders through a Python worker into a branch of a table, read back, counted and added up, published."""
    ours = {"archive_uri": folder.as_uri(), "home": folder, "catalog_uri": None, "database": "classes"}
    table = ArchiveTable(spark, settings.model_copy(update=ours))
    table.make()
    table.start_branch("some")
    order = """concat('{"order": {"order_id": ', id, ', "order_time": "2026-01-0', 1 + id % 3, 'T00:00:00Z"}}')"""
    orders = table.spark.range(3000, numPartitions=2).selectExpr(f"from_json({order}, '{row_ddl()}') AS row")
    rows = orders.select("row.*")
    rows = rows.mapInArrow(lambda batches: batches, rows.schema)
    snapshot = table.append(rows, "some")
    files = [DayFile(file.as_uri(), file.stat().st_size, file.parent.name) for file in folder.rglob("*.parquet")]
    summary_of_days(table.rows_of(table.append_files(files, "some")))
    table.rows_of(snapshot).select("order.order_id", "content_hash").toArrow()
    table.publish("some")
    table.drop_branches("some")
    jvm = spark.sparkContext._jvm  # noqa: SLF001 - PySpark has no other way to load a class
    if jvm is not None:
        jvm.java.lang.Class.forName(HDFS_CLIENT)


if __name__ == "__main__":
    sys.exit(main())
