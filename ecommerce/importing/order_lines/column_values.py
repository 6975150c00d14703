"""Values of fields out of the columns of order lines, as a mapping says.

A mapping is compiled once into a function for each of its values: a file has the same columns in every line, so what
kind of value a field has is asked once and not for each order.
"""

import re
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Row
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, DecimalException
from functools import lru_cache, partial
from typing import Any

import xxhash
from msgspec import Struct

from ecommerce.documents.fields import Field, fields_of
from ecommerce.importing.order_lines.mapping import Mapping, Value
from ecommerce.importing.reasons import Rejected, shown

Cells = Row[str, str]
"""A line: column → text. Columns of joined tables are named `table.column`."""

Text = Callable[[Cells], str]
Make = Callable[[Cells, Sequence[Cells]], Any]
"""(cells, lines of the order) → the value of a field, None where there is none."""

FOUR_DECIMALS = Decimal("0.0001")
INTEGER_DIGITS = 19
"""Integers of fewer digits are below 2^63."""

_NOT_AMOUNT = re.compile(r"[^0-9.,eE+-]")
_SEPARATOR = "\x1f"


@lru_cache(maxsize=1 << 16)
def stable_id(namespace: str, field: str, text: str) -> int:
    """The 63-bit id of a textual one: the same for ever, for the same text, kind of id and namespace."""
    return xxhash.xxh3_64_intdigest(_SEPARATOR.join((namespace, field, text)).encode()) >> 1


def field_makers(mapping: Mapping, document: type[Struct], values: Row[str, Value], where: str) -> dict[str, Make]:
    """What makes each field of a part of the order, or of a catalog record, that the mapping has a value for."""
    maker = _Maker(mapping)
    return {
        field.name: maker.field(field, values[field.name], f"{where}.{field.name}")
        for field in fields_of(document)
        if field.name in values
    }


def made(makers: Row[str, Make], cells: Cells, lines: Sequence[Cells] = ()) -> dict[str, Any]:
    """The values of the fields; absent where the line has none. Raises Rejected where a text is not what it must be."""
    values: dict[str, Any] = {}
    for name, make in makers.items():
        value = make(cells, lines)
        if value is not None:
            values[name] = value
    return values


def text_maker(value: Value) -> Text:
    """What makes the text of a value, empty where there is none."""
    if value.first:
        otherwise = "" if value.otherwise is None else str(value.otherwise)
        return partial(_first, [text_maker(candidate) for candidate in value.first], otherwise)
    if value.constant is not None:
        constant = str(value.constant)
        return lambda cells: constant
    plain = _columns(value)
    if value.present is not None:
        present = value.present
        return lambda cells: present if plain(cells) else ""
    if value.map:
        meaning = {text: str(meant) for text, meant in value.meaning.items()}
        otherwise = "" if value.otherwise is None else str(value.otherwise)
        return lambda cells: meaning.get(plain(cells).lower(), otherwise)
    if value.otherwise is not None:
        otherwise = str(value.otherwise)
        return lambda cells: plain(cells) or otherwise
    return plain


def _columns(value: Value) -> Text:
    if value.column and not value.columns:
        column = value.column
        return lambda cells: cells.get(column, "").strip()
    columns = value.columns

    def together(cells: Cells) -> str:
        parts = [cells.get(name, "").strip() for name in columns]
        return _SEPARATOR.join(parts) if any(parts) else ""

    return together


def _first(candidates: Sequence[Text], otherwise: str, cells: Cells) -> str:
    for candidate in candidates:
        text = candidate(cells)
        if text:
            return text
    return otherwise


class _Maker:
    """Makes the makers of one mapping."""

    def __init__(self, mapping: Mapping) -> None:
        self._decimal_comma = mapping.decimal_comma
        self._dates = mapping.dates
        self._namespace = mapping.namespace or mapping.name

    def field(self, field: Field, value: Value, where: str) -> Make:
        assert field.kind is not None  # noqa: S101 - mapped parts are flat
        match field.kind.name:
            case "money" | "fraction" | "rating":
                return self._amount(value, where)
            case "time":
                time = self._time(value, where)
                return lambda cells, _lines: time(cells)
        text = text_maker(value)
        if field.kind.name == "id" and not value.number:
            namespace, name = self._namespace, field.name
            return lambda cells, _lines: stable_id(namespace, name, found) if (found := text(cells)) else None
        if field.kind.bson_type == "long":
            return lambda cells, _lines: self._whole(found, where) if (found := text(cells)) else None
        return lambda cells, _lines: text(cells) or None

    def _whole(self, text: str, where: str) -> int | str:
        plain = len(text) < INTEGER_DIGITS and text.isascii() and text.isdigit()
        return int(text) if plain else self._decimal(text, where)

    def _decimal(self, text: str, where: str) -> str:
        return _decimal(text, self._decimal_comma, where)

    def _number(self, name: str, cells: Cells, where: str) -> Decimal:
        text = cells.get(name, "").strip()
        if not text:
            raise Rejected("no_mapping_value", f"{where} needs the column {shown(name)}, which is empty")
        return Decimal(self._decimal(text, where))

    def _amount(self, value: Value, where: str) -> Make:
        if not (value.sum or value.line_total or value.part or value.round is not None):
            text = text_maker(value)
            return lambda cells, _lines: self._decimal(found, where) if (found := text(cells)) else None
        calculate = self._calculation(value, where)

        def rounded(cells: Cells, lines: Sequence[Cells]) -> str | None:
            try:
                amount = calculate(cells, lines)
                if amount is not None and value.round is not None:
                    amount = amount.quantize(Decimal(1).scaleb(-value.round), ROUND_HALF_EVEN)
            except DecimalException:
                raise Rejected("out_of_range", f"{where}: the numbers of the line are out of range") from None
            return None if amount is None else str(amount)

        return rounded

    def _calculation(self, value: Value, where: str) -> Callable[[Cells, Sequence[Cells]], Decimal | None]:
        if value.sum:
            return lambda _cells, lines: sum(
                (self._number(name, line, where) for line in lines for name in value.sum), Decimal(0)
            )
        if value.line_total:
            return lambda cells, _lines: self._unit_price(value, cells, where)
        if value.part:
            return lambda cells, _lines: self._share(value, cells, where)
        text = text_maker(value)
        return lambda cells, _lines: Decimal(self._decimal(found, where)) if (found := text(cells)) else None

    def _share(self, value: Value, cells: Cells, where: str) -> Decimal:
        assert value.part is not None  # noqa: S101 - asked only then
        part = self._number(value.part, cells, where) if cells.get(value.part, "").strip() else Decimal(0)
        whole = part + (self._number(value.rest, cells, where) if value.rest else Decimal(0))
        return (part / whole if whole else Decimal(0)).quantize(FOUR_DECIMALS, ROUND_HALF_EVEN)

    def _unit_price(self, value: Value, cells: Cells, where: str) -> Decimal:
        assert value.line_total is not None  # noqa: S101 - asked only then
        total = self._number(value.line_total, cells, where)
        quantity = self._number(value.quantity, cells, where) if value.quantity else Decimal(1)
        kept = 1 - (self._number(value.discount, cells, where) if value.discount else Decimal(0))
        if quantity <= 0 or kept < 0:
            raise Rejected("out_of_range", f"{where}: a quantity of {quantity} and a discount of {1 - kept}")
        # Nothing is left of a line that was given away: its price cannot be told.
        return (total / quantity / kept if kept else Decimal(0)).quantize(FOUR_DECIMALS, ROUND_HALF_EVEN)

    def _time(self, value: Value, where: str) -> Callable[[Cells], str | None]:
        candidates = [self._time(candidate, where) for candidate in value.first]
        text, formats, days = text_maker(value), value.dates or self._dates, self._days(value, where)

        def time(cells: Cells) -> str | None:
            for candidate in candidates:
                found = candidate(cells)
                if found:
                    return found
            given = text(cells)
            return _time_text(given, formats, days(cells), where) if given else None

        return time

    def _days(self, value: Value, where: str) -> Callable[[Cells], str]:
        """What makes the number of days that are added to a time."""
        if not isinstance(value.plus_days, Value):
            constant = str(value.plus_days or 0)
            return lambda cells: constant
        text = text_maker(value.plus_days)
        return lambda cells: self._decimal(text(cells) or "0", where)


@lru_cache(maxsize=1 << 14)
def _decimal(text: str, decimal_comma: bool, where: str) -> str:
    cleaned = _NOT_AMOUNT.sub("", text)
    cleaned = cleaned.replace(".", "").replace(",", ".") if decimal_comma else cleaned.replace(",", "")
    try:
        if not Decimal(cleaned).is_finite():
            raise ValueError(cleaned)
    except (DecimalException, ValueError):
        raise Rejected("wrong_type", f"{where} is {shown(text)}, not a number") from None
    return cleaned


@lru_cache(maxsize=1 << 14)
def _time_text(text: str, formats: tuple[str, ...], days: str, where: str) -> str:
    """ISO 8601 text of a time so many days after the given one."""
    time = _parsed(text, formats, where)
    try:
        return (time + timedelta(days=float(days))).isoformat()
    except (OverflowError, ValueError):
        raise Rejected("out_of_range", f"{where}: {shown(text)} and {days} days") from None


def _parsed(text: str, formats: tuple[str, ...], where: str) -> datetime:
    for date_format in formats:
        try:
            time = datetime.strptime(text, date_format)
            return time if time.tzinfo else time.replace(tzinfo=UTC)
        except ValueError:
            continue
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        expected = " or ".join(formats) or "ISO 8601"
        raise Rejected("bad_time", f"{where} is {shown(text)}, not a date as {expected}") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
