"""The archive's catalog is locked, or away, or Spark cannot open it: said, nothing lost, and the next run goes on."""

import sqlite3

import pytest
from pydantic import SecretStr
from pyspark.sql import SparkSession

from ecommerce.archive import catalog
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.reading import read
from ecommerce.archive.restore import restore_orders
from ecommerce.archive_location import catalog_file
from ecommerce.mongo import MongoDatabase
from ecommerce.services.postgres import database_uri, postgres, why_no_postgres
from ecommerce.settings import Settings
from tests.archiving import OLD_DAY, an_order, assert_one_place, at_moment, hot_ids, insert

pytestmark = pytest.mark.slow

ORDERS = [an_order(number, day=number % 2) for number in range(20)]


@pytest.mark.parametrize("moment", ["export:before", "publish:ready"])
def test_a_catalog_that_somebody_else_locks(
    archive: Settings, database: MongoDatabase, spark: SparkSession, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    insert(database, ORDERS)
    lock: list[sqlite3.Connection] = []

    def take() -> None:
        lock.append(sqlite3.connect(catalog_file(archive), isolation_level=None))
        lock[0].execute("BEGIN EXCLUSIVE")

    at_moment(monkeypatch, moment, take)
    with pytest.raises(ArchiveError, match=r"the archive's catalog cannot be used.*locked.* run it again"):
        archive_orders(archive)
    with pytest.raises(ArchiveError, match=r"reading the archive: the archive's catalog cannot be used"):
        read(settings=archive)
    lock[0].close()
    assert (
        len(hot_ids(database) | set(read(columns=["order.order_id"], settings=archive)["order.order_id"].to_pylist()))
        == 20
    )
    archive_orders(archive)
    assert_one_place(spark, archive, database, ORDERS)


def test_a_catalog_in_postgres_that_is_away(
    archive: Settings, database: MongoDatabase, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = archive.home_directory
    if (reason := why_no_postgres(home)) is not None:
        pytest.skip(reason)
    insert(database, ORDERS)
    server = postgres(home).start()
    in_postgres = archive.model_copy(update={"catalog_uri": SecretStr(database_uri(home, "archive"))})
    at_moment(monkeypatch, "publish:before", server.stop)
    try:
        with pytest.raises(ArchiveError, match=r"the archive's catalog cannot be used.* run it again"):
            archive_orders(in_postgres)
        with pytest.raises(ArchiveError, match="the archive's catalog cannot be used"):
            restore_orders(in_postgres, OLD_DAY, OLD_DAY)
        server.start()
        archive_orders(in_postgres)
        assert_one_place(spark, in_postgres, database, ORDERS)
    finally:
        server.stop()


def test_a_spark_that_lacks_the_jar_of_iceberg(
    archive: Settings, database: MongoDatabase, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a cluster's Spark may, or a session that somebody else made."""
    insert(database, ORDERS)
    right = catalog._spark_options  # noqa: SLF001
    name = "spark.sql.catalog.archive"
    with monkeypatch.context() as lacking:
        lacking.setattr(catalog, "_spark_options", lambda given: right(given) | {name: "org.apache.iceberg.spark.Gone"})
        with pytest.raises(
            ArchiveError, match=r"Spark lacks Iceberg's jar: .*iceberg-spark-runtime-4.* Nothing was deleted"
        ):
            archive_orders(archive)
    assert len(hot_ids(database)) == 20
    archive_orders(archive)
    assert_one_place(spark, archive, database, ORDERS)
