"""Live mode: orders second by second, moving on before one's eyes, stopped whole by Ctrl-C."""

import os
import signal
import threading
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from ecommerce.generate.into_mongodb.catalog_store import ensure_catalog
from ecommerce.generate.into_mongodb.stock import REORDER_LEVEL
from ecommerce.generate.into_mongodb.store import Generated, store_windows
from ecommerce.generate.live import generate_live
from ecommerce.generate.model.rhythm import to_ms
from ecommerce.generate.model.windows import second
from ecommerce.kpis import Filters, Kpis, KpiStore, Span
from ecommerce.mongo import ORDERS, MongoDatabase
from tests.generator_samples import small_catalog


def test_orders_appear_by_the_second_and_go_through_their_life(database: MongoDatabase) -> None:
    seen: set[str] = set()

    def look(_done: int, _total: int | None, _what: str) -> None:
        seen.update(order["delivery"]["status"] for order in database[ORDERS].find())
        if {"Pending", "Shipped", "Delivered"} <= seen:
            signal.raise_signal(signal.SIGINT)

    begun = datetime.now(UTC)
    spec = ensure_catalog(database, small_catalog())
    # A day in a second: the fastest tenth is delivered within four.
    done = generate_live(database, spec, 40, seed=1, preset="marketplace", speed=86_400, progress=look)
    assert done.steps > 0
    assert "open_orders" in database[ORDERS].index_information()
    times = [order["order"]["order_time"] for order in database[ORDERS].find()]
    assert len(times) == done.accepted
    assert begun.timestamp() - 1 <= min(times).timestamp()
    assert max(times) <= datetime.now(UTC)
    assert len({time.replace(microsecond=0) for time in times}) >= 3
    assert min(record["stock_quantity"] for record in database["inventory"].find()) >= REORDER_LEVEL


def test_it_stops_after_the_orders_that_were_asked_for(database: MongoDatabase) -> None:
    spec = ensure_catalog(database, small_catalog())
    done = generate_live(database, spec, 20, seed=1, preset="grocery", orders=5)
    assert done.accepted == database[ORDERS].count_documents({}) >= 5
    assert not done.stopped


def test_ctrl_c_ends_it_with_what_it_made(database: MongoDatabase) -> None:
    spec = ensure_catalog(database, small_catalog())
    killer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    told: list[tuple[int, int | None, str]] = []
    times: list[float] = []

    def look(done: int, total: int | None, what: str) -> None:
        told.append((done, total, what))
        times.append(time.monotonic())
        if done and not killer.ident:
            killer.start()  # it ends the next second, or the sleep before that

    begun = time.monotonic()
    done = generate_live(database, spec, 30, seed=1, preset="marketplace", progress=look)
    assert done.stopped
    assert times[-1] - times[0] <= done.seconds <= time.monotonic() - begun
    assert told[0] == (0, None, "orders")  # before the first second is over
    assert told[-1] == (done.accepted, None, "orders")
    assert done.accepted == database[ORDERS].count_documents({}) > 0


def test_ctrl_c_while_orders_are_written_counts_them(database: MongoDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = ensure_catalog(database, small_catalog())

    def interrupted(*arguments: Any) -> Generated:
        signal.raise_signal(signal.SIGINT)
        return store_windows(*arguments)

    monkeypatch.setattr("ecommerce.generate.live.store_windows", interrupted)
    told: list[int] = []
    done = generate_live(
        database, spec, 30, seed=1, preset="marketplace", progress=lambda made, _total, _what: told.append(made)
    )
    assert done.stopped
    assert told == [0, done.accepted]  # the second that was begun
    assert done.accepted == database[ORDERS].count_documents({}) > 0


def test_a_second_ctrl_c_ends_it_at_once(database: MongoDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = ensure_catalog(database, small_catalog())

    def hangs(*_arguments: Any) -> Generated:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("it went on")

    monkeypatch.setattr("ecommerce.generate.live.store_windows", hangs)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        generate_live(database, spec, 30, seed=1, preset="marketplace")
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("rate", [0.25, 1, 7.3, 250])
def test_the_rate_is_kept_over_a_day(rate: float) -> None:
    start = to_ms(datetime(2026, 3, 1, tzinfo=UTC))
    seconds = range(0, 3_600_000, 1000)
    windows = [second(start + at, rate, seed=1, preset="marketplace", speed=1) for at in seconds]
    assert abs(sum(window.orders for window in windows if window) - 3_600 * rate) <= 1


def test_every_look_of_the_dashboard_finds_more_orders_and_moves_in_their_lives(database: MongoDatabase) -> None:
    spec = ensure_catalog(database, small_catalog())
    store = KpiStore(database)
    store.refresh()
    looks: list[Kpis] = []

    def look(_done: int, _total: int | None, _what: str) -> None:
        store.refresh()
        looks.append(store.kpis(Span(), Filters()))
        if len(looks) >= 4 and looks[-1].delivered > looks[0].delivered:
            signal.raise_signal(signal.SIGINT)

    done = generate_live(database, spec, 30, seed=2, preset="marketplace", speed=86_400, progress=look)
    counted = [figures.orders for figures in looks]
    assert counted == sorted(set(counted))
    assert counted[-1] == done.accepted
    assert len({tuple(sorted(figures.by_status.items())) for figures in looks}) == len(looks)
