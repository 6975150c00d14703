"""Times as a mapping's formats have them: one meaning, whatever machine reads them.

`strptime` takes the names of zones from the machine (`%Z` knows UTC, GMT and the machine's own, and gives a time
without a zone) and drops `%p` beside `%H`. The first is done here, the second refused.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ecommerce.importing.naive_times import NotOneMoment, placed
from ecommerce.importing.reasons import Rejected, shown

_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
_ZONE_NAME = re.compile(r"[A-Za-z][A-Za-z_]*(?:/[A-Za-z_+-]+)*$")
_NAMES_OF_UTC = frozenset(("UTC", "GMT", "Z"))
_ISO = re.compile(r"\d{4}-\d\d-\d\d")

MEANINGS_KEPT = 1 << 12
"""Texts of times whose moments are kept: about 1 MB."""

Zones = tuple[tuple[str, str], ...]
"""Names of zones in a file's times, each with an offset (-08:00) or an IANA name."""


@lru_cache(maxsize=64)
def zone_of(name: str) -> tzinfo:
    """A zone by its offset (+02:00) or IANA name. Raises ValueError for another text."""
    offset = _OFFSET.fullmatch(name)
    if offset:
        sign = -1 if offset[1] == "-" else 1
        return timezone(sign * timedelta(hours=int(offset[2]), minutes=int(offset[3])))
    if name in _NAMES_OF_UTC:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no zone: give an offset like -08:00 or a name like Europe/Berlin") from None


def check_format(date_format: str) -> None:
    """Raises ValueError for a format that strptime would read with another meaning."""
    if "%H" in date_format and "%p" in date_format:
        raise ValueError(f"{date_format!r}: %p only counts with %I; beside %H it would make 2 pm two in the morning")
    if "%I" in date_format and "%p" not in date_format:
        raise ValueError(f"{date_format!r}: %I without %p can be morning or evening")
    if "%Z" in date_format.removesuffix("%Z"):
        raise ValueError(f"{date_format!r}: %Z must be the end of a format")


def read_time(text: str, formats: Sequence[str], zone: str, zones: Zones, where: str) -> datetime:
    """The one moment that a text names, by the formats or as ISO 8601. Raises Rejected where it names none or two."""
    try:
        meant = _meanings(text, tuple(formats), zone, zones)
    except NotOneMoment as problem:
        raise Rejected("bad_time", f"{where} is {shown(text)}: {problem}") from None
    except ValueError:
        meant = {}
    if not meant:
        expected = " or ".join(formats) or "ISO 8601"
        raise Rejected("bad_time", f"{where} is {shown(text)}, not a date as {expected}")
    if len(meant) > 1:
        readings = " or ".join(f"{time:%d %B %Y} ({date_format})" for time, date_format in meant.items())
        raise Rejected("bad_time", f"{where} is {shown(text)}, which is {readings}: name one format in the mapping")
    return next(iter(meant))


@lru_cache(maxsize=MEANINGS_KEPT)
def _meanings(text: str, formats: tuple[str, ...], zone: str, zones: Zones) -> dict[datetime, str]:
    """The moments that a text may name, each with the format that it has there. Raises ValueError for none.

    Kept, since the fields of an order have one text: it is when it was placed, and when its items and its refund were.
    """
    meant = {time: date_format for date_format, time in _readings(text, formats, zone, zones)}
    if not meant and (_ISO.match(text) if formats else True) and not _year_day_month(formats):
        meant = {_placed(datetime.fromisoformat(text), zone_of(zone)): "ISO 8601"}
    if not meant:
        raise ValueError(text)  # not kept: a text that is no time may be long
    return meant


def _readings(text: str, formats: Iterable[str], zone: str, zones: Zones) -> Iterable[tuple[str, datetime]]:
    for date_format in formats:
        time = _parse(text, date_format, zone, zones)
        if time is not None:
            yield date_format, time


def _parse(text: str, date_format: str, zone: str, zones: Zones) -> datetime | None:
    """The text by one format, None where it does not fit."""
    name = _zone_name(text, zones) if date_format.endswith("%Z") else ""
    if name:
        date_format, text = date_format.removesuffix("%Z").rstrip(), text.removesuffix(name).rstrip()
    try:
        time = datetime.strptime(text, date_format)
    except ValueError:
        return None
    return _placed(time, zone_of(zone) if not name else _named_zone(name, zones))


def _zone_name(text: str, zones: Zones) -> str:
    """The zone's name at the end of a time: one of the mapping's, which may have blanks, or a word."""
    known = max((name for name, _ in zones if text.endswith(name)), key=len, default="")
    if known:
        return known
    word = _ZONE_NAME.search(text)
    return word[0] if word else ""


def _named_zone(name: str, zones: Zones) -> tzinfo:
    said = dict(zones).get(name)
    if said is not None or name in _NAMES_OF_UTC:
        return zone_of(said or name)
    if "/" in name:
        with suppress(ValueError):
            return zone_of(name)
    raise NotOneMoment(
        f"{shown(name)} is the name of several zones, or of none: write it under `zones:` in the mapping"
    )


def _placed(time: datetime, zone: tzinfo) -> datetime:
    """A time with its own zone, or in this one. Raises NotOneMoment in the hours in which clocks are changed."""
    if time.tzinfo is not None:
        return time
    return placed(time, zone) if isinstance(zone, ZoneInfo) else time.replace(tzinfo=zone)


def _year_day_month(formats: Iterable[str]) -> bool:
    """Whether the formats put the day before the month behind a year: ISO 8601 would read such a date another way."""
    return any(0 <= text.find("%Y") < text.find("%d") < text.find("%m") for text in formats)


def swapped(date_format: str) -> str | None:
    """The format with day and month the other way round, None where they cannot be confused."""
    if "%d" not in date_format or "%m" not in date_format or date_format.startswith("%Y"):
        return None
    return date_format.replace("%d", "\0").replace("%m", "%d").replace("\0", "%m")
