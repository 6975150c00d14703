"""Behind a proxy with a path of its own that closes quiet connections, all of the dashboard works."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from ecommerce.readable import exact
from ecommerce.settings import Settings
from tests.dashboard_app import Tab, serve, stop
from tests.dashboard_figures import download
from tests.dashboard_shop import add_orders, shown_orders
from tests.ports import free_port
from tests.quiet_proxy import quiet_proxy

pytestmark = pytest.mark.slow

QUIET_SECONDS = 20.0


@pytest.fixture
def behind(shop: Settings, tmp_path: Path) -> Iterator[str]:
    """What the dashboard's pages begin with for somebody outside."""
    port = free_port()
    with quiet_proxy(port, QUIET_SECONDS) as outside:
        origin = f"localhost:{outside}"
        options = ("--prefix", "/shop", "--use-xheaders", "--allow-websocket-origin", origin)
        process = serve(shop, port, tmp_path / "dashboard.log", options=options, prefix="/shop")
        try:
            yield f"http://{origin}/shop"
        finally:
            stop(process)


def test_a_prefix_and_a_proxy_that_closes_quiet_connections(browser: Browser, behind: str, shop: Settings) -> None:
    tab = Tab(browser).open(f"{behind}/app?span=all&status=Shipped")
    before = shown_orders(tab)
    tab.page.get_by_role("button", name="Pause").click()
    add_orders(shop, 1, status="Shipped")
    tab.page.wait_for_timeout(2.5 * QUIET_SECONDS * 1000)
    expect(tab.page.get_by_role("alert").filter(has_text="Connection lost")).to_have_count(0)
    tab.page.get_by_role("button", name="Resume").click()
    tab.wait_for_headline("orders", exact(before + 1))
    add_orders(shop, 2, status="Shipped")
    tab.wait_for_headline("orders", exact(before + 3))
    assert tab.page.url == f"{behind}/app?span=all&status=Shipped"

    assert download(tab, "Orders by courier")
    tab.page.locator("#headline-orders").get_by_role("link").click()
    tab.page.wait_for_url(f"{behind}/app?page=orders*")
    link = tab.page.locator('a[href^="./orders.csv"]').get_attribute("href") or ""
    answer = httpx.get(f"{behind}/{link.removeprefix('./')}")
    assert answer.text.count("\n") == before + 4
    tab.page.go_back()
    tab.wait_for_headline("orders", exact(before + 3))
    for path, text in (("readiness", ""), ("metrics", "ecommerce_"), ("liveness", "")):
        answer = httpx.get(f"{behind}/{path}")
        assert answer.status_code == 200, path
        assert text in answer.text
    tab.close_without_errors()
