"""Archiving: which orders go, that each is in exactly one place, and what happens to orders that change meanwhile."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.maintain import compact_archive
from ecommerce.archive.reading import read, read_pandas, read_polars, read_spark
from ecommerce.archive.run import ARCHIVE_RUNS, ARCHIVE_SUMMARY, COMMITTED
from ecommerce.archive.runs import archive_bytes
from ecommerce.archive.selection import Selection, may_select, plan_archive
from ecommerce.archive.table import ArchiveTable
from ecommerce.archive.view import open_view
from ecommerce.documents.bson_codec import encode_order
from ecommerce.gate import FORMAT
from ecommerce.ingest.accept import accept_orders
from ecommerce.ingest.encoded_order import EncodedOrder
from ecommerce.kpis.trends import read_archived_days
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, MongoDatabase, get_database
from ecommerce.schema import prepare_database
from ecommerce.settings import Settings
from ecommerce.summaries.cells import CellTable, cells_of_orders
from tests.archiving import (
    OLD_DAY,
    an_order,
    archived_ids,
    assert_one_place,
    at_moment,
    hot_ids,
    insert,
    power_cut_at,
    touch,
)

pytestmark = pytest.mark.slow


def test_old_finished_orders_go_and_all_others_stay(
    spark: SparkSession, archive: Settings, database: MongoDatabase
) -> None:
    old = [an_order(i, day=i % 3, items=i % 4) for i in range(300)]
    still_open = [an_order(1000 + i, status="Shipped") for i in range(5)]
    now = datetime.now(UTC)
    young = [an_order(2000 + i, order_time=now) for i in range(5)]
    insert(database, old + still_open + young)
    (run,) = archive_orders(archive)
    assert (run.state, run.orders, run.days, run.superseded) == (COMMITTED, 300, 3, 0)
    assert hot_ids(database) == {order.order.order_id for order in still_open + young}
    assert_one_place(spark, archive, database, old + still_open + young)


def test_the_archive_keeps_what_the_figures_need(
    spark: SparkSession, archive: Settings, database: MongoDatabase
) -> None:
    orders = [an_order(i, day=i % 2, items=i % 3) for i in range(100)]
    insert(database, orders)
    archive_orders(archive)
    summaries = list(database[ARCHIVE_SUMMARY].find())
    cells = CellTable.sum_of(CellTable.decode(summary["cells"]) for summary in summaries)
    # What is over of promises is not kept: no figure looks at it any more.
    now = round(datetime.now(UTC).timestamp() * 1000)
    assert cells.equals(cells_of_orders(orders).settled(now))
    assert sum(summary["total_orders"] for summary in summaries) == 100
    archived = Counter(order.order.order_time.date() for order in orders if order.order_items or not order.refunds)
    assert read_archived_days(database) == archived
    total = sum(summary["total_value"].to_decimal() for summary in summaries)
    assert total == sum(order.order.total_amount for order in orders)


def test_a_second_run_changes_nothing(spark: SparkSession, archive: Settings, database: MongoDatabase) -> None:
    insert(database, [an_order(i) for i in range(10)])
    archive_orders(archive)
    before = list(database[ARCHIVE_RUNS].find()), list(database[ARCHIVED_ORDERS].find())
    assert not may_select(database, Selection())
    assert archive_orders(archive) == []
    assert (list(database[ARCHIVE_RUNS].find()), list(database[ARCHIVED_ORDERS].find())) == before


def test_a_plan_says_what_goes_and_what_stays_and_why(database: MongoDatabase) -> None:
    insert(database, [an_order(i, day=i // 10) for i in range(30)])
    insert(database, [an_order(100, status="Pending"), an_order(200, order_time=datetime.now(UTC))])
    plan = plan_archive(database, Selection())
    assert (plan.orders, plan.staying_open, plan.staying_young) == (30, 1, 1)
    assert [(day.order_date - OLD_DAY).days for day in plan.days] == [0, 1, 2]
    size = sum(len(encode_order(an_order(i, day=i // 10))) for i in range(30))
    assert plan.bytes == size
    assert plan_archive(database, Selection(include_open=True)).orders == 31


@pytest.mark.parametrize(("left", "days"), [(40, 0), (32, 0), (31, 1), (22, 1), (21, 2), (0, 3)])
def test_the_oldest_days_go_until_few_enough_orders_are_left(database: MongoDatabase, left: int, days: int) -> None:
    insert(database, [an_order(i, day=i // 10) for i in range(30)])
    insert(database, [an_order(100, status="Pending"), an_order(200, order_time=datetime.now(UTC))])
    selection = Selection(older_than_days=None, max_hot_orders=left)
    assert plan_archive(database, selection).orders == 10 * days
    assert may_select(database, selection) == (days > 0)


def test_orders_that_change_meanwhile_stay_and_go_with_the_next_run(
    spark: SparkSession, archive: Settings, database: MongoDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(database, [an_order(i) for i in range(50)])

    def meanwhile() -> None:
        touch(database, 1, order__payment_type="voucher")
        touch(database, 2, order__order_time=datetime(2024, 3, 9, tzinfo=UTC))
        # Somebody in a shell, who leaves updated_at alone.
        database[ORDERS].update_one({"_id": 3}, {"$set": {"delivery.location": "Rïo"}})
        database[ORDERS].delete_one({"_id": 4})
        insert(database, [an_order(100), an_order(101, status="Pending")])

    at_moment(monkeypatch, "purge:before", meanwhile)
    (run,) = archive_orders(archive)
    assert (run.orders, run.superseded) == (46, 4)
    assert "archived 46 orders of 1 day, 4 changed meanwhile and stayed" in str(run)
    assert hot_ids(database) == {1, 2, 3, 100, 101}
    stayed = [row for summary in database[ARCHIVE_SUMMARY].find() for row in summary["superseded"]]
    reasons = {row["order_id"]: row["reason"] for row in stayed}
    assert reasons == {1: "changed", 2: "changed", 3: "different", 4: "gone"}
    assert archived_ids(spark, archive) == [i for i in range(50) if i not in (1, 2, 3, 4)]
    monkeypatch.undo()
    archive_orders(archive)
    assert hot_ids(database) == {101}
    assert archived_ids(spark, archive) == sorted({*range(50), 100} - {4})
    rows = read(columns=["order.order_id", "delivery.location"], settings=archive).to_pylist()
    assert {"order.order_id": 3, "delivery.location": "Rïo"} in rows


@pytest.mark.parametrize("moment", ["export:done", "verify:before", "verify:done", "purge:before"])
def test_a_change_at_any_moment_before_the_purge_is_kept(
    spark: SparkSession, archive: Settings, database: MongoDatabase, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    insert(database, [an_order(i) for i in range(20)])
    at_moment(monkeypatch, moment, lambda: touch(database, 7, order__payment_type="voucher"))
    (run,) = archive_orders(archive)
    assert run.superseded == 1
    assert database[ORDERS].find_one({"_id": 7})["order"]["payment_type"] == "voucher"  # type: ignore[index]
    assert archived_ids(spark, archive) == [i for i in range(20) if i != 7]


def test_an_archived_order_does_not_come_back_through_the_door(
    spark: SparkSession, archive: Settings, database: MongoDatabase
) -> None:
    insert(database, [an_order(i) for i in range(10)])
    archive_orders(archive)
    same, other = an_order(1), an_order(2, payment_type="voucher")
    batch = [EncodedOrder(order.order.order_id, encode_order(order)) for order in (same, other, an_order(50))]
    accepted = accept_orders(database, batch, is_news=lambda stored, incoming: True)
    assert (accepted.accepted, accepted.unchanged, accepted.already_archived) == (1, 1, [2])
    assert hot_ids(database) == {50}


def bytes_of_the_files(archive: Settings) -> int:
    tasks = [task for tasks in open_view(archive).files(None, None).values() for task in tasks]
    return sum(task.file.file_size_in_bytes for task in tasks)


def test_late_orders_join_their_day_and_compaction_merges_it(
    spark: SparkSession, archive: Settings, database: MongoDatabase
) -> None:
    everything = []
    for part in range(3):
        orders = [an_order(part * 100 + i, day=i % 2) for i in range(20)]
        insert(database, orders)
        archive_orders(archive)
        everything += orders
    assert {len(tasks) for tasks in open_view(archive).files(None, None).values()} == {3}
    before, bytes_before = read(settings=archive).sort_by("content_hash"), archive_bytes(database)
    assert bytes_before == bytes_of_the_files(archive)
    merged = compact_archive(archive)
    assert (len(merged.days), merged.files_before, merged.files_after) == (2, 6, 2)
    assert read(settings=archive).sort_by("content_hash") == before
    assert archive_bytes(database) == bytes_of_the_files(archive) < bytes_before
    assert {one["format"] for one in database[ARCHIVE_RUNS].find()} == {FORMAT}
    assert compact_archive(archive).days == ()
    assert_one_place(spark, archive, database, everything)


def test_days_are_read_alone_and_by_pandas_too(spark: SparkSession, archive: Settings, database: MongoDatabase) -> None:
    insert(database, [an_order(i, day=i % 3) for i in range(30)])
    archive_orders(archive)
    second = OLD_DAY + timedelta(days=1)
    times = read(second, second, columns=["order.order_time"], settings=archive)["order.order_time"].to_pylist()
    assert {time.date() for time in times} == {second}
    assert (
        read_polars(second, second, settings=archive).height
        == read_spark(spark, second, second, settings=archive).count()
    )
    frame = read_pandas(
        second, second, columns=["order.order_id", "order.total_amount", "order.order_time"], settings=archive
    )
    expected = an_order(1, day=1).order
    first = frame[frame["order.order_id"] == 1].iloc[0]
    assert len(frame) == 10
    assert first["order.total_amount"] == expected.total_amount
    assert first["order.order_time"] == expected.order_time


def test_two_databases_share_an_archive(archive: Settings, database: MongoDatabase, spark: SparkSession) -> None:
    other = archive.model_copy(update={"database": f"{archive.database}_2"})
    second = get_database(other)
    prepare_database(second)
    try:
        orders = [an_order(i, day=i % 2) for i in range(20)]
        others = [an_order(i, day=i % 3, items=2) for i in range(10, 40)]
        insert(database, orders)
        insert(second, others)
        archive_orders(archive)
        archive_orders(other)
        late = [an_order(50)]
        insert(database, late)
        archive_orders(archive)
        compact_archive(archive)
        assert_one_place(spark, archive, database, orders + late)
        assert_one_place(spark, other, second, others)
    finally:
        second.client.drop_database(second.name)


def test_a_run_is_finished_in_the_table_in_which_it_began(
    archive: Settings, database: MongoDatabase, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(database, [an_order(1)])
    power_cut_at(monkeypatch, archive, "purge:done")
    with pytest.raises(ArchiveError, match=r"the orders of database .* has no table of it"):
        archive_orders(archive.model_copy(update={"home": tmp_path / "elsewhere"}))
    (run,) = archive_orders(archive)
    assert run.state == COMMITTED
    assert hot_ids(database) == set()


def test_a_table_that_somebody_moved_meanwhile_gets_the_run_on_top(
    archive: Settings, database: MongoDatabase, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [an_order(i, day=i % 2) for i in range(20)]
    insert(database, orders)
    archive_orders(archive)
    late = [an_order(100 + i, day=i % 2) for i in range(20)]
    insert(database, late)

    def somebody_compacts() -> None:
        table = ArchiveTable(spark, archive)
        table.spark.sql(f"DELETE FROM {table.name} WHERE order.order_id = 3")  # noqa: S608

    at_moment(monkeypatch, "publish:before", somebody_compacts)
    (run,) = archive_orders(archive)
    assert run.state == COMMITTED
    with pytest.raises(ArchiveError, match=r"has 19 orders of 20 that were written"):
        read(settings=archive)
    found = ArchiveTable(spark, archive)
    ids = sorted(row[0] for row in found.spark.table(found.name).select("order.order_id").collect())
    assert ids == sorted({*range(20), *range(100, 120)} - {3})
