"""Names, choices and the currency come in the tick that brings what they are of, and without news nothing is read."""

import pytest
from msgspec.structs import replace

from dashboard.feed import Feed
from dashboard.state import CURRENCY, View
from ecommerce.change_shop import change_shop
from ecommerce.documents.order import OrderDocument
from ecommerce.kpis.catalog import Catalog, load_catalog
from ecommerce.kpis.store import KpiStore
from ecommerce.mongo import Document, MongoDatabase
from ecommerce.settings import Settings
from ecommerce.shop import Shop
from tests.dashboard_viewers import feed_of, watching
from tests.summaries_data import accept, random_orders

NEW = 6895546222468490714


@pytest.fixture
def feed(database: MongoDatabase, settings: Settings) -> Feed:
    return feed_of(KpiStore(database), database, settings)


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is appended whenever the catalog is read."""
    found: list[str] = []

    def counted(database: MongoDatabase) -> Catalog:
        found.append("read")
        return load_catalog(database)

    monkeypatch.setattr("ecommerce.kpis.names.load_catalog", counted)
    return found


def new_order(order_id: int) -> OrderDocument:
    """An order of a courier, a product and a warehouse that nobody has seen before."""
    made = next(order for order in random_orders(order_id + 50)[order_id:] if order.order_items)
    order = replace(made.order, order_id=order_id, payment_type="credit_card", currency="EUR")
    items = (replace(made.order_items[0], order_id=order_id, product_id=NEW, warehouse_id=NEW),)
    delivery = replace(
        made.delivery, delivery_id=order_id, order_id=order_id, courier_id=NEW, location="Graz", status="Held"
    )
    return OrderDocument(order, items, delivery, made.updated_at)


def test_a_catalog_record_that_somebody_wrote_by_hand_fails_no_figure(feed: Feed, database: MongoDatabase) -> None:
    accept(database, random_orders(50))
    for name in ("couriers", "warehouses", "products"):
        database.command({"collMod": name, "validationLevel": "off"})
        odd: list[Document] = [{"_id": 1}, {"_id": "two", "name": "Two", "location": "Two", "category": "Two"}]
        odd += [{"_id": 3, "name": 3, "location": ["Lima"], "category": {"is": "Cups"}}]
        database[name].insert_many(odd)
    session = watching(feed, View().with_preset("all"))
    tick = feed.tick()
    assert tick.freshness.problem is None
    assert tick.answers[session.asked()].answer.kpis.orders > 0
    catalog = load_catalog(database)
    assert (catalog.courier(1), catalog.courier(3), catalog.warehouse(3)) == ("Courier 1", "3", "['Lima']")


@pytest.mark.parametrize("first", [0, 300], ids=["into an empty shop", "into one with orders"])
def test_names_and_choices_come_with_the_first_figures_of_what_is_new(
    first: int, feed: Feed, database: MongoDatabase
) -> None:
    accept(database, random_orders(first))
    session = watching(feed, View().with_preset("all"))
    feed.tick()
    database["couriers"].insert_one({"_id": NEW, "courier_id": NEW, "name": "Post"})
    database["warehouses"].insert_one({"_id": NEW, "warehouse_id": NEW, "location": "Vienna"})
    database["products"].insert_one({"_id": NEW, "product_id": NEW, "name": "Cup", "category": "Cups"})
    accept(database, [new_order(first + 1)])
    tick = feed.tick()
    kpis, cards = tick.answers[session.asked()].answer.kpis, tick.answers[session.asked()].cards
    assert "Post" in kpis.by_courier and "Vienna" in kpis.by_warehouse and "Cups" in kpis.by_category
    assert "Credit card" in cards["payment"]
    for dimension, value in {
        "courier": NEW, "warehouse": NEW, "payment": "credit_card", "status": "Held", "location": "Graz",
        "category": "Cups", CURRENCY: "EUR",
    }.items():  # fmt: skip
        assert value in tick.choices[dimension]


def test_what_no_catalog_names_is_looked_for_once(feed: Feed, database: MongoDatabase, readings: list[str]) -> None:
    accept(database, random_orders(300))
    session = watching(feed, View().with_preset("all"))
    feed.tick()
    before = len(readings)
    for order_id in range(301, 305):
        accept(database, [new_order(order_id)])
        tick = feed.tick()
        assert f"Courier {NEW}" in tick.answers[session.asked()].answer.kpis.by_courier
    assert len(readings) == before + 1


def test_orders_of_what_is_known_read_no_names(feed: Feed, database: MongoDatabase, readings: list[str]) -> None:
    accept(database, random_orders(300))
    watching(feed, View().with_preset("all"))
    feed.tick()
    before = len(readings)
    accept(database, random_orders(310)[300:])
    feed.tick()
    feed.tick()
    assert len(readings) == before


def test_another_currency_comes_with_figures_picker_and_choices_at_once(
    feed: Feed, database: MongoDatabase, settings: Settings, readings: list[str]
) -> None:
    accept(database, random_orders(300))
    session = watching(feed, View().with_preset("all"))
    feed.tick()
    change_shop(database, settings, Shop("CHF", "UTC"))
    tick = feed.tick()
    assert tick.answers[session.asked()].answer.kpis.currency == "CHF"
    assert "CHF" in tick.answers[session.asked()].cards["headlines"]
    assert feed.currency == "CHF"
    assert "CHF" in tick.choices[CURRENCY]
    before = len(readings)
    feed.tick()
    assert len(readings) == before
