"""The browser's history, and files that are saved: what a person expects of any page."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.dashboard_app import Tab, saved_text

pytestmark = pytest.mark.slow


def test_back_takes_one_press_each_and_forward_leads_on(browser: Browser, address: str) -> None:
    tab = Tab(browser).open(address)
    page = tab.page
    shown: list[tuple[str, str]] = []

    def remember() -> None:
        shown.append((page.url, page.get_by_role("heading", level=1).inner_text()))

    remember()
    for name in ("7 d", "All", "90 d"):
        before = page.url
        page.get_by_role("button", name=name, exact=True).click()
        page.wait_for_url(lambda url, before=before: bool(url != before))  # type: ignore[misc]
        expect(page.get_by_role("heading", level=1)).not_to_have_text(shown[-1][1])
        remember()
    tab.card("Orders by status").locator('.row[data-name="Shipped"]').click()
    page.wait_for_url(re.compile("status=Shipped"))
    steps = [*reversed(shown), *shown[1:]]  # back to the first, then forward to the last but the filter
    for number, (url, heading) in enumerate(steps):
        page.go_back() if number < len(shown) else page.go_forward()
        expect(page).to_have_url(url)
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
    page.go_forward()
    expect(page).to_have_url(re.compile("span=90d&status=Shipped"))
    tab.card("Orders by status").locator('.row[data-name="Shipped"][aria-pressed=true]').wait_for()
    page.wait_for_timeout(1_500)  # a tick changes nothing of the history
    page.go_back()
    expect(page).to_have_url(shown[-1][0])
    tab.close_without_errors()


def test_a_file_is_saved_as_often_as_its_button_is_pressed(tab: Tab) -> None:
    for name in ("Figures as CSV", "Download Payment types as CSV", "Download Low stock as CSV"):
        texts = [saved_text(tab.page.get_by_role("button", name=name)) for _ in range(3)]
        assert texts[0].count("\n") > 1
        assert texts == [texts[0]] * 3


@pytest.mark.parametrize("opened", ["overview", "orders", "trends"])
def test_figures_are_of_the_span_that_is_chosen_on_whatever_page(browser: Browser, address: str, opened: str) -> None:
    """A bookmark of the page, and a span that is chosen on it."""
    ready = {"overview": "#headline-orders", "orders": "text=Orders found", "trends": "text=Categories over time"}
    tab = Tab(browser).open(f"{address}?span=all&page={opened}", ready[opened])
    page = tab.page
    starts, orders = [], []
    led_to = {"": "span=all", "Orders": "page=orders", "7 d": "span=7d", "Trends": "page=trends", "24 h": "span=24h"}
    for name, query in led_to.items():
        if name:
            page.get_by_role("button", name=name, exact=True).click()
        page.wait_for_url(re.compile(query))
        lines = saved_text(page.get_by_role("button", name="Figures as CSV")).splitlines()
        rows = {line.split(",")[0]: line.split(",")[1] for line in lines}
        starts.append(rows["start"])
        orders.append(int(rows["orders"]))
    assert starts[0] == starts[1] == ""
    assert starts[1] < starts[2] == starts[3] < starts[4]
    assert orders[0] == orders[1] > orders[2] == orders[3] > orders[4]
    tab.close_without_errors()


def test_a_filtered_card_keeps_its_other_bars_and_the_rest_is_filtered(tab: Tab) -> None:
    rows = tab.rows("Orders by status")
    tab.card("Orders by status").locator('.row[data-name="Shipped"]').click()
    tab.card("Orders by status").locator('.row[data-name="Shipped"][aria-pressed=true]').wait_for()
    assert tab.rows("Orders by status") == rows
    assert f"{tab.headline('orders')} orders" == rows["Shipped"]
    tab.card("Orders by status").locator('.row[data-name="Delivered"]').click()  # and another one with it
    tab.page.wait_for_url(re.compile("status=Delivered&status=Shipped"))
    both = sum(int(re.sub("[^0-9]", "", rows[name])) for name in ("Shipped", "Delivered"))
    tab.wait_for_headline("orders", f"{both:,}")


EARLY = """() => {
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (frame) {
    send.call(this, frame);
    const text = typeof frame === "string" ? frame : new TextDecoder().decode(frame);
    if (!text.includes("narrow") || window.wasEarly) { return; }
    window.wasEarly = true;
    history.pushState({}, "", location.pathname + "LINK");
    dispatchEvent(new PopStateEvent("popstate"));
  };
}"""
"""In the browser: a link that is followed as soon as the page listens, before all of it is drawn."""


@pytest.mark.parametrize(
    ("link", "heading"),
    [("?page=trends&span=all", "Trends"), ("?page=orders&span=all", "Orders"), ("?page=pipeline", "Pipeline")],
)
def test_a_link_that_is_followed_while_the_page_is_drawn_leads_there(
    browser: Browser, address: str, link: str, heading: str
) -> None:
    tab = Tab(browser)
    tab.page.add_init_script(f"({EARLY.replace('LINK', link)})()")
    tab.page.goto(f"{address}?span=all")
    expect(tab.page.locator("h1").filter(visible=True)).to_contain_text(heading)
    assert tab.page.url.endswith(link)
    tab.close_without_errors()


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("?span=forever", ""),
        ("?span=7d&status=Shipped&warehouse=987654", "?span=7d&status=Shipped"),
        ("?from=2026-02-30&to=2026-03-02&theme=dark", "?theme=dark"),
        ("?page=orders&span=all&sort=weight", "?page=orders&span=all"),
        ("?page=nothing&span=all&currency=rubbish", "?span=all"),
    ],
)
def test_an_address_never_says_what_is_not_shown(browser: Browser, address: str, link: str, shown: str) -> None:
    tab = Tab(browser)
    tab.page.goto(address + "?span=90d")
    expect(tab.page.locator("h1").filter(visible=True)).to_be_visible()
    tab.page.goto(address + link)
    expect(tab.page).to_have_url(address + shown)
    tab.page.go_back()
    expect(tab.page).to_have_url(address + "?span=90d")
    tab.close_without_errors()
