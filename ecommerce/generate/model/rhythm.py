"""When orders are placed: the demand of every hour, and the moments of a span's orders along it."""

from datetime import UTC, datetime, timedelta

import numpy as np

from ecommerce.documents.kinds import DAY_MS, EPOCH, HOUR_MS
from ecommerce.generate.model.draws import Floats, Ints, uniform
from ecommerce.generate.presets.shape import Rhythm, SaleDay


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970; naive times are UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(milliseconds=1)


def from_ms(milliseconds: int) -> datetime:
    """The aware UTC time of milliseconds since 1970."""
    return EPOCH + timedelta(milliseconds=int(milliseconds))


def weekday_of(times_ms: Ints) -> Ints:
    """Day of the week of each time, Monday is 0. (1970 began on a Thursday.)"""
    return (times_ms // DAY_MS + 3) % 7


def sale_day_of(sale: SaleDay, year: int) -> datetime:
    """The day on which a sale day falls in a year."""
    if sale.day:
        return datetime(year, sale.month, sale.day, tzinfo=UTC)
    first = datetime(year, sale.month, 1, tzinfo=UTC)
    to_weekday = (sale.weekday - first.weekday()) % 7
    return first + timedelta(days=to_weekday + 7 * (sale.nth - 1) + sale.offset)


def sale_factors(rhythm: Rhythm, days: Ints) -> Floats:
    """The sale-day factor of each day (days since 1970); 1 where there is none."""
    factors = np.ones(len(days))
    if not len(days):
        return factors
    first, last = from_ms(int(days[0]) * DAY_MS).year, from_ms(int(days[-1]) * DAY_MS).year
    for year in range(first, last + 1):
        for sale in rhythm.sale_days:
            factors[days == to_ms(sale_day_of(sale, year)) // DAY_MS] = sale.factor
    return factors


def demand(rhythm: Rhythm, hours: Ints, key: int) -> Floats:
    """Relative demand of hours (hours since 1970), 1 on average over a year without sale days and noise."""
    days = hours // 24
    months = (hours.astype("datetime64[h]").astype("datetime64[M]").astype(np.int64)) % 12
    weights = np.asarray(rhythm.hours)[hours % 24] * np.asarray(rhythm.weekdays)[(days + 3) % 7]
    weights = weights * np.asarray(rhythm.months)[months] * sale_factors(rhythm, days)
    average = np.mean(rhythm.hours) * np.mean(rhythm.weekdays) * np.mean(rhythm.months)
    # The sum of twelve uniforms would do for a normal; four are smooth enough for noise of a few per cent.
    noise = sum(uniform(hours, f"hour noise {part}", key) for part in range(4)) - 2.0
    wanted: Floats = weights / average * np.exp(rhythm.noise * noise * np.sqrt(3.0))
    return wanted


def moments(rhythm: Rhythm, start_ms: int, end_ms: int, key: int) -> tuple[Floats, Floats]:
    """Points of the demand's integral over a span: (share of the orders placed by then, time in ms)."""
    hours = np.arange(start_ms // HOUR_MS, -(-end_ms // HOUR_MS))
    edges = np.append(hours, hours[-1] + 1) * float(HOUR_MS)
    edges[0], edges[-1] = start_ms, end_ms
    placed = np.concatenate([[0.0], np.cumsum(demand(rhythm, hours, key) * np.diff(edges))])
    return placed / placed[-1], edges
