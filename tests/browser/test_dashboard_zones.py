"""Every figure on the page is that of the command line, in the shop's zone and in each of its currencies."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

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
    settings = Settings(mongo_uri=mongo_uri, database=name, home=tmp_path / "home")
    database = get_database(settings)
    database.client.drop_database(name)
    prepare_database(database)
    write_shop(database, Shop("EUR", request.param))
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
        tab.close()
        assert tab.errors == []
