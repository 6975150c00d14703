"""Spans are compared like with like, by the shop's clock."""

from datetime import UTC, datetime

import pytest

from ecommerce.hours import Hours, hours_of
from ecommerce.kpis.comparison import Against, compared_with, span_dates
from ecommerce.kpis.question import Span

ZONES = ["UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"]


def at(hours: Hours, text: str) -> datetime:
    return hours.instant(datetime.fromisoformat(text))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("start", "end", "against", "expected"),
    [
        ("2026-03-08", "2026-03-09", "before", "2026-03-07"),
        ("2026-03-08", "2026-03-08T16", "before", "2026-03-07 00:00 to 2026-03-07 16:00"),
        ("2026-03-08", "2026-03-08T16", "week", "2026-03-01 00:00 to 2026-03-01 16:00"),
        ("2026-03-08", "2026-03-15", "before", "2026-03-01 to 2026-03-07"),
        ("2026-03-01", "2026-04-01", "before", "2026-01-29 to 2026-02-28"),
        ("2026-03-01", "2026-04-01", "year", "2025-03-01 to 2025-03-31"),
        ("2024-02-01", "2024-03-01", "year", "2023-02-01 to 2023-02-28"),
        ("2024-02-01", "2024-02-29", "year", "2023-02-01 to 2023-02-28"),
        ("2026-04-05", "2026-04-06", "week", "2026-03-29"),
        ("2026-03-01", "2026-03-31", "week", "2026-01-25 to 2026-02-23"),
        ("2026-03-20T10", "2026-03-20T12", "before", "2026-03-20 08:00 to 2026-03-20 10:00"),
    ],
)
def test_a_span_is_compared_with_its_like(zone: str, start: str, end: str, against: Against, expected: str) -> None:
    hours = hours_of(zone)
    compared = compared_with(Span(at(hours, start), at(hours, end)), hours, against)
    assert compared
    assert span_dates(compared, hours) == expected
    compared.require_whole(hours)


def test_what_has_no_like_is_compared_with_nothing() -> None:
    hours = hours_of("UTC")
    assert compared_with(Span(None, datetime(2026, 3, 1, tzinfo=UTC)), hours) is None
    leap_day = Span(datetime(2024, 2, 29, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC))
    assert compared_with(leap_day, hours, "year") is None
