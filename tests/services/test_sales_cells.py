"""The cells of sales: arrays, plain counting, MongoDB and SQL agree on every event, in every zone."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.selection import Selection
from ecommerce.check.archived import archived_cells
from ecommerce.check.documents import sales_by_aggregation
from ecommerce.documents.bson_codec import encode_order
from ecommerce.hours import UTC_HOURS, hours_of
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from ecommerce.summaries.cells import CellTable, cells_of_orders, fold_documents
from tests.archiving import insert
from tests.summaries_data import accept, random_orders

ZONES = ("UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe")


@given(seed=st.integers(0, 2**32), wild=st.booleans(), zone=st.sampled_from(ZONES))
@hypothesis_settings(max_examples=40, deadline=None)
def test_events_in_arrays_are_those_counted_one_by_one(seed: int, wild: bool, zone: str) -> None:
    orders, hours = random_orders(50, seed, wild=wild), hours_of(zone)
    documents = [encode_order(order) for order in orders]
    assert fold_documents(documents, (), hours).cells.equals(cells_of_orders(orders, hours))
    assert fold_documents(documents[:9], documents, hours).cells.equals(cells_of_orders(orders[9:], hours).negated())


@pytest.mark.parametrize("zone", ZONES)
def test_mongodb_counts_the_same_events(database: MongoDatabase, zone: str) -> None:
    orders, hours = random_orders(600, wild=True), hours_of(zone)
    accept(database, orders)
    counted = sales_by_aggregation(database, hours=hours)
    expected = cells_of_orders(orders, hours)
    assert counted.height == expected.sales.height > 500
    empty = CellTable.empty()
    assert replace(empty, sales=counted).equals(replace(empty, sales=expected.sales))


def test_sql_counts_the_same_events(spark: SparkSession, archive: Settings, database: MongoDatabase) -> None:
    orders = random_orders(400, wild=True)
    insert(database, orders)
    archive_orders(archive, Selection(include_open=True, older_than_days=0))
    found = archived_cells(archive, date(2026, 1, 1), date(2027, 1, 1), UTC_HOURS)
    assert CellTable.sum_of(found.values()).equals(cells_of_orders(orders))
    for day, cells in found.items():
        of_day = [order for order in orders if order.order.order_time.date() == day]
        assert cells.equals(cells_of_orders(of_day)), "a record keeps all cells of its orders, whatever their hour"
