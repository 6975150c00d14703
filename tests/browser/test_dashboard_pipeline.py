"""The pipeline page, and what the overview says of a pipeline in which something failed."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from ecommerce.mongo import get_database
from ecommerce.settings import Settings
from tests.dashboard_app import Tab
from tests.dashboard_shop import HOSTILE, add_orders

pytestmark = pytest.mark.slow


def test_the_pipeline_page_shows_what_the_pipeline_wrote_down(tab: Tab, shop: Settings) -> None:
    database = get_database(shop)
    now = datetime.now(UTC)
    database["imports"].insert_one(
        {"file": f"/inbox/{HOSTILE[1]}", "state": "done", "started_at": now, "read": 5, "accepted": 3, "rejected": 2}
    )
    database["rejected_rows"].insert_one({"file": "/inbox/a.csv", "line": 7, "code": "bad", "reason": HOSTILE[0]})
    tab.page.get_by_role("button", name="Pipeline", exact=True).click()
    tab.page.locator("#headline-hot").wait_for()
    row = tab.card("Imports").locator("tbody tr").first
    expect(row).to_contain_text("done")
    expect(row.locator("td").nth(3)).to_have_text("5")
    expect(tab.card("Rejected rows").locator("tbody tr").first).to_contain_text(HOSTILE[0])
    hot = int(tab.headline("hot").replace(",", ""))
    assert hot == database["orders"].estimated_document_count()
    assert "page=pipeline" in tab.page.url


def test_what_failed_is_said_on_the_overview_and_explained_on_the_pipeline_page(tab: Tab, shop: Settings) -> None:
    imports = get_database(shop)["imports"]
    reason = f"no mapping knows its columns: {HOSTILE[1]}"
    failed = {"file": "/inbox/broken.csv", "state": "failed", "started_at": datetime.now(UTC), "error": reason}
    try:
        imports.insert_one(failed)
        notice = tab.page.get_by_role("status").filter(has_text="import of broken.csv failed")
        notice.wait_for()
        expect(notice).to_contain_text(reason)
        notice.get_by_role("button", name="Pipeline: import of broken.csv").press("Enter")
        tab.page.locator("#headline-hot").wait_for()
        row = tab.card("Imports").locator("tbody tr").filter(has_text="broken.csv")
        expect(row).to_contain_text("failed")
        expect(row).to_contain_text(reason)
    finally:
        imports.delete_one({"file": failed["file"]})
    tab.show("?span=all")
    expect(tab.page.get_by_role("status").filter(has_text="broken.csv")).to_have_count(0)


def test_what_needs_attention_is_said_with_a_way_to_it(tab: Tab, shop: Settings) -> None:
    database = get_database(shop)
    notice = tab.page.locator(".notice").filter(has_text="are open for 30 days or more")
    notice.wait_for()
    oldest = {"order.order_time": {"$lt": datetime.now(UTC) - timedelta(days=29)}}
    finished = ["Delivered", "Cancelled", "Returned"]
    limit = datetime.now(UTC) - timedelta(days=30)
    open_orders = [
        order["order"]["order_time"]
        for order in database["orders"].find(oldest)
        if order["delivery"]["status"] not in finished
    ]
    # Ages are those of days: an order of the limit's own day may be on either side of it.
    least = sum(time < limit - timedelta(days=1) for time in open_orders)
    counted = int(re.sub(r"\D", "", notice.locator(".what").inner_text().split(" orders")[0]))
    assert least <= counted <= len(open_orders)
    notice.get_by_role("link", name="Orders: backlog").click()
    tab.page.wait_for_url(re.compile("page=orders.*state=open"))
    tab.page.get_by_text("× open: not finished").wait_for()
    shown = tab.page.get_by_role("table", name="Orders found").locator("tbody tr td:nth-child(4)").all_inner_texts()
    assert shown and not set(shown) & set(finished)


AS_MANY = """([what, card]) =>
  parseInt(what.innerText.replaceAll(",", "")) === card.querySelectorAll("tbody td:last-child .pill.bad").length"""
"""In the browser: whether a notice counts as many products as are marked in a card."""


def test_products_that_run_out_and_rejected_rows_need_attention(tab: Tab, shop: Settings) -> None:
    """Product 0 of the shop has no stock, and product 1 less than a week's sales of it."""
    database = get_database(shop)
    database["rejected_rows"].insert_one({"file": "/inbox/b.csv", "line": 9, "code": "bad", "reason": HOSTILE[1]})
    add_orders(shop, 40)
    notice = tab.page.locator(".notice").filter(has_text="stock for less than 7 days")
    notice.get_by_role("link", name="Low stock").press("Enter")
    card = tab.card("Low stock")
    expect(card).to_be_focused()
    expect(card).to_be_in_viewport()
    both = [notice.locator(".what").element_handle(), card.element_handle()]
    tab.page.wait_for_function(AS_MANY, arg=both)
    expect(card.locator("tbody tr").first).to_contain_text(HOSTILE[0])
    assert "#" not in tab.page.url, "Back leads to the page before"
    notice = tab.page.locator(".notice").filter(has_text="to be repaired")
    notice.get_by_role("button").press("Enter")
    tab.page.locator("#headline-rejected").wait_for()
