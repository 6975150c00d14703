"""Numbers, times and names as people read them; what goes into a spreadsheet as text that stays text."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from ecommerce.kpis.figures import money_text

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "BRL": "R$"}
"""Currencies that are written as a sign before the amount; others as their code after it."""

_STEPS = ((Decimal(10) ** 12, "T"), (Decimal(10) ** 9, "B"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 3, "k"))
_COMPACT_FROM = 10_000
"""Smaller numbers are short enough to be shown whole."""

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

NOTHING = "–"


def exact(number: int | Decimal) -> str:
    """All digits, grouped: 2,297,200.89."""
    return f"{number:,}"


def compact(number: int | Decimal) -> str:
    """Three digits and a unit, 1.23 M, from ten thousand on; whole below."""
    value = Decimal(number)
    if abs(value) < _COMPACT_FROM:
        return exact(number if isinstance(number, int) else value.quantize(Decimal("0.01")))
    for size, unit in _STEPS:
        # A value that rounds up to the next unit belongs to it: 999 999 is 1.00 M, not 1000 k.
        if abs(value) >= size * Decimal("0.9995"):
            scaled = value / size
            places = 2 - max(0, scaled.copy_abs().adjusted())
            return f"{scaled:,.{max(0, places)}f} {unit}"
    return exact(number)


def money(amount: Decimal, currency: str, *, short: bool) -> str:
    """An amount with its currency, compact or exact."""
    digits = compact(amount) if short else exact(Decimal(money_text(amount)))
    symbol = SYMBOLS.get(currency)
    return f"{symbol}{digits}" if symbol else f"{digits} {currency}"


def percent(fraction: float, places: int = 1) -> str:
    """0.1234 as 12.3 %."""
    return f"{fraction * 100:.{places}f} %"


def change(now: Decimal | float, before: Decimal | float) -> float | None:
    """The relative change from `before` to `now`; None where there is nothing to compare with."""
    return float(now) / float(before) - 1 if before else None


def bytes_text(size: int) -> str:
    """A size in binary units: 1.4 GiB."""
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def duration(seconds: float) -> str:
    """A length of time in its two largest units: 2 d 3 h, 4 min 5 s, 0.8 s."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    parts = [(whole // 86_400, "d"), (whole // 3_600 % 24, "h"), (whole // 60 % 60, "min"), (whole % 60, "s")]
    first = next(index for index, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count)


def moment(time: datetime | None, zone: ZoneInfo) -> str:
    """A point in time in the display's zone, to the minute."""
    return time.astimezone(zone).strftime("%Y-%m-%d %H:%M") if time else NOTHING


def spreadsheet_cell(value: object) -> object:
    """A value that a spreadsheet shows as it is: text that would be a formula gets an apostrophe before it.

    The characters are those of OWASP's page on CSV injection, with their full-width forms; blanks before them are
    skipped by some programs, so they are looked through.
    """
    if not isinstance(value, str) or not value.lstrip(" ").startswith(_FORMULA_STARTS):
        return value
    return "'" + value
