"""Archived orders on the orders page: found by customer and external id, in pieces, down to the download."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.selection import Selection
from ecommerce.mongo import MongoDatabase
from ecommerce.order_search.paging import PAGE_ROWS
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from tests.archiving import an_order, insert
from tests.dashboard_app import Tab, saved_rows, served

pytestmark = pytest.mark.slow

SOURCE_ID = "' or true <b>№ 7"


def shown_in_pieces(page: Page) -> list[str]:
    """The links of the archived orders, piece after piece: a piece ends when it is full or its time is over."""
    links: list[str] = []
    found = page.get_by_role("table", name="Archived orders").locator("tbody td:first-child")
    go_on = page.get_by_role("link", name="Go on looking in the archive")
    while True:
        expect(page.get_by_text("looked through")).to_be_visible()
        piece = found.all_inner_texts()
        assert len(piece) <= PAGE_ROWS
        links += piece
        if not go_on.count():
            return links
        address = go_on.get_attribute("href")
        go_on.click()
        expect(page.locator(f"a[href='{address}']")).to_have_count(0)


def test_archived_orders_are_found_by_customer_and_external_id(
    browser: Browser, spark: SparkSession, database: MongoDatabase, archive: Settings, tmp_path: Path
) -> None:
    orders = [an_order(number, day=number % 3, user_id=1 + number % 2) for number in range(2 * PAGE_ROWS + 20)]
    orders.append(an_order(500, external_id=SOURCE_ID))
    hot = [an_order(1_000, user_id=1, status="Shipped")]
    insert(database, [*orders, *hot])
    advance(database)
    archive_orders(archive, Selection(30))
    by_time = sorted(orders, key=lambda one: (one.order.order_time, one.order.order_id), reverse=True)
    of_customer = [one.order.order_id for one in by_time if one.order.user_id == 1]
    assert len(of_customer) > PAGE_ROWS
    log = tmp_path / "dashboard.log"
    with served(archive, log) as url:
        tab = Tab(browser).open(
            f"{url}?page=orders&span=all&customer=1", ready="table[aria-label='Archived orders'] >> visible=true"
        )
        page, found = tab.page, tab.page.get_by_role("table", name="Archived orders")
        expect(page.get_by_role("table", name="Orders found").locator("tbody tr")).to_have_count(1)
        assert shown_in_pieces(page) == [f"#{order_id}" for order_id in of_customer]
        expect(page.get_by_text("all of 3 days with 121 orders looked through")).to_be_visible()
        rows = saved_rows(page.get_by_role("link", name="CSV of all these"))
        assert [(int(row["order_id"]), row["place"]) for row in rows] == [
            (1_000, "hot"),
            *((order_id, "archived") for order_id in of_customer),
        ]
        page.get_by_label("Find an order").fill(SOURCE_ID)
        page.keyboard.press("Enter")
        found.get_by_role("link", name=f"{SOURCE_ID} (#500)").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(f"Order {SOURCE_ID} (#500)")
        expect(page.get_by_role("table", name="Where it lies")).to_contain_text("committed")
        total = page.get_by_role("table", name="How the total is made up").get_by_role("row", name="Total")
        expect(total).to_contain_text(f"{orders[-1].order.total_amount:,.2f}")
        tab.close_without_errors()
