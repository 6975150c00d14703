"""The archive's catalog is lost, damaged or an old one: the table is found again by what the runs recorded."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.reading import read
from ecommerce.archive.recover import recover_catalog
from ecommerce.archive.restore import restore_orders
from ecommerce.archive_location import catalog_file
from ecommerce.check import check_orders
from ecommerce.doctor.findings import OK, PROBLEM, Finding
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from tests.archiving import OLD_DAY, an_order, assert_one_place, insert, power_cut_at, with_archive
from tests.doctoring import finding_of

pytestmark = pytest.mark.slow

ORDERS = [an_order(number, day=number % 3) for number in range(60)]


@pytest.fixture
def archive(database: MongoDatabase, archive: Settings, spark: SparkSession) -> Settings:
    """Settings of a store whose 60 orders were archived by two runs."""
    for part in (ORDERS[:30], ORDERS[30:]):
        insert(database, part)
        advance(database)
        archive_orders(archive)
    return archive


def change_catalog(archive: Settings, statement: str) -> None:
    with sqlite3.connect(catalog_file(archive)) as connection:
        connection.execute(statement)
    connection.close()


def lose_the_entry(archive: Settings) -> None:
    change_catalog(archive, "DELETE FROM iceberg_tables")


def lose_everything(archive: Settings) -> None:
    change_catalog(archive, "DELETE FROM iceberg_tables")
    change_catalog(archive, "DELETE FROM iceberg_namespace_properties")


def bring_an_old_one_back(archive: Settings) -> None:
    folder = Path(str(archive.archive_uri).removeprefix("file://")) / archive.database / "orders" / "metadata"
    old = sorted(folder.glob("*.metadata.json"))[3]
    change_catalog(archive, f"UPDATE iceberg_tables SET metadata_location = 'file:{old}'")  # noqa: S608


def table_found(archive: Settings) -> Finding:
    return finding_of(archive, "archive table")


@pytest.mark.parametrize("fault", [lose_the_entry, lose_everything, bring_an_old_one_back], ids=lambda it: it.__name__)
def test_the_table_is_entered_again_and_work_goes_on(
    archive: Settings, database: MongoDatabase, spark: SparkSession, fault: Callable[[Settings], None]
) -> None:
    found = table_found(archive)
    assert (found.state, found.says.startswith("60 orders of 3 days, in files of the size")) == (OK, True)
    fault(archive)
    found = table_found(archive)
    assert (found.state, "--recover-catalog" in found.remedy) == (PROBLEM, True)
    with pytest.raises(ArchiveError):
        restore_orders(archive, OLD_DAY, OLD_DAY)
    recover_catalog(archive)
    assert table_found(archive).state == OK
    late = [an_order(100 + number) for number in range(5)]
    insert(database, late)
    advance(database)
    archive_orders(archive)
    assert_one_place(spark, archive, database, ORDERS + late)
    assert check_orders(database, archive).is_good


def test_a_catalog_that_is_no_database_is_put_aside(archive: Settings, database: MongoDatabase) -> None:
    catalog_file(archive).write_bytes(b"not a database" * 1000)
    found = table_found(archive)
    assert (found.state, "the archive's catalog cannot be used" in found.says) == (PROBLEM, True)
    recover_catalog(archive)
    assert len(read(settings=archive)) == 60
    assert catalog_file(archive).with_suffix(".damaged").exists()


def test_orders_that_only_a_branch_holds_are_found_again(
    archive: Settings, database: MongoDatabase, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = [an_order(100 + number) for number in range(5)]
    insert(database, late)
    advance(database)
    power_cut_at(monkeypatch, archive, "publish:before")
    bring_an_old_one_back(archive)
    with pytest.raises(ArchiveError, match="which have left MongoDB: `ecommerce doctor --recover-catalog`"):
        read(settings=archive)
    recover_catalog(archive)
    assert_one_place(spark, archive, database, ORDERS + late)
    archive_orders(archive)
    assert_one_place(spark, archive, database, ORDERS + late)


def test_a_folder_that_does_not_hold_the_table_recovers_nothing(
    archive: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    elsewhere = with_archive(archive, tmp_path / "elsewhere")
    before = catalog_file(archive).read_bytes()
    with pytest.raises(ArchiveError, match=r"holds what the runs recorded: put that folder back.* Nothing was changed"):
        recover_catalog(elsewhere)
    assert catalog_file(archive).read_bytes() == before
