"""Documents in `orders` that are no orders: an open page goes on, says how many there are, and forgets them when they
are gone. A tick that fails is a banner, a metric and one line.
"""

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.readable import exact
from ecommerce.settings import Settings
from ecommerce.shop import SHOP
from ecommerce.summaries.state import STATE
from tests.dashboard_app import Tab, served
from tests.dashboard_shop import add_orders, fill
from tests.services.test_set_aside_everywhere import case_48

pytestmark = pytest.mark.slow


def tick_failed(address: str) -> float:
    """`ecommerce_tick_failed` as Prometheus reads it."""
    found = re.search(
        r"^ecommerce_tick_failed (.+)$", httpx.get(re.sub("/app$", "/metrics", address)).text, re.MULTILINE
    )
    assert found is not None
    return float(found[1])


def test_a_tick_that_fails_is_a_banner_a_metric_and_one_line(
    browser: Browser, settings: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    fill(database)
    good, log = database[ORDERS].estimated_document_count(), tmp_path / "dashboard.log"
    with served(settings, log) as address:
        tab = Tab(browser).open(address + "?span=all")
        tab.wait_for_headline("orders", exact(good))
        assert tick_failed(address) == 0
        shop = database[SHOP].find_one({})
        assert shop is not None
        database[SHOP].update_one({}, {"$set": {"time_zone": "Mars/Olympus"}})
        database[STATE].delete_many({})  # it must be built anew, by a zone that there is not
        told = tab.page.get_by_role("alert").filter(has_text="cannot be brought up to date")
        expect(told).to_contain_text("Mars/Olympus")
        assert tick_failed(address) == 1
        assert tab.headline("orders") == exact(good)
        tab.page.wait_for_timeout(3_000)  # three ticks
        lines = [line for line in log.read_text().splitlines() if "could not be brought up to date" in line]
        assert len(lines) == 1, lines
        assert "Traceback" not in log.read_text()
        database[SHOP].replace_one({"_id": shop["_id"]}, shop)
        expect(told).to_have_count(0)
        assert tick_failed(address) == 0
        add_orders(settings, 2)
        tab.wait_for_headline("orders", exact(good + 2))
        tab.close_without_errors()


def test_an_open_page_outlives_documents_past_the_validator(
    browser: Browser, settings: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    fill(database)
    good, bad = database[ORDERS].estimated_document_count(), case_48()
    with served(settings, tmp_path / "dashboard.log") as address:
        tab = Tab(browser).open(address + "?span=all")
        tab.wait_for_headline("orders", exact(good))
        told = tab.page.get_by_role("alert").filter(has_text="set aside")
        for document in bad:
            database[ORDERS].replace_one({"_id": document["_id"]}, document, True, bypass_document_validation=True)
        expect(told).to_contain_text("3 documents are set aside")
        database[ORDERS].delete_one({"_id": "x2"})
        expect(told).to_contain_text("2 documents are set aside")
        tab.wait_for_headline("orders", exact(good))
        assert tick_failed(address) == 0
        for document in bad:
            database[ORDERS].delete_one({"_id": document["_id"]})
        expect(told).to_have_count(0)
        add_orders(settings, 2)
        tab.wait_for_headline("orders", exact(good + 2))
        tab.close_without_errors()
