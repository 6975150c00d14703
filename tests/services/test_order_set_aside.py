"""`ecommerce order ID` and the dashboard's page of an order say that a document is no order, and why."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from bson import Decimal128, Int64

from cli.orders import order_document
from dashboard.order_cards import order_cards
from dashboard.orders import OneOrder
from dashboard.state import View
from ecommerce.archive.selection import Selection, plan_archive
from ecommerce.documents.stored import HAS_TIME
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.order_search.one_order import find_order
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from ecommerce.summaries.aside import all_aside
from tests.archiving import an_order
from tests.programs import ecommerce
from tests.summaries_data import document_of
from tests.vandalism import Vandal, changed, vandal

__all__ = ["vandal"]


@pytest.mark.parametrize("path", ["order.order_time", "order"])
def test_a_time_within_an_array_is_no_time_of_an_order(database: MongoDatabase, vandal: Vandal, path: str) -> None:
    order = document_of(an_order(8))
    vandal.put(changed(order, path, [order["order"] if path == "order" else order["order"]["order_time"]]))
    vandal.put(document_of(an_order(9)))
    assert [found["_id"] for found in database[ORDERS].find(HAS_TIME)] == [9]
    assert plan_archive(database, Selection()).orders == 1


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        ("order.total_amount", "thirty", "order.total_amount: thirty is of type string, not decimal"),
        ("order.order_id", Int64(7), "order.order_id: 7 is not the document's _id"),
        ("order_items", "two", "order_items: two is of type string, not array"),
        ("order_items.0", 5, "order_items.0: 5 is of type int, not object"),
        ("delivery", ..., "delivery is missing"),
        ("_id", Decimal128("8"), "_id: 8 is of type decimal, not long"),
        ("_id", "SO/8", "_id: SO/8 is of type string, not long"),
    ],
)
def test_the_command_says_why_a_document_is_set_aside(
    database: MongoDatabase, settings: Settings, vandal: Vandal, path: str, value: Any, reason: str
) -> None:
    vandal.put(changed(document_of(an_order(8, external_id="SO/8")), path, value))
    advance(database)
    text = "SO/8" if value == "SO/8" else "8"
    done = ecommerce(settings, "order", text)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"it is set aside, in no figure: {reason}. Correct or delete it" in done.stdout
    (named,) = all_aside(database)[1]
    assert f"({reason})" in str(named)
    found, now = find_order(database, settings, text), datetime.now(UTC)
    assert found and order_document(found, now)["set_aside"] == reason
    one = OneOrder(found, {}, now, {"product_id": {}, "warehouse_id": {}, "courier_id": {}})
    cards = order_cards(one, View(page="orders"), "USD", ZoneInfo("UTC"))
    assert reason in json.loads(cards["list"])["subtitle"]
