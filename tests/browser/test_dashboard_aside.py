"""Documents in `orders` that are no orders: an open page goes on, says how many there are, and forgets them when they
are gone.
"""

import re
from pathlib import Path

import httpx
from playwright.sync_api import Browser, expect

from dashboard.text import exact
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.settings import Settings
from tests.dashboard_app import SHOWN_MS, Tab, served
from tests.dashboard_shop import add_orders, fill
from tests.services.test_set_aside_everywhere import case_48


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
        expect(told).to_contain_text("3 documents are set aside", timeout=SHOWN_MS)
        database[ORDERS].delete_one({"_id": "x2"})
        expect(told).to_contain_text("2 documents are set aside", timeout=SHOWN_MS)
        tab.wait_for_headline("orders", exact(good))
        metrics = httpx.get(re.sub("/app$", "/metrics", address)).text
        assert "ecommerce_tick_failed 0" in metrics, metrics
        for document in bad:
            database[ORDERS].delete_one({"_id": document["_id"]})
        expect(told).to_have_count(0, timeout=SHOWN_MS)
        add_orders(settings, 2)
        tab.wait_for_headline("orders", exact(good + 2))
        assert tab.errors == []
        tab.close()
