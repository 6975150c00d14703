"""A JVM that hangs holds neither the process that waits for it nor the place of its deployment."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from ecommerce.archive.run import ARCHIVE_RUNS
from ecommerce.mongo import MongoDatabase
from ecommerce.services.environment import settings_environment
from ecommerce.settings import Settings
from tests.archiving import an_order, hot_ids, insert
from tests.prefect_stack import prefect_stack

pytestmark = pytest.mark.slow

ANSWER_SECONDS = 12.0
LAUNCHER, SPARK = "org.apache.spark.launcher.Main", "org.apache.spark.deploy.SparkSubmit"


def jvms_of(settings: Settings) -> list[psutil.Process]:
    """The JVMs of Spark, and of the program that launches it, that write below the home of these settings."""
    found = []
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == "java" and f"{settings.home_directory}/spark/" in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def stop_jvm(settings: Settings, program: str) -> int:
    """Wait for a JVM and stop it, as a machine does that no longer gives it its disk or its memory."""
    while not (found := [jvm for jvm in jvms_of(settings) if program in jvm.cmdline()]):
        time.sleep(0.05)
    found[0].send_signal(signal.SIGSTOP)
    return found[0].pid


@pytest.fixture
def archive(archive: Settings) -> Settings:
    return archive.model_copy(update={"spark_answer_seconds": ANSWER_SECONDS})


@pytest.mark.timeout(600)
def test_a_run_whose_jvm_hangs_fails_and_the_next_one_archives(
    archive: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    insert(database, [an_order(i) for i in range(20)])
    with prefect_stack(archive, tmp_path / "prefect") as stack, stack.worker():
        stack.pause("generate-orders/hourly")
        hung, waiting = stack.ask("archive-orders/daily"), stack.ask("archive-orders/daily")
        stack.until(lambda: database[ARCHIVE_RUNS].find_one())
        stopped = stop_jvm(stack.settings, SPARK)
        ended = stack.wait(hung, waiting)
        log = "\n".join(stack.log(run.id) for run in ended)
    assert sorted(str(run.state_name) for run in ended) == ["Completed", "Failed"], log
    assert f"Spark's JVM (process {stopped}) did not answer for 12 s: it is killed" in log
    assert "HDFS" not in log and "Retrying" not in log, "nothing but the JVM was gone, and in this process it stays so"
    assert "planned to exported" in log, "what the library says, too"
    assert hot_ids(database) == set()
    assert jvms_of(stack.settings) == []


@pytest.mark.timeout(600)
def test_a_jvm_that_hangs_before_its_first_word_is_started_again(archive: Settings, database: MongoDatabase) -> None:
    insert(database, [an_order(i) for i in range(20)])
    stopping = threading.Thread(target=stop_jvm, args=(archive, LAUNCHER), daemon=True)
    stopping.start()
    environment = {**os.environ, **settings_environment(archive)}
    done = subprocess.run([sys.executable, "-c", ARCHIVE], env=environment, capture_output=True, text=True, timeout=500)
    stopping.join(1)
    assert not stopping.is_alive(), "no JVM was stopped"
    assert (done.returncode, done.stdout) == (0, "20\n"), done.stderr
    assert hot_ids(database) == set()


ARCHIVE = """
from ecommerce.archive.archiver import archive_orders
from ecommerce.settings import get_settings
for run in archive_orders(get_settings()):
    print(run.orders)
"""
