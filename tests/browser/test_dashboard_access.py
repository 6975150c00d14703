"""Everything by keyboard, on small screens and at large zooms, in light and dark, and for screen readers."""

import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from dashboard.theme import PAPER_INKS
from dashboard.views.field_values import SHOWN_STILL_SECONDS
from tests.dashboard_app import RIGHT_ENDS, Tab

pytestmark = pytest.mark.slow

IS_DARK = """() => getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).slice(0, 3)
  .reduce((sum, each) => sum + +each, 0) < 150"""
FOCUSED = """() => {
  let found = document.activeElement;
  while (found?.shadowRoot?.activeElement) { found = found.shadowRoot.activeElement; }
  const {outlineStyle, outlineWidth} = getComputedStyle(found);
  const outlined = outlineStyle !== "none" && parseFloat(outlineWidth) >= 1;
  return {
    control: found.matches("a, button, input, summary, [role]"),  // Chromium also stops at what only scrolls
    name: (found.getAttribute("aria-label") ?? found.innerText ?? "").trim(), tag: found.tagName,
    seen: outlined || found.closest(".Mui-focused") != null,
  };
}"""
"""In the browser: what has the focus, and whether that can be seen."""
SEND_AT_ONCE = """async ([button, shown, before, after]) => {
  const started = performance.now(), frame = () => new Promise(requestAnimationFrame);
  const field = Bokeh.documents.flatMap(root => [...root._all_models.values()])
    .find(model => model.data?.label === "From").data;
  button.click();
  while (shown.value !== after) { await frame(); }
  field.value = before;
  while (field.value !== after && !location.search.includes("from=")) { await frame(); }
  return (performance.now() - started) / 1000;
}"""
"""In the browser: press a button and send the day before as soon as the one after is shown. How many seconds passed
until the server had either refused it or taken it as chosen.
"""
SEND_FROM = """day => Bokeh.documents.flatMap(root => [...root._all_models.values()])
  .filter(model => model.data?.label === "From").forEach(model => { model.data.value = day })"""
"""In the browser: the first day of the span, as its field sends it."""


@pytest.mark.parametrize(
    "query",
    [
        "?span=all",
        "?span=7d&status=Shipped&category=Category%201",
        "?page=pipeline",
        "?page=trends&span=all",
        "?page=orders&span=all",
        "?page=orders&span=all&order=20",
        "?from=2031-01-01&to=2031-01-02",
    ],
)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_about(browser: Browser, address: str, query: str, theme: str) -> None:
    tab = Tab(browser).open(f"{address}{query}&theme={theme}", ready="h1 >> visible=true")
    tab.page.wait_for_function(IS_DARK if theme == "dark" else f"() => !({IS_DARK})()")
    expect(tab.page.locator("#first-paint")).to_have_count(0)
    if "page=" not in query:
        tab.page.locator("summary").filter(has_text="Status").click()  # a filter that is open
    tab.wait_until_still()  # colours fade into each other
    found = Axe().run(tab.page)
    violations = [(each["id"], each["nodes"][0]["html"]) for each in found.response["violations"]]
    assert violations == []
    expect(tab.page.get_by_role("heading", level=1)).to_have_count(1)
    tab.close()


def tab_to(page: Page, name: str) -> None:
    """Press Tab until something of this name has the focus; all that is passed has a name, and shows the focus."""
    page.get_by_role("button", name="Today", exact=True).wait_for()  # the widgets come after the figures
    passed = []
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        passed.append(focused)
        if focused["control"]:
            assert focused["name"], focused
            assert focused["seen"], focused
        if focused["name"].startswith(name):
            return
    raise AssertionError(f"{name!r} cannot be reached: {passed}")


def test_a_span_a_filter_and_a_bar_are_chosen_by_keyboard(browser: Browser, address: str) -> None:
    tab = Tab(browser).open(address)
    page = tab.page
    tab_to(page, "Today")  # a group of buttons is one stop, its arrows lead from one to the next
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("span=7d"))
    tab_to(page, "Status")
    page.keyboard.press("Enter")
    box = page.get_by_role("checkbox", name="Shipped")
    expect(box).to_be_visible()
    page.keyboard.press("Tab")
    for _ in range(40):
        if box.evaluate("box => box.getRootNode().activeElement === box"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.wait_for_url(re.compile("span=7d&status=Shipped"))
    expect(box).to_be_checked()
    page.keyboard.press("Escape")
    expect(box).not_to_be_visible()
    tab_to(page, "Delivered")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("status=Delivered&status=Shipped"))
    tab.close_without_errors()


def test_a_field_that_sends_what_the_server_has_replaced_changes_nothing(browser: Browser, address: str) -> None:
    """A field commits when it is left; left while the server's value is being drawn, it commits the one before."""
    tab = Tab(browser).open(address + "?span=30d")
    page = tab.page
    shown = page.get_by_role("group", name="From").locator("input")
    today = datetime.now(UTC).date()
    before, after = (f"{today - timedelta(days=days):%Y-%m-%d}" for days in (29, 6))
    expect(shown).to_have_value(before)
    week = page.get_by_role("button", name="7 d", exact=True)
    sent = [week.element_handle(), shown.element_handle(), before, after]
    while page.evaluate(SEND_AT_ONCE, sent) >= SHOWN_STILL_SECONDS:  # too slow: somebody may have chosen it
        page.get_by_role("button", name="30 d", exact=True).click()
        expect(shown).to_have_value(before)
    assert page.url.endswith("?span=7d")
    expect(shown).to_have_value(after)
    page.get_by_role("button", name="30 d", exact=True).click()  # buttons send nothing unless they are pressed
    page.wait_for_url(address)  # which shows 30 days
    page.get_by_role("button", name="7 d", exact=True).click()
    page.wait_for_url(re.compile("span=7d"))
    expect(shown).to_have_value(after)
    page.wait_for_timeout(SHOWN_STILL_SECONDS * 1_000)
    page.evaluate(SEND_FROM, before)  # now somebody chose it
    page.wait_for_url(re.compile(f"from={before}"))
    tab.close_without_errors()


@pytest.mark.parametrize(("width", "height"), [(320, 640), (720, 500), (1024, 700), (2560, 1300)])
def test_nothing_is_covered_or_cut_at_any_width(browser: Browser, address: str, width: int, height: int) -> None:
    """720 pixels are a screen of 1440 at a zoom of 200 %."""
    tab = Tab(browser, viewport={"width": width, "height": height}).open(address + "?span=all")
    opened = tab.page.locator("summary").filter(has_text="Status")
    expect(opened).to_be_visible(visible=width > 700)
    tab.page.get_by_role("button", name="Pause").click()  # nothing is over it
    for part in ("section.headline, .tile", "button"):
        assert max(tab.page.locator(part).evaluate_all(RIGHT_ENDS)) <= width
    tab.page.get_by_role("button", name="7 d", exact=True).click()
    tab.page.wait_for_url(re.compile("span=7d"))
    tab.show("?page=trends&span=all")
    tab.page.get_by_role("heading", name="Hot and archived orders").wait_for()
    assert max(tab.page.locator(".tile, .chart").evaluate_all(RIGHT_ENDS)) <= width
    if width <= 700:
        tab.page.get_by_role("button", name="Filters").click()
        expect(opened).to_be_visible()
        opened.click()
        assert max(tab.page.locator("details[open], .drop").evaluate_all(RIGHT_ENDS)) <= width
    tab.close_without_errors()


def test_the_systems_colours_are_obeyed_and_what_was_chosen_is_remembered(browser: Browser, address: str) -> None:
    tab = Tab(browser, color_scheme="dark").open(address)
    page = tab.page
    page.wait_for_function(IS_DARK)
    assert page.url == address
    page.get_by_role("button", name="Toggle theme").click()
    page.wait_for_url(re.compile("theme=light"))
    page.wait_for_function(f"() => !({IS_DARK})()")
    page.goto(address)  # another day
    page.locator("#headline-orders").wait_for()
    page.wait_for_timeout(1_500)
    assert not page.evaluate(IS_DARK)
    page.goto(address + "?theme=dark")  # a link that says so
    page.locator("#headline-orders").wait_for()
    page.wait_for_function(IS_DARK)
    tab.close_without_errors()


def test_a_wall_and_paper_name_the_filters_that_are_set(browser: Browser, address: str) -> None:
    """Else 1,860 orders of a courier that are delivered look like all orders of the shop."""
    query = "?span=all&courier=3&status=Delivered&status=Shipped"
    wall, desk, phone = (Tab(browser, viewport={"width": width, "height": 900}) for width in (1920, 1280, 390))
    wall.open(f"{address}{query}&tv=1")
    for tab in (desk, phone):
        tab.open(address + query)
        tab.page.emulate_media(media="print")
    for tab in (wall, desk, phone):
        filters = tab.page.locator("summary")
        for text in ("Status: Delivered, Shipped", "Courier: Rider"):
            expect(filters.filter(has_text=text.split(":")[0])).to_be_visible()
            expect(filters.filter(has_text=text.split(":")[0])).to_have_text(text.replace(": ", ""))
        for control in (filters.filter(has_text="Payment type"), filters.filter(has_text="Category")):
            expect(control).not_to_be_visible()
        for name in ("Clear filters", "Figures as CSV", "Filters (2)"):
            expect(tab.page.get_by_role("button", name=name)).not_to_be_visible()
        tab.close_without_errors()


@pytest.mark.parametrize("width", [320, 390, 700])
def test_a_small_screen_says_when_its_figures_are_from(browser: Browser, address: str, width: int) -> None:
    tab = Tab(browser, viewport={"width": width, "height": 800}).open(address + "?span=all")
    time = tab.page.locator(".as-of")
    expect(time).to_have_text(re.compile(r"^As of \d\d:\d\d:\d\d$"))
    expect(time).to_be_visible()
    for name in ("Pause", "Resume"):
        button = tab.page.get_by_role("button", name=name)
        expect(button).to_be_visible()
        ends = tab.page.locator(".header button").evaluate_all("all => all.map((e) => e.getBoundingClientRect().right)")
        assert max(ends) <= width
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
        button.click()
    tab.close_without_errors()


INKS = """() => Bokeh.documents.flatMap(root => [...root._all_models.values()])
  .filter(model => model.type === "Figure")
  .flatMap(({below, left, center}) => [...below, ...left, ...center])
  .flatMap(each => [each.major_label_text_color, each.axis_label_text_color, each.grid_line_color])
  .filter(ink => ink != null)"""
"""In the browser: the colours of what is written along the axes of charts, and of their grids."""


@pytest.mark.parametrize("page", ["overview", "trends"])
def test_paper_is_light(browser: Browser, address: str, page: str) -> None:
    """Else a page that is dark prints pale letters on white, or its colours are others than those of a light one."""
    pictures = []
    for theme in ("light", "dark"):
        query = f"?span=all&theme={theme}&page={page}"
        tab = Tab(browser).open(address + query, "#headline-orders" if page == "overview" else "h1 >> text=Trends")
        tab.page.locator(".chart").filter(visible=True).first.wait_for()
        tab.wait_until_still()
        inks = tab.page.evaluate(INKS)
        tab.page.emulate_media(media="print")
        tab.page.wait_for_function(f"inks => ({INKS})().every(ink => inks.includes(ink))", arg=[*PAPER_INKS.values()])
        tab.wait_until_still()
        pictures.append(Image.open(io.BytesIO(tab.page.screenshot())).convert("RGB"))
        tab.page.emulate_media(media="screen")
        tab.page.wait_for_function(f"inks => JSON.stringify(({INKS})()) === JSON.stringify(inks)", arg=inks)
        tab.close_without_errors()
    light, dark = ({color: count for count, color in each.getcolors(1 << 24) or ()} for each in pictures)
    # The time of the figures and axes' titles may differ, colours do not: no filter shifts their hues.
    for color, count in light.items():
        if count > 500:
            assert dark.get(color, 0) == pytest.approx(count, rel=0.1), color
    grey = pictures[1].convert("L")
    assert sum(grey.histogram()[220:]) / (grey.width * grey.height) > 0.8


def test_a_wall_and_paper_show_figures_alone(browser: Browser, address: str) -> None:
    tab = Tab(browser).open(address + "?span=all&tv=1")
    page = tab.page
    controls = page.get_by_role("button", name="Trends"), page.locator("summary").first, page.locator(".tool").first
    for control in controls:
        expect(control).not_to_be_visible()
    tab.show("?span=all")
    for control in controls:
        expect(control).to_be_visible(visible=control is not controls[2])  # how a page is drawn is for all its life
    tab.show("?page=pipeline")
    expect(controls[0]).to_be_visible()
    expect(controls[1]).not_to_be_visible()  # nothing of the pipeline is filtered
    tab.show("?span=all")
    expect(controls[1]).to_be_visible()
    page.emulate_media(media="print")
    for control in (*controls, page.get_by_role("button", name="Pause")):
        expect(control).not_to_be_visible()
    expect(page.locator(".printed")).to_have_text(re.compile(r"^Figures as of \d+ \w+ \d{4}, \d\d:\d\d:\d\d UTC$"))
    expect(page.locator(".printed")).to_be_visible()
    assert (
        page.locator(".main-content").evaluate("node => node.scrollHeight - node.clientHeight") <= 1
    )  # nothing is cut
    tab.close_without_errors()
