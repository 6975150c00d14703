"""The one place that starts Spark: one session per process, shared by whoever is inside `spark_session`."""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from ecommerce.archive.class_archive import keep_class_archive
from ecommerce.archive.errors import explain
from ecommerce.archive.jvm_watch import end_when_hung, kill_children
from ecommerce.archive.spark_options import LOG, NAME, given_by_the_user, require_master, set_environment, spark_options
from ecommerce.errors import ServiceError
from ecommerce.jars import archive_jars
from ecommerce.java import java_home
from ecommerce.jvm import PlainFolder, class_path
from ecommerce.settings import Settings
from ecommerce.timers import when_slow

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

STOP_TIMEOUT_SECONDS = 30
"""For the JVM to end; after that it is killed, as it holds nothing that counts."""

LEAVE_CLASSES_TIMEOUT_SECONDS = 600
"""For a JVM that writes its classes at the lowest priority before it ends."""

_lock = threading.RLock()
_users = 0
_running: "_Spark | None" = None


@dataclass(frozen=True, slots=True)
class _Spark:
    """A session, and what it was started with."""

    session: "SparkSession"
    settings: Settings
    java: Path
    scratch: Path
    home: PlainFolder
    leaves_classes: bool


@contextmanager
def spark_session(
    settings: Settings, *, meanwhile: "Callable[[SparkContext], None] | None" = None, leaves_classes: bool = False
) -> Iterator["SparkSession"]:
    """A Spark session; the outermost `with` of a process starts it (about 3 s) and stops it.

    With `meanwhile`, whoever starts it calls that in a thread as soon as Spark takes jobs.
    Its errors are ignored: it only warms up. With `leaves_classes` its JVM leaves a class archive in the cache.
    Raises ServiceError where there is no Java, or Spark does not start.
    """
    global _users, _running
    with _lock:
        if _running is None:
            _running = _start(settings, meanwhile, leaves_classes)
        _users += 1
        running = _running
    try:
        yield running.session
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _running = None
                _stop(running)


@contextmanager
def spark_ahead(settings: Settings, meanwhile: "Callable[[SparkContext], None]") -> Iterator[None]:
    """Spark starts in the background: whoever asks for a session inside waits for what is left of that.

    An error shows where the session is asked for. `meanwhile` is that of `spark_session`.
    """
    left = threading.Event()

    def hold() -> None:
        with suppress(Exception), spark_session(settings, meanwhile=meanwhile):
            left.wait()

    # In the caller's context, so that what Spark's start logs is in the log of the caller's run.
    thread = threading.Thread(target=copy_context().run, args=(hold,), name="spark-ahead")
    thread.start()
    try:
        yield
    finally:
        left.set()
        thread.join()


def _start(settings: Settings, meanwhile: "Callable[[SparkContext], None] | None", leaves_classes: bool) -> _Spark:
    # A session of Spark Connect would need a server; the archive needs the JVM beside it.
    java = java_home(settings)
    jars = class_path(*archive_jars(settings.cache, java))
    set_environment(settings, java)
    require_master(settings)
    from pyspark import SparkConf, SparkContext
    from pyspark.java_gateway import launch_gateway
    from pyspark.sql import SparkSession

    scratch = _scratch_directory(settings)
    log = settings.home_directory / LOG
    log.parent.mkdir(parents=True, exist_ok=True)
    log_before = log.stat().st_size if log.exists() else 0
    # Spark cuts options at blanks and lists of folders at commas, and log4j reads `%` in the name of its file.
    home = PlainFolder(settings.home_directory)
    plain_scratch = home.path / scratch.relative_to(settings.home_directory)
    options = spark_options(settings, java, jars, home.path, plain_scratch, leaves_classes=leaves_classes)
    # PySpark imports it at its first call into the JVM, which would stand idle for that long just after its start.
    threading.Thread(target=import_module, args=("pandas",), name="import-pandas", daemon=True).start()
    try:
        with log.open("ab") as output, when_slow(settings.spark_answer_seconds, kill_children, NAME):
            configuration = SparkConf().setAll(list(options.items()))
            # What the JVM says before it logs, and Spark's scripts, would be on the terminal.
            gateway = launch_gateway(  # type: ignore[no-untyped-call]
                configuration, {"stdout": output, "stderr": output}
            )
        end_when_hung(gateway, settings.spark_answer_seconds)
        context = SparkContext(conf=configuration, gateway=gateway)
        if meanwhile:
            threading.Thread(target=_tried, args=(meanwhile, context), name="spark-meanwhile", daemon=True).start()
        return _Spark(SparkSession.builder.getOrCreate(), settings, java, scratch, home, leaves_classes)
    except BaseException as error:  # whatever it is, Ctrl-C too, what was begun is taken back; an error is said
        shutil.rmtree(scratch, ignore_errors=True)
        home.close()
        if not isinstance(error, Exception):
            raise
        raise ServiceError(
            f"Spark did not start with ECOMMERCE_SPARK_MASTER={settings.spark_master!r}{given_by_the_user()}: "
            f"{_reason(error, log, log_before)}; see {log}"
        ) from None


def _reason(error: Exception, log: Path, log_before: int) -> str:
    """The cause in a Java error; of a JVM that ended at once, what it wrote into the log."""
    if "JAVA_GATEWAY_EXITED" not in str(error) or not log.exists():
        return explain(error)
    said = log.read_bytes()[log_before:].decode(errors="replace").strip()
    return explain(ServiceError(said or "its JVM ended"))


def _tried(meanwhile: "Callable[[SparkContext], None]", context: "SparkContext") -> None:
    with suppress(Exception):
        meanwhile(context)


def _stop(spark: _Spark) -> None:
    from pyspark import SparkContext

    with suppress(Exception):  # its JVM ended before, or was killed because it hung
        spark.session.stop()
    gateway = SparkContext._gateway  # noqa: SLF001 - `stop` has no public counterpart that ends the JVM
    if gateway is not None:
        # `stop` leaves the JVM: a gigabyte that a worker process would keep until it ends.
        gateway.shutdown()
        gateway.proc.stdin.close()
        try:
            timeout = LEAVE_CLASSES_TIMEOUT_SECONDS if spark.leaves_classes else STOP_TIMEOUT_SECONDS
            if gateway.proc.wait(timeout=timeout) == 0:
                keep_class_archive(spark.settings, spark.java, spark.scratch)
        except subprocess.TimeoutExpired:
            gateway.proc.kill()
            gateway.proc.wait()
        SparkContext._gateway = None  # noqa: SLF001
        SparkContext._jvm = None  # noqa: SLF001
    spark.home.close()


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
