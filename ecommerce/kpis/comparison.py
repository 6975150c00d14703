"""What a span is compared with: like with like, by the shop's clock, also where a day has 23 hours."""

from datetime import datetime, timedelta
from typing import Literal

from ecommerce.hours import Hours, time_of
from ecommerce.kpis.question import Span

Against = Literal["before", "week", "year"]
"""before: as many days before, at the same hours (of a day: the day before). week: the same weekdays, a week before, or
as many weeks before as the span fills. year: the same dates of the year before."""

DAY = timedelta(days=1)
MOMENT = timedelta(milliseconds=1)


def compared_with(span: Span, hours: Hours, against: Against = "before") -> Span | None:
    """The span that a span is compared with; None for an open one, and where the year before has none of its days."""
    if span.start is None or span.end is None:
        return None
    if against == "before" and span.start != hours.day_start(hours.day_of(span.start)):
        length = span.end - span.start  # not of whole days: as long, right before
        start, end = span.start - length, span.start
    elif against == "year":
        start, end = (_year_before(moment, hours) for moment in (span.start, span.end))
    else:
        days = (hours.day_of(span.end - MOMENT) - hours.day_of(span.start)).days + 1
        back = (days if against == "before" else 7 * -(-days // 7)) * DAY
        start, end = (_shifted(moment, back, hours) for moment in (span.start, span.end))
        if against == "before":
            end = min(end, span.start)
    start, end = (time_of(hours.start(moment)) for moment in (start, end))
    return Span(start, end) if start < end else None


def span_dates(span: Span, hours: Hours) -> str:
    """The days of a span that is not open, with hours where it does not begin or end with a day."""
    assert span.start and span.end  # noqa: S101 - an open span is compared with nothing
    first, last = hours.day_of(span.start), hours.day_of(span.end - MOMENT)
    if (span.start, span.end) == (hours.day_start(first), hours.day_start(last + DAY)):
        return f"{first}" if first == last else f"{first} to {last}"
    start, end = (moment.astimezone(hours.zone) for moment in (span.start, span.end))
    return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"


def _shifted(moment: datetime, back: timedelta, hours: Hours) -> datetime:
    return hours.instant(moment.astimezone(hours.zone).replace(tzinfo=None) - back)


def _year_before(moment: datetime, hours: Hours) -> datetime:
    local = moment.astimezone(hours.zone).replace(tzinfo=None)
    if (local.month, local.day) == (2, 29):
        local += DAY
    return hours.instant(local.replace(year=local.year - 1))
