"""Orders are looked for only in the archive that they went to, whatever that is called today."""

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
from tests.archiving import OLD_DAY, an_order, assert_one_place, insert, with_archive
from tests.runbook import row_of

pytestmark = pytest.mark.slow

ORDERS = [an_order(i, day=i % 2) for i in range(20)]
LATE = [an_order(50)]
ANOTHER = r"the orders of database 'test_\w+' are in the table .* as used from .*Nothing was changed"


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
    second = with_archive(first.model_copy(update={"home": tmp_path / "second home"}), tmp_path / "second")
    for work in (
        lambda: archive_orders(second),
        lambda: restore_orders(second, OLD_DAY, OLD_DAY),
        lambda: check_orders(database, second, repair=True),
    ):
        with pytest.raises(ArchiveError, match=ANOTHER) as refused:
            work()
        assert row_of(str(refused.value)).startswith("the orders of database … are in the table")
    assert_one_place(spark, first, database, ORDERS + LATE)
    assert check_orders(database, first).differences == ()


def test_a_second_home_is_refused_also_where_there_is_nothing_to_do(
    first: Settings, database: MongoDatabase, tmp_path: Path, spark: SparkSession
) -> None:
    archive_orders(first)
    assert archive_orders(first) == []
    second = with_archive(first.model_copy(update={"home": tmp_path / "second home"}), tmp_path / "second")
    with pytest.raises(ArchiveError, match=ANOTHER):
        archive_orders(second)
    moved = first.model_copy(update={"home": tmp_path / "moved"})
    first.home.rename(moved.home)
    assert archive_orders(moved) == []


def test_a_table_of_that_name_with_orders_of_another_database_is_refused(
    first: Settings, database: MongoDatabase, tmp_path: Path, spark: SparkSession
) -> None:
    database[ARCHIVE_LEASE].delete_one({"_id": "table"})
    with pytest.raises(ArchiveError, match="holds orders of another database of the name") as raised:
        archive_orders(first)
    row_of(str(raised.value))
