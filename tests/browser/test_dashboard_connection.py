"""A page whose server cannot be heard: it says so, and comes back by itself."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, WebSocketRoute, expect

from ecommerce.mongo import get_database
from ecommerce.readable import exact
from ecommerce.settings import Settings
from tests.dashboard_app import SHOWN_MS, Tab, serve, stop
from tests.dashboard_shop import add_orders, shown_orders
from tests.ports import free_port

pytestmark = pytest.mark.slow

TOKEN_SECONDS = 5


class Cut:
    """Stands between a page and its server, and can swallow everything without closing anything."""

    def __init__(self, page: Page) -> None:
        self.silent = False
        page.route_web_socket(re.compile("/ws"), self._connect)
        page.route("**/static/**", lambda route: route.abort() if self.silent else route.continue_())

    def _connect(self, socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        socket.on_message(lambda message: None if self.silent else server.send(message))
        server.on_message(lambda message: None if self.silent else socket.send(message))


def lost(tab: Tab) -> Locator:
    return tab.page.get_by_role("alert").filter(has_text="Connection lost")


def says_that_it_is_lost(tab: Tab) -> None:
    expect(lost(tab)).to_be_visible()
    expect(lost(tab)).to_contain_text(re.compile(r"Figures as of \d\d:\d\d:\d\d"))
    expect(tab.page.locator(".next")).to_have_text("Connection lost")
    dot = tab.page.locator(".problem > i").evaluate("dot => getComputedStyle(dot).backgroundColor")
    red, green, blue = map(int, re.findall(r"\d+", dot))
    assert red > green + blue / 2


def test_a_socket_that_went_silent_is_noticed_and_the_page_comes_back(
    browser: Browser, address: str, shop: Settings
) -> None:
    tab = Tab(browser)
    cut = Cut(tab.page)
    tab.open(address + "?span=all&status=Shipped")
    cut.silent = True
    says_that_it_is_lost(tab)
    pressed = tab.page.get_by_role("button", name="All", exact=True, include_hidden=True)
    with pytest.raises(Exception, match="Timeout"):
        tab.page.get_by_role("button", name="7 d", exact=True).click(timeout=2_000)
    expect(pressed).to_have_attribute("aria-pressed", "true")
    cut.silent = False  # the page finds the server and loads itself anew
    expect(lost(tab)).to_have_count(0)
    tab.page.locator("#headline-orders").wait_for()
    before = shown_orders(tab)
    assert tab.page.url == address + "?span=all&status=Shipped"
    add_orders(shop, 1, status="Shipped")
    tab.wait_for_headline("orders", exact(before + 1))
    tab.close()


def test_a_paused_page_notices_a_silent_socket_too(browser: Browser, address: str) -> None:
    tab = Tab(browser)
    cut = Cut(tab.page)
    tab.open(address + "?span=24h")
    tab.page.get_by_role("button", name="Pause").click()
    tab.page.wait_for_timeout(20_000)  # it asks, and is answered
    expect(lost(tab)).to_have_count(0)
    expect(tab.page.locator(".next")).to_have_text("Paused")
    cut.silent = True
    says_that_it_is_lost(tab)
    tab.close()


def test_after_a_restart_of_the_server_the_page_goes_on_by_itself(
    browser: Browser, shop: Settings, tmp_path: Path
) -> None:
    port = free_port()
    server = serve(shop, port, tmp_path / "first.log")
    tab = Tab(browser)
    try:
        tab.open(f"http://localhost:{port}/app?span=all&status=Shipped")
        before = shown_orders(tab)
        server.kill()
        says_that_it_is_lost(tab)
        server = serve(shop, port, tmp_path / "second.log")
        expect(lost(tab)).to_have_count(0)
        tab.wait_for_headline("orders", exact(before))
        assert tab.page.url.endswith("?span=all&status=Shipped")
        add_orders(shop, 2, status="Shipped")
        tab.wait_for_headline("orders", exact(before + 2))
    finally:
        tab.close()
        stop(server)


def test_a_network_that_was_away_for_a_while(browser: Browser, address: str, shop: Settings) -> None:
    tab = Tab(browser).open(address + "?span=all")
    tab.page.context.set_offline(True)
    expect(lost(tab)).to_be_visible()
    tab.page.wait_for_timeout(4_000)
    tab.page.context.set_offline(False)
    expect(lost(tab)).to_have_count(0)
    add_orders(shop, 1)
    tab.wait_for_headline("orders", exact(get_database(shop)["orders"].estimated_document_count()))
    tab.close()


@pytest.fixture
def short_tokens(shop: Settings, tmp_path: Path) -> Iterator[str]:
    """A dashboard whose pages can be connected for a few seconds only, not for five minutes."""
    port = free_port()
    server = serve(shop, port, tmp_path / "short.log", options=("--session-token-expiration", str(TOKEN_SECONDS)))
    yield f"http://localhost:{port}/app?span=all"
    stop(server)


def goes_on(tab: Tab, shop: Settings) -> None:
    add_orders(shop, 1)
    tab.wait_for_headline("orders", exact(get_database(shop)["orders"].estimated_document_count()))
    expect(lost(tab)).to_have_count(0)


@pytest.mark.drill
def test_a_network_that_was_away_for_longer_than_a_token_lives_and_the_back_button(
    browser: Browser, short_tokens: str, shop: Settings
) -> None:
    tab = Tab(browser).open(short_tokens)
    tab.page.context.set_offline(True)
    expect(lost(tab)).to_be_visible()
    tab.page.wait_for_timeout(2_000 * TOKEN_SECONDS)
    tab.page.context.set_offline(False)
    expect(lost(tab)).to_have_count(0)
    goes_on(tab, shop)
    tab.page.goto(short_tokens.replace("/app?span=all", "/liveness"))
    tab.page.wait_for_timeout(2_000 * TOKEN_SECONDS)
    tab.page.go_back()
    tab.page.locator("#headline-orders").wait_for()
    goes_on(tab, shop)
    tab.close()


@pytest.mark.drill
def test_a_tab_that_is_reopened_with_a_page_of_yesterday_is_never_blank(
    browser: Browser, short_tokens: str, shop: Settings
) -> None:
    kept = httpx.get(short_tokens).text  # by the browser
    tab = Tab(browser)
    tab.page.wait_for_timeout(2_000 * TOKEN_SECONDS)
    tab.page.route(short_tokens, lambda route: route.fulfill(body=kept, content_type="text/html"), times=1)
    tab.page.goto(short_tokens)
    expect(tab.page.locator("#first-paint header")).to_be_visible()
    tab.page.locator("#headline-orders").wait_for()
    goes_on(tab, shop)
    tab.close()


def has_figures_at_once(tab: Tab, url: str) -> bool:
    tab.page.goto(url)
    return bool(re.search(r"\d", tab.page.locator("#first-paint strong").first.inner_text()))


def test_a_page_whose_socket_never_opens_says_that_it_is_not_live(browser: Browser, address: str) -> None:
    tab = Tab(browser).open(address + "?span=all")  # somebody watches, so the page is sent with figures
    other = Tab(browser)
    other.page.clock.install()
    other.page.route_web_socket(re.compile("/ws"), lambda socket: None)
    deadline = time.monotonic() + SHOWN_MS / 1000
    while not has_figures_at_once(other, address + "?span=all"):  # those of a server that was stalled are too old
        assert time.monotonic() < deadline
    other.page.clock.fast_forward(25_000)
    expect(other.page.locator("#first-paint [role=alert]")).to_contain_text("not connected")
    other.page.unroute_all()
    other.close()
    tab.close()
