"""The real dashboard and a real browser, for the tests that look at pages."""

import csv
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, Playwright, Request
from playwright.sync_api import TimeoutError as NotShown

from dashboard.screenshots import BROWSERS, chromium
from ecommerce.mongo import mongo_uri
from ecommerce.services.dashboard import serve_command
from ecommerce.settings import Settings
from tests.ports import free_port

STILL = """frames => {
  const roots = [document];
  for (const root of roots) {
    roots.push(...[...root.querySelectorAll("*")].map(each => each.shadowRoot).filter(each => each != null));
  }
  const fades = roots.flatMap(root => root.getAnimations()).filter(each => each instanceof CSSTransition);
  const still = Bokeh.documents.every(each => each.is_idle) && fades.every(each => each.playState !== "running");
  globalThis.still_frames = still ? globalThis.still_frames + 1 : 0;
  return globalThis.still_frames > frames;
}"""
"""In the browser, once a frame: whether all is drawn and no colour has faded into another for some frames."""

REPOSITORY = Path(__file__).parent.parent
RIGHT_ENDS = "nodes => nodes.filter(n => n.checkVisibility()).map(n => n.getBoundingClientRect().right)"
"""In the browser: the right ends of what is seen of some elements."""

START_SECONDS = 60
SHOWN_MS = 60_000
"""How long a test waits for something to appear, on a busy machine."""


def launch(playwright: Playwright) -> Browser:
    """The Chromium on PATH, else Playwright's own. Raises a clear error where there is neither."""
    path = chromium()
    if path is None and not Path(playwright.chromium.executable_path).exists():
        raise RuntimeError(
            f"no browser for the dashboard's tests: none of {', '.join(BROWSERS)} is on PATH. Install Chromium "
            "(apt-get install chromium, brew install chromium) or run: .venv/bin/playwright install chromium"
        )
    return playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])


def serve(
    settings: Settings,
    port: int,
    log: Path,
    environment: Mapping[str, str] | None = None,
    sources: Path = REPOSITORY,
    options: tuple[str, ...] = (),
    prefix: str = "",
) -> subprocess.Popen[bytes]:
    """`panel serve dashboard/app.py` of these sources on a port, when it answers; `prefix` is one of its options."""
    variables = os.environ | {
        "ECOMMERCE_MONGO_URI": mongo_uri(settings),
        "ECOMMERCE_DATABASE": settings.database,
        "ECOMMERCE_HOME": str(settings.home_directory),
        "ECOMMERCE_REFRESH_SECONDS": "1",
        "PYTHONPATH": str(sources),
        **(environment or {}),
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*serve_command(port), *options], cwd=sources, env=variables, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_alive(process, f"http://127.0.0.1:{port}{prefix}/liveness", log)
    except BaseException:
        stop(process)
        raise
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(60)


@contextmanager
def served(
    settings: Settings, log: Path, environment: Mapping[str, str] | None = None, sources: Path = REPOSITORY
) -> Iterator[str]:
    """The dashboard on a free port; yields the address of the page."""
    port = free_port()
    process = serve(settings, port, log, environment, sources)
    try:
        yield f"http://localhost:{port}/app"
    finally:
        stop(process)


def _wait_until_alive(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - loopback
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"the dashboard did not start:\n{log.read_text()}")


class Tab:
    """One browser tab, and what it complained about."""

    def __init__(self, browser: Browser, **options: Any) -> None:
        self._context = browser.new_context(**({"viewport": {"width": 1440, "height": 1000}} | options))
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(SHOWN_MS)
        self.errors: list[str] = []
        self.sent: list[str | bytes] = []
        """What the browser told the server since the page was loaded."""
        self.page.on("websocket", lambda socket: socket.on("framesent", self._told))
        self.page.on("console", lambda message: self._heard(message.type, message.text))
        self.page.on("pageerror", lambda error: self.errors.append(f"page error: {error}"))
        self.page.on("dialog", lambda dialog: self._dialog(dialog))
        self.page.on("requestfailed", self._failed)
        self.page.on("response", lambda response: self._answered(response.status, response.url))

    def _told(self, frame: str | bytes) -> None:
        self.sent.append(frame)

    def _heard(self, kind: str, text: str) -> None:
        if kind == "error":
            self.errors.append(f"console: {text}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # which says that the browser itself left off: the tab was closed
            self.errors.append(f"failed ({request.failure}): {request.url}")

    def _dialog(self, dialog: Any) -> None:
        self.errors.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _answered(self, status: int, url: str) -> None:
        if status >= 400:
            self.errors.append(f"{status}: {url}")

    def open(self, url: str, ready: str = "#headline-orders") -> "Tab":
        """Go to an address and wait until the page shows figures."""
        self.sent.clear()
        self.page.goto(url)
        self.page.locator(ready).wait_for()
        return self

    def show(self, query: str) -> "Tab":
        """Follow a link within the page, as the browser's own back and forward do: no page is loaded anew."""
        self._wait_until_it_listens()
        self.page.evaluate("query => history.pushState({}, '', location.pathname + query)", query)
        self.page.evaluate("() => { dispatchEvent(new PopStateEvent('popstate')) }")
        return self

    def _wait_until_it_listens(self) -> None:
        """The first paint shows figures before the page's own code runs, which then says how wide the window is."""
        deadline = time.monotonic() + SHOWN_MS / 1000
        while not any(b"narrow" in (frame if isinstance(frame, bytes) else frame.encode()) for frame in self.sent):
            assert time.monotonic() < deadline, "the page did not begin to listen"
            self.page.wait_for_timeout(50)

    def reload(self) -> None:
        """Load the page anew, and wait until it listens."""
        self.sent.clear()
        self.page.reload()
        self._wait_until_it_listens()

    def wait_until_still(self) -> None:
        """Wait until what is drawn stays as it is, which pictures and colours are measured by."""
        self.page.evaluate("() => { globalThis.still_frames = 0 }")
        self.page.wait_for_function(STILL, arg=20)

    def told_since(self, frames: int) -> list[str]:
        """What the browser told the server after so many frames. After some seconds of silence, as on a machine at its
        limit, it also asks whether the server is there, which does not count.
        """
        told = [frame for frame in map(str, self.sent[frames:]) if "events" in frame]
        return [frame for frame in told if "ping" not in frame]

    def headline(self, key: str) -> str:
        """A headline's exact figure."""
        return self.page.locator(f"#headline-{key} .value").get_attribute("data-exact") or ""

    def wait_for_headline(self, key: str, exact: str) -> None:
        self.page.locator(f'#headline-{key} .value[data-exact="{exact}"]').wait_for()

    def rows(self, title: str) -> dict[str, str]:
        """Name → exact text of every bar of a card."""
        rows = self.card(title).locator(".row").evaluate_all("rows => rows.map(r => [r.dataset.name, r.dataset.exact])")
        return dict(rows)

    def card(self, title: str) -> Any:
        heading = self.page.get_by_role("heading", name=title, exact=True)
        return self.page.locator(".tile").filter(has=heading)

    def close(self) -> None:
        self._context.close()

    def close_without_errors(self) -> None:
        """Close it; until then its console stayed clean."""
        self.close()
        assert self.errors == []


def saved_text(control: Locator) -> str:
    """The file that a button or a link saves."""
    with control.page.expect_download() as started:
        control.click()
    return Path(started.value.path()).read_text("utf-8-sig")


def saved_rows(control: Locator) -> list[dict[str, str]]:
    """The rows of a CSV that a button or a link saves."""
    return list(csv.DictReader(saved_text(control).splitlines(keepends=True)))


def point_at(page: Page, across: float, down: float) -> None:
    """Move the pointer over the first chart that is shown, to a share of its width and height, once it is at rest.

    Boxes that are asked for beforehand are wrong as soon as a notice appears above the chart.
    """
    chart = page.locator(".bk-Canvas").filter(visible=True).first
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    assert box
    chart.hover(position={"x": box["width"] * across, "y": box["height"] * down})


def point_until(page: Page, across: float, down: float, shown: Locator) -> None:
    """Point at a chart, again and again, until something is shown: one that is drawn meanwhile forgets the pointer."""
    deadline = time.monotonic() + SHOWN_MS / 1000
    while True:
        point_at(page, across, down - 0.02)  # a pointer that stays where it is does not move
        point_at(page, across, down)
        try:
            return shown.wait_for(timeout=1_000)
        except NotShown:
            if time.monotonic() > deadline:
                raise


def drag_across(page: Page, left: float, right: float, rest_ms: int = 0) -> None:
    """Drag over the first chart that is shown, from one share of its width to another; `rest_ms` before it moves."""
    point_at(page, left, 0.4)
    page.mouse.down()
    page.wait_for_timeout(rest_ms)
    for across in ((left + right) / 2, right):
        point_at(page, across, 0.55)
    page.mouse.up()


def zoom_of(page: Page) -> list[list[float]]:
    """Start and end of the time axis of each chart, as the browser has them."""
    ranges: list[list[float]] = page.evaluate(
        """() => Bokeh.documents.flatMap(document => [...document._all_models.values()]
             .filter(model => model.type === "Figure")
             .map(figure => [figure.x_range.start, figure.x_range.end]))"""
    )
    return ranges
