"""The parts in which a run exports and purges: of days, of chunks, of transactions."""

import time
from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby, pairwise

import pytest
from pymongo.client_session import ClientSession
from pyspark.sql import SparkSession

from ecommerce.archive import archiver, purge
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.chunks import Chunk
from ecommerce.archive.hot import HotOrders
from ecommerce.archive.run import ARCHIVE_SUMMARY, COMMITTED
from ecommerce.archive.selection import SLICE_DAYS, Selection, plan_archive
from ecommerce.mongo import ARCHIVED_ORDERS, MongoDatabase
from ecommerce.settings import Settings
from ecommerce.summaries.cells import CellTable
from tests.archiving import an_order, archived_ids, assert_one_place, hot_ids, insert, power_cut_at
from tests.summaries_ledger import folded_cells
from tests.transactions import short_transactions

pytestmark = pytest.mark.slow


def test_a_task_gets_few_enough_days_to_write_them_side_by_side(database: MongoDatabase) -> None:
    insert(database, [an_order(i, day=i // 2) for i in range(300)])
    slices = plan_archive(database, Selection()).slices
    assert sum(part.orders for part in slices) == 300
    assert len(slices) == 4
    assert all(part.end - part.start <= timedelta(days=SLICE_DAYS) for part in slices)
    assert all(left.end <= right.start for left, right in pairwise(slices))


def test_a_run_is_finished_in_the_chunks_in_which_it_began(
    archive: Settings, database: MongoDatabase, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [an_order(i) for i in range(300)]
    insert(database, orders)

    monkeypatch.setattr(archiver, "CHUNK_ORDERS", 10)
    power_cut_at(monkeypatch, archive, "purge:after-chunk")
    assert hot_ids(database)
    monkeypatch.undo()
    (run,) = archive_orders(archive)
    assert (run.state, run.orders, run.superseded) == (COMMITTED, 300, 0)
    assert hot_ids(database) == set()
    assert_one_place(spark, archive, database, orders)


@pytest.mark.parametrize("chunk_orders", [4, 10, 1000])
def test_the_cells_of_the_chunks_are_those_of_the_orders(
    archive: Settings, database: MongoDatabase, spark: SparkSession, monkeypatch: pytest.MonkeyPatch, chunk_orders: int
) -> None:
    insert(database, [an_order(i, day=i % 3, items=i % 3) for i in range(66)])
    before = folded_cells(database, {})
    monkeypatch.setattr(archiver, "CHUNK_ORDERS", chunk_orders)
    archive_orders(archive)
    summaries = list(database[ARCHIVE_SUMMARY].find())
    assert sum(row["total_orders"] for row in summaries) == 66
    after = CellTable.sum_of([CellTable.decode(row["cells"]) for row in summaries])
    for name in ("orders", "items"):
        assert set(getattr(after, name).rows()) == set(getattr(before, name).rows())


def test_a_transaction_that_the_server_ends_as_too_long_is_tried_again_in_smaller_ones(
    spark: SparkSession, archive: Settings, database: MongoDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine the same transaction would be too long each time; what makes it long here is a pause."""
    insert(database, [an_order(i, day=i % 3) for i in range(60)])
    read_hot, attempts = purge.read_hot, []

    def slow_unless_alone(found: MongoDatabase, chunks: Sequence[Chunk], session: ClientSession) -> HotOrders | None:
        hot = read_hot(found, chunks, session)
        alone = purge._slow.locked()  # noqa: SLF001
        attempts.append((len(chunks), alone))
        if not alone:
            time.sleep(3)
        return hot

    monkeypatch.setattr(purge, "read_hot", slow_unless_alone)
    with short_transactions(database, seconds=1):
        (run,) = archive_orders(archive)
    # One that is alone may be too long as well on a busy machine, and is made again.
    assert [attempt for attempt, _ in groupby(attempts)] == [(3, False), *3 * [(1, False), (1, True)]]
    assert (run.state, run.superseded) == (COMMITTED, 0)
    assert hot_ids(database) == set()
    assert archived_ids(spark, archive) == list(range(60))
    assert database[ARCHIVED_ORDERS].count_documents({}) == 60
