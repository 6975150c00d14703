"""A shop with orders, its dashboard, and a browser that looks at it. `tests/browser/conftest.py` takes the fixtures."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from ecommerce.documents.catalog import Courier, Inventory, Product, Warehouse
from ecommerce.documents.order import OrderDocument
from ecommerce.mongo import MongoDatabase, get_database
from ecommerce.readable import exact
from ecommerce.schema import prepare_database
from ecommerce.settings import Settings
from tests.dashboard_app import Tab, launch, served
from tests.summaries_data import accept, put_catalog, random_orders

HOSTILE = (
    "<script>alert('x')</script>",
    "<img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}${alert(1)}@orders{safe}",
    '=cmd|"/c calc"!A1',
    "\u202egnp.exe שלום مرحبا\u202c",
    "*Z* [a](javascript:alert(1)) `|`",
    "L" * 500,
)
"""Names that must stay names."""

ORDERS = 700


def shop_orders() -> list[OrderDocument]:
    """Orders of forty days, with hostile payment types, statuses and cities among them, and some of the last hours."""
    orders = random_orders(ORDERS, seed=7)
    for number, name in enumerate(HOSTILE):
        order = orders[number]
        orders[number] = replaced(order, payment_type=name, status=HOSTILE[-1 - number], location=name)
    now = datetime.now(UTC)
    for number in range(20, 60):
        orders[number] = replaced(orders[number], order_time=now - timedelta(hours=number - 20, seconds=number))
    return orders


def replaced(order: OrderDocument, **changes: Any) -> OrderDocument:
    """The order with other values in its order or delivery."""
    of_delivery = {name: changes.pop(name) for name in ("status", "location", "actual_time") if name in changes}
    return msgspec.structs.replace(
        order,
        order=msgspec.structs.replace(order.order, **changes),
        delivery=msgspec.structs.replace(order.delivery, **of_delivery),
    )


def fill(database: MongoDatabase) -> None:
    prepare_database(database)
    records: dict[str, list[Any]] = {
        "products": [
            Product(number, HOSTILE[number] if number < len(HOSTILE) else f"Product {number}", f"Category {number % 4}")
            for number in range(30)
        ],
        "warehouses": [Warehouse(number, HOSTILE[number]) for number in range(3)] + [Warehouse(3, "North")],
        "couriers": [Courier(number, HOSTILE[number]) for number in range(3)] + [Courier(3, "Rider")],
        "inventory": [Inventory(number, number % 4, number) for number in range(20)],
    }
    put_catalog(database, records)
    accept(database, shop_orders())


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser per file: while it is open its thread has a running event loop, and `asyncio.run` of others fails."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shop(mongo_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a filled database, one for all tests that look at pages."""
    settings = Settings(mongo_uri=mongo_uri, database="test_dashboard", home=tmp_path_factory.mktemp("home"))
    database = get_database(settings)
    database.client.drop_database(database.name)
    fill(database)
    yield settings
    database.client.drop_database(database.name)


@pytest.fixture(scope="session")
def address(shop: Settings) -> Iterator[str]:
    log = shop.home_directory / "dashboard.log"
    with served(shop, log) as url:
        yield url
    text = log.read_text()
    # Tornado logs a browser that leaves in the middle of a message; these are what the dashboard says itself.
    assert not re.search("a page could not|an answer failed|tick failed|Error running application", text), text


@pytest.fixture(scope="module")
def open_tab(browser: Browser, address: str) -> Iterator[Tab]:
    """The tab that most tests share: loading the page is what takes long."""
    tab = Tab(browser).open(address + "?span=all")
    yield tab
    tab.close()


@pytest.fixture
def tab(open_tab: Tab, shop: Settings) -> Iterator[Tab]:
    """A tab on the overview of all orders whose console stays clean: every test is also a test of that."""
    open_tab.show("?span=all")
    open_tab.wait_for_headline("orders", exact(get_database(shop)["orders"].estimated_document_count()))
    yield open_tab
    assert open_tab.errors == []


def next_id(database: MongoDatabase) -> int:
    last = database["orders"].find_one(sort=[("_id", -1)])
    return int(last["_id"]) + 1 if last else 0


def add_orders(settings: Settings, count: int, **changes: Any) -> None:
    """Orders of this moment."""
    database = get_database(settings)
    first = next_id(database)
    new = random_orders(first + count, seed=7)[first:]
    accept(database, [replaced(order, order_time=datetime.now(UTC), **changes) for order in new])


def shown_orders(tab: Tab) -> int:
    return int(tab.headline("orders").replace(",", ""))


def show_recent(tab: Tab) -> int:
    """The orders from yesterday to tomorrow, which are far fewer than all. Unlike the last 24 hours, these days lose no
    order when an hour or a day begins.
    """
    everything, today = tab.headline("orders"), datetime.now(UTC).date()
    tab.show(f"?from={today - timedelta(days=1)}&to={today + timedelta(days=1)}")
    expect(tab.page.locator("#headline-orders .value")).not_to_have_attribute("data-exact", everything)
    return shown_orders(tab)
