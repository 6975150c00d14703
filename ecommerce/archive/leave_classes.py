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
from ecommerce.archive.spark import spark_session
from ecommerce.errors import EcommerceError
from ecommerce.java import java_home
from ecommerce.settings import get_settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOWEST_PRIORITY = 19
HDFS_CLIENT = "org.apache.hadoop.hdfs.DistributedFileSystem"


def main() -> int:
    """Leave the classes where there are none; exit code 1 where Spark did not start."""
    # On a cluster the driver's JVM has the same classes.
    settings = get_settings().model_copy(update={"spark_master": "local[2]"})
    os.nice(LOWEST_PRIORITY)
    with suppress(AttributeError, psutil.Error):
        psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)
    try:
        if has_class_archive(settings, java_home(settings)):
            return 0
        with tempfile.TemporaryDirectory() as folder, spark_session(settings, leaves_classes=True) as spark:
            _use_what_a_run_uses(spark, Path(folder))
    except EcommerceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _use_what_a_run_uses(spark: "SparkSession", folder: Path) -> None:
    """Rows through a Python worker into days of Parquet, read back, counted and added up, and read as rows."""
    columns = (
        "id",
        "CAST(id AS string) AS text",
        "CAST(id AS decimal(38, 4)) AS amount",
        "timestamp_seconds(id) AS at",
        "date_add(DATE'2026-01-01', CAST(id % 3 AS int)) AS day",
        "array(struct(id, CAST(id AS string) AS name)) AS items",
    )
    rows = spark.range(3000, numPartitions=2).selectExpr(*columns)
    files = (folder / "rows").as_uri()
    rows.mapInArrow(lambda batches: batches, rows.schema).write.partitionBy("day").parquet(files)
    back = spark.read.parquet(files)
    back.groupBy("day").agg({"id": "count", "amount": "sum"}).sort("day").collect()
    back.where("day = DATE'2026-01-02'").select("id", "items.name").sort("id").limit(10).collect()
    jvm = spark.sparkContext._jvm  # noqa: SLF001 - PySpark has no other way to load a class
    if jvm is not None:
        jvm.java.lang.Class.forName(HDFS_CLIENT)


if __name__ == "__main__":
    sys.exit(main())
