"""The charts over time in a real browser."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from ecommerce.readable import exact
from ecommerce.settings import Settings
from tests.dashboard_app import Tab, drag_across, point_until, zoom_of
from tests.dashboard_shop import add_orders, show_recent


def test_zoom_survives_ticks_and_another_span_is_shown_whole(tab: Tab, shop: Settings) -> None:
    orders = show_recent(tab)
    wait_for_charts(tab, "end - start < 4 * 86400e3")
    whole = zoom_of(tab.page)
    drag_across(tab.page, 0.4, 0.6, rest_ms=600)
    tab.page.wait_for_function(
        f"whole => {CHARTS}.some(f => f.x_range.end - f.x_range.start < 0.5 * whole)", arg=length(whole[0])
    )
    zoomed = zoom_of(tab.page)
    (chart,) = [number for number, pair in enumerate(zoomed) if length(pair) < 0.5 * length(whole[number])]
    for extra in (1, 2):
        add_orders(shop, 1)
        tab.wait_for_headline("orders", exact(orders + extra))
    assert zoom_of(tab.page)[chart] == zoomed[chart]
    tab.page.get_by_role("button", name="7 d", exact=True).click()
    wait_for_charts(tab, "end - start > 5 * 86400e3")


CHARTS = "Bokeh.documents.flatMap(d => [...d._all_models.values()].filter(m => m.type === 'Figure'))"


def wait_for_charts(tab: Tab, condition: str) -> None:
    """Wait until the time axes of all charts fulfil a condition on their start and end, in milliseconds."""
    tab.page.wait_for_function(f"() => {CHARTS}.every(({{x_range: {{start, end}}}}) => {condition})")


def length(pair: list[float]) -> float:
    return pair[1] - pair[0]


def test_a_chart_is_saved_as_a_picture(tab: Tab) -> None:
    chart = tab.page.locator(".bk-Canvas").first
    chart.hover()
    with tab.page.expect_download() as started:
        tab.page.locator(".bk-tool-icon-save").first.click()
    assert Path(started.value.path()).read_bytes().startswith(b"\x89PNG")


BEFORE_1990 = """
globalThis.frames_of_1970 = 0;
const look = () => {
  for (const view of Object.values(globalThis.Bokeh?.index ?? {})) {
    for (const figure of Bokeh.documents.flatMap(root => [...root._all_models.values()])) {
      if (figure.type !== "Figure" || !view.owner?.find_one?.(figure)?.el?.checkVisibility()) { continue; }
      globalThis.saw_a_chart = true;
      if (figure.x_range.start < 600e9) { globalThis.frames_of_1970 += 1; }
    }
  }
  requestAnimationFrame(look);
};
look();
"""
"""In the browser: in how many frames a chart was seen with a time axis from before 1990."""


def test_a_chart_is_not_shown_before_it_has_something_to_show(browser: Browser, address: str) -> None:
    tab = Tab(browser)
    tab.page.add_init_script(BEFORE_1990)
    tab.open(address + "?from=2026-03-02&to=2026-03-17&courier=3")  # nobody has asked that yet
    tab.page.wait_for_function("() => globalThis.saw_a_chart")
    tab.page.wait_for_timeout(500)
    # Two charts: Bokeh draws new data a frame or two after it has got them.
    assert tab.page.evaluate("() => globalThis.frames_of_1970") <= 6
    tab.close_without_errors()


FIGURES = """() => CHARTS.map(figure => ({
  grid: figure.center.filter(each => each.type === "Grid" && each.dimension === 1).map(grid => grid.grid_line_color)[0],
  columns: Object.fromEntries(Object.entries(figure.renderers[0].data_source.data)
    .map(([name, values]) => [name, [...values].map(String)])),
}))""".replace("CHARTS", CHARTS)
"""Per chart: the colour of its horizontal lines, and its columns as texts."""


def test_the_bucket_that_runs_is_drawn_otherwise_and_said(tab: Tab) -> None:
    tab.show("?span=7d")
    expect(tab.page.get_by_role("heading", level=1)).to_have_text(re.compile(r"\d+.* 20\d\d, so far"))
    wait_for_charts(tab, "end - start > 5 * 86400e3 && end - start < 9 * 86400e3")
    bars, line = tab.page.evaluate(FIGURES)
    today = datetime.now(UTC)
    label = f"{today:%a} {today.day} {today:%b %Y}, so far"
    alphas = dict(zip(bars["columns"]["label"], bars["columns"]["alpha"], strict=True))
    assert alphas.pop(label) == "0.45"
    assert set(alphas.values()) == {"1"}
    assert (line["columns"]["label"][-1], line["columns"]["whole"][-1]) == (label, "NaN")
    assert line["columns"]["part"][-2:] == line["columns"]["revenue"][-2:]  # dashed from the last whole day on
    assert len(line["columns"]["label"]) == 7
    for title in ("Orders over time, by present status", "Revenue over time"):
        expect(tab.card(title).locator(".note")).to_contain_text(label)
    assert None not in (bars["grid"], line["grid"])


def test_a_tooltip_says_which_day_and_how_many_of_them_all(tab: Tab) -> None:
    tab.show("?from=2026-03-05&to=2026-03-09")
    wait_for_charts(tab, "end - start < 6 * 86400e3")
    text = re.compile(r"Sat 7 Mar 2026.*orders.*\d+ of \d+", re.DOTALL)
    point_until(tab.page, 0.5, 0.75, tab.page.locator(".bk-Tooltip").filter(has_text=text).first)


AXIS = """([start, end, days]) => {
  const axis = Bokeh.documents.flatMap(root => [...root._all_models.values()]).find(one => one.type === "DatetimeAxis");
  const run = (code, names, values) => new Function(...names, `"use strict"; ${code}`)(...values);
  const at = (text) => Date.parse(`${text}Z`);
  const source = {data: days ? {left: [0], right: [days * 86400e3]} : {}};
  const ticks = run(axis.ticker.major_code, ["cb_data", "source"], [{start: at(start), end: at(end)}, source]);
  const label = (tick, index) => run(
    axis.formatter.code, ["tick", "index", "ticks", "source"], [tick, index, ticks, source]);
  const hour = (tick) => new Date(tick).toISOString().slice(5, 13);
  return ticks.map((tick, index) => [hour(tick), label(tick, index).replace("\\n", "/")]);
}"""
"""In the browser: where the first time axis would have labels between two moments, and what they say. `days`: of its
buckets."""


@pytest.mark.parametrize(
    ("start", "end", "labels"),
    [
        ("2026-03-03T00:00", "2026-03-05T20:00", "03-03T12 3 Mar/2026, 03-04T12 4 Mar, 03-05T12 5 Mar"),
        ("2025-12-31T00:00", "2026-01-03T00:00", "12-31T12 31 Dec/2025, 01-01T12 1 Jan/2026, 01-02T12 2 Jan"),
        ("2026-03-01T00:00", "2026-03-23T00:00", "03-02T12 2 Mar/2026, 03-09T12 9 Mar, 03-16T12 16 Mar"),
        ("2026-03-03T22:00", "2026-03-04T00:00", "03-03T22 22:00/3 Mar, 03-03T23 23:00, 03-04T00 00:00/4 Mar"),
        ("2026-01-01T00:00", "2026-05-15T00:00", "01-16T12 Jan/2026, 02-15T00 Feb, 03-16T12 Mar, 04-16T00 Apr"),
    ],
)  # fmt: skip
def test_days_and_months_are_named_below_their_middle(tab: Tab, start: str, end: str, labels: str) -> None:
    assert labels_of(tab, start, end) == labels


@pytest.mark.parametrize(
    ("start", "end", "days", "labels"),
    [
        ("2025-12-28T00:00", "2026-01-16T00:00", 7, "01-01T12 29 Dec/2025, 01-08T12 5 Jan/2026, 01-15T12 12 Jan"),
        ("2026-03-05T11:59", "2026-03-05T12:01", 7, "03-05T12 2 Mar/2026"),
        ("2026-01-01T00:00", "2026-05-15T00:00", 7, "01-16T12 Jan/2026, 02-15T00 Feb, 03-16T12 Mar, 04-16T00 Apr"),
        ("2026-03-01T00:00", "2026-04-20T00:00", 0.84 * 31, "03-16T12 Mar/2026, 04-16T00 Apr"),
        ("2026-03-16T11:59", "2026-03-16T12:01", 31, "03-16T12 Mar/2026"),
        ("2026-03-03T00:00", "2026-03-05T20:00", 0.84, "03-03T12 3 Mar/2026, 03-04T12 4 Mar, 03-05T12 5 Mar"),
    ],
)  # fmt: skip
def test_weeks_and_months_that_are_drawn_are_named(tab: Tab, start: str, end: str, days: float, labels: str) -> None:
    assert labels_of(tab, start, end, days) == labels


def labels_of(tab: Tab, start: str, end: str, days: float = 0) -> str:
    found = tab.page.evaluate(AXIS, [start, end, days])
    return ", ".join(f"{at} {label}" for at, label in found)
