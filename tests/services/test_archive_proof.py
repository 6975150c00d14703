"""Nothing is deleted that the archive did not give back as MongoDB holds it."""

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from ecommerce.archive import archiver, steps
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.context import archive_context
from ecommerce.archive.errors import VerificationError
from ecommerce.archive.run import COMMITTED, PLANNED, REFUSED
from ecommerce.archive.runs import unfinished_run
from ecommerce.archive.selection import Selection
from ecommerce.documents.content_hash import content_hash_sql
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from tests.archiving import an_order, archived_ids, assert_one_place, hot_ids, insert

pytestmark = pytest.mark.slow


def test_nothing_is_deleted_when_the_archive_gives_back_something_else(
    spark: SparkSession, archive: Settings, database: MongoDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [an_order(i) for i in range(20)]
    insert(database, orders)

    right = steps.source_frame
    spoilt = "content_hash + 1 as content_hash"
    columns = ("order", "order_items", "delivery", "attributes", "updated_at", spoilt)
    monkeypatch.setattr(steps, "source_frame", lambda *arguments: right(*arguments).selectExpr(*columns))
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


def test_what_spark_converts_wrongly_is_found_by_what_mongodb_holds(
    spark: SparkSession, archive: Settings, database: MongoDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(database, [an_order(i) for i in range(20)])
    right = steps.source_frame

    def wrong(*arguments: object) -> object:
        frame = right(*arguments)  # type: ignore[arg-type]
        amount = f.col("order.total_amount") + f.expr("if(order.order_id = 5, 0.01, 0)").cast("decimal(18,4)")
        frame = frame.withColumn("order", f.col("order").withField("total_amount", amount.cast("decimal(18,4)")))
        return frame.withColumn("content_hash", f.expr(content_hash_sql()))

    monkeypatch.setattr(steps, "source_frame", wrong)
    with pytest.raises(VerificationError, match=r"on 2024-03-01 .*; 1 exported orders differ, .* \[5\]"):
        archive_orders(archive)
    assert hot_ids(database) == set(range(20))


def test_a_row_that_spark_loses_is_missed(
    spark: SparkSession, archive: Settings, database: MongoDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(database, [an_order(i, day=i % 2) for i in range(20)])
    right = steps.source_frame
    monkeypatch.setattr(steps, "source_frame", lambda *arguments: right(*arguments).where("order.order_id <> 5"))
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
