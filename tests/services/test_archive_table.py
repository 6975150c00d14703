"""The archive's table as others see it: by PyIceberg, DuckDB and Spark, in either catalog, while a run is open, too."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from pydantic import SecretStr
from pyiceberg.catalog.sql import SqlCatalog
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.catalog import catalog_url
from ecommerce.archive.context import archive_context
from ecommerce.archive.maintain import compact_archive, is_due, merge_days, remove_old_files
from ecommerce.archive.restore import restore_orders
from ecommerce.archive.run import ARCHIVE_RUNS
from ecommerce.archive.table import ArchiveTable
from ecommerce.check import check_orders
from ecommerce.forget.forget import forget
from ecommerce.forget.person import ask_to_forget
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import MongoDatabase
from ecommerce.services.hdfs import Hdfs
from ecommerce.services.postgres import database_uri, postgres, why_no_postgres
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from tests.archiving import (
    OLD_DAY,
    an_order,
    archived_ids,
    assert_one_place,
    at_moment,
    insert,
    power_cut_at,
    touch,
    with_archive,
)

pytestmark = pytest.mark.slow


def main_of(archive: Settings) -> Any:
    """The table by PyIceberg alone."""
    url = catalog_url(archive)
    address = url if url.drivername == "sqlite" else url.set(drivername="postgresql+psycopg2")
    catalog = SqlCatalog("archive", uri=address.render_as_string(hide_password=False))
    return catalog.load_table((archive.database, "orders"))


def told(archive: Settings, spark: SparkSession) -> list[tuple[int, Decimal]]:
    """Orders and amounts in `main`, as PyIceberg, DuckDB and Spark have them."""
    rows = main_of(archive).scan().to_arrow()
    amounts = [row["total_amount"] for row in rows["order"].to_pylist()]
    with duckdb.connect() as connection:
        connection.register("orders", rows)
        by_duckdb = connection.execute('SELECT count(*), sum("order".total_amount) FROM orders').fetchone()
    table = ArchiveTable(spark, archive)
    by_spark = table.spark.sql(f"SELECT count(*), sum(order.total_amount) FROM {table.name}").first()  # noqa: S608
    assert by_duckdb
    assert by_spark
    return [(len(amounts), sum(amounts, Decimal(0))), by_duckdb, tuple(by_spark)]


def test_every_engine_counts_and_sums_what_the_figures_tell(
    archive: Settings, database: MongoDatabase, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(database, [an_order(i, day=i % 3) for i in range(60)])
    at_moment(monkeypatch, "purge:before", lambda: touch(database, 7, order__payment_type="voucher"))
    (first,) = archive_orders(archive)
    assert first.superseded == 1
    monkeypatch.undo()
    insert(database, [an_order(100 + i, day=i % 3) for i in range(30)])
    archive_orders(archive)
    amount = sum((an_order(i).order.total_amount for i in (*range(60), *range(100, 130))), Decimal(0))
    assert compute_kpis(database).archived_orders == 90
    assert told(archive, spark) == [(90, amount)] * 3
    assert len(compact_archive(archive, at_least=2).days) == 3
    assert told(archive, spark) == [(90, amount)] * 3
    # As if the definition had gained a column since.
    table = ArchiveTable(spark, archive)
    table.spark.sql(f"ALTER TABLE {table.name} DROP COLUMN attributes")
    insert(database, [an_order(200 + i, day=i % 4) for i in range(8)])
    archive_orders(archive)
    amount += sum((an_order(200 + i).order.total_amount for i in range(8)), Decimal(0))
    assert "attributes" in main_of(archive).schema().column_names
    assert told(archive, spark) == [(98, amount)] * 3
    forgotten = ask_to_forget(archive, user_id=3)
    assert forget(archive, forgotten.run_id).done["archived_orders"] == forgotten.found["archived_orders"] == 4
    assert told(archive, spark) == [(98, amount)] * 3
    advance(database)
    kpis = compute_kpis(database)
    assert (kpis.archived_orders, kpis.orders, kpis.revenue) == (98, 98, amount)
    assert check_orders(database, archive).is_good


def test_a_run_that_purged_and_is_not_published_is_read_by_us_and_by_nobody_else(
    archive: Settings, database: MongoDatabase, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [an_order(i, day=i % 3) for i in range(30)]
    insert(database, orders[:10])
    archive_orders(archive)
    insert(database, orders[10:])
    power_cut_at(monkeypatch, archive, "publish:before")
    assert_one_place(spark, archive, database, orders)
    assert archived_ids(spark, archive) == list(range(30))
    assert len(main_of(archive).scan().to_arrow()) == 10
    archive_orders(archive)
    assert len(main_of(archive).scan().to_arrow()) == 30
    assert_one_place(spark, archive, database, orders)


def test_a_commit_whose_reply_was_lost_is_found_and_not_repeated(
    archive: Settings, database: MongoDatabase, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [an_order(i, day=i % 3) for i in range(30)]
    insert(database, orders)
    right = ArchiveTable._append  # noqa: SLF001 - the commit alone

    def loses_the_reply(*arguments: Any) -> None:
        right(*arguments)
        raise PySparkException("the reply was lost")

    monkeypatch.setattr(ArchiveTable, "_append", loses_the_reply)
    (run,) = archive_orders(archive)
    assert (run.state, run.orders) == ("committed", 30)
    assert database[ARCHIVE_RUNS].count_documents({}) == 1
    assert_one_place(spark, archive, database, orders)


def test_orders_that_were_planned_and_are_open_again_when_they_are_exported_stay(
    archive: Settings, database: MongoDatabase, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run appends no row, which is a snapshot all the same."""
    insert(database, [an_order(i, day=i % 3) for i in range(30)])
    reopened = {"$set": {"delivery.status": "Pending"}}
    at_moment(monkeypatch, "export:before", lambda: database["orders"].update_many({}, reopened))
    (run,) = archive_orders(archive)
    assert (run.state, run.orders) == ("committed", 0)
    assert database["orders"].count_documents({}) == 30
    assert archived_ids(spark, archive) == []


@pytest.mark.parametrize("on_hdfs", [False, True])
def test_what_was_merged_can_be_asked_for_a_week_and_is_removed_then(
    archive: Settings, database: MongoDatabase, spark: SparkSession, hdfs: Hdfs, on_hdfs: bool
) -> None:
    archive = with_archive(archive, f"{hdfs.uri}/{archive.database}") if on_hdfs else archive
    orders = [an_order(i, day=i % 3) for i in range(60)]
    for part in (orders[:30], orders[30:]):
        insert(database, part)
        archive_orders(archive)
    now = datetime.now(UTC)
    with archive_context(archive) as context:
        two_runs = context.table.head()
        assert two_runs
        assert not is_due(context, 3, now)
        assert is_due(context, 2, now)
        assert merge_days(context, 2).files_after == 3
        assert not is_due(context, 2, now)
        assert remove_old_files(context, now + timedelta(days=6)) == 0
        assert context.table.rows_at(two_runs).count() == 60
        assert is_due(context, 2, now + timedelta(days=8)), "no day has files to merge, but snapshots are old"
        assert remove_old_files(context, now + timedelta(days=8)) >= 6, "the files that were merged"
        assert not is_due(context, 2, now + timedelta(days=8))
        assert context.table.head() != two_runs
    assert_one_place(spark, archive, database, orders)
    assert restore_orders(archive, OLD_DAY, OLD_DAY + timedelta(days=2)) == 60


@pytest.fixture
def in_postgres(archive: Settings) -> Iterator[Settings]:
    """Settings whose catalog is in a real Postgres."""
    home = archive.home_directory
    if (reason := why_no_postgres(home)) is not None:
        pytest.skip(reason)
    server = postgres(home).start()
    yield archive.model_copy(update={"catalog_uri": SecretStr(database_uri(home, "archive"))})
    server.stop()


def test_the_catalog_may_be_in_postgres(in_postgres: Settings, database: MongoDatabase, spark: SparkSession) -> None:
    orders = [an_order(i, day=i % 3) for i in range(30)]
    insert(database, orders)
    archive_orders(in_postgres)
    assert_one_place(spark, in_postgres, database, orders)
    assert [count for count, _ in told(in_postgres, spark)] == [30, 30, 30]
    assert not (in_postgres.home_directory / "catalog").exists()
