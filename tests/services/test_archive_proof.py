"""Nothing is deleted that the archive did not give back as MongoDB holds it."""

from collections.abc import Callable, Iterable

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f

from ecommerce.archive import archiver, steps
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.context import archive_context
from ecommerce.archive.day_files import DayFile
from ecommerce.archive.errors import VerificationError
from ecommerce.archive.run import COMMITTED, PLANNED, REFUSED
from ecommerce.archive.runs import unfinished_run
from ecommerce.archive.selection import Selection
from ecommerce.archive.table import ArchiveTable
from ecommerce.documents.content_hash import content_hash_sql
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from tests.archiving import an_order, archived_ids, assert_one_place, hot_ids, insert

pytestmark = pytest.mark.slow


def written_otherwise(monkeypatch: pytest.MonkeyPatch, change: Callable[[DataFrame], DataFrame]) -> None:
    """Have the table get other rows than the run's files have."""

    def append(table: ArchiveTable, files: Iterable[DayFile], branch: str) -> int:
        return table.append(change(table.spark.read.parquet(*(file.location for file in files))), branch)

    monkeypatch.setattr(ArchiveTable, "append_files", append)


def test_nothing_is_deleted_when_the_archive_gives_back_something_else(
    spark: SparkSession, archive: Settings, database: MongoDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [an_order(i) for i in range(20)]
    insert(database, orders)

    written_otherwise(monkeypatch, lambda rows: rows.withColumn("content_hash", f.expr("content_hash + 1")))
    with pytest.raises(VerificationError, match=r"20 rows came back .* Nothing was deleted"):
        archive_orders(archive)
    assert hot_ids(database) == set(range(20))
    left = unfinished_run(database)
    assert left and left.state == PLANNED
    monkeypatch.undo()
    (run,) = archive_orders(archive)
    assert (run.run_id, run.state) == (left.run_id, COMMITTED)
    assert run.branch != left.branch
    assert_one_place(spark, archive, database, orders)


def test_what_is_written_wrongly_is_found_by_what_mongodb_holds(
    archive: Settings, database: MongoDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(database, [an_order(i) for i in range(20)])

    def wrong(frame: DataFrame) -> DataFrame:
        amount = f.col("order.total_amount") + f.expr("if(order.order_id = 5, 0.01, 0)").cast("decimal(18,4)")
        frame = frame.withColumn("order", f.col("order").withField("total_amount", amount.cast("decimal(18,4)")))
        return frame.withColumn("content_hash", f.expr(content_hash_sql()))

    written_otherwise(monkeypatch, wrong)
    with pytest.raises(VerificationError, match=r"on 2024-03-01 .*; 1 exported orders differ, .* \[5\]"):
        archive_orders(archive)
    assert hot_ids(database) == set(range(20))


@pytest.mark.parametrize(
    "wrong",
    [
        ("order", "order_time", "timestamp'2030-01-01'"),
        ("order", "order_time", "timestamp'1999-01-01'"),
        ("delivery", "status", "'Processing'"),
    ],
)
def test_a_row_that_the_run_does_not_select_is_found(
    archive: Settings, database: MongoDatabase, monkeypatch: pytest.MonkeyPatch, wrong: tuple[str, str, str]
) -> None:
    insert(database, [an_order(i) for i in range(20)])

    parent, name, value = wrong

    def one_is_another(rows: DataFrame) -> DataFrame:
        changed = f.expr(f"if(order.order_id = 5, {value}, {parent}.{name})")
        return rows.withColumn(parent, f.col(parent).withField(name, changed))

    written_otherwise(monkeypatch, one_is_another)
    with pytest.raises(VerificationError, match=r"1 row came back that it does not select\. Nothing was deleted"):
        archive_orders(archive)
    assert hot_ids(database) == set(range(20))


def test_a_row_that_is_lost_is_missed(
    archive: Settings, database: MongoDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(database, [an_order(i, day=i % 2) for i in range(20)])
    written_otherwise(monkeypatch, lambda rows: rows.where("order.order_id <> 5"))
    with pytest.raises(
        VerificationError, match=r"on 2024-03-02 the branch does not hold what was read from MongoDB\. "
    ):
        archive_orders(archive)
    assert hot_ids(database) == set(range(20))


def test_a_run_that_is_refused_deletes_nothing_and_leaves_no_branch(
    archive: Settings, database: MongoDatabase, spark: SparkSession
) -> None:
    orders = [an_order(i) for i in range(10)]
    insert(database, orders)
    with archive_context(archive) as context:
        run = archiver.begin_run(context, Selection())
        assert run
        for step in (steps.export, steps.verify, steps.refuse):
            run = step(context, run)
        assert run.state == REFUSED
        assert context.table.head(run.branch) is None
    assert unfinished_run(database) is None
    assert hot_ids(database) == set(range(10))
    assert archived_ids(spark, archive) == []
    assert [one.state for one in archive_orders(archive)] == [COMMITTED]
    assert_one_place(spark, archive, database, orders)
