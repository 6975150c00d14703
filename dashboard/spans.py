"""Which hours of the shop a choice of span means now, what it is compared with, and how finely it is drawn."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from ecommerce.hours import hours_of, next_month, seconds_of, time_of
from ecommerce.kpis.comparison import Against, compared_with
from ecommerce.kpis.compute import DAILY_UP_TO, HOURLY_UP_TO, Step
from ecommerce.kpis.question import Span

HOUR, MOMENT = timedelta(hours=1), timedelta(milliseconds=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Preset:
    """A span that moves with the clock."""

    key: str
    label: str
    days: int | None = None
    """Whole days of the shop, today with them; None: another span, see `preset_span`."""


LAST_24_HOURS = "24h"
PRESETS: tuple[Preset, ...] = (
    Preset("today", "Today", 1),
    Preset(LAST_24_HOURS, "24 h"),
    Preset("7d", "7 d", 7),
    Preset("30d", "30 d", 30),
    Preset("90d", "90 d", 90),
    Preset("all", "All"),
)
PRESET_KEYS = tuple(preset.key for preset in PRESETS)
DEFAULT_PRESET = "30d"
COMPARISONS: Mapping[Against, str] = {
    "before": "the days before",
    "week": "same weekdays",
    "year": "the year before",
}
"""What a span can be compared with, and what that is called."""
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)
"""Days that can be asked for."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The hours of a span that are over, and as many hours before: an hour that has begun would look like a fall."""

    done: Span
    before: Span


def preset_span(key: str, now: datetime, zone: ZoneInfo) -> Span:
    """The span of a preset at this moment; it ends with the running hour, so that it moves once an hour."""
    end = next_bucket(hour_of(now, zone), "hour", zone)
    if key == "all":
        return Span(None, None)
    if key == LAST_24_HOURS:
        return Span(hour_of(end - DAY, zone), end)
    days = next(preset.days for preset in PRESETS if preset.key == key)
    assert days is not None  # noqa: S101 - all but the two above have some
    return Span(_midnight(day_of(now, zone) - (days - 1) * DAY, zone), end)


def dates_span(first: date, last: date, zone: ZoneInfo) -> Span:
    """The span of the days `first` to `last`, both included."""
    return Span(_midnight(first, zone), _midnight(last + DAY, zone))


def days_of(span: Span, zone: ZoneInfo) -> tuple[date, date] | None:
    """First and last day of a span; None where it is open."""
    if span.start is None or span.end is None:
        return None
    return day_of(span.start, zone), day_of(span.end - MOMENT, zone)


def day_of(moment: datetime, zone: ZoneInfo) -> date:
    """The day that a moment belongs to."""
    return hours_of(zone.key).day_of(moment)


def running_hour(span: Span, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The hour that is not over yet; None where a span ended before it."""
    hour = hour_of(now, zone)
    return hour if span.end is None or span.end > hour else None


def comparison(
    span: Span, now: datetime, zone: ZoneInfo, against: Against = "before", *, of_hours: bool = False
) -> Comparison | None:
    """What a span is compared with: as many days before, at the same hours, or the same a week or a year before.

    One `of_hours` is compared with as many hours before, also where it happens to begin at midnight.
    None for an open span, before the first full hour, and where the year before has none of its days.
    """
    if span.start is None or span.end is None:
        return None
    end = min(span.end, hour_of(now, zone))
    if end <= span.start:
        return None
    if against != "before":
        like = compared_with(Span(span.start, end), hours_of(zone.key), against)
        return Comparison(Span(span.start, end), like) if like else None
    if of_hours or span.start != _midnight(day_of(span.start, zone), zone):
        length = span.end - span.start
        before = Span(hour_of(span.start - length, zone), hour_of(end - length, zone))
    else:
        first, last = day_of(span.start, zone), day_of(span.end - MOMENT, zone)
        days = (last - first + DAY).days
        start = _midnight(first - days * DAY, zone)
        at = end.astimezone(zone)
        same_time = hour_of(datetime.combine(at.date() - days * DAY, at.time(), zone), zone)
        before = Span(start, min(span.start, max(same_time, start + HOUR)))
    return Comparison(Span(span.start, end), before)


def step_of(start: datetime, end: datetime) -> Step:
    """How finely a chart of these hours is drawn: 400 days of five statuses are 2 000 bars, drawn without a pause."""
    length = end - start
    if length <= HOURLY_UP_TO:
        return "hour"
    return "day" if length <= DAILY_UP_TO else "month"


def bucket_of(hour: datetime, step: Step, zone: ZoneInfo) -> datetime:
    """The start of the bucket that an hour is in, in UTC."""
    if step == "hour":
        return hour.astimezone(UTC)
    day = day_of(hour, zone)
    return _midnight(day.replace(day=1) if step == "month" else day, zone)


def next_bucket(start: datetime, step: Step, zone: ZoneInfo) -> datetime:
    """The start of the bucket after the one that starts there, in UTC: a day may have 23 hours."""
    hours = hours_of(zone.key)
    if step == "hour":
        return time_of(int(hours.ends(np.array([seconds_of(start)]))[0]))
    day = day_of(start, zone)
    if step == "month":
        return _midnight(next_month(day), zone)
    end = _midnight(day + DAY, zone)
    return end if end > start else _midnight(day + 2 * DAY, zone)  # a day that a zone has left out


def hour_of(moment: datetime, zone: ZoneInfo) -> datetime:
    """When the hour that a moment is in began, in UTC."""
    return time_of(hours_of(zone.key).start(moment))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return hours_of(zone.key).day_start(day)
