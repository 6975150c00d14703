"""The buckets of the trends page: where a chart has them, what they are called, and which are drawn as a part."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.spans import MOMENT
from dashboard.text import day_text, span_text
from dashboard.trends import Point, Trends
from dashboard.trends_view import Grain
from ecommerce.kpis.question import Span

_SHOWN = ZoneInfo("UTC")
"""Times of points are what the shop's clock shows."""


def labels(trends: Trends) -> list[str]:
    """The time of each bucket in words."""
    return [bucket_label(point, trends.grain) for point in trends.now]


def bucket_label(point: Point, grain: Grain) -> str:
    """The time of a bucket in words; of one that the span cuts, the days that are in it."""
    # That a running one ends with the running hour is said by "so far".
    if _is_cut(point):
        text = f"{hours_text(point.counted)}, part of a {grain}"
    elif grain == "month":
        text = f"{point.start:%B %Y}"
    else:
        day = f"{point.start:%a} {day_text(point.start.date())}"
        text = {"hour": f"{day}, {point.start:%H:%M}–{point.end:%H:%M}", "day": day, "week": f"week of {day}"}[grain]
    return text + (", so far" if point.running else "")


def _is_cut(point: Point) -> bool:
    return point.cut is not None and (point.cut[0] > point.start or not point.running)


def hours_text(ends: tuple[datetime, datetime], moved: timedelta = timedelta(0)) -> str:
    """The days, or hours, between two times of the shop's clock, so much earlier."""
    return span_text(Span(ends[0] - moved, ends[1] - moved), _SHOWN)


def parts_note(drawn: str, trends: Trends) -> str:
    """Which buckets are `drawn` (dashed, lighter) as a part; empty where none is."""
    reasons = [f"the {trends.grain} that is not over"] if any(point.running for point in trends.now) else []
    reasons += [f"a {trends.grain} of which this span has a part"] if any(map(_is_cut, trends.now)) else []
    return f"{drawn}: {' and '.join(reasons)}" if reasons else ""


def time_columns(trends: Trends) -> dict[str, list[Any]]:
    """Where a chart of a line has each bucket, and what it is called."""
    return {
        "left": [milliseconds(point.start) for point in trends.now],
        "right": [milliseconds(point.end) for point in trends.now],
        "time": middles(trends.now),
        "zero": [0] * len(trends.now),
        "label": labels(trends),
    }


def middles(points: Sequence[Point]) -> list[float]:
    """Where a chart has the point of each bucket."""
    return [(milliseconds(point.start) + milliseconds(point.end)) / 2 for point in points]


def days_between(points: Sequence[Point], left: float, right: float) -> tuple[date, date] | None:
    """The first and last day in the buckets whose point is drawn between two times of a chart. Where there is no point,
    those of the bucket in their middle, as of a click; None outside of all buckets."""
    ends = min(left, right), max(left, right)
    places = zip(points, middles(points), strict=True)
    found = [point for point, middle in places if point.asked and ends[0] <= middle <= ends[1]]
    if not found:
        at = sum(ends) / 2
        found = [point for point in points if milliseconds(point.start) <= at < milliseconds(point.end)]
    return (found[0].counted[0].date(), (found[-1].counted[1] - MOMENT).date()) if found else None


def milliseconds(time: datetime) -> float:
    """A time of the shop's clock as a chart draws it."""
    # A chart has no time zones: its milliseconds are those of the shop's clock.
    return time.replace(tzinfo=UTC).timestamp() * 1000
