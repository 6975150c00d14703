"""Which hours a choice of span means now, what came before it, and how finely it is drawn."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from ecommerce.kpis.question import Span

Step = Literal["hour", "day", "month"]

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

HOURLY_UP_TO = timedelta(days=3)
DAILY_UP_TO = timedelta(days=400)
"""400 days of five statuses are 2 000 bars, which a browser draws without a pause."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A span that moves with the clock."""

    key: str
    label: str
    title: str
    length: timedelta | None
    """None: from the first order on."""


PRESETS: tuple[Preset, ...] = (
    Preset("today", "Today", "Since midnight", None),
    Preset("24h", "24 h", "Last 24 hours", timedelta(hours=24)),
    Preset("7d", "7 d", "Last 7 days", timedelta(days=7)),
    Preset("30d", "30 d", "Last 30 days", timedelta(days=30)),
    Preset("90d", "90 d", "Last 90 days", timedelta(days=90)),
    Preset("all", "All", "All orders", None),
)
PRESET_KEYS = tuple(preset.key for preset in PRESETS)
DEFAULT_PRESET = "30d"
FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)
"""Days that can be asked for."""


def preset_span(key: str, now: datetime, zone: ZoneInfo) -> Span:
    """The span of a preset at this moment; it ends with the running hour, so that it moves once an hour."""
    end = _hour_of(now) + HOUR
    if key == "all":
        return Span(None, None)
    if key == "today":
        return Span(_midnight(now.astimezone(zone).date(), zone), end)
    length = next(preset.length for preset in PRESETS if preset.key == key)
    assert length is not None  # noqa: S101 - all but the two above have one
    return Span(end - length, end)


def dates_span(first: date, last: date, zone: ZoneInfo) -> Span:
    """The span of the days `first` to `last`, both included, of the display's time zone."""
    return Span(_midnight(first, zone), _midnight(last + DAY, zone))


def days_of(span: Span, zone: ZoneInfo) -> tuple[date, date] | None:
    """First and last day of a span in the display's time zone; None where it is open."""
    if span.start is None or span.end is None:
        return None
    return span.start.astimezone(zone).date(), (span.end - HOUR).astimezone(zone).date()


def step_of(start: datetime, end: datetime) -> Step:
    """How finely a chart of these hours is drawn."""
    length = end - start
    if length <= HOURLY_UP_TO:
        return "hour"
    return "day" if length <= DAILY_UP_TO else "month"


def next_step(at: datetime, step: Step) -> datetime:
    """The start of the bucket after the one that starts at `at`."""
    if step == "hour":
        return at + HOUR
    if step == "day":
        return at + DAY
    return at.replace(year=at.year + at.month // 12, month=at.month % 12 + 1)


def _hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    # Figures are kept by the hour of UTC; where a zone is off by half an hour its day starts with the hour before.
    return _hour_of(datetime.combine(day, time.min, zone))
