"""Every figure on the page is that of the command line, in the shop's zone and in each of its currencies."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from ecommerce.change_shop import change_shop
from ecommerce.mongo import get_database
from ecommerce.schema import prepare_database
from ecommerce.settings import Settings
from ecommerce.shop import Shop, write_shop
from tests.dashboard_app import Tab, served
from tests.dashboard_figures import check_figures, check_sales, printed_figures
from tests.summaries_data import accept, random_orders

pytestmark = pytest.mark.slow

SPANS = (("2026-03-08", "2026-03-08"), ("2026-03-29", "2026-03-29"), ("2026-03-01", "2026-03-31"))
"""Days on which clocks change in New York and in Berlin, and a month."""
AFTER = {"2026-03-08": "2026-03-09", "2026-03-29": "2026-03-30", "2026-03-31": "2026-04-01"}


@pytest.fixture(params=["Asia/Kolkata", "America/New_York", "Europe/Berlin"])
def shop_of_a_zone(request: pytest.FixtureRequest, mongo_uri: str, tmp_path: Path) -> Iterator[Settings]:
    name = f"test_zone_{request.param.partition('/')[2].lower()}"
    yield from shop_of(name, Shop("EUR", request.param), mongo_uri, tmp_path)


@pytest.fixture
def shop_of_a_currency(mongo_uri: str, tmp_path: Path) -> Iterator[Settings]:
    yield from shop_of("test_currency_changed", Shop("USD", "UTC"), mongo_uri, tmp_path)


def shop_of(name: str, shop: Shop, mongo_uri: str, tmp_path: Path) -> Iterator[Settings]:
    settings = Settings(mongo_uri=mongo_uri, database=name, home=tmp_path / "home")
    database = get_database(settings)
    database.client.drop_database(name)
    prepare_database(database)
    write_shop(database, shop)
    accept(database, random_orders(900, seed=11))
    yield settings
    database.client.drop_database(name)


def test_every_figure_is_that_of_the_command_line(browser: Browser, shop_of_a_zone: Settings, tmp_path: Path) -> None:
    with served(shop_of_a_zone, tmp_path / "dashboard.log") as url:
        tab = Tab(browser).open(f"{url}?span=all")
        for start, end in SPANS:
            for currency in (None, "USD"):
                options = ["--start", start, "--end", AFTER[end], *(["--currency", currency] if currency else [])]
                kpis = printed_figures(shop_of_a_zone, *options)
                assert kpis["orders"] and kpis["currency"] == (currency or "EUR")
                tab.show(f"?from={start}&to={end}" + (f"&currency={currency}" if currency else ""))
                check_figures(tab, kpis)
                check_sales(tab, kpis)
        tab.close_without_errors()


def test_another_currency_of_the_shop_is_in_figures_and_picker_at_once(
    browser: Browser, shop_of_a_currency: Settings, tmp_path: Path
) -> None:
    seldom = {"ECOMMERCE_REFRESH_SECONDS": "30"}  # what a tick leaves undone, the next does not mend in time
    with served(shop_of_a_currency, tmp_path / "dashboard.log", seldom) as url:
        tab = Tab(browser).open(f"{url}?span=all")
        picker = tab.page.get_by_role("combobox", name="Amounts in")
        expect(picker).to_have_text("USD")
        change_shop(get_database(shop_of_a_currency), shop_of_a_currency, Shop("CHF", "UTC"))
        expect(tab.page.locator("#headline-revenue")).to_contain_text("CHF")
        expect(picker).to_have_text("CHF", timeout=10_000)
        later = Tab(browser).open(f"{url}?span=all")
        expect(later.page.locator("#headline-revenue")).to_contain_text("CHF")
        expect(later.page.get_by_role("combobox", name="Amounts in")).to_have_text("CHF")
        for each in (tab, later):
            each.close_without_errors()
