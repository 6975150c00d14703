"""Numbers, times and names as people read them."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from dashboard.spans import FIRST_DAY, MOMENT, dates_span, day_of, days_of
from ecommerce.documents.kinds import MONEY_SCALE
from ecommerce.iso_4217 import amount_text, minor_digits
from ecommerce.kpis.compute import Step
from ecommerce.kpis.question import Span
from ecommerce.readable import COMPACT_FROM, compact, local_time

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "BRL": "R$"}
"""Currencies that are written as a sign before the amount; others as their code after it."""

NOTHING = "–"

NO_ARCHIVE = "archived orders cannot be read on this page, which has no access to the archive; figures count them all"
"""Said where the dashboard runs apart from the archive, as the containers' does."""

_TIMES_FROM = 9.0
"""From ten times on a change is said as how many times."""

_SYSTEM_NAME = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*")
_READABLE = {"paypal": "PayPal", "sepa": "SEPA", "ideal": "iDEAL", "bnpl": "Buy now, pay later"}


def money(amount: Decimal, currency: str, *, short: bool) -> str:
    """An amount with its currency, compact or exact."""
    digits = _short(amount, currency) if short else amount_text(round(amount, MONEY_SCALE), currency, grouped=True)
    if (symbol := SYMBOLS.get(currency)) is None:
        return f"{digits} {currency}"
    return f"-{symbol}{digits[1:]}" if digits.startswith("-") else f"{symbol}{digits}"


def _short(amount: Decimal, currency: str) -> str:
    return compact(amount) if abs(amount) >= COMPACT_FROM else f"{amount:,.{minor_digits(currency)}f}"


def in_a_line(*notes: str) -> str:
    """Notes in one line, one after the other; an empty one is none."""
    return " · ".join(note for note in notes if note)


def shortened(text: str, most: int) -> str:
    """The beginning of a text, on one line of at most so many letters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def percent(fraction: float, places: int = 1) -> str:
    """0.1234 as 12.3 %."""
    return f"{fraction * 100:.{places}f} %"


def change(now: Decimal | float, before: Decimal | float) -> float | None:
    """The relative change from `before` to `now`; None where that is nothing, or less, of which nothing is a
    share."""
    return float(now) / float(before) - 1 if before > 0 else None


def change_text(relative: float) -> str:
    """A relative change without its sign: 12.3 %, or ×12 where a percentage would say nothing any more."""
    return f"×{compact(round(1 + relative))}" if relative >= _TIMES_FROM else percent(abs(relative))


def delay_text(hours: float | None) -> str:
    """How long after its promise a delivery came on average: 1.5 days before the promise."""
    if hours is None:
        return "nothing delivered"
    return f"{abs(hours) / 24:.1f} days {'after' if hours > 0 else 'before'} the promise"


def moment(time: datetime | None, zone: ZoneInfo) -> str:
    """A point in time in the display's zone, to the minute."""
    return f"{local_time(time, zone):%Y-%m-%d %H:%M}" if time else NOTHING


def day_text(day: date, *, year: bool = True) -> str:
    """27 Nov 2026."""
    return f"{day.day} {day:%b}" + (f" {day.year}" if year else "")


def span_text(span: Span, zone: ZoneInfo, *, year: bool = True) -> str:
    """The days of a span, with hours where it does not begin or end with a day: 26 Nov 2026, 00:00–14:00; until 26 Nov
    2026, where it begins with the first day that can be chosen."""
    if span.start is None or span.end is None:
        return "all orders"
    start, end = span.start.astimezone(zone), span.end.astimezone(zone)
    first, last = day_of(span.start, zone), day_of(span.end - MOMENT, zone)
    if first == FIRST_DAY:
        return f"until {day_text(last, year=year)}"
    whole = span == dates_span(first, last, zone)
    if first == last:
        day = day_text(first, year=year)
        return day if whole else f"{day}, {start:%H:%M}–{'24:00' if end.date() > last else f'{end:%H:%M}'}"
    with_hours = not whole and span.start != dates_span(first, first, zone).start
    ends = [f"{day_text(first, year=year and first.year != last.year)}", day_text(last, year=year)]
    if with_hours:
        ends[0] += f", {start:%H:%M}"
    if not whole:
        ends[1] += f", {end:%H:%M}" if end.date() == last else ", 24:00"
    if whole and (first.year, first.month) == (last.year, last.month):
        ends[0] = str(first.day)
        return "–".join(ends)
    return (" – " if year else "–").join(ends)


def span_so_far(span: Span, running: datetime | None, zone: ZoneInfo) -> str:
    """The days of a span of which the hour `running` is not over (None: all of it is): 31 Oct – 29 Nov 2026, so far;
    since 28 Nov 2026, 09:00. It names no hour that is yet to come."""
    days = days_of(span, zone)
    if days is None or running is None or span.start is None:
        return span_text(span, zone)
    whole = dates_span(*days, zone)
    if span.start > running:
        return f"{span_text(span, zone)}, not begun yet"
    if span.start != whole.start:
        return f"since {day_text(days[0])}, {span.start.astimezone(zone):%H:%M}"
    return f"{span_text(whole, zone)}, so far"


def bucket_text(start: datetime, end: datetime, step: Step, zone: ZoneInfo) -> str:
    """The time of a bucket: Fri 27 Nov 2026, 14:00–15:00; Fri 27 Nov 2026; Nov 2026."""
    local = start.astimezone(zone)
    if step == "month":
        return f"{local:%b %Y}"
    day = f"{local:%a} {day_text(local.date())}"
    return day if step == "day" else f"{day}, {local:%H:%M}–{end.astimezone(zone):%H:%M}"


def readable(name: str) -> str:
    """A name as a shop's system writes it (credit_card), as people do (Credit card); any other as it is."""
    if not _SYSTEM_NAME.fullmatch(name):
        return name
    return _READABLE.get(name) or name.replace("_", " ").replace("-", " ").capitalize()


def readable_names(names: Iterable[str]) -> dict[str, str]:
    """Each name and what it is called, no two of them alike."""
    called: dict[str, str] = {}
    for name in sorted(names):
        text = readable(name)
        called[name] = name if text in called.values() else text
    return called
