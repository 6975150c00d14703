"""What is generated in one go, and the ids of its orders.

An order id has 53 bits, so that it survives JavaScript, spreadsheets and other keepers of doubles:

    19 bits  hours since 2000-01-01 of the order's time, up to October 2059
    14 bits  number of the series: a hash of mode, seed and preset, and of a span's limits and size
    20 bits  position within the window

Ids therefore grow with time, so that inserts append to the `_id` index. Windows of different hours never share an id,
nor do two positions of one window. Two series that overlap in time have different numbers, which the store makes sure
of (`store.register_series`): of 16 384 pairs one would have the same number, and the second is refused.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

import numpy as np

from ecommerce.documents.generated_ids import FIRST_HOUR, HOUR_BITS, POSITION_BITS, SERIES_BITS
from ecommerce.documents.kinds import DAY_MS, HOUR_MS
from ecommerce.errors import InputError
from ecommerce.generate.model.draws import Floats, Ints, key_of, uniform
from ecommerce.generate.model.rhythm import demand, from_ms, moments, to_ms
from ecommerce.generate.presets import get_preset

FIRST_TIME = datetime(2000, 1, 1, tzinfo=UTC)
LAST_TIME = from_ms((FIRST_HOUR + 2**HOUR_BITS) * HOUR_MS)
ITEM_FACTOR = 128
"""Order item ids are `order_id` times this plus the line."""
PER_SECOND_MAX = 256
"""Orders of one second of a live window: 3 600 times this is below 2**POSITION_BITS."""
RATE_MAX = 250
"""Orders a second of live mode; with a fraction due they may be one more."""
SPEED_MAX = 86_400.0

Mode = Literal["span", "hour", "live"]


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time whose orders are generated in one go: `orders` of them in [start_ms, end_ms)."""

    mode: Mode
    start_ms: int
    end_ms: int
    orders: int
    seed: int
    preset: str
    speed: float = 1.0
    """How many times faster than in life orders are shipped and delivered."""

    @property
    def series(self) -> str:
        """What this window's number is a hash of. The hours of a schedule, and the seconds of live mode, share one."""
        common = f"{self.mode}|{self.seed}|{self.preset}|{self.speed:g}"
        return f"{common}|{self.start_ms}|{self.end_ms}|{self.orders}" if self.mode == "span" else common

    @property
    def key(self) -> int:
        """The 64-bit key of this window's draws."""
        return int(key_of(self.series))

    @property
    def number(self) -> int:
        """The number of the series in the order ids."""
        return int(self.key % 2**SERIES_BITS)

    @property
    def first_position(self) -> int:
        """Position of the first order; live windows lie behind one another within their hour."""
        return self.start_ms % HOUR_MS // 1000 * PER_SECOND_MAX if self.mode == "live" else 0

    def times(self, first: int, count: int) -> Ints:
        """Times (ms, ascending) of the orders `first` … `first + count - 1`, counted from 0."""
        positions = np.arange(first, first + count, dtype=np.int64)
        jitter = uniform(positions + self.start_ms // 1000 * PER_SECOND_MAX, "moment", self.key)
        placed, edges = _moments(self)
        times = np.interp((positions + jitter) / self.orders, placed, edges).astype(np.int64)
        if self.mode != "live":
            times -= times % 1000
        return np.clip(times, self.start_ms, self.end_ms - 1)

    def placed_by(self, moment_ms: int) -> int:
        """How many of the window's orders are placed before a moment."""
        if moment_ms >= self.end_ms:
            return self.orders
        return int(np.searchsorted(self.times(0, self.orders), moment_ms))

    def ids(self, first: int, times_ms: Ints) -> Ints:
        """Order ids of the orders from `first` on that are placed at these times."""
        positions = np.arange(len(times_ms), dtype=np.int64) + (first + self.first_position)
        hours = times_ms // HOUR_MS - FIRST_HOUR
        ids: Ints = (
            (hours << (SERIES_BITS + POSITION_BITS))
            | (self.number << POSITION_BITS)
            | (positions & (2**POSITION_BITS - 1))
        )
        return ids


def series_numbers(order_ids: Ints) -> Ints:
    """The series number in each order id."""
    numbers: Ints = (order_ids >> POSITION_BITS) & (2**SERIES_BITS - 1)
    return numbers


def hours_in(order_ids: Ints) -> Ints:
    """The hour (since 1970) in each order id."""
    return (order_ids >> (SERIES_BITS + POSITION_BITS)) + FIRST_HOUR


@lru_cache(maxsize=8)
def _moments(window: Window) -> tuple[Floats, Floats]:
    if window.mode != "span":
        return np.array([0.0, 1.0]), np.array([window.start_ms, window.end_ms], dtype=np.float64)
    return moments(get_preset(window.preset).rhythm, window.start_ms, window.end_ms, window.key)


def span(start: datetime, end: datetime, orders: int, *, seed: int, preset: str) -> Window:
    """A window of `orders` orders in [start, end). Raises InputError that names the option that is impossible."""
    shape = get_preset(preset)
    if not 1 <= orders <= 10**9:
        raise InputError(f"--orders {orders}: give a number from 1 to 1000000000")
    start_ms, end_ms = to_ms(start), to_ms(end)
    if end_ms <= start_ms:
        raise InputError(f"--end {end:%Y-%m-%d %H:%M}: must be after --start {start:%Y-%m-%d %H:%M}")
    if start_ms < to_ms(FIRST_TIME) or end_ms > to_ms(LAST_TIME):
        raise InputError(
            f"--start {start:%Y-%m-%d}, --end {end:%Y-%m-%d}: orders are made for times from "
            f"{FIRST_TIME:%Y-%m-%d} to {LAST_TIME:%Y-%m-%d}"
        )
    if end_ms - start_ms < 1000:
        raise InputError(f"--end {end}: a span is at least one second long")
    window = Window("span", start_ms - start_ms % 1000, end_ms, orders, seed, shape.name)
    placed, _ = _moments(window)
    busiest = float(np.max(np.diff(placed))) * orders
    if busiest + 1 > 2**POSITION_BITS:
        raise InputError(
            f"--orders {orders}: the busiest hour of the span would have {busiest:.0f}; "
            f"at most {2**POSITION_BITS} fit, so give a longer span or fewer orders"
        )
    return window


def hour(start: datetime, average: int, *, seed: int, preset: str) -> Window:
    """The window of one hour of a schedule; an hour of average demand has `average` orders."""
    if not 1 <= average <= 100_000:
        raise InputError(f"--orders {average}: give an average hour from 1 to 100000 orders")
    start_ms = to_ms(start)
    start_ms -= start_ms % HOUR_MS
    rhythm = get_preset(preset).rhythm
    factor = float(demand(rhythm, np.array([start_ms // HOUR_MS]), key_of("hour", seed, preset))[0])
    orders = min(max(1, round(average * factor)), 2**POSITION_BITS)
    return Window("hour", start_ms, start_ms + HOUR_MS, orders, seed, preset)


def second(start_ms: int, rate: float, *, seed: int, preset: str, speed: float) -> Window | None:
    """The window of one second of live mode, `rate` orders on average; None where no order falls into it."""
    whole = start_ms // 1000
    # The orders due by a second are its rate times the seconds of the day so far; the fraction waits for a later one.
    of_day = whole % (DAY_MS // 1000)
    orders = int((of_day + 1) * rate) - int(of_day * rate)
    return Window("live", whole * 1000, whole * 1000 + 1000, orders, seed, preset, speed) if orders else None
