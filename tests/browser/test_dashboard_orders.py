"""The orders behind a figure: from the overview to a page of orders, to one of them, and into a spreadsheet."""

import base64
import json
import re
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.state import view_of_query
from ecommerce.documents.catalog import User
from ecommerce.mongo import MongoDatabase, get_database
from ecommerce.order_search.paging import PAGE_ROWS
from ecommerce.readable import exact
from ecommerce.settings import Settings
from tests.dashboard_app import RIGHT_ENDS, Tab, saved_rows, served
from tests.dashboard_shop import HOSTILE
from tests.summaries_data import put_catalog

pytestmark = pytest.mark.slow

SECRET = "pass word of this test"
NAMES = {20: "=HYPERLINK(1)<img src=x onerror=alert(1)>", 21: "Zoë"}
"""Customers by the id of one of their orders."""


@pytest.fixture(scope="module")
def database(shop: Settings) -> Iterator[MongoDatabase]:
    """The shop with two customers."""
    database = get_database(shop)
    orders = {order["_id"]: order["order"]["user_id"] for order in database["orders"].find({"_id": {"$in": [20, 21]}})}
    put_catalog(
        database, {"users": [User(orders[number], name, f"c{number}@example.com") for number, name in NAMES.items()]}
    )
    yield database
    database["users"].delete_many({})


def ids(page: Page) -> list[int]:
    """The ids of the orders on the page, top to bottom."""
    found = page.locator("tbody tr:visible td:first-child").all_inner_texts()
    return [int(re.sub(r"\D", "", text.split("#")[-1])) for text in found]


def listed(tab: Tab, query: str) -> Page:
    """The page with the orders of a link; the download beside them is of the same link."""
    tab.show(query)
    tab.page.locator(f'a[href="./orders.csv{view_of_query(query).query()}"]').wait_for()
    return tab.page


def wait_for_count(tab: Tab, count: int) -> None:
    """Wait until the page says how many orders it found. It counts them once, and only for a short time: where that was
    not enough, it is loaded again.
    """
    said = tab.page.get_by_text(re.compile(rf"· ({exact(count)} )?hot orders? ·")).filter(visible=True)
    said.wait_for()
    while "· hot orders ·" in said.inner_text():
        tab.reload()
        said.wait_for()


def amounts_shown(page: Page) -> list[tuple[str, str]]:
    """Name and amount of each line of what an order's total is made of."""
    rows = page.get_by_role("table", name="How the total is made up").locator("tbody tr")
    cells = rows.evaluate_all("rows => rows.map(row => [...row.cells].map(cell => cell.innerText))")
    return [(what, amount) for what, _, amount in cells]


def newest(database: MongoDatabase, match: dict[str, Any] | None = None) -> list[int]:
    found = database["orders"].find(match or {}).sort([("order.order_time", -1), ("_id", -1)])
    return [order["_id"] for order in found]


def test_a_headline_and_a_bar_lead_to_their_orders(tab: Tab, database: MongoDatabase) -> None:
    page = tab.page
    page.locator("#headline-orders").get_by_role("link").click()
    page.wait_for_url(re.compile("[?]page=orders&span=all$"))
    wait_for_count(tab, database["orders"].estimated_document_count())
    assert ids(page) == newest(database)[:PAGE_ROWS]
    page.go_back()
    page.get_by_role("link", name="Orders behind Shipped").click()
    page.wait_for_url(re.compile("page=orders.*status=Shipped"))
    shipped = newest(database, {"delivery.status": "Shipped"})
    wait_for_count(tab, len(shipped))
    assert ids(page) == shipped[:PAGE_ROWS]
    page.get_by_role("link", name="× Shipped").click()
    page.wait_for_url(lambda url: "status" not in url)
    page.go_back()
    page.go_back()
    top = tab.card("Top products")
    top.get_by_role("link").last.click()
    page.wait_for_url(re.compile("product="))
    product = int(parse_qs(urlsplit(page.url).query)["product"][0])
    expect(page.get_by_role("link", name="× product")).to_be_visible()
    found = newest(database, {"order_items.product_id": product})
    wait_for_count(tab, len(found))
    assert ids(page) == found[:PAGE_ROWS]


def test_filters_that_a_figure_does_not_obey_are_not_in_the_link_behind_it(tab: Tab, database: MongoDatabase) -> None:
    page = tab.page
    tab.show("?span=all&status=Shipped&category=Category 1")
    page.get_by_text("not filtered by category").first.wait_for()
    page.locator("#headline-orders").get_by_role("link").click()
    page.wait_for_url(lambda url: "category" not in url and "status=Shipped" in url)
    shipped = newest(database, {"delivery.status": "Shipped"})
    wait_for_count(tab, len(shipped))
    page.go_back()
    page.wait_for_url(re.compile("category"))
    tab.card("Pieces by category").get_by_role("link").first.click()
    page.wait_for_url(lambda url: "category" in url and "status" not in url)


def test_pages_and_columns_are_mongodbs(tab: Tab, database: MongoDatabase) -> None:
    page = listed(tab, "?page=orders&span=all")
    expected = newest(database)
    for number in range(3):
        expect(page.locator("tbody tr:visible td:first-child").first).to_have_text(
            re.compile(f"#{expected[number * PAGE_ROWS]}\\)?$")
        )
        assert ids(page) == expected[number * PAGE_ROWS :][:PAGE_ROWS]
        page.get_by_role("link", name="Next page").click()
    expect(page.locator("tbody tr:visible td:first-child").first).to_have_text(re.compile(f"#{expected[150]}\\)?$"))
    page.get_by_role("link", name="Previous page").click()
    page.wait_for_url(re.compile("before="))
    expect(page.locator("tbody tr:visible td:first-child").first).to_have_text(re.compile(f"#{expected[100]}\\)?$"))
    link = page.url
    page.get_by_role("link", name="Total").click()
    page.wait_for_url(re.compile("sort=-total"))
    expect(page.get_by_role("columnheader", name="Total")).to_have_attribute("aria-sort", "descending")
    most = [
        o["_id"] for o in database["orders"].find().sort([("order.total_amount", -1), ("_id", -1)]).limit(PAGE_ROWS)
    ]
    expect(page.locator("tbody tr:visible td:first-child").first).to_have_text(re.compile(f"#{most[0]}\\)?$"))
    assert ids(page) == most
    page.goto(link)  # a link to a page shows it
    page.get_by_role("table", name="Orders found").wait_for()
    assert ids(page) == expected[100:150]


def test_an_order_is_found_and_shows_its_life_and_nothing_hostile_runs(tab: Tab, database: MongoDatabase) -> None:
    page = listed(tab, "?page=orders&span=24h")
    for text in ('{"$gt": ""}', HOSTILE[0], "9" * 30):
        page.get_by_label("Find an order").fill(text)
        page.keyboard.press("Enter")
        expect(page.get_by_text("No order in MongoDB is like this")).to_be_visible()
        expect(page.get_by_role("link", name=f"× “{text}”")).to_be_visible()
    page.get_by_label("Find an order").fill("3")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("search=3"))
    page.locator("tbody tr:visible td:first-child a").filter(has_text=re.compile("#3\\)?$")).click()
    expect(page.get_by_role("heading", name="Order #3")).to_be_visible()
    order = database["orders"].find_one({"_id": 3})
    assert order
    expect(page.get_by_role("table", name="What")).to_contain_text(order["delivery"]["location"])
    expect(page.get_by_role("table", name="Life")).to_contain_text("Ordered")
    assert page.get_by_role("table", name="Items").locator("tbody tr").count() == len(order["order_items"])
    lines = amounts_shown(page)
    parts = [Decimal(amount.replace("−", "-").replace(",", "")) for _, amount in lines]
    total = [what for what, _ in lines].index("Total")
    assert sum(parts[:total]) == parts[total] == order["order"]["total_amount"].to_decimal()
    assert page.evaluate("() => document.querySelectorAll('img[src=x]').length") == 0
    page.get_by_role("link", name="All orders").click()
    page.wait_for_url(lambda url: "order=" not in url)


def test_a_span_that_is_chosen_ends_a_search_of_all_days(tab: Tab, database: MongoDatabase) -> None:
    """The list went on to show all days under a span that was lit."""
    page = listed(tab, "?page=orders&span=all")
    expect(page.get_by_role("combobox", name="Compared with")).not_to_be_visible()  # nothing is, on this page
    page.get_by_label("Find an order").fill("5")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="× “5”")).to_be_visible()
    page.get_by_role("button", name="24 h", exact=True).click()
    expect(page.get_by_role("link", name="× “5”")).not_to_be_visible()
    expect(page.get_by_label("Find an order")).to_have_value("")
    day = datetime.now(UTC) - timedelta(days=1)
    assert 5 not in ids(page)
    assert database["orders"].count_documents({"_id": {"$in": ids(page)}, "order.order_time": {"$lt": day}}) == 0
    page.go_back()
    expect(page.get_by_role("link", name="× “5”")).to_be_visible()
    page.get_by_role("button", name="Overview", exact=True).click()
    expect(page.get_by_role("combobox", name="Compared with")).to_be_visible()


def test_an_archived_order_says_where_it_lies(tab: Tab, database: MongoDatabase) -> None:
    day = datetime(2025, 1, 2, tzinfo=UTC)
    database["archived_orders"].insert_one({"_id": 10**9, "content_hash": 1, "order_date": day, "run_id": "20250201"})
    try:
        page = listed(tab, "?page=orders&span=24h&search=1000000000")
        expect(page.get_by_role("table", name="Archived orders")).to_contain_text("archived")
        page.get_by_role("link", name="#1000000000").click()
        where = page.get_by_role("table", name="Where it lies")
        expect(where).to_contain_text("20250201")
        expect(where).to_contain_text("2025-01-02")
    finally:
        database["archived_orders"].delete_one({"_id": 10**9})


def test_the_whole_answer_is_downloaded_and_no_cell_is_a_formula(tab: Tab, database: MongoDatabase) -> None:
    page = listed(tab, "?page=orders&span=all&status=Delivered")
    rows = saved_rows(page.get_by_role("link", name="CSV of all these"))
    assert [int(row["order_id"]) for row in rows] == newest(database, {"delivery.status": "Delivered"})
    page = listed(tab, "?page=orders&span=all")
    rows = saved_rows(page.get_by_role("link", name="CSV of all these"))
    assert len(rows) == database["orders"].estimated_document_count()
    assert any(HOSTILE[3] in row["payment_type"] for row in rows)
    assert not any(cell.lstrip().startswith(("=", "+", "@")) for row in rows for cell in row.values())
    assert "customer_email" not in rows[0]


def test_names_are_shown_to_those_who_may_see_them_and_downloads_are_logged(
    browser: Browser, shop: Settings, database: MongoDatabase, tab: Tab, tmp_path: Path
) -> None:
    page = listed(tab, "?page=orders&span=all&search=20")
    assert "example.com" not in page.content() and "HYPERLINK" not in page.locator("tbody:visible").inner_text()
    log = tmp_path / "dashboard.log"
    with served(shop, log, {"ECOMMERCE_CUSTOMERS_ON_LOOPBACK": "true"}) as url:
        allowed = Tab(browser).open(f"{url}?page=orders&order=20", ready="h1 >> visible=true")
        expect(allowed.page.get_by_role("table", name="What")).to_contain_text("c20@example.com")
        expect(allowed.page.get_by_role("table", name="What")).to_contain_text(NAMES[20])
        allowed.page.get_by_label("Find an order").fill("c21@example.com")
        allowed.page.keyboard.press("Enter")
        expect(allowed.page.get_by_role("link", name="Zoë").first).to_be_visible()
        rows = saved_rows(allowed.page.get_by_role("link", name="CSV of all these"))
        assert rows and {row["customer_email"] for row in rows} == {"c21@example.com"}
        allowed.close_without_errors()
    assert re.search(r"download of customers' names and e-mails: user None at '127.0.0.1'.*c21", log.read_text())


def test_a_login_guards_the_download_and_shows_names(
    browser: Browser, shop: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    users = tmp_path / "users.json"
    users.write_text(json.dumps({"manager": SECRET}))
    log = tmp_path / "dashboard.log"
    login = {"PANEL_BASIC_AUTH": str(users), "PANEL_COOKIE_SECRET": base64.b64encode(b"x" * 32).decode()}
    with served(shop, log, login) as url:
        with urllib.request.urlopen(url.replace("/app", "/orders.csv?page=orders&span=all"), timeout=30) as answer:  # noqa: S310
            assert "login" in answer.url and b"order_id" not in answer.read()
        tab = Tab(browser)
        tab.page.goto(f"{url}?page=orders&order=20")
        tab.page.locator("input[name=username]").fill("manager")
        tab.page.locator("input[name=password]").fill(SECRET)
        tab.page.keyboard.press("Enter")
        tab.page.locator("h1 >> visible=true").wait_for()
        tab.page.goto(f"{url}?page=orders&order=20")
        expect(tab.page.get_by_role("table", name="What")).to_contain_text("c20@example.com")
        answer = tab.page.request.get(url.replace("/app", "/orders.csv?page=orders&search=20"))
        assert "c20@example.com" in answer.text() and "'=HYPERLINK" in answer.text()
        tab.close()
    assert "user 'manager'" in log.read_text()


def test_an_order_is_reached_by_keyboard_on_a_small_screen(browser: Browser, address: str) -> None:
    tab = Tab(browser, viewport={"width": 320, "height": 640}).open(
        f"{address}?page=orders&span=all", ready="table >> visible=true"
    )
    page = tab.page
    assert max(page.locator(".tile, .chip, button").evaluate_all(RIGHT_ENDS)) <= 320
    first = page.locator("tbody tr:visible td:first-child a").first
    first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("order=\\d+"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Order #")
    tab.close_without_errors()
