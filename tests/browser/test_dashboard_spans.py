"""Which span a page shows: links, presets, days typed and picked."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Locator, expect

from dashboard.state import view_of_query
from ecommerce.kpis.store import compute_kpis
from ecommerce.mongo import get_database
from ecommerce.readable import exact
from ecommerce.settings import Settings
from tests.dashboard_app import Tab


def orders_of(shop: Settings, query: str) -> str:
    """What the headline must say of a link."""
    view = view_of_query(query)
    return exact(compute_kpis(get_database(shop), view.span(datetime.now(UTC), ZoneInfo("UTC")), view.filters).orders)


def pressed(tab: Tab) -> list[str]:
    """The labels of the buttons of the span that are down."""
    buttons = tab.page.get_by_role("button", pressed=True).all_inner_texts()
    return [label for label in buttons if label in ("Today", "24 h", "7 d", "30 d", "90 d", "All", "Days")]


def expect_pressed(tab: Tab, label: str) -> None:
    """Wait until a button of the span is down; it is the only one."""
    expect(tab.page.get_by_role("button", name=label, exact=True)).to_have_attribute("aria-pressed", "true")
    assert pressed(tab) == [label]


def day_field(tab: Tab, label: str) -> Locator:
    return tab.page.get_by_role("group", name=label, exact=True)


def expect_day(tab: Tab, label: str, *days: date) -> None:
    """Wait until a field shows one of these days; its parts are texts of their own, with marks between them."""
    either = "|".join(rf"{day.year}\D+{day.month:02}\D+{day.day:02}" for day in days)
    expect(day_field(tab, label)).to_have_text(re.compile(either))


@pytest.mark.parametrize(
    "query",
    ["?from=2026-03-05&to=2026-03-09", "?from=2026-03-01&to=2026-03-31&status=Delivered", "?span=7d", "?span=today"],
)
def test_a_link_that_is_opened_anew_shows_what_it_says(
    browser: Browser, address: str, shop: Settings, query: str
) -> None:
    tab = Tab(browser).open(address + query)
    tab.wait_for_headline("orders", orders_of(shop, query))
    tab.page.wait_for_timeout(2_500)  # two ticks: what a widget reports after it was drawn has arrived
    assert tab.headline("orders") == orders_of(shop, query)
    assert tab.page.url == address + query
    view = view_of_query(query)
    if view.first and view.last:
        expect_day(tab, "From", view.first)
        expect_day(tab, "To", view.last)
        expect_pressed(tab, "Days")
    tab.close_without_errors()


def test_days_are_typed(tab: Tab, shop: Settings) -> None:
    tab.show("?from=2026-03-05&to=2026-03-09")
    tab.wait_for_headline("orders", orders_of(shop, "?from=2026-03-05&to=2026-03-09"))
    day_field(tab, "From").get_by_role("spinbutton", name="Year").click()
    tab.page.keyboard.type("20260301")
    tab.page.keyboard.press("Enter")
    tab.wait_for_headline("orders", orders_of(shop, "?from=2026-03-01&to=2026-03-09"))
    assert "from=2026-03-01&to=2026-03-09" in tab.page.url
    day_field(tab, "From").get_by_role("spinbutton", name="Year").click()
    tab.page.keyboard.type("20260320")
    tab.page.keyboard.press("Enter")  # later than the last day: that one moves along
    tab.page.wait_for_url(re.compile("from=2026-03-20&to=2026-03-20"))
    expect_pressed(tab, "Days")
    expect_day(tab, "To", date(2026, 3, 20))


def test_the_calendar_opens_at_what_is_shown_jumps_years_and_closes_with_escape(tab: Tab) -> None:
    tab.show("?from=2026-03-05&to=2026-03-09")
    tab.page.get_by_role("button", name=re.compile("Mar 5, 2026")).click()
    calendar = tab.page.get_by_role("dialog")
    expect(calendar).to_contain_text("March 2026")
    tab.page.keyboard.press("Escape")
    expect(calendar).to_have_count(0)
    tab.page.get_by_role("button", name=re.compile("Mar 5, 2026")).click()
    calendar.get_by_role("button", name=re.compile("switch to year view")).click()
    expect(calendar.get_by_role("radio", name="2024", exact=True)).to_be_visible()
    tab.page.keyboard.press("Escape")
    expect(calendar).to_have_count(0)
    tab.show("?span=all")  # no days to open at: the present
    tab.page.get_by_role("button", name="Choose date", exact=True).first.click()
    expect(calendar).to_contain_text(datetime.now(UTC).strftime("%B %Y"))
    tab.page.keyboard.press("Escape")


def test_the_buttons_say_which_span_is_shown(tab: Tab) -> None:
    tab.page.get_by_role("button", name="7 d", exact=True).click()
    tab.page.wait_for_url(re.compile("span=7d"))
    today = datetime.now(UTC).date()
    expect_pressed(tab, "7 d")
    expect_day(tab, "To", today, today + timedelta(days=1))
    tab.page.get_by_role("button", name="Days", exact=True).click()  # the same days, which stay
    tab.page.wait_for_url(re.compile("from=.*&to="))
    expect_pressed(tab, "Days")
    tab.page.get_by_role("button", name="Today", exact=True).click()
    tab.page.wait_for_url(re.compile("span=today"))
    expect_pressed(tab, "Today")


def test_what_a_span_is_compared_with_is_chosen_and_named(tab: Tab) -> None:
    tab.show("?from=2026-03-09&to=2026-03-09")
    title = tab.page.get_by_text(re.compile("compared with"))
    expect(title).to_contain_text("8 Mar 2026")
    tab.page.get_by_role("combobox", name="Compared with").click()
    choices = [tab.page.get_by_role(role, name="same weekdays") for role in ("option", "menuitem")]
    choices[0].or_(choices[1]).click()
    tab.page.wait_for_url(re.compile("against=week"))
    expect(title).to_contain_text("2 Mar 2026")
    tab.show("?from=2026-03-09&to=2026-03-09&against=year")
    expect(title).to_contain_text("9 Mar 2025")


ONE_ROW = """fields => {
  const middles = fields.map(field => field.getBoundingClientRect()).map(box => (box.top + box.bottom) / 2);
  return middles.every(middle => Math.abs(middle - middles[0]) <= 15);
}"""
"""In the browser: whether fields have their middles at one height."""


@pytest.mark.parametrize(("width", "fields"), [(1280, ["Compared with"]), (1366, ["Compared with", "Amounts in"])])
def test_the_span_has_one_row_where_it_fits(browser: Browser, address: str, width: int, fields: list[str]) -> None:
    tab = Tab(browser, viewport={"width": width, "height": 900}).open(address + "?span=7d")
    in_the_row = [day_field(tab, "From"), *(tab.page.get_by_role("combobox", name=name) for name in fields)]
    for field in in_the_row:
        expect(field).to_be_visible()
    tab.wait_until_still()
    tab.page.wait_for_function(ONE_ROW, arg=[field.element_handle() for field in in_the_row])
    for label in ("From", "To"):  # the whole of a day is seen
        assert day_field(tab, label).evaluate("n => n.scrollWidth - n.clientWidth") <= 0
    tab.close_without_errors()
