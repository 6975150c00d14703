"""The hours, days and months of a time zone, as instants: what every figure is cut by.

An hour begins where the zone's clock shows a full hour, and where the clock is changed: so a zone of half or
quarter hours has hours that begin at :30 or :45 UTC, and the day of a change has as many hours as people live through.
A day begins at its midnight (the first, where there are two; where there is none, when the clock jumps over it) and
ends where the next begins, so days never overlap. Instants are seconds since 1970.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from ecommerce.documents.kinds import EPOCH

IntArray = npt.NDArray[np.int64]

HOUR_SECONDS = 3600
DAY_SECONDS = 86_400

_DAYS = (date(2200, 1, 2) - date(1970, 1, 1)).days
"""Order times are of 1970 to 2199."""
_NEVER = 2**62


class Hours:
    """The hours of one zone. What was looked up is kept: a million times of a year cost 366 questions to the zone."""

    def __init__(self, time_zone: str) -> None:
        self.time_zone = time_zone
        self.zone = ZoneInfo(time_zone)
        # Of each UTC day: the offset at its beginning and end, when it changes, and when it did the day before.
        self._known = np.zeros(_DAYS, bool)
        self._before = np.zeros(_DAYS, np.int64)
        self._after = np.zeros(_DAYS, np.int64)
        self._change = np.full(_DAYS, _NEVER, np.int64)
        self._change_before = np.full(_DAYS, -_NEVER, np.int64)

    def starts(self, seconds: IntArray) -> IntArray:
        """When the hour of each instant began."""
        if self.time_zone == "UTC":
            return seconds - seconds % HOUR_SECONDS
        days = np.clip(seconds // DAY_SECONDS, 0, _DAYS - 1)
        self._look_up(days)
        change = self._change[days]
        changed = seconds >= change
        offset = np.where(changed, self._after[days], self._before[days])
        begun = np.where(changed, change, self._change_before[days])
        starts: IntArray = np.maximum(seconds - (seconds + offset) % HOUR_SECONDS, begun)
        return starts

    def start(self, moment: datetime) -> int:
        """When the hour of a moment began; a naive one is UTC."""
        return int(self.starts(np.array([seconds_of(moment)]))[0])

    def ends(self, starts: IntArray) -> IntArray:
        """When the hours that begin then end: an hour is shorter where the clock is changed by half of one."""
        if self.time_zone == "UTC":
            return starts + HOUR_SECONDS
        quarters = starts[:, None] + np.arange(1, 5) * (HOUR_SECONDS // 4)
        later = self.starts(quarters.reshape(-1)).reshape(quarters.shape)
        ends: IntArray = np.where(later > starts[:, None], later, _NEVER).min(axis=1)
        return ends

    def instant(self, local: datetime) -> datetime:
        """The moment, in UTC, at which the zone's clock shows a naive time; an aware time is that moment itself."""
        return (local if local.tzinfo else local.replace(tzinfo=self.zone)).astimezone(UTC)

    def day_start(self, day: date) -> datetime:
        """When a day begins, in UTC."""
        return datetime.combine(day, time.min, self.zone).astimezone(UTC)

    def day_of(self, moment: datetime) -> date:
        """The day that a moment belongs to."""
        day = moment.astimezone(self.zone).date()
        # Clocks have been set back over midnight: then the next day had begun already.
        following = day + timedelta(days=1)
        return following if moment >= self.day_start(following) else day

    def month_of(self, moment: datetime) -> date:
        """The first day of the month that a moment belongs to."""
        return self.day_of(moment).replace(day=1)

    def day_starts(self, seconds: IntArray) -> IntArray:
        """When the day of each instant began."""
        if self.time_zone == "UTC":
            return seconds - seconds % DAY_SECONDS
        return self._begun(seconds, _day_begins)

    def month_starts(self, seconds: IntArray) -> IntArray:
        """When the month of each instant began."""
        return self._begun(seconds, _month_begins)

    def offsets(self, start: datetime, end: datetime) -> list[tuple[int, int]]:
        """Since when the zone is how many seconds ahead of UTC, in [start, end): the first from before the start on."""
        days = np.arange(seconds_of(start) // DAY_SECONDS, (seconds_of(end) - 1) // DAY_SECONDS + 1)
        days = np.clip(days, 0, _DAYS - 1)
        self._look_up(days)
        # What comes before the first is none of these times, so it may be as good as since ever.
        found = [(max(-10 * DAY_SECONDS, int(self._change_before[days[0]])), int(self._before[days[0]]))]
        changes = days[self._change[days] < _NEVER].tolist()
        return found + [(int(self._change[day]), int(self._after[day])) for day in changes]

    def _begun(self, seconds: IntArray, of_year: Callable[[str, int], IntArray]) -> IntArray:
        """The last of the ascending begins `of_year` that is not after each instant."""
        if not len(seconds):
            return seconds
        first, last = (time_of(int(edge)).astimezone(self.zone).year for edge in (seconds.min(), seconds.max()))
        # A year more on each side: where years meet, the day before or after may be the other year's.
        begins = np.concatenate([of_year(self.time_zone, year) for year in range(max(first - 1, 1969), last + 2)])
        found: IntArray = begins[np.searchsorted(begins, seconds, side="right") - 1]
        return found

    def _look_up(self, days: IntArray) -> None:
        for day in np.unique(days[~self._known[days]]).tolist():
            self._before[day], self._after[day] = self._offset(day * DAY_SECONDS), self._offset((day + 1) * DAY_SECONDS)
            if self._before[day] != self._after[day]:
                self._change[day] = self._changed_within(day * DAY_SECONDS, (day + 1) * DAY_SECONDS)
            yesterday = (day - 1) * DAY_SECONDS
            if self._offset(yesterday) != self._before[day]:
                self._change_before[day] = self._changed_within(yesterday, day * DAY_SECONDS)
            self._known[day] = True

    def _changed_within(self, low: int, high: int) -> int:
        """The first second of (low, high] with the offset of `high`."""
        after = self._offset(high)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._offset(middle) == after else (middle, high)
        return high

    def _offset(self, seconds: int) -> int:
        offset = time_of(seconds).astimezone(self.zone).utcoffset()
        return round(offset.total_seconds()) if offset else 0


@cache
def hours_of(time_zone: str) -> Hours:
    """The hours of a zone."""
    return Hours(time_zone)


UTC_HOURS = hours_of("UTC")


def seconds_of(moment: datetime) -> int:
    """A moment in seconds since 1970, rounded down. A naive one is UTC."""
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // timedelta(seconds=1)


def time_of(seconds: int) -> datetime:
    """The moment, in UTC, so many seconds after 1970."""
    return EPOCH + timedelta(seconds=seconds)


def next_month(month: date) -> date:
    """The first day of the month after a date's."""
    return (month.replace(day=1) + timedelta(days=31)).replace(day=1)


@cache
def _day_begins(time_zone: str, year: int) -> IntArray:
    zone, first = ZoneInfo(time_zone), datetime(year, 1, 1)
    days = (datetime(year + 1, 1, 1) - first).days
    midnights = (first + timedelta(days=day) for day in range(days))
    return np.array([int(midnight.replace(tzinfo=zone).timestamp()) for midnight in midnights], np.int64)


@cache
def _month_begins(time_zone: str, year: int) -> IntArray:
    zone = ZoneInfo(time_zone)
    return np.array([int(datetime(year, month, 1, tzinfo=zone).timestamp()) for month in range(1, 13)], np.int64)
