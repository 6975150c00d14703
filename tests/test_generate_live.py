"""Live mode: orders second by second, moving on before one's eyes, stopped whole by Ctrl-C."""

import os
import signal
import threading
import time
from datetime import UTC, datetime

import pytest

from ecommerce.generate.catalog_store import ensure_catalog
from ecommerce.generate.live import generate_live
from ecommerce.generate.rhythm import to_ms
from ecommerce.generate.stock import REORDER_LEVEL
from ecommerce.generate.windows import second
from ecommerce.mongo import ORDERS, MongoDatabase
from tests.generator_samples import small_catalog


def test_orders_appear_by_the_second_and_go_through_their_life(database: MongoDatabase) -> None:
    seen: list[set[str]] = []

    def look(_done: int, _total: int | None, _what: str) -> None:
        seen.append({order["delivery"]["status"] for order in database[ORDERS].find()})

    begun = datetime.now(UTC)
    # A day in a tenth of a second: ten days pass in one.
    spec = ensure_catalog(database, small_catalog())
    done = generate_live(database, spec, 40, seed=1, preset="marketplace", speed=86_400, orders=240, progress=look)
    assert 240 <= done.accepted < 290
    assert done.steps > 40
    assert {"Pending", "Shipped", "Delivered"} <= set().union(*seen)
    times = [order["order"]["order_time"] for order in database[ORDERS].find()]
    assert len(times) == done.accepted
    assert begun.timestamp() - 1 <= min(times).timestamp()
    assert max(times) <= datetime.now(UTC)
    assert len({time.replace(microsecond=0) for time in times}) >= 6
    assert min(record["stock_quantity"] for record in database["inventory"].find()) >= REORDER_LEVEL


def test_ctrl_c_ends_it_with_what_it_made(database: MongoDatabase) -> None:
    spec = ensure_catalog(database, small_catalog())
    killer = threading.Timer(2.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    killer.start()
    begun = time.monotonic()
    done = generate_live(database, spec, 30, seed=1, preset="marketplace")
    assert time.monotonic() - begun < 20
    assert done.accepted == database[ORDERS].count_documents({}) > 0


@pytest.mark.parametrize("rate", [0.25, 1, 7.3, 250])
def test_the_rate_is_kept_over_a_day(rate: float) -> None:
    start = to_ms(datetime(2026, 3, 1, tzinfo=UTC))
    seconds = range(0, 3_600_000, 1000)
    windows = [second(start + at, rate, seed=1, preset="marketplace", speed=1) for at in seconds]
    assert abs(sum(window.orders for window in windows if window) - 3_600 * rate) <= 1
