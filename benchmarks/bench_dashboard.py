"""The dashboard under load: sessions held open on one process while orders arrive.

For each number of sessions: from a tick to its update in the browser, what a session costs in processor and memory,
operations on MongoDB per tick, and how long a page takes to open. 100 orders are new in every tick, so everything on
the page changes every time. Of eight sessions one has the trends open, one the orders and one the pipeline page.
"""

import asyncio
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psutil
from playwright.async_api import async_playwright

from benchmarks.common import REPOSITORY, Result, a_mongod, environment_of, main
from benchmarks.dashboard_client import Viewer
from dashboard.screenshots import chromium
from ecommerce.generate.into_mongodb.catalog_store import ensure_catalog
from ecommerce.generate.into_mongodb.store import store_windows
from ecommerce.generate.model.catalog import CatalogSpec
from ecommerce.generate.model.windows import Window, span
from ecommerce.mongo import MongoDatabase
from ecommerce.services.dashboard import serve_command
from ecommerce.services.ports import free_port, http_answers

TICK_SECONDS = 5.0
PAGES = ("", "", "", "", "", "?page=trends", "?page=orders", "?page=pipeline")
"""What sessions look at, in turn. Trends and orders are read when they are opened, not by ticks."""

OPENING_AT_ONCE = 4
"""Pages that load at the same time; people do not all come in one second."""

BROWSER_TRIES = 3
WATCH = """
new PerformanceObserver(list => { window.painted ??= list.getEntriesByName("first-contentful-paint")[0]?.startTime })
  .observe({type: "paint", buffered: true})
const begun = setInterval(() => {
  if (document.getElementById("first-paint")) { window.begun = true }
  else if (window.begun) { window.live = performance.now(); clearInterval(begun) }
}, 10)
"""
"""In the browser: when it first painted something, and when the board took the first paint away."""

HISTORY = timedelta(days=60)
HISTORY_ORDERS = 50_000
ORDERS_A_TICK = 100


@contextmanager
def served_dashboard(database: MongoDatabase) -> Iterator[tuple[str, psutil.Process]]:
    """The dashboard as one process on a free port; yields its address and the process."""
    port = free_port()
    environment = environment_of(database, ECOMMERCE_REFRESH_SECONDS=str(TICK_SECONDS))
    command = [*serve_command(port), "--log-level", "error"]
    with subprocess.Popen(command, cwd=REPOSITORY, env=environment, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(f"http://127.0.0.1:{port}/liveness")
            yield f"http://127.0.0.1:{port}/app", psutil.Process(server.pid)
        finally:
            server.terminate()


def _wait_for(url: str) -> None:
    for _ in range(600):
        if http_answers(url):
            return
        time.sleep(0.1)
    raise RuntimeError(f"{url} does not answer")


class Shop:
    """A database that gets orders."""

    def __init__(self, database: MongoDatabase) -> None:
        self.database = database
        self._spec = ensure_catalog(database, CatalogSpec(1, "en_US", "marketplace", 2_000, 500))
        now = datetime.now(UTC)
        self._sold_ms = int(now.timestamp()) * 1000
        store_windows(
            database, self._spec, [span(now - HISTORY, now, HISTORY_ORDERS, seed=1, preset="marketplace")], now
        )

    def sell(self, orders: int = ORDERS_A_TICK) -> None:
        """Bring in the orders of one tick."""
        now = datetime.now(UTC)
        start_ms, self._sold_ms = self._sold_ms, int(now.timestamp()) * 1000
        window = Window("live", start_ms, self._sold_ms, orders, seed=1, preset="marketplace")
        store_windows(self.database, self._spec, [window], now)

    def reads(self) -> int:
        """Commands that read, since the server started."""
        counters = self.database.client.admin.command("serverStatus")["opcounters"]
        return int(counters["query"] + counters["getmore"])


async def open_viewers(address: str, count: int) -> list[Viewer]:
    """So many more sessions, a few at a time."""
    gate = asyncio.Semaphore(OPENING_AT_ONCE)
    viewers = [Viewer(address, PAGES[number % len(PAGES)]) for number in range(count)]

    async def opened(viewer: Viewer) -> None:
        async with gate:
            await viewer.open()

    await asyncio.gather(*(opened(viewer) for viewer in viewers))
    return viewers


async def _measure(
    shop: Shop, address: str, server: psutil.Process, counts: tuple[int, ...], ticks: int
) -> list[Result]:
    results: list[Result] = []
    viewers: list[Viewer] = []
    warm = await open_viewers(address, 1)  # the first page of a process imports what all of them need
    await warm[0].close()
    alone_mb = 0.0
    for count in counts:
        new = await open_viewers(address, count - len(viewers))
        viewers += new
        await asyncio.sleep(2 * TICK_SECONDS)
        for viewer in viewers:
            viewer.delays.clear()
            viewer.received_bytes = 0
        processor, reads, begin = _seconds(server), shop.reads(), time.perf_counter()
        for _ in range(ticks):
            await asyncio.to_thread(shop.sell)
            await asyncio.sleep(TICK_SECONDS)
        seconds = time.perf_counter() - begin
        delays = sorted(delay for viewer in viewers for delay in viewer.delays)
        seen = len(delays) / count
        used = _seconds(server) - processor
        memory = server.memory_info().rss / 1e6
        alone_mb = alone_mb or memory
        more_mb = (memory - alone_mb) / max(1, count - 1)
        received = sum(viewer.received_bytes for viewer in viewers) / 1024
        of = f"{count} session{'s' if count > 1 else ''}: "
        results += [
            Result(of + "tick to update, median", statistics.median(delays), "s"),
            Result(of + "tick to update, p95", delays[int(0.95 * len(delays))], "s", "<= 1" if count == 200 else ""),
            Result(of + "page with figures, four at once, median", _median(new, "painted_seconds"), "s", "<= 2"),
            Result(of + "its document, four at once, median", _median(new, "opened_seconds"), "s"),
            *(Result(of + name, seconds, "s", target) for name, seconds, target in await _in_browser(address)),
            Result(of + "processor per session and tick", 1000 * used / seen / count, "ms"),
            Result(of + "processor of the process", 100 * used / seconds, "%"),
            Result(of + "memory per session after the first", more_mb, "MB", beside=f"{memory:.0f} MB in all"),
            Result(of + "sent per session and tick", received / seen / count, "kB"),
            Result(of + "reads of MongoDB per tick", (shop.reads() - reads) / seen, "commands"),
        ]
    for viewer in viewers:
        await viewer.close()
    return results


def _median(viewers: list[Viewer], name: str) -> float:
    return statistics.median(getattr(viewer, name) for viewer in viewers if not viewer.query)


async def _in_browser(address: str) -> list[tuple[str, float, str]]:
    """What a browser with an empty cache says: when it painted headlines, and when the live page took their place."""
    painted, live = [], []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for _ in range(BROWSER_TRIES):
            context = await browser.new_context(viewport={"width": 1440, "height": 1000})
            page = await context.new_page()
            await page.add_init_script(WATCH)
            await page.goto(address)
            await page.wait_for_function("() => window.live && window.painted", timeout=60_000)
            painted.append(await page.evaluate("() => window.painted") / 1000)
            live.append(await page.evaluate("() => window.live") / 1000)
            await context.close()
        await browser.close()
    return [
        ("first paint in Chromium, median", statistics.median(painted), "<= 2"),
        ("page live in Chromium, median", statistics.median(live), ""),
    ]


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def run(quick: bool) -> list[Result]:
    """Hold 1 to 200 sessions open (quick: 1 and 10) and measure a tick."""
    counts = (1, 10) if quick else (1, 10, 50, 100, 200)
    with a_mongod() as database, served_dashboard(database) as (address, server):
        return asyncio.run(_measure(Shop(database), address, server, counts, 3 if quick else 6))


if __name__ == "__main__":
    main("dashboard", run)
