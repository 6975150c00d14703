"""Numbers and lengths of time as people read them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

_STEPS = ((Decimal(10) ** 12, "T"), (Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "k"))
COMPACT_FROM = 10_000
"""Smaller numbers are short enough to be shown whole."""


def local_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """A moment by a zone's clock; in UTC where that shows a time before the year 1 or after 9999."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment.astimezone(UTC)


def printable(text: str) -> str:
    """Text that came with orders, without what a terminal would obey."""
    return "".join(character if character.isprintable() else "�" for character in text)


def exact(number: int | Decimal) -> str:
    """All digits, grouped: 2,297,200.89."""
    return f"{number:,}"


def compact(number: int | Decimal) -> str:
    """Three digits and a unit, 1.23 M, from ten thousand on; whole below."""
    value = Decimal(number)
    if abs(value) < COMPACT_FROM:
        return exact(number if isinstance(number, int) else value.quantize(Decimal("0.01")))
    for size, unit in _STEPS:
        # A value that rounds up to the next unit belongs to it: 999 999 is 1.00 M, not 1000 k.
        if abs(value) >= size * Decimal("0.9995"):
            scaled = value / size
            places = 2 - max(0, scaled.copy_abs().adjusted())
            return f"{scaled:,.{max(0, places)}f} {unit}"
    return exact(number)


def duration(seconds: float) -> str:
    """A length of time in its two largest units: 2 d 3 h, 4 min 5 s, 0.8 s."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    parts = [(whole // 86_400, "d"), (whole // 3_600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    first = next(index for index, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count)


def counted(number: int, one: str, many: str = "") -> str:
    """A count with its noun: 1 order, 3,000 orders. `many` is the noun's plural where that is not `one` with an s."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def first_of(names: Sequence[object], most: int) -> str:
    """The first of some names, at most so many, and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more
