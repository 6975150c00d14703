"""The one parser of amounts: every separator stands where its notation allows it, or the text is no amount.

A notation is named by its decimal sign. `1,234` is over a thousand with a decimal point, and below two with a decimal
comma: which of them a column uses is decided over the whole file or said by the mapping, never by the one text.
"""

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from ecommerce.importing.order_lines.currencies import Currencies, currencies_of
from ecommerce.importing.reasons import Rejected, shown

Notation = Literal["point", "comma", "either"]
"""The decimal sign. `either`: nothing says which it is, so only a text that has one meaning is read."""

ORDINARY = re.compile(r"\d{1,15}(?:\.(?:\d\d?|\d{4,}))?", re.ASCII)
"""A number that means the same in every notation, or is one only with a decimal point: most texts of most files."""

_PLAIN = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_GROUPED = re.compile(r"[1-9]\d{0,2}([,'’ \u00a0\u2009\u202f])\d{3}(?:\1\d{3})*(?:\.\d+)?", re.ASCII)
_LAKH = re.compile(r"[1-9]\d?(?:,\d\d)+,\d{3}(?:\.\d+)?", re.ASCII)
"""12,34,567.89, as India writes it."""

_DIGITS = re.compile(r"\d(?:.*\d)?", re.ASCII | re.DOTALL)
_MINUS = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d", "-"))
"""Hyphens, dashes and minus signs that spreadsheets and typesetters put for `-`."""

_SWAPPED = str.maketrans(".,", ",.")
_SIGNS = {("", ""): "", ("+", ""): "", ("-", ""): "-", ("", "-"): "-", ("(", ")"): "-"}
"""What may stand before and behind the digits, beside a currency: (12.50) and 12.50- are negative."""


class Amount(NamedTuple):
    """A text taken apart. `point` and `comma` are its number in each notation, None where it is none in that."""

    point: str | None
    comma: str | None
    currencies: Currencies | None = None
    percent: bool = False

    @property
    def ambiguous(self) -> bool:
        """Whether its number depends on the notation."""
        return self.point is not None and self.comma is not None and self.point != self.comma


def take_apart(text: str) -> Amount | None:
    """The readings of a text; None where it is no amount in any notation."""
    if _PLAIN.fullmatch(text):
        return Amount(text, _as_number(text.translate(_SWAPPED)))
    text = text.strip().removeprefix("'").translate(_MINUS)  # Excel marks a text with an apostrophe
    digits = _DIGITS.search(text)
    if digits is None:
        return None
    name, sign_before = _apart("".join(text[: digits.start()].split()), "-+(")
    body = digits[0]
    if name[-1:] in (".", ",") and currencies_of(name) is None:  # $.50, and not Rs.500
        name, body = name[:-1], name[-1] + body
    behind, sign_behind = _apart("".join(text[digits.end() :].split()), "-)")
    sign = _SIGNS.get((sign_before, sign_behind))
    percent = behind == "%"
    found = [currencies_of(part) for part in (name, "" if percent else behind) if part]
    if sign is None or None in found:
        return None
    currencies = None if not found else frozenset.intersection(*(codes for codes in found if codes))
    if currencies is not None and not currencies:
        return None  # $ 5 EUR
    point, comma = _as_number(body), _as_number(body.translate(_SWAPPED), lakh=False)
    if point is None and comma is None:
        return None
    return Amount(point and sign + point, comma and sign + comma, currencies, percent)


def _apart(text: str, signs: str) -> tuple[str, str]:
    """A text without the signs at its ends, and these signs."""
    name = text.strip(signs)
    at = text.find(name) if name else len(text)
    return name, text[:at] + text[at + len(name) :]


def _as_number(body: str, *, lakh: bool = True) -> str | None:
    """The digits and a decimal point, where the body is a number with one."""
    if body[:1] == ".":
        return "0" + body if body[1:].isdigit() else None
    if _PLAIN.fullmatch(body):
        return body
    grouped = _GROUPED.fullmatch(body)
    if grouped:
        return body.replace(grouped[1], "")
    return body.replace(",", "") if lakh and _LAKH.fullmatch(body) else None


def read_amount(text: str, notation: Notation, where: str, *, fraction: bool = False) -> str:
    """The amount as digits with a decimal point. Raises Rejected where it is none in that notation, or may be two.

    Only a fraction may be written in per cent.
    """
    if notation != "comma" and (_PLAIN if notation == "point" else ORDINARY).fullmatch(text):
        return text
    amount = take_apart(text)
    if amount is None or (amount.percent and not fraction):
        raise Rejected("wrong_type", f"{where} is {shown(text)}, not a number")
    if notation == "either":
        if amount.ambiguous:
            raise Rejected(
                "ambiguous_amount",
                f"{where} is {shown(text)}: {amount.point} or {amount.comma}? Nothing in the file says what its decimal"
                " sign is: write `decimal_comma: true` or `false` in the mapping",
            )
        number = amount.point or amount.comma
    else:
        number = amount.point if notation == "point" else amount.comma
    if number is None:
        raise Rejected("wrong_type", f"{where} is {shown(text)}, not a number with a decimal {notation}")
    return _hundredth(number) if amount.percent else number


def _hundredth(number: str) -> str:
    sign, number = ("-", number[1:]) if number[0] == "-" else ("", number)
    whole, _, decimals = number.partition(".")
    whole = whole.rjust(3, "0")
    return f"{sign}{whole[:-2]}.{whole[-2:]}{decimals}"


def notation_of(texts: Iterable[str]) -> tuple[set[Notation], str | None, list[Currencies]]:
    """What amounts say about their notation: {point}, {comma}, both or neither; the first text that depends on it; and
    the currencies that they name.
    """
    said: set[Notation] = set()
    depends: str | None = None
    currencies: dict[Currencies, None] = {}
    for text in texts:
        amount = take_apart(text)
        if amount is None:
            continue
        if amount.currencies:
            currencies[amount.currencies] = None
        if amount.ambiguous:
            depends = depends or text
        elif amount.comma is None:
            said.add("point")
        elif amount.point is None:
            said.add("comma")
    return said, depends, list(currencies)
