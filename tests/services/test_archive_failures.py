"""HDFS, Spark and MongoDB fail while the archiver works: a clear error, nothing lost, and the next run goes on."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.day_files import DayFile, FilesOfRun
from ecommerce.archive.errors import ArchiveError, explain, without_credentials
from ecommerce.archive.run import COMMITTED, PLANNED
from ecommerce.archive.runs import unfinished_run
from ecommerce.archive.source import mongo_frame
from ecommerce.archive.table import ArchiveTable
from ecommerce.archive_location import local_path
from ecommerce.documents.order import OrderDocument
from ecommerce.mongo import ORDERS, MongoDatabase, get_database
from ecommerce.schema import prepare_database
from ecommerce.services.environment import settings_environment
from ecommerce.services.hdfs import Hdfs
from ecommerce.settings import Settings
from tests.archiving import an_order, assert_one_place, at_moment, hot_ids, insert, with_archive
from tests.runbook import row_of
from tests.unit.test_structure import ROOT

pytestmark = pytest.mark.slow

ORDERS_MADE = [an_order(i, day=i % 2) for i in range(30)]


@pytest.fixture
def on_hdfs(settings: Settings, hdfs: Hdfs) -> Settings:
    """Settings with the archive in a directory of its own on the real HDFS."""
    return with_archive(settings, f"{hdfs.uri}/{settings.database}")


def hadoop(spark: SparkSession, uri: str) -> tuple[Any, Any]:
    """Hadoop's file system of a URI, and the path: quotas and permissions are the administrator's."""
    context: Any = spark.sparkContext
    path = context._jvm.org.apache.hadoop.fs.Path(uri)  # noqa: SLF001
    return path.getFileSystem(context._jsc.hadoopConfiguration()), path  # noqa: SLF001


def goes_on(spark: SparkSession, settings: Settings, database: MongoDatabase, orders: list[OrderDocument]) -> None:
    """The next run finishes the one that failed, and every order is in one place."""
    runs = archive_orders(settings)
    assert runs and all(run.state == COMMITTED for run in runs)
    assert hot_ids(database) == set()
    assert_one_place(spark, settings, database, orders)


def test_orders_go_to_hdfs(spark: SparkSession, on_hdfs: Settings, database: MongoDatabase) -> None:
    insert(database, ORDERS_MADE)
    goes_on(spark, on_hdfs, database, ORDERS_MADE)


def test_hdfs_that_is_down_is_named_and_nothing_is_lost(
    spark: SparkSession, on_hdfs: Settings, database: MongoDatabase, hdfs: Hdfs
) -> None:
    insert(database, ORDERS_MADE)
    hdfs.namenode.kill()
    try:
        with pytest.raises(ArchiveError, match=r"HDFS cannot be reached: start it .* Nothing was deleted"):
            archive_orders(on_hdfs)
    finally:
        hdfs.start()
    assert hot_ids(database) == {order.order.order_id for order in ORDERS_MADE}
    goes_on(spark, on_hdfs, database, ORDERS_MADE)


def test_safe_mode_is_named(spark: SparkSession, on_hdfs: Settings, database: MongoDatabase) -> None:
    insert(database, ORDERS_MADE)
    system, _ = hadoop(spark, str(on_hdfs.archive_uri))
    action = spark.sparkContext._jvm.org.apache.hadoop.fs.SafeModeAction  # type: ignore[union-attr]  # noqa: SLF001
    system.setSafeMode(action.ENTER)
    try:
        with pytest.raises(ArchiveError, match=r"HDFS is in safe mode.* Nothing was deleted") as raised:
            archive_orders(on_hdfs)
        assert row_of(str(raised.value)) == "…: HDFS is in safe mode: …"
    finally:
        system.setSafeMode(action.LEAVE)
    goes_on(spark, on_hdfs, database, ORDERS_MADE)


def test_a_full_hdfs_is_named(spark: SparkSession, on_hdfs: Settings, database: MongoDatabase) -> None:
    insert(database, ORDERS_MADE)
    system, path = hadoop(spark, str(on_hdfs.archive_uri))
    system.mkdirs(path)
    unchanged = 2**63 - 1
    system.setQuota(path, unchanged, 1)
    with pytest.raises(ArchiveError, match=r"no space left: make room in the archive .* Nothing was deleted") as raised:
        archive_orders(on_hdfs)
    assert row_of(str(raised.value)) == "…: no space left: make room in …"
    system.setQuota(path, unchanged, -1)
    goes_on(spark, on_hdfs, database, ORDERS_MADE)


def test_a_task_that_fails_is_exported_anew(
    spark: SparkSession, archive: Settings, database: MongoDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(database, ORDERS_MADE)
    right = ArchiveTable.files_of_run

    def in_a_file(*arguments: Any) -> FilesOfRun:
        return replace(right(*arguments), folder="file:///dev/null/data")

    monkeypatch.setattr(ArchiveTable, "files_of_run", in_a_file)
    with pytest.raises(ArchiveError, match=r"exporting run .*Not a directory.* Nothing was deleted"):
        archive_orders(archive)
    left = unfinished_run(database)
    assert left and left.state == PLANNED
    monkeypatch.undo()
    goes_on(spark, archive, database, ORDERS_MADE)


def test_a_file_that_iceberg_cannot_read_is_not_committed(
    spark: SparkSession, archive: Settings, database: MongoDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(database, ORDERS_MADE)
    right = ArchiveTable.append_files

    def cut_off(table: ArchiveTable, files: tuple[DayFile, ...], branch: str) -> int:
        path = local_path(files[0].location)
        assert path
        path.write_bytes(path.read_bytes()[:-1])
        return right(table, files, branch)

    monkeypatch.setattr(ArchiveTable, "append_files", cut_off)
    with pytest.raises(ArchiveError, match=r"exporting run .* is not a Parquet file.* Nothing was deleted"):
        archive_orders(archive)
    assert hot_ids(database) == {order.order.order_id for order in ORDERS_MADE}
    monkeypatch.undo()
    goes_on(spark, archive, database, ORDERS_MADE)


@pytest.mark.parametrize("moment", ["export:before", "purge:before-commit", "purge:after-chunk", "commit:before"])
def test_a_primary_that_steps_down_only_delays_the_run(
    spark: SparkSession,
    archive: Settings,
    database: MongoDatabase,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    insert(database, ORDERS_MADE)
    at_moment(monkeypatch, moment, lambda: database.client.admin.command({"replSetStepDown": 1, "force": True}))
    try:
        archive_orders(archive)
    except ArchiveError as error:
        assert "MongoDB" in str(error)
    monkeypatch.undo()
    archive_orders(archive)
    assert hot_ids(database) == set()
    assert_one_place(spark, archive, database, ORDERS_MADE)


def test_no_error_shows_a_password() -> None:
    text = "cannot connect to mongodb://user:s3cret@db:27017/?x=1 nor mongodb+srv://a:b@c"
    assert without_credentials(text) == "cannot connect to mongodb://…@db:27017/?x=1 nor mongodb+srv://…@c"
    assert "s3cret" not in explain(RuntimeError(text))


def test_sparks_log_and_processes_show_no_password(
    spark: SparkSession, settings: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    """Spark's workers get an address with a password; MongoDB refuses it, and Spark logs what it knows about that."""
    assert settings.mongo_uri
    secret = settings.mongo_uri.get_secret_value().replace("//", "//somebody:s3cretpass@")
    wrong = settings.model_copy(update={"mongo_uri": SecretStr(secret)})
    frame = mongo_frame(spark, wrong, ORDERS, "_id bigint", {})
    assert "s3cretpass" not in frame._jdf.queryExecution().logical().toString()  # noqa: SLF001 - the plan as Spark logs it
    with pytest.raises(Exception) as failure:
        frame.collect()
    assert "s3cretpass" not in explain(failure.value)
    command_lines = [Path(entry, "cmdline") for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    assert not any(b"s3cretpass" in line.read_bytes() for line in command_lines if line.exists())
    logs = list(Path(spark.conf.get("spark.local.dir") or "").parent.parent.glob("logs/spark.log*"))
    assert logs
    assert not any("s3cretpass" in log.read_text() for log in logs)


def after(condition: Callable[[], bool], action: Callable[[], object]) -> threading.Thread:
    """Do something in the background as soon as a condition holds."""

    def wait() -> None:
        while not condition():
            time.sleep(0.005)
        action()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


@pytest.mark.drill
def test_a_datanode_killed_while_it_is_written_to(
    spark: SparkSession, on_hdfs: Settings, database: MongoDatabase, hdfs: Hdfs
) -> None:
    orders = [an_order(i, day=i % 20, items=3) for i in range(20_000)]
    insert(database, orders)
    writing = Path(hdfs.configuration).parent / "data"

    def being_written() -> bool:
        return any(writing.rglob("rbw/blk_*"))

    killer = after(being_written, hdfs.datanode.kill)
    try:
        with pytest.raises(ArchiveError, match="Nothing was deleted"):
            archive_orders(on_hdfs)
        assert hot_ids(database) == set(range(20_000))
    finally:
        killer.join(timeout=60)
        hdfs.start()
    goes_on(spark, on_hdfs, database, orders)


@pytest.mark.drill
@pytest.mark.parametrize("moment", ["export:before", "export:done", "purge:before", "publish:before", "commit:before"])
def test_a_namenode_that_is_restarted(
    spark: SparkSession,
    on_hdfs: Settings,
    database: MongoDatabase,
    hdfs: Hdfs,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
) -> None:
    insert(database, ORDERS_MADE)

    def restart() -> None:
        hdfs.namenode.kill()
        hdfs.start()

    at_moment(monkeypatch, moment, restart)
    try:
        archive_orders(on_hdfs)
    except ArchiveError as error:
        assert "run it again" in str(error)
    monkeypatch.undo()
    archive_orders(on_hdfs)
    assert_one_place(spark, on_hdfs, database, ORDERS_MADE)
    assert hot_ids(database) == set()


def archiver_process(settings: Settings, **environment: str) -> "subprocess.Popen[str]":
    """An archiver in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.archiver_process", "archive"],
        cwd=ROOT,
        env=os.environ | settings_environment(settings) | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.drill
def test_a_user_without_permission_is_told(spark: SparkSession, on_hdfs: Settings, database: MongoDatabase) -> None:
    insert(database, ORDERS_MADE)
    process = archiver_process(on_hdfs, HADOOP_USER_NAME="nobody")
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "no permission to write there" in errors
    assert hot_ids(database) == {order.order.order_id for order in ORDERS_MADE}
    goes_on(spark, on_hdfs, database, ORDERS_MADE)


@pytest.mark.drill
def test_of_two_archivers_started_at_once_one_works_and_nothing_is_doubled(
    spark: SparkSession, on_hdfs: Settings, hdfs: Hdfs
) -> None:
    database = get_database(on_hdfs)
    prepare_database(database)
    orders = [an_order(i, day=i % 3) for i in range(300)]
    insert(database, orders)
    both = [archiver_process(on_hdfs), archiver_process(on_hdfs)]
    errors = [process.communicate(timeout=600)[1] for process in both]
    assert 0 in [process.returncode for process in both]
    for process, text in zip(both, errors, strict=True):
        assert process.returncode == 0 or "another archiver is at work" in text
    assert_one_place(spark, on_hdfs, database, orders)
    assert hot_ids(database) == set()
    database.client.drop_database(database.name)


def test_the_jvm_has_room_for_the_code_that_its_queries_compile(spark: SparkSession) -> None:
    """With the quick compiler alone it has 48 MB, which a long run filled: it ended with a VirtualMachineError."""
    pools = spark._jvm.java.lang.management.ManagementFactory.getMemoryPoolMXBeans()  # type: ignore[union-attr] # noqa: SLF001
    room = sum(pool.getUsage().getMax() for pool in pools if "Code" in pool.getName())
    assert room >= 200 << 20, f"{room >> 20} MB for compiled code"
