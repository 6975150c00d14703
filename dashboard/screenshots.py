"""Takes the pictures of the documentation: `python -m dashboard.screenshots http://127.0.0.1:5006`.

The dashboard must be running, with figures to show. Needs Playwright and a Chromium (both come with the development
packages, or from `playwright install chromium`).
"""

import argparse
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FOLDER = Path(__file__).parent.parent / "docs" / "images"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WAIT_MS = 60_000
HEADLINE = "#headline-orders"
"""On the overview once it has figures."""
SETTLED_MS = 1_500
"""Bars grow for 0.4 s, and a chart is drawn after its card."""

DESKTOP = {"viewport": {"width": 1440, "height": 1010}}
TALL = {"viewport": {"width": 1440, "height": 1140}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
    "user_agent": "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """One file under docs/images, and what it shows."""

    name: str
    query: str
    ready: str = HEADLINE
    device: dict[str, Any] = field(default_factory=lambda: DESKTOP)
    follow: str = ""
    """A link of the page that is followed before the picture is taken."""


PICTURES = (
    Picture("dashboard-light.png", "?span=30d"),
    Picture("dashboard-dark.png", "?span=30d&theme=dark"),
    Picture("dashboard-phone.png", "?span=30d", device=PHONE),
    Picture("dashboard-trends.png", "?page=trends&span=all", ready="h2 >> text=Hot and archived", device=TALL),
    Picture("dashboard-orders.png", "?page=orders&span=30d", ready="table >> visible=true"),
    Picture(
        "dashboard-order.png", "?page=orders&span=30d", ready="table >> visible=true", follow="tbody a >> visible=true"
    ),
    Picture("dashboard-pipeline.png", "?page=pipeline", ready="#headline-hot", device=TALL),
)


def chromium() -> str | None:
    """The Chromium on PATH; None: Playwright's own."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


@contextmanager
def a_browser() -> "Iterator[Browser]":
    """A Chromium, closed afterwards."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


def a_page(browser: "Browser", address: str, ready: str, device: dict[str, Any]) -> "Page":
    """A page of the dashboard with figures, on a device, once what `ready` selects is there."""
    page = browser.new_page(**device)
    page.goto(address, timeout=WAIT_MS)
    page.locator(ready).wait_for(timeout=WAIT_MS)
    page.locator(".as-of").filter(has_text="As of").wait_for(state="attached", timeout=WAIT_MS)
    page.locator("#first-paint").wait_for(state="detached", timeout=WAIT_MS)
    return page


def take(address: str, folder: Path) -> Iterator[Path]:
    """Take all pictures of the dashboard at `address`; yields the files."""
    with a_browser() as browser:
        for picture in PICTURES:
            page = a_page(browser, address + picture.query, picture.ready, picture.device)
            if picture.follow:
                page.locator(picture.follow).first.click()
            page.wait_for_timeout(SETTLED_MS)
            file = folder / picture.name
            page.screenshot(path=file)
            page.close()
            yield file


def main(what: str, address: str, take: Callable[[str, Path], Iterable[Path]]) -> None:
    """Take pictures of `what` as the command line says, and print each file. `address`: an example of one."""
    parser = argparse.ArgumentParser(description=f"Take the pictures of {what}.")
    parser.add_argument("address", help=f"where it runs, such as {address}")
    parser.add_argument("--to", type=Path, default=FOLDER, help="folder for the pictures (default: docs/images)")
    arguments = parser.parse_args()
    arguments.to.mkdir(parents=True, exist_ok=True)
    for file in take(arguments.address, arguments.to):
        print(file)


if __name__ == "__main__":
    main("the dashboard", "http://127.0.0.1:5006/app", take)
