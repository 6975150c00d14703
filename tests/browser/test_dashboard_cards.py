"""What a viewer does with the overview's cards: another measure, by mouse and by keyboard."""

import re

from playwright.sync_api import Browser, expect

from ecommerce.kpis.store import compute_kpis
from ecommerce.mongo import get_database
from ecommerce.settings import Settings
from tests.dashboard_app import Tab
from tests.dashboard_figures import download
from tests.dashboard_shop import add_orders, shown_orders


def test_a_card_shows_another_measure_without_asking_the_server(tab: Tab, shop: Settings) -> None:
    page, kpis = tab.page, compute_kpis(get_database(shop))
    switch = page.get_by_role("combobox", name="Measure of Pieces by category")
    expect(switch).to_have_value("quantity")
    before = download(tab, "Pieces by category")
    sent = len(tab.sent)
    switch.select_option("Revenue")
    card = tab.card("Revenue by category")
    groups = {name: group.revenue or 0 for name, group in kpis.by_category.items()}
    names = card.locator(".row").evaluate_all("rows => rows.map(row => row.dataset.name)")
    assert names == sorted(groups, key=lambda name: (-groups[name], name))
    figures = card.locator(".row .figure").all_inner_texts()
    assert all(re.match(r"-?[$][0-9.]+", figure) for figure in figures), figures
    expect(card.locator(".fill").first).to_have_attribute("style", re.compile("width: 100%"))
    assert tab.told_since(sent) == []
    add_orders(shop, 1)  # the next tick draws the measure that was chosen
    tab.wait_for_headline("orders", f"{kpis.orders + 1:,}")
    expect(card).to_be_visible()
    tab.show("?page=pipeline")
    page.locator("#headline-rejected").wait_for()
    tab.show("?span=all")
    expect(switch).to_have_value("revenue")
    assert download(tab, "Pieces by category")[0].keys() == before[0].keys() == {
        "category", "order_items", "quantity", "revenue",
    }  # fmt: skip
    switch.select_option("Pieces")
    expect(tab.card("Pieces by category")).to_be_visible()
    assert shown_orders(tab) == kpis.orders + 1


def test_a_measure_is_chosen_by_keyboard_and_a_wall_says_which_it_is(browser: Browser, address: str) -> None:
    tab = Tab(browser).open(address + "?span=all")
    page = tab.page
    switch = page.get_by_role("combobox", name="Measure of Orders by courier")
    switch.focus()
    page.keyboard.type("Late")
    page.keyboard.press("Enter")
    card = tab.card("Late share by courier")
    expect(card).to_be_visible()
    expect(switch).to_be_focused()
    expect(card.locator(".row .second").first).to_have_text(re.compile(r"^[0-9,]+ of [0-9,]+$"))
    expect(card.locator(".note")).to_contain_text("of those that were due")
    unit = tab.card("Payment types").locator(".unit")
    expect(unit).not_to_be_visible()
    page.emulate_media(media="print")
    expect(unit).to_have_text("Orders")
    expect(unit).to_be_visible()
    expect(switch).not_to_be_visible()
    tab.close_without_errors()


def test_a_share_of_nothing_is_a_gap_in_the_course_of_a_headline(tab: Tab, shop: Settings) -> None:
    """Orders of May, of which there are none, beside those of March."""
    tab.show("?from=2026-02-20&to=2026-03-12")
    course = tab.page.locator("#headline-average_order_value svg path").nth(1)
    expect(course).to_have_attribute("d", re.compile(r"^M(?!0[.]0,)"))
    whole = tab.page.locator("#headline-orders svg path").nth(1)
    expect(whole).to_have_attribute("d", re.compile(r"^M0[.]0,"))
