"""The trends page as a person uses it: opened by a link, measures and grains chosen, time dragged over and clicked."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

from dashboard.text import money
from ecommerce.kpis import Filters, Span, compute_kpis
from ecommerce.kpis.figures import money_text
from ecommerce.mongo import get_database
from ecommerce.readable import exact
from ecommerce.settings import Settings
from tests.dashboard_app import Tab, drag_across, point_at, point_until
from tests.dashboard_figures import download
from tests.dashboard_shop import HOSTILE

pytestmark = pytest.mark.slow

READY = "h1 >> text=Trends"
COURSE = """() => Bokeh.documents.flatMap(root => [...root._all_models.values()])
  .filter(model => model.type === "Figure" && "before_text" in model.renderers[0].data_source.data)
  .map(figure => [figure.x_range.start, figure.x_range.end, figure.y_range.end,
    [...figure.renderers[0].data_source.data.now]])[0]"""
"""In the browser: the ends of the axes of the first chart, and what it draws."""
DRAWN = """() => { const figure = Bokeh.documents.flatMap(root => [...root._all_models.values()])
    .find(model => model.type === "Figure" && "before_text" in model.renderers[0].data_source.data);
  const frame = Bokeh.index.find_one(figure).frame;
  return [...figure.renderers[0].data_source.data.time].map(time => [time, frame.x_scale.compute(time)]) }"""
"""In the browser: the times of the points of the first chart, and how many pixels from its left each is drawn."""

NAMED = """() => Bokeh.documents.flatMap(root => [...root._all_models.values()])
  .flatMap(model => model.type === "Figure" && model.below[0].type === "DatetimeAxis" ? [model.below[0]] : [])
  .flatMap(axis => { const drawn = Bokeh.index.find_one(axis)
    return drawn ? [axis.formatter.doFormat(drawn.tick_coords.major[0], {loc: 0}).join(", ")] : [] })"""
"""In the browser: what the time axes of the charts say."""


def show_days_of_march(trends: Tab, measure: str) -> None:
    """28 days, and wait until the first chart draws them on an axis of their own."""
    trends.show(f"?page=trends&from=2026-03-03&to=2026-03-30&measure={measure}")
    trends.page.wait_for_function(
        f"() => ({COURSE})()[3].length === 28 && ({COURSE})()[1] - ({COURSE})()[0] < 32 * 86400e3"
    )


@pytest.fixture
def trends(browser: Browser, address: str, shop: Settings) -> Iterator[Tab]:
    """A tab on the trends of all orders, those of other tests included, whose console stays clean."""
    tab = Tab(browser, viewport={"width": 1440, "height": 1800}).open(f"{address}?span=all")
    tab.wait_for_headline("orders", str(compute_kpis(get_database(shop)).orders))
    tab.show("?page=trends&span=all").page.locator(READY).wait_for()
    tab.page.get_by_role("heading", name="Hot and archived orders").wait_for()
    yield tab
    tab.close_without_errors()


def test_measures_and_grains_are_chosen_and_are_in_the_link(trends: Tab, shop: Settings) -> None:
    page = trends.page
    kpis = compute_kpis(get_database(shop))
    assert kpis.sales is not None
    for name, measure, total in (
        ("Orders", "orders", exact(kpis.orders)),
        ("Net sales", "net_sales", money(kpis.sales.net_sales, "USD", short=False)),
    ):
        chip = page.get_by_role("navigation").get_by_role("link", name=name, exact=True)
        chip.click()
        expect(page.get_by_role("heading", name=f"{name} over time")).to_be_visible()
        page.wait_for_url(re.compile(f"measure={measure}"))
        expect(chip).to_have_attribute("aria-current", "true")
        expect(trends.card(f"{name} over time").locator("[data-exact]").first).to_contain_text(total)
    show_days_of_march(trends, "net_sales")
    page.get_by_role("link", name="by month", exact=True).click()
    page.wait_for_url(re.compile("by=month"))
    expect(page.get_by_role("link", name="by month", exact=True)).to_have_attribute("aria-current", "true")
    link = page.url
    again = page.context.new_page()
    again.goto(link)
    expect(again.get_by_role("heading", name="Net sales over time")).to_be_visible()
    again.close()
    page.go_back()
    expect(page.get_by_role("link", name="by month", exact=True)).not_to_have_attribute("aria-current", "true")


def test_a_drag_and_a_click_choose_days_and_the_chart_follows(trends: Tab, shop: Settings) -> None:
    page = trends.page
    show_days_of_march(trends, "orders")
    drag_across(page, 0.3, 0.6, rest_ms=600)
    page.wait_for_url(re.compile(r"from=2026-03-(0[89]|1\d)&to=2026-03-(1\d|2\d)"))
    page.wait_for_function(f"() => ({COURSE})()[3].length < 28 && ({COURSE})()[1] - ({COURSE})()[0] < 20 * 86400e3")
    _, _, top, values = page.evaluate(COURSE)
    assert top < 1.5 * max(values)  # the axes are those of what is drawn, not of the box that was dragged
    point_at(page, 0.5, 0.5)
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url(
        lambda url: (found := re.search(r"from=([\d-]+)&to=([\d-]+)", url)) is not None and found[1] == found[2]
    )
    page.wait_for_function(f"() => ({COURSE})()[3].length === 24")  # a day is drawn by the hour
    day = re.search(r"from=([\d-]+)", page.url)
    assert day
    shown = trends.card("Orders over time").locator("[data-exact]").first.get_attribute("data-exact")
    start = datetime.fromisoformat(day[1])
    assert shown == f"{compute_kpis(get_database(shop), Span(start, start + timedelta(days=1))).orders:,}"
    page.go_back()
    page.wait_for_function(f"() => ({COURSE})()[3].length > 1 && ({COURSE})()[3].length < 24")


def test_a_box_takes_the_days_whose_points_are_in_it_and_the_tooltip_goes(trends: Tab) -> None:
    page = trends.page
    show_days_of_march(trends, "orders")
    box = page.locator(".bk-Canvas").filter(visible=True).first.bounding_box()
    assert box
    places = [pixels / box["width"] for _, pixels in page.evaluate(DRAWN)]
    gap = places[1] - places[0]
    drag_across(page, places[9] + 0.3 * gap, places[14] - 0.3 * gap)
    page.wait_for_url(re.compile("from=2026-03-13&to=2026-03-16"))
    page.wait_for_function(f"() => ({COURSE})()[3].length === 4")
    tooltips = page.locator(".bk-Tooltip").filter(visible=True)
    page.wait_for_timeout(500)  # it would be drawn with the chart
    expect(tooltips).to_have_count(0)
    point_until(page, 0.5, 0.5, tooltips.first)
    expect(tooltips).to_have_count(1)


def test_weeks_and_months_are_named_and_a_click_on_a_part_chooses_its_days(trends: Tab) -> None:
    page = trends.page
    for grain, points, named in (
        ("week", 5, "2 Mar\n2026, 9 Mar, 16 Mar, 23 Mar, 30 Mar"),
        ("month", 2, "Mar\n2026, Apr"),
    ):
        trends.show(f"?page=trends&from=2026-03-03&to=2026-04-03&measure=orders&by={grain}")
        page.wait_for_function(f"() => ({COURSE})()[3].length === {points}")
        page.wait_for_function(
            f"named => ({NAMED})().filter(each => each === named).length === 3", arg=named
        )  # over time, categories, late
        expect(trends.card("Orders over time")).to_contain_text(f"dashed: a {grain} of which this span has a part")
    trends.show("?page=trends&from=2026-03-03&to=2026-04-03&measure=orders&by=week")
    page.wait_for_function(f"() => ({COURSE})()[3].length === 5")
    box = page.locator(".bk-Canvas").filter(visible=True).first.bounding_box()
    assert box
    point_at(page, page.evaluate(DRAWN)[0][1] / box["width"] + 0.1, 0.5)
    tooltip = page.locator(".bk-Tooltip").filter(visible=True)
    expect(tooltip).to_contain_text("3–8 Mar 2026, part of a week")
    expect(tooltip).to_contain_text("(30 Jan – 4 Feb 2026)")
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url(re.compile("from=2026-03-03&to=2026-03-08"))


def test_downloads_are_exact_and_nothing_hostile_runs(trends: Tab, shop: Settings) -> None:
    page = trends.page
    kpis = compute_kpis(get_database(shop), Span(), Filters())
    course = [row for row in download(trends, "Revenue over time") if row["span"] == "now"]
    assert sum(int(row["orders"]) for row in course) == kpis.orders
    sold = download(trends, "Categories over time")
    by_category = {
        name: sum(int(row["quantity"]) for row in sold if row["category"] == name) for name in kpis.by_category
    }
    assert by_category == {name: group.quantity for name, group in kpis.by_category.items()}
    couriers = {row["courier"]: row for row in download(trends, "Couriers")}
    assert couriers.keys() >= {HOSTILE[0], HOSTILE[1]}
    assert couriers[HOSTILE[0]]["revenue"] == money_text(kpis.by_courier[HOSTILE[0]].revenue)
    for chart in page.locator(".chart").filter(visible=True).all():
        chart.hover()
        page.wait_for_timeout(100)
    assert page.evaluate("() => document.querySelectorAll('img[src=x]').length") == 0
    widths = (
        page.locator(".tile").filter(visible=True).evaluate_all("all => all.map(n => n.getBoundingClientRect().right)")
    )
    assert max(widths) <= 1440


def test_the_page_is_read_again_when_asked_and_says_that_it_is_not_live(trends: Tab) -> None:
    said = trends.page.locator(".links p").filter(has_text="not live").first
    before = said.inner_text()
    trends.page.wait_for_timeout(6_000)
    assert said.inner_text() == before
    trends.page.get_by_role("link", name="Read again").click()
    expect(said).not_to_have_text(before)


@pytest.mark.parametrize("width", [1280, 360])
def test_a_legend_says_all_of_its_words(browser: Browser, address: str, width: int) -> None:
    tab = Tab(browser, viewport={"width": width, "height": 900}).open(f"{address}?page=trends&span=24h", READY)
    said = tab.card("Revenue over time").locator(".legend .name")
    expect(said.last).to_contain_text("until the last full hour of this one")
    hidden = "all => all.map(n => [n.scrollWidth - n.clientWidth, n.scrollHeight - n.clientHeight])"
    assert said.evaluate_all(hidden) == [[0, 0], [0, 0]]
    right = "n => n.getBoundingClientRect().right"
    assert said.last.locator("..").evaluate(right) <= tab.card("Revenue over time").evaluate(right)
    tab.close()
