"""Hours, days and months of zones, against the clock of each minute."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecommerce.hours import Hours, hours_of, next_month, seconds_of, time_of
from ecommerce.summaries.ranges import cut_near

ZONES = ["UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns",
         "America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca"]  # fmt: skip

CHANGES = {
    # a day on which the clocks are changed: how long it is
    ("America/New_York", date(2026, 3, 8)): 23,
    ("America/New_York", date(2026, 11, 1)): 25,
    ("Australia/Lord_Howe", date(2026, 4, 5)): 24.5,
    ("Australia/Lord_Howe", date(2026, 10, 4)): 23.5,
    ("America/Sao_Paulo", date(2018, 11, 4)): 23,  # the clock jumps over midnight
    ("Pacific/Apia", date(2011, 12, 30)): 0,  # a day that never was
    ("Asia/Kolkata", date(2026, 3, 8)): 24,
    ("UTC", date(2026, 3, 8)): 24,
}


def hour_by_the_clock(moment: datetime, hours: Hours) -> datetime:
    """Backwards by the minute, for as long as the clock shows the same hour of the same offset."""
    local = moment.astimezone(hours.zone)
    key = (local.date(), local.hour, local.utcoffset())
    start = moment.replace(second=0, microsecond=0)
    while True:
        before = (start - timedelta(minutes=1)).astimezone(hours.zone)
        if (before.date(), before.hour, before.utcoffset()) != key:
            return start
        start -= timedelta(minutes=1)


def a_moment(zone: str, days: int, seconds: int) -> datetime:
    near = [day for name, day in CHANGES if name == zone] or [date(2026, 3, 8)]
    return datetime(near[days % len(near)].year, 1, 1, tzinfo=UTC) + timedelta(days=days % 365, seconds=seconds)


@settings(deadline=None)
@given(st.sampled_from(ZONES), st.integers(0, 10**6), st.integers(0, 86_399))
def test_an_hour_is_what_the_clock_shows(zone: str, days: int, seconds: int) -> None:
    hours, moment = hours_of(zone), a_moment(zone, days, seconds)
    assert time_of(hours.start(moment)) == hour_by_the_clock(moment, hours)


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_the_day_of_a_change_is_as_long_as_people_live_through(zone: str, day: date) -> None:
    hours = hours_of(zone)
    start, end = hours.day_start(day), hours.day_start(day + timedelta(days=1))
    assert end - start == timedelta(hours=CHANGES[zone, day])
    minutes = np.arange(seconds_of(start) - 7200, seconds_of(end) + 7200, 60)
    expected = [seconds_of(hour_by_the_clock(time_of(minute), hours)) for minute in minutes.tolist()]
    assert hours.starts(minutes).tolist() == expected
    inside = minutes[(minutes >= seconds_of(start)) & (minutes < seconds_of(end))]
    assert set(hours.day_starts(inside).tolist()) <= {seconds_of(start)}
    starts = sorted(set(expected))
    assert hours.ends(np.array(starts[:-1])).tolist() == starts[1:]


@settings(deadline=None)
@given(st.sampled_from(ZONES), st.lists(st.integers(0, 7_258_118_399), min_size=1, max_size=20))
def test_days_and_months_are_those_of_their_hours(zone: str, instants: list[int]) -> None:
    hours, seconds = hours_of(zone), np.array(instants, np.int64)
    for moment, day_start, month_start in zip(
        map(time_of, instants), hours.day_starts(seconds), hours.month_starts(seconds), strict=True
    ):
        day = hours.day_of(moment)
        assert hours.day_start(day) == time_of(int(day_start)) <= moment < hours.day_start(day + timedelta(days=1))
        assert hours.day_start(day.replace(day=1)) == time_of(int(month_start))
        assert hours.day_start(next_month(day)) > moment
        assert day_start <= hours.start(moment)


def test_clocks_that_were_set_back_over_midnight_leave_days_that_do_not_overlap() -> None:
    hours = hours_of("America/St_Johns")  # at 00:01, to 23:01 of the day before
    day = date(2010, 11, 7)
    start = hours.day_start(day)
    assert hours.day_of(start + timedelta(minutes=30)) == day, "the clock shows the 6th again"
    assert (start + timedelta(minutes=30)).astimezone(hours.zone).date() == date(2010, 11, 6)


@pytest.mark.parametrize("zone", ZONES)
def test_offsets_say_the_same_as_the_hours(zone: str) -> None:
    hours = hours_of(zone)
    start, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    offsets = hours.offsets(start, end)
    for second in range(seconds_of(start), seconds_of(end), 1799):
        since, offset = [one for one in offsets if one[0] <= second][-1]
        assert max(since, second - (second + offset) % 3600) == hours.starts(np.array([second]))[0]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_a_rebuild_cuts_at_months_where_they_are_near(zone: str) -> None:
    hours, start = hours_of(zone), datetime(2026, 1, 1, tzinfo=UTC)
    year = [start + timedelta(days=day) for day in range(360)]
    cuts = [cut_near(hours, year, 360 * part // 6, 6) for part in range(1, 6)]
    assert cuts == [hours.day_start(date(2026, month, 1)) for month in (3, 5, 7, 9, 11)]
    day = [start + timedelta(days=9, minutes=minute) for minute in range(600)]
    assert [cut_near(hours, day, 600 * part // 4, 4) for part in (1, 2, 3)] == [day[150], day[300], day[450]]
    assert cut_near(hours, year[:1], 0, 4) == year[0]
