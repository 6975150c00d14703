"""`check`: finds every bucket that is not what documents and archive say, names it, and mends it."""

import time
from collections.abc import Callable
from datetime import timedelta
from itertools import count, islice
from typing import Any

import msgspec
import pytest
from bson import Decimal128, Int64
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.run import ARCHIVE_SUMMARY
from ecommerce.archive.selection import Selection
from ecommerce.check import check_orders
from ecommerce.check.report import FiguresDiffer, report_markdown
from ecommerce.documents.order import OrderDocument
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, MongoDatabase
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from ecommerce.summaries.buckets import rollup_document
from ecommerce.summaries.cells import CellTable, cells_of_orders
from ecommerce.summaries.cells.rollup import Rollup
from ecommerce.summaries.compact import compact
from ecommerce.summaries.state import BUCKETS, DELTAS
from tests.beside import Beside
from tests.sales_recount import is_credit
from tests.summaries_data import START, accept, random_orders
from tests.vandalism import assert_figures_of

pytestmark = pytest.mark.slow


@pytest.fixture
def orders(database: MongoDatabase) -> list[OrderDocument]:
    found = random_orders(300, wild=True)
    accept(database, found[:200])
    advance(database)
    accept(database, found[200:])
    advance(database)
    return found


def test_figures_that_are_right_pass(database: MongoDatabase, settings: Settings, orders: list[OrderDocument]) -> None:
    report = check_orders(database, settings)
    assert (report.is_good, report.differences) == (True, ())
    assert report.hot_orders == sum(not is_credit(order) for order in orders)
    assert not report.archive_checked


def test_an_empty_store_passes(database: MongoDatabase, settings: Settings) -> None:
    assert check_orders(database, settings).is_good


def delete_by_hand(database: MongoDatabase, order: OrderDocument) -> None:
    database[ORDERS].delete_one({"_id": order.order.order_id})


def count_twice(database: MongoDatabase, order: OrderDocument) -> None:
    delta = database[DELTAS].find_one({}, sort=[("_id", -1)])
    assert delta is not None
    cells = CellTable.decode(delta["data"]).plus(cells_of_orders([order]))
    database[DELTAS].update_one({"_id": delta["_id"]}, {"$set": {"data": cells.encode()}})


def lose_part(database: MongoDatabase, order: OrderDocument) -> None:
    compact(database)
    database[BUCKETS].delete_many({"_id": {"$regex": f":{order.order.order_time:%Y-%m}:"}})


def add_to_rollup(database: MongoDatabase, order: OrderDocument) -> None:
    compact(database)
    epoch = (database[BUCKETS].find_one({}) or {})["_id"].split(":")[0]
    extra = rollup_document(epoch, START, Rollup.of_cells(cells_of_orders([order])))
    database[BUCKETS].insert_one(extra)


@pytest.mark.parametrize(
    ("spoil", "source"),
    [
        (delete_by_hand, "summaries"),
        (count_twice, "summaries"),
        (lose_part, "summaries"),
        (add_to_rollup, "rollups"),
    ],
)
def test_what_is_wrong_is_named_and_mended(
    database: MongoDatabase,
    settings: Settings,
    orders: list[OrderDocument],
    spoil: Callable[[MongoDatabase, OrderDocument], None],
    source: str,
) -> None:
    order = next(order for order in orders if order.order_items)
    spoil(database, order)
    report = check_orders(database, settings)
    assert not report.is_good
    assert {difference.source for difference in report.differences} == {source}
    hour = f"order cells of {order.order.order_time:%Y-%m-%d %H}:00"
    month = f"rollup of {START:%Y-%m} by payment_type"
    assert (hour if source == "summaries" else month) in [difference.bucket for difference in report.differences]
    assert "ecommerce check --repair" in str(FiguresDiffer(report))
    assert report.differences[0].bucket in report_markdown(report)

    assert check_orders(database, settings, repair=True).repaired
    assert check_orders(database, settings).differences == ()
    left = [kept for kept in orders if spoil is not delete_by_hand or kept is not order]
    assert_figures_of(database, left)


def test_nothing_differs_while_writers_write(
    database: MongoDatabase, settings: Settings, orders: list[OrderDocument]
) -> None:
    # Made beforehand: orders without end made each round larger, and on a busy machine no check caught up.
    new, numbers = iter(random_orders(600)[300:]), count(1)

    def write() -> None:
        number, begun = next(numbers), time.monotonic()
        database[ORDERS].update_many({"_id": {"$mod": [7, number % 7]}}, {"$set": {"delivery.location": f"{number}"}})
        accept(database, [*islice(new, 1)])
        # A check looks again until it meets a moment between two writes, which a busy machine makes rare.
        time.sleep(5 * (time.monotonic() - begun))

    with Beside(write):
        for _ in range(2):
            assert check_orders(database, settings).differences == ()


@pytest.fixture
def archived(archive: Settings, database: MongoDatabase, spark: SparkSession) -> Settings:
    """Settings of a store with finished orders in a real archive and others that are hot."""
    advance(database)
    found = random_orders(250, days=20, wild=True)
    accept(database, found)
    archive_orders(archive, Selection(older_than_days=1))
    return archive


def test_the_archive_s_files_are_recomputed_and_records_that_do_not_fit_them_corrected(
    database: MongoDatabase, archived: Settings
) -> None:
    report = check_orders(database, archived)
    assert report.differences == ()
    assert report.archive_checked
    assert min(report.archived_orders, report.hot_orders) > 0
    every = random_orders(250, days=20, wild=True)
    assert report.archived_orders + report.hot_orders == sum(not is_credit(order) for order in every)

    record = database[ARCHIVE_SUMMARY].find_one({"total_orders": {"$gt": 3}})
    assert record is not None
    stranger = random_orders(1)[0]
    time = record["order_date"] + timedelta(hours=5)
    stranger = msgspec.structs.replace(stranger, order=msgspec.structs.replace(stranger.order, order_time=time))
    cells = CellTable.decode(record["cells"]).plus(cells_of_orders([stranger]))
    changed = {"cells": cells.encode(), "total_orders": Int64(record["total_orders"] + 1)}
    database[ARCHIVE_SUMMARY].update_one({"_id": record["_id"]}, {"$set": changed})
    report = check_orders(database, archived, repair=True)
    named = {difference.bucket for difference in report.differences if difference.source == "archive"}
    assert f"order cells of {time:%Y-%m-%d %H}:00" in named
    assert report.repaired
    assert_figures_of(database, every)


def test_sales_for_bi_that_somebody_changed_are_named_and_made_right(
    database: MongoDatabase, archived: Settings
) -> None:
    records = database[ARCHIVE_SUMMARY]
    record = records.find_one({"sales.0": {"$exists": True}})
    assert record is not None
    records.update_one({"_id": record["_id"]}, {"$set": {"sales.0.returns": Decimal128("2.0000")}})
    report = check_orders(database, archived, archive=False)
    assert [difference.bucket for difference in report.differences] == [
        f"sales for BI in record {record['_id']} of {record['order_date']:%Y-%m-%d}"
    ]
    assert check_orders(database, archived, repair=True).repaired
    assert records.find_one({"_id": record["_id"]}) == record


DAMAGES: dict[str, dict[str, Any]] = {
    "another refund": {"$set": {"refunds.0.amount": Decimal128("2.0000")}},
    "no refunds": {"$unset": {"refunds": ""}},
    "nonsense": {"$set": {"refunds": [{"amount": "a lot"}]}},
    "another hash": {"$inc": {"content_hash": 1}},
    "no entry": {},
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_known_of_an_archived_order_is_compared_with_its_row(
    database: MongoDatabase, archived: Settings, damage: str
) -> None:
    entries = database[ARCHIVED_ORDERS]
    entry = entries.find_one({"refunds.0": {"$exists": True}})
    assert entry is not None
    same = {"_id": entry["_id"]}
    entries.update_one(same, DAMAGES[damage]) if DAMAGES[damage] else entries.delete_one(same)
    report = check_orders(database, archived)
    (difference,) = report.differences
    assert difference.bucket == f"archived_orders of {entry['order_date']:%Y-%m-%d}, orders {entry['_id']}"
    assert check_orders(database, archived, repair=True).repaired
    assert entries.find_one({"_id": entry["_id"]}) == entry


def test_an_entry_whose_order_is_in_neither_place_is_named_and_goes(
    database: MongoDatabase, archived: Settings
) -> None:
    entry = database[ARCHIVED_ORDERS].find_one()
    assert entry is not None
    database[ARCHIVED_ORDERS].insert_one({**entry, "_id": Int64(999_999)})
    (difference,) = check_orders(database, archived).differences
    assert "orders 999999" in difference.bucket
    assert check_orders(database, archived, repair=True).repaired
    assert database[ARCHIVED_ORDERS].find_one({"_id": 999_999}) is None
