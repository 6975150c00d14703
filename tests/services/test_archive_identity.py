"""Orders are looked for only in the archive that they went to, whatever that is called today."""

import shutil
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.lease import ARCHIVE_LEASE
from ecommerce.archive.restore import restore_orders
from ecommerce.check.check import check_orders
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from tests.archiving import OLD_DAY, an_order, assert_one_place, insert, spark, with_archive
from tests.runbook import row_of

__all__ = ["spark"]

ORDERS = [an_order(i, day=i % 2) for i in range(20)]
LATE = [an_order(50)]
ANOTHER = r"is not the archive in which the orders of database 'test_\w+' are: that was used from .*Nothing was changed"


@pytest.fixture
def first(settings: Settings, database: MongoDatabase, tmp_path: Path, spark: SparkSession) -> Settings:
    """A database with archived orders, and one that is to be archived."""
    settings = with_archive(settings, tmp_path / "first")
    insert(database, ORDERS)
    archive_orders(settings)
    insert(database, LATE)
    return settings


def test_a_second_home_with_an_archive_of_its_own_is_refused(
    first: Settings, database: MongoDatabase, tmp_path: Path, spark: SparkSession
) -> None:
    second = with_archive(first, tmp_path / "second")
    for work in (
        lambda: archive_orders(second),
        lambda: restore_orders(second, OLD_DAY, OLD_DAY),
        lambda: check_orders(database, second, repair=True),
    ):
        with pytest.raises(ArchiveError, match=ANOTHER) as refused:
            work()
        assert row_of(str(refused.value)).startswith("… is not the archive")
    assert_one_place(spark, first, database, ORDERS + LATE)
    assert check_orders(database, first).differences == ()


def test_an_archive_that_was_moved_is_known_again(
    first: Settings, database: MongoDatabase, tmp_path: Path, spark: SparkSession
) -> None:
    shutil.move(tmp_path / "first", tmp_path / "elsewhere")
    moved = with_archive(first, tmp_path / "elsewhere")
    archive_orders(moved)
    assert_one_place(spark, moved, database, ORDERS + LATE)


def test_an_archive_of_version_0_1_0_gets_its_mark_where_its_runs_are(
    first: Settings, database: MongoDatabase, tmp_path: Path, spark: SparkSession
) -> None:
    database[ARCHIVE_LEASE].delete_one({"_id": "archive"})
    for mark in (tmp_path / "first").glob("*_archive=*"):
        mark.unlink()
    with pytest.raises(ArchiveError, match="holds none of the 1 archive runs of database"):
        archive_orders(with_archive(first, tmp_path / "second"))
    archive_orders(first)
    with pytest.raises(ArchiveError, match=ANOTHER):
        restore_orders(with_archive(first, tmp_path / "second"), OLD_DAY, OLD_DAY)
    assert_one_place(spark, first, database, ORDERS + LATE)
