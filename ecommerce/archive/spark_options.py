"""What Spark starts with: its options, the environment that it reads, and the master that is to be there."""

import os
import shlex
import socket
import sys
from pathlib import Path

from ecommerce.archive.class_archive import class_archive_options
from ecommerce.archive_location import archive_options
from ecommerce.errors import ServiceError
from ecommerce.jvm import HADOOP, SPARK, java_environment
from ecommerce.settings import Settings

NAME = "ecommerce-archive"

LOG = Path("logs", "spark.log")
"""Under a home: what the JVM says."""

DRIVER_MEMORY = "1g"
"""Heap of the JVM; on local[*] it does the tasks too. Orders stream, so it bounds speed, not size."""

_JVM_OPTIONS = (
    "-Duser.timezone=UTC",
    # On two cores the parallel collector costs a tenth less than G1 while orders stream through. The sizes of its
    # generations are its own choice: with 600 of 1000 MB for the young one it worked 18 s instead of 11 for 400 000.
    "-XX:+UseParallelGC",
    # The quick compiler alone: for 400 000 orders it took 4 s of processor time instead of 18, and the tasks 20 instead
    # of 12.
    "-XX:TieredStopAtLevel=1",
    # With it alone the JVM has room for 48 MB of compiled code. Queries compile code of their own, and one that had run
    # for a quarter of an hour ended with "Out of space in CodeCache for adapters". This is what there is without it.
    "-XX:ReservedCodeCacheSize=240m",
)

_OURS = ("PYSPARK_PYTHON", "SPARK_LOCAL_IP")
_GIVEN = frozenset(os.environ)
"""Names of variables before PySpark adds its own (SPARK_BUFFER_SIZE, …), which no user knows."""

MASTER_SECONDS = 5.0
"""For a cluster's master to take a connection. Spark itself tries for a minute, and says less."""

TASK_ATTEMPTS = 3
"""Attempts per task on local[*], as a cluster has; Spark's own default there is one."""

_LOGGING = Path(__file__).with_name("spark-log4j2.properties")


def spark_options(
    settings: Settings, java: Path, jars: str, home: Path, scratch: Path, *, leaves_classes: bool
) -> dict[str, str]:
    """All that Spark is told. `jars` is a class path; `home` and `scratch` are folders under plain names."""
    options = {
        "spark.master": _master(settings),
        "spark.app.name": NAME,
        "spark.driver.memory": DRIVER_MEMORY,
        "spark.local.dir": str(scratch),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.eventLog.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.extraClassPath": jars,
        # A task with block locations waits for its host, which the local scheduler never offers again: expiring
        # snapshots hung for ever.
        "spark.locality.wait": "0s",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # Workers are kept for jobs with the same environment. With short tracebacks that of SQL would be its own.
        "spark.sql.execution.pyspark.udf.simplifiedTraceback.enabled": "false",
        "spark.driver.extraJavaOptions": shlex.join(
            (
                f"-Dlog4j2.configurationFile={_LOGGING.as_uri()}",
                f"-Decommerce.log={home / LOG}",
                # Killed JVMs left their native libraries in the machine's folder: 250 MB after a day of tests.
                f"-Djava.io.tmpdir={scratch}",
                *_JVM_OPTIONS,
                *class_archive_options(settings, java, scratch, leave=leaves_classes),
            )
        ),
    }
    if not is_local(settings):
        options["spark.jars"] = jars.replace(os.pathsep, ",")
    else:
        options |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    return options | {f"spark.hadoop.{name}": value for name, value in archive_options(settings).items()}


def is_local(settings: Settings) -> bool:
    """Whether Spark runs in this process's JVM, not on a cluster."""
    return settings.spark_master == "local" or settings.spark_master.startswith("local[")


def set_environment(settings: Settings, java: Path) -> None:
    """What PySpark and its JVM read from this process's environment.

    A cluster's settings, and those of an HDFS that ECOMMERCE_ARCHIVE_URI names, are the user's to give.
    """
    foreign: tuple[str, ...] = ()
    if is_local(settings):
        foreign = SPARK if (settings.archive_uri or "").startswith("hdfs:") else (*SPARK, *HADOOP)
    for name, value in java_environment(foreign).items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
    os.environ["JAVA_HOME"] = str(java)
    # Of the workers that read MongoDB: this Python has what they need. Executors elsewhere may need another path.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if is_local(settings):
        os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"  # else Spark resolves the machine's name, which may have no address


def given_by_the_user() -> str:
    given = _GIVEN & os.environ.keys()
    names = sorted(name for name in given if name.startswith((*SPARK, *HADOOP)) and name not in _OURS)
    return f" and {', '.join(names)} of the environment" if names else ""


def require_master(settings: Settings) -> None:
    """Raise ServiceError where nobody answers at any address of a standalone cluster's master."""
    kind, _, addresses = settings.spark_master.partition("://")
    if kind != "spark":
        return
    tried = []
    for address in addresses.split(","):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), MASTER_SECONDS).close()
        except (OSError, ValueError) as error:
            tried.append(f"{address} ({error})")
        else:
            return
    raise ServiceError(
        f"Spark did not start with ECOMMERCE_SPARK_MASTER={settings.spark_master!r}{given_by_the_user()}: no master "
        f"answers at {', '.join(tried)}; start it, correct ECOMMERCE_SPARK_MASTER, or unset it to use this machine"
    )


def _master(settings: Settings) -> str:
    """`local[N]` with task attempts; any other master as it is."""
    master = settings.spark_master
    if master.startswith("local[") and "," not in master:
        return f"{master[:-1]},{TASK_ATTEMPTS}]"
    return master
