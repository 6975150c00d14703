"""The one place that starts Spark: one session per process, shared by whoever is inside `spark_session`."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from ecommerce.errors import ServiceError
from ecommerce.services.endpoints import archive_options
from ecommerce.services.jars import spark_connector_jars
from ecommerce.services.java import java_home
from ecommerce.settings import Settings

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DRIVER_MEMORY = "1g"
"""Heap of the JVM; on local[*] it does the tasks too. Sorting spills to disk, so it bounds speed, not size."""

OPEN_FILES = 40
"""Days that a task writes side by side. Rows come by time, but Spark does not know that: with one file at a time it
would sort them first, a fifth of the export. A task with more days sorts after all."""

TASK_ATTEMPTS = 3
"""Attempts per task on local[*], as a cluster has; Spark's own default there is one."""

STOP_TIMEOUT_SECONDS = 30
"""For the JVM to end; after that it is killed, as it holds nothing that counts."""

_LOGGING = Path(__file__).with_name("spark-log4j2.properties")

_lock = threading.RLock()
_users = 0
_session: "SparkSession | None" = None


@contextmanager
def spark_session(settings: Settings) -> Iterator["SparkSession"]:
    """A Spark session; the outermost `with` of a process starts it (about 7 s) and stops it.

    Raises ServiceError where there is no Java or no connector, or Spark does not start.
    """
    global _users, _session
    with _lock:
        if _session is None:
            _session = _start(settings)
        _users += 1
        session = _session
    try:
        yield session
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _session = None
                _stop(session)


@contextmanager
def spark_ahead(settings: Settings) -> Iterator[None]:
    """Spark starts in the background: whoever asks for a session inside waits for what is left of that.

    An error shows where the session is asked for.
    """
    left = threading.Event()

    def hold() -> None:
        with suppress(Exception), spark_session(settings):
            left.wait()

    thread = threading.Thread(target=hold, name="spark-ahead")
    thread.start()
    try:
        yield
    finally:
        left.set()
        thread.join()


def _start(settings: Settings) -> "SparkSession":
    # A session of Spark Connect would need a server; the archive needs the JVM beside it.
    os.environ["JAVA_HOME"] = str(java_home(settings))
    from pyspark.sql import SparkSession

    scratch = _scratch_directory(settings)
    log = settings.home_directory / "logs" / "spark.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    builder = SparkSession.builder.master(_master(settings)).appName("ecommerce-archive")
    options = {
        "spark.driver.memory": DRIVER_MEMORY,
        "spark.jars": ",".join(str(jar) for jar in spark_connector_jars(settings.cache, java_home(settings))),
        "spark.local.dir": str(scratch),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.eventLog.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.sql.maxConcurrentOutputFileWriters": str(OPEN_FILES),
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # Query plans name the options of their sources, the MongoDB URI with its password among them.
        "spark.redaction.string.regex": r"mongodb(\+srv)?://\S*",
        "spark.redaction.regex": "(?i)secret|password|token|access[.]key|connection[.]uri",
        "spark.driver.extraJavaOptions": " ".join(
            (
                f"-Dlog4j2.configurationFile={_LOGGING.as_uri()}",
                f"-Decommerce.log={log}",
                "-Duser.timezone=UTC",
                # On two cores the parallel collector costs a tenth less than G1 while orders stream through.
                "-XX:+UseParallelGC",
            )
        ),
    }
    if settings.spark_master.startswith("local"):
        options |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    options |= {f"spark.hadoop.{name}": value for name, value in archive_options(settings).items()}
    for name, value in options.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except Exception as error:
        shutil.rmtree(scratch, ignore_errors=True)
        raise ServiceError(
            f"Spark did not start with ECOMMERCE_SPARK_MASTER={settings.spark_master!r}: "
            f"{str(error).splitlines()[0]}; see {log}"
        ) from None


def _stop(session: "SparkSession") -> None:
    from pyspark import SparkContext

    session.stop()
    gateway = SparkContext._gateway
    if gateway is not None:
        # `stop` leaves the JVM: a gigabyte that a worker process would keep until it ends.
        gateway.shutdown()
        gateway.proc.stdin.close()
        try:
            gateway.proc.wait(timeout=STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            gateway.proc.kill()
            gateway.proc.wait()
        SparkContext._gateway = None
        SparkContext._jvm = None


def _master(settings: Settings) -> str:
    """`local[N]` with task attempts; any other master as it is."""
    master = settings.spark_master
    if master.startswith("local[") and "," not in master:
        return f"{master[:-1]},{TASK_ATTEMPTS}]"
    return master


def _scratch_directory(settings: Settings) -> Path:
    """This process's directory for what Spark spills. Those of processes that were killed are removed."""
    parent = settings.home_directory / "spark"
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.iterdir():
        if left.name.isdigit() and not psutil.pid_exists(int(left.name)):
            shutil.rmtree(left, ignore_errors=True)
    scratch = parent / str(os.getpid())
    scratch.mkdir(exist_ok=True)
    return scratch
