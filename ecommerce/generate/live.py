"""Live mode: orders appear second by second, and live faster than in life, until it is stopped."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from types import FrameType
from typing import Any

from ecommerce.errors import InputError
from ecommerce.generate.into_mongodb.advance import advance_life
from ecommerce.generate.into_mongodb.store import store_windows
from ecommerce.generate.model.catalog import CatalogSpec
from ecommerce.generate.model.rhythm import from_ms
from ecommerce.generate.model.windows import RATE_MAX, SPEED_MAX, second
from ecommerce.mongo import MongoDatabase
from ecommerce.progress import Progress, silent

LIVE_SPEED = 8_640.0
"""A day passes in ten seconds, so that one sees orders shipped after a quarter and delivered after two minutes."""
ADVANCE_SECONDS = 2
CATCH_UP_SECONDS = 60
"""After a longer pause (a laptop that slept) the seconds before are left out."""


@dataclass(slots=True)
class Lived:
    """What a stretch of live mode did."""

    accepted: int = 0
    steps: int = 0
    """Steps of open orders: shipped, delivered, cancelled, returned."""
    seconds: float = 0.0
    stopped: bool = False
    """Whether Ctrl-C ended it, not the number of orders that was asked for."""

    def counts(self) -> dict[str, Any]:
        """The counts by name, and how it ended."""
        return asdict(self) | {"seconds": round(self.seconds, 1)}


def check_rate(rate: float, speed: float) -> None:
    """Raise InputError where live mode cannot have this rate or speed."""
    if not 0 < rate <= RATE_MAX:
        raise InputError(f"--rate {rate:g}: give orders a second, more than 0 and at most {RATE_MAX}")
    if not 1 <= speed <= SPEED_MAX:
        raise InputError(f"--speed {speed:g}: give a number from 1 (as in life) to {SPEED_MAX:g}")


@contextmanager
def _stopped_by_ctrl_c(result: Lived) -> Iterator[None]:
    """The first Ctrl-C says so in `result`, so that a second of orders is written and counted whole; the next raises.

    Signals reach the main thread alone; in another, and where a script has them ignored, nothing is changed.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return

    def stop(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        result.stopped = True

    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def generate_live(  # noqa: PLR0913 - the options of the command
    database: MongoDatabase,
    spec: CatalogSpec,
    rate: float,
    *,
    seed: int,
    preset: str,
    speed: float = LIVE_SPEED,
    orders: int | None = None,
    progress: Progress = silent,
) -> Lived:
    """Make `rate` orders a second, each at its moment, and let open orders live, until Ctrl-C or `orders` were made.

    The orders of a second come in one transaction when it is over; what was started is finished before it ends.
    """
    check_rate(rate, speed)
    result = Lived()
    next_second = int(time.time())
    advanced_at = 0.0
    begun = time.monotonic()
    with _stopped_by_ctrl_c(result):
        progress(0, orders, "orders")
        while not result.stopped and (orders is None or result.accepted < orders):
            time.sleep(max(0.0, next_second + 1 - time.time()))
            now = int(time.time())
            due = range(max(next_second, now - CATCH_UP_SECONDS), now)
            made = [second(start * 1000, rate, seed=seed, preset=preset, speed=speed) for start in due]
            windows = [window for window in made if window is not None]
            result.accepted += store_windows(database, spec, windows, from_ms(now * 1000)).accepted
            next_second = now
            if now - advanced_at >= ADVANCE_SECONDS:
                result.steps += advance_life(database, datetime.now(UTC)).orders
                advanced_at = now
            progress(result.accepted, orders, "orders")
    result.seconds = time.monotonic() - begun
    return result
