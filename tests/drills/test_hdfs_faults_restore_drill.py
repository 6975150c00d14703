"""HDFS goes down, loses its DataNode or is in safe mode while archived orders are read, or while an archive of 0.1.0
comes over: one line says what is wrong and what to do, nothing is lost, and the next attempt ends it.
"""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.restore import ORDERS_RESTORED, restore_orders
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import MongoDatabase
from ecommerce.services.hdfs import Hdfs
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from ecommerce.upgrade import fill, run_directories, steps_due, upgrade, upgrade_database
from tests.archiving import OLD_DAY, an_order, insert
from tests.drills.hdfs_faults import DOWN, SAYS, Faults, at_each, faults, is_sound, nothing_is_lost
from tests.import_samples import raw_orders
from tests.services.test_archive_failures import hadoop, on_hdfs
from tests.upgrade.test_upgrade import all_figures_are_right
from tests.version_0_1_0 import Frozen, bring_back

__all__ = ["faults", "on_hdfs"]

pytestmark = pytest.mark.drill

DAYS = 20
ORDERS_MADE = [an_order(number, day=number % DAYS) for number in range(60)]
LAST = OLD_DAY + timedelta(days=DAYS - 1)

NO_DATANODE = "no DataNode takes or gives data: start it"
AT_MOST_SECONDS = 60


@pytest.mark.parametrize("daemon", ["namenode", "datanode"])
@pytest.mark.parametrize("days_before", [0, 3])
def test_a_restore_that_meets_a_dead_daemon_says_so_and_can_be_run_again(
    spark: SparkSession, on_hdfs: Settings, database: MongoDatabase, hdfs: Hdfs, daemon: str, days_before: int
) -> None:
    before = archived(on_hdfs, database)
    killed: list[float] = []

    def kill() -> None:
        getattr(hdfs, daemon).kill()
        killed.append(time.monotonic())

    def progress(_done: int, _total: int | None, _what: str, /) -> None:
        days.append(1)
        if len(days) == days_before:
            kill()

    days: list[int] = []
    if not days_before:
        kill()
    says = SAYS[DOWN] if daemon == "namenode" else NO_DATANODE
    try:
        with pytest.raises(ArchiveError, match=says) as failed:
            restore_orders(on_hdfs, OLD_DAY, LAST, progress)
        assert time.monotonic() - killed[0] < AT_MOST_SECONDS
        assert "\n" not in str(failed.value)
        assert "were not touched; run it again" in str(failed.value)
        assert raw_orders(database, ORDERS_RESTORED).items() <= before.items()
        nothing_is_lost(database, ORDERS_MADE)
    finally:
        hdfs.start()
    assert restore_orders(on_hdfs, OLD_DAY, LAST) == len(before)
    assert raw_orders(database, ORDERS_RESTORED) == before
    is_sound(database, on_hdfs)


@pytest.mark.parametrize("fault", ["in safe mode"])
def test_safe_mode_keeps_nobody_from_reading(faults: Faults, on_hdfs: Settings, database: MongoDatabase) -> None:
    before = archived(on_hdfs, database)
    faults.begin()
    try:
        assert restore_orders(on_hdfs, OLD_DAY, LAST) == len(before)
        assert raw_orders(database, ORDERS_RESTORED) == before
        is_sound(database, on_hdfs)
    finally:
        faults.end()


def test_a_block_that_is_damaged_is_a_damaged_day(
    spark: SparkSession, on_hdfs: Settings, database: MongoDatabase, hdfs: Hdfs
) -> None:
    """Its only DataNode fails it, too, but answers."""
    blocks = Path(hdfs.configuration).parent / "data"
    there = set(blocks.rglob("blk_*"))
    before = archived(on_hdfs, database)
    new = sorted(one for one in set(blocks.rglob("blk_*")) - there if one.suffix != ".meta")
    block = next(one for one in new if one.read_bytes().startswith(b"PAR1"))
    content = block.read_bytes()
    block.write_bytes(content[: len(content) // 2])
    try:
        with pytest.raises(ArchiveError, match=r"of the archive is damaged: its 3 orders cannot all be read"):
            restore_orders(on_hdfs, OLD_DAY, LAST)
    finally:
        block.write_bytes(content)
        hdfs.stop()
        hdfs.start()
    assert restore_orders(on_hdfs, OLD_DAY, LAST) == len(before)
    assert raw_orders(database, ORDERS_RESTORED) == before


def archived(settings: Settings, database: MongoDatabase) -> dict[int, bytes]:
    """Archive all orders; their documents as they were."""
    insert(database, ORDERS_MADE)
    advance(database)
    before = raw_orders(database)
    archive_orders(settings)
    assert raw_orders(database) == {}
    return before


@pytest.fixture
def frozen(spark: SparkSession, on_hdfs: Settings, tmp_path: Path) -> Iterator[Frozen]:
    """A database and an archive of version 0.1.0, on HDFS."""
    found = brought_to_hdfs("whole", spark, on_hdfs, tmp_path)
    yield found
    found.database.client.drop_database(found.database.name)


def brought_to_hdfs(name: str, spark: SparkSession, settings: Settings, directory: Path) -> Frozen:
    found = bring_back(name, settings, directory / "frozen", settings.archive_uri)
    system, there = hadoop(spark, str(settings.archive_uri))
    _, here = hadoop(spark, (directory / "frozen" / "archive").as_uri())
    system.copyFromLocalFile(here, there)
    return found


@at_each(
    "before-kept", "run-finished", "written", "copied", "moved",
    down=("before-kept", "written", "copied", "filling"),
)  # fmt: skip
def test_at_each_step_of_an_upgrade(faults: Faults, frozen: Frozen, moment: str) -> None:
    database, settings = frozen.database, frozen.settings
    with faults.at(f"upgrade:{moment}", upgrade, run_directories, fill):
        faults.fails(lambda: upgrade_database(database, settings), then="run (it|`ecommerce upgrade`) again")
        assert compute_kpis(database).orders == frozen.kpis["orders"]
    report = upgrade_database(database, settings)
    assert any(line.startswith("revenue ") for line in report.moved)
    all_figures_are_right(frozen)
    assert steps_due(database) == []
