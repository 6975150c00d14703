"""Times as a mapping's formats have them: one moment, on any machine, or refused."""

from datetime import datetime
from typing import Any

import pytest

from ecommerce.importing.naive_times import shop_zone
from ecommerce.importing.order_lines.times import Zones, check_format, read_time, zone_of
from ecommerce.importing.reasons import Rejected

US, EU = "%m/%d/%Y", "%d/%m/%Y"
ZONES: Zones = (("PST", "-08:00"), ("PDT", "-07:00"), ("CET", "Europe/Berlin"))


def moment(text: str, *formats: str, zone: str = "UTC", zones: Zones = ZONES) -> str:
    return read_time(text, formats, zone, zones, "order_time").isoformat().replace("+00:00", "Z")


def in_utc(text: str) -> str:
    return datetime.fromisoformat(text).astimezone(zone_of("UTC")).isoformat()


@pytest.mark.parametrize(
    ("text", "formats", "expected"),
    [
        ("2024-03-01", (), "2024-03-01T00:00:00Z"),
        ("2024-03-01T12:00:00+02:00", (), "2024-03-01T12:00:00+02:00"),
        ("2024-03-01 12:00:00.5", (US,), "2024-03-01T12:00:00.500000Z"),
        ("03/04/2024", (US,), "2024-03-04T00:00:00Z"),
        ("03/04/2024", (EU,), "2024-04-03T00:00:00Z"),
        ("25/12/2024", (US, EU), "2024-12-25T00:00:00Z"),
        ("12/25/2024", (US, EU), "2024-12-25T00:00:00Z"),
        ("05/05/2024", (US, EU), "2024-05-05T00:00:00Z"),
        ("Jan 31, 2024 11:30:00 PM PST", ("%b %d, %Y %I:%M:%S %p %Z",), "2024-01-31T23:30:00-08:00"),
        ("Jul 1, 2024 12:05:00 AM PDT", ("%b %d, %Y %I:%M:%S %p %Z",), "2024-07-01T00:05:00-07:00"),
        ("Jul 1, 2024 12:05:00 AM UTC", ("%b %d, %Y %I:%M:%S %p %Z",), "2024-07-01T00:05:00Z"),
        ("01.07.2024 10:00 CET", ("%d.%m.%Y %H:%M %Z",), "2024-07-01T10:00:00+02:00"),
        ("01.07.2024 10:00 Europe/Lisbon", ("%d.%m.%Y %H:%M %Z",), "2024-07-01T10:00:00+01:00"),
        ("01.07.2024 10:00 GMT", ("%d.%m.%Y %H:%M %Z",), "2024-07-01T10:00:00Z"),
        ("2023-02-02 14:05:35 -0500", ("%Y-%m-%d %H:%M:%S %z",), "2023-02-02T14:05:35-05:00"),
        ("20180304", (), "2018-03-04T00:00:00Z"),
    ],
)
def test_a_text_of_one_meaning_is_that_moment(text: str, formats: Any, expected: str) -> None:
    assert moment(text, *formats) == expected


@pytest.mark.parametrize(
    ("text", "formats", "reason"),
    [
        ("03/04/2024", (US, EU), r"04 March 2024 \(%m/%d/%Y\) or 03 April 2024 \(%d/%m/%Y\)"),
        ("03/04/2024", (), "not a date as ISO 8601"),
        ("2018-25-03", ("%Y-%m-%d",), "not a date"),
        ("2018-03-25", ("%Y-%d-%m",), "not a date"),  # in such a file 2018-03-04 is in April
        ("20181203", (EU,), "not a date"),
        ("Jan 31, 2024 11:30:00 PM CST", ("%b %d, %Y %I:%M:%S %p %Z",), "'CST' is the name of several zones"),
        ("Jan 31, 2024 11:30:00 PM EST", ("%b %d, %Y %I:%M:%S %p %Z",), "write it under `zones:`"),
        ("01.07.2024 10:00 Atlantis/Capital", ("%d.%m.%Y %H:%M %Z",), "write it under `zones:`"),
        ("43160", (US,), "not a date"),
        ("1704468153", (), "not a date"),
        ("yesterday", (), "not a date"),
        ("0000-00-00", (), "not a date"),
        ("31/02/2024", (EU,), "not a date"),
    ],
)
def test_a_text_of_none_or_two_is_refused(text: str, formats: Any, reason: str) -> None:
    with pytest.raises(Rejected, match=reason) as refused:
        moment(text, *formats)
    assert refused.value.code == "bad_time"


def test_a_time_without_a_zone_is_in_that_of_the_mapping() -> None:
    assert moment("2024-07-01 10:00", zone="Europe/Berlin") == "2024-07-01T10:00:00+02:00"
    assert moment("2024-01-01 10:00", zone="Europe/Berlin") == "2024-01-01T10:00:00+01:00"
    assert moment("2024-01-01 10:00", zone="-05:00") == "2024-01-01T10:00:00-05:00"
    assert moment("2024-01-01 10:00+01:00", zone="-05:00") == "2024-01-01T10:00:00+01:00"
    assert in_utc("2024-01-01T10:00:00-05:00") == "2024-01-01T15:00:00+00:00"
    assert shop_zone() == "UTC"


@pytest.mark.parametrize("text", ["2024-10-27 02:30", "2024-03-31 02:30"])
def test_an_hour_that_comes_twice_or_never_is_no_moment(text: str) -> None:
    with pytest.raises(Rejected, match="clocks in Europe/Berlin are changed then"):
        moment(text, zone="Europe/Berlin")


@pytest.mark.parametrize("date_format", ["%H:%M %p", "%I:%M", "%Z %d.%m.%Y"])
def test_a_format_that_would_be_read_otherwise_is_refused(date_format: str) -> None:
    with pytest.raises(ValueError, match="%"):
        check_format(date_format)
