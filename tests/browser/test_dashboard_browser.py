"""The dashboard as people see it: real Chromium, real app, real MongoDB."""

import re
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, expect

from dashboard.state import view_of_query
from ecommerce.kpis.store import compute_kpis
from ecommerce.mongo import get_database
from ecommerce.readable import compact, exact
from ecommerce.services.mongod import mongod
from ecommerce.settings import Settings
from tests.dashboard_app import RIGHT_ENDS, Tab, point_at, saved_rows, served
from tests.dashboard_figures import check_figures, download, printed_figures
from tests.dashboard_shop import HOSTILE, ORDERS, add_orders, fill, show_recent, shown_orders
from tests.ports import free_port

FIGURES = ("orders", "revenue", "average_order_value", "quantity")


CARDS = {
    "status": "by_status", "payment": "by_payment_type", "courier": "by_courier", "location": "by_location",
    "category": "by_category", "warehouse": "by_warehouse",
}  # fmt: skip
"""Filter → the figure that is its own card."""

QUERIES = (
    {"span": "all"},
    {"from": "2026-03-05", "to": "2026-03-05"},
    {"from": "2026-03-01", "to": "2026-03-31", "status": ["Delivered", "Shipped"]},
    {"span": "all", "payment": HOSTILE[0], "courier": "1"},
    {"span": "all", "location": HOSTILE[4], "status": HOSTILE[2]},
    {"span": "all", "category": ["Category 1", "Category 2"], "warehouse": "2"},
)


def test_every_figure_on_the_page_is_that_of_the_command_line(tab: Tab, shop: Settings) -> None:
    for query in QUERIES:
        view = view_of_query(text := "?" + urlencode(query, doseq=True))
        span = view.span(datetime.now(UTC), ZoneInfo("UTC"))
        tab.show(text)
        database = get_database(shop)
        kpis = compute_kpis(database, span, view.filters).to_json_dict()
        for dimension, key in CARDS.items():  # a filter's own card shows what else there is
            if view.chosen(dimension):
                kpis[key] = compute_kpis(database, span, view.with_filter(dimension, ()).filters).to_json_dict()[key]
        check_figures(tab, kpis)


def test_the_command_line_says_the_same(tab: Tab, shop: Settings) -> None:
    tab.show("?from=2026-03-01&to=2026-03-20")
    check_figures(tab, printed_figures(shop, "--start", "2026-03-01", "--end", "2026-03-21"))


def test_new_orders_appear_with_the_next_tick(tab: Tab, shop: Settings) -> None:
    before = show_recent(tab)
    add_orders(shop, 3)
    tab.wait_for_headline("orders", exact(before + 3))


def listen(tab: Tab, received: list[str]) -> None:
    """Keep what the server tells a page."""
    tab.page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(str(frame))))


def test_what_a_tick_changes_comes_to_each_page_in_one_message(browser: Browser, address: str, shop: Settings) -> None:
    """Not only to the first page of the process, whose document is that of the tick's own task."""
    received: list[list[str]] = [[], []]
    tabs = [Tab(browser) for _ in received]
    for tab, frames in zip(tabs, received, strict=True):
        listen(tab, frames)
        tab.open(f"{address}?span=all")
    orders = shown_orders(tabs[0])
    for _ in range(2):  # what a page asked when it was opened may be answered with its first tick, before that
        for frames in received:
            frames.clear()
        add_orders(shop, 1)
        orders += 1
        for tab in tabs:
            tab.wait_for_headline("orders", exact(orders))
    for tab, frames in zip(tabs, received, strict=True):
        (told,) = [frame for frame in frames if f"{orders:,}" in frame and "headlines" in frame]
        assert "as_of" in told
        tab.close()


def test_a_browser_does_not_answer_ticks(tab: Tab, shop: Settings) -> None:
    orders = show_recent(tab)
    add_orders(shop, 1)
    tab.wait_for_headline("orders", exact(orders + 1))
    said = len(tab.sent)
    add_orders(shop, 1)
    tab.wait_for_headline("orders", exact(orders + 2))
    assert tab.told_since(said) == []


def test_the_page_itself_carries_the_headlines(tab: Tab, address: str, shop: Settings) -> None:
    first = tab.page.request.get(address + "?span=all").text().split("<script")[0]
    orders = get_database(shop)["orders"].estimated_document_count()
    assert f"<strong>{compact(orders)}<" in first
    expect(tab.page.locator("#first-paint")).to_have_count(0)


def test_a_hostile_catalog_does_nothing(tab: Tab) -> None:
    page = tab.page
    for name in HOSTILE[:3]:
        assert name in tab.rows("Orders by courier")
        assert name in tab.rows("Order items by warehouse")
    assert page.evaluate("() => document.querySelectorAll('img[src=x]').length") == 0
    page.locator("summary").filter(has_text="Courier").click()
    expect(page.get_by_role("checkbox", name=HOSTILE[1])).to_be_visible()
    page.locator("summary").filter(has_text="Courier").click()
    for step in range(1, 10):
        point_at(page, step / 10, 0.7)
    rows = download(tab, "Orders by courier")
    assert {row["courier"] for row in rows} >= {HOSTILE[0], HOSTILE[1]}
    for title in ("Top products", "Payment types", "Customer locations", "Low stock"):
        for row in download(tab, title):
            assert not any(cell.lstrip().startswith(("=", "+", "@")) for cell in row.values())
    assert max(page.locator("section.headline, .tile").evaluate_all(RIGHT_ENDS)) <= 1440


def test_a_pressed_bar_filters_and_the_page_says_where_it_does_not(tab: Tab) -> None:
    everything = tab.headline("orders")
    tab.card("Orders by status").locator('.row[data-name="Shipped"]').click()
    row = tab.card("Orders by status").locator('.row[data-name="Shipped"][aria-pressed=true]')
    row.wait_for()
    assert tab.headline("orders") != everything
    assert "status=Shipped" in tab.page.url
    expect(tab.card("Top products").locator(".note")).to_have_text("by pieces ordered · not filtered by status")
    row.focus()
    tab.page.keyboard.press("Enter")
    tab.wait_for_headline("orders", everything)
    assert "status" not in tab.page.url


BRIGHTNESS = "getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3).reduce((a, b) => a + +b, 0)"


def test_a_reload_and_a_shared_link_show_the_same_dark_or_light(tab: Tab, browser: Browser) -> None:
    tab.page.wait_for_function(f"() => {BRIGHTNESS} > 600")
    tab.page.get_by_role("button", name="Toggle theme").click()
    tab.page.wait_for_url(re.compile("theme=dark"))
    tab.card("Customer locations").locator(".row").first.click()
    tab.page.wait_for_url(re.compile("location="))
    tab.page.locator('.row[aria-pressed="true"]').first.wait_for()
    shown, rows, link = tab.headline("orders"), tab.rows("Payment types"), tab.page.url
    tab.page.reload()
    tab.wait_for_headline("orders", shown)
    assert (tab.rows("Payment types"), tab.page.url) == (rows, link)
    tab.page.wait_for_function(f"() => {BRIGHTNESS} < 150")
    other = Tab(browser).open(link)
    other.wait_for_headline("orders", shown)
    assert other.rows("Payment types") == rows
    other.page.wait_for_function(f"() => {BRIGHTNESS} < 150")
    other.close_without_errors()


def test_a_paused_page_stays_as_it_is_until_resumed(tab: Tab, shop: Settings) -> None:
    before = show_recent(tab)
    tab.page.get_by_role("button", name="Pause").click()
    expect(tab.page.get_by_text("Paused")).to_be_visible()
    add_orders(shop, 2)
    tab.page.wait_for_timeout(2_500)
    assert shown_orders(tab) == before
    tab.page.get_by_role("button", name="Resume").click()
    tab.wait_for_headline("orders", exact(before + 2))


@pytest.mark.drill
def test_the_page_outlives_its_database(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    uri = f"mongodb://127.0.0.1:{port}/?replicaSet=ecommerce"
    settings = Settings(mongo_uri=uri, database="shop", home=tmp_path / "home")
    server = mongod(tmp_path, port).start()
    try:
        fill(get_database(settings))
        with served(settings, tmp_path / "dashboard.log") as url:
            tab = Tab(browser).open(url + "?span=all")
            tab.wait_for_headline("orders", exact(ORDERS))
            alert = tab.page.get_by_role("alert").filter(has_text="cannot be brought up to date")
            server.stop()
            alert.wait_for()
            assert tab.headline("orders") == exact(ORDERS)
            server = mongod(tmp_path, port).start()
            add_orders(settings, 4)
            tab.wait_for_headline("orders", exact(ORDERS + 4))
            alert.wait_for(state="hidden")
            tab.close_without_errors()
    finally:
        server.stop()


def test_a_phone_shows_everything_without_scrolling_sideways(browser: Browser, address: str) -> None:
    agent = "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36"
    tab = Tab(browser, viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True, user_agent=agent)
    tab.open(address + "?span=all")
    rights = tab.page.locator("section.headline, .tile, button").evaluate_all(RIGHT_ENDS)
    assert max(rights) <= 390
    filter_of = tab.page.locator("summary").filter(has_text="Payment type")
    expect(filter_of).not_to_be_visible()
    tab.page.get_by_role("button", name="Filters").click()
    expect(filter_of).to_be_visible()
    tab.close_without_errors()


def test_figures_are_downloaded_as_they_are(tab: Tab, shop: Settings) -> None:
    saved = saved_rows(tab.page.get_by_role("button", name="Figures as CSV"))
    rows = {row["figure"]: row["value"] for row in saved}
    kpis = compute_kpis(get_database(shop)).to_json_dict()
    assert {key: rows[key] for key in FIGURES} == {key: str(kpis[key]) for key in FIGURES}
