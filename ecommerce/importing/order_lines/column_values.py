"""Values of fields out of the columns of order lines, as a mapping says.

A mapping is compiled once into a function for each of its values: a file has the same columns in every line, so what
kind of value a field has is asked once and not for each order. What comes again is remembered by its texts: most
columns have few different ones.
"""

from collections.abc import Callable, Sequence
from collections.abc import Mapping as Row
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal, DecimalException
from functools import partial
from operator import itemgetter
from typing import Any

from msgspec import Struct

from ecommerce.documents.fields import Field, fields_of
from ecommerce.importing.order_lines.amounts import Notation, read_amount
from ecommerce.importing.order_lines.column_texts import NOT_WHOLE, Cells, Remembered, Text, Texts, first_of, stable_id
from ecommerce.importing.order_lines.currencies import currencies_of
from ecommerce.importing.order_lines.mapping import Mapping, Value
from ecommerce.importing.order_lines.times import Zones, read_time
from ecommerce.importing.reasons import Rejected, shown
from ecommerce.importing.shape import Reading

Make = Callable[[Cells, Sequence[Cells]], Any]
"""(cells, lines of the order) → the value of a field, None where there is none."""

Makers = Sequence[tuple[str, Make]]
"""Fields of a part of the order, each with what makes its value."""

FOUR_DECIMALS = Decimal("0.0001")

INTEGER_DIGITS = 19
"""Integers of fewer digits are below 2^63."""


def remembered(make: Callable[[Cells], Any], value: Value) -> Make:
    """What makes a value of a line alone, by a function that is asked once for the texts that the value is made of."""
    columns = tuple(dict.fromkeys(value.used()))
    if len(columns) == 1:
        texts: Callable[[Cells], Any] = itemgetter(columns[0])
        results = Remembered(lambda text: make({columns[0]: text}))
    else:
        texts = itemgetter(*columns) if columns else lambda cells: ()
        results = Remembered(lambda several: make(dict(zip(columns, several, strict=True))))
    return lambda cells, _lines: results[texts(cells)]


def field_makers(
    mapping: Mapping, readings: Sequence[Reading], document: type[Struct], values: Row[str, Value], where: str
) -> Makers:
    """What makes each field of a part of the order, or of a catalog record, that the mapping has a value for."""
    maker = _Maker(mapping, readings)
    return [
        (field.name, maker.field(field, values[field.name], f"{where}.{field.name}"))
        for field in fields_of(document)
        if field.name in values
    ]


def made(makers: Makers, cells: Cells, lines: Sequence[Cells] = ()) -> dict[str, Any]:
    """The values of the fields; absent where the line has none. Raises Rejected where a text is not what it must be."""
    values: dict[str, Any] = {}
    for name, make in makers:
        value = make(cells, lines)
        if value is not None:
            values[name] = value
    return values


class _Maker:
    """Makes the makers of one mapping, for files that are read in one way."""

    def __init__(self, mapping: Mapping, readings: Sequence[Reading]) -> None:
        self._texts = Texts(readings)
        stated: dict[bool | None, Notation] = {None: "either", False: "point", True: "comma"}
        self._stated = stated[mapping.decimal_comma]
        self._decimals: dict[str, Any] = {
            reading.of: reading.read_as for reading in readings if reading.kind == "decimal"
        }
        self._mixed = next((reading.read_as for reading in readings if reading.kind == "currencies"), "")
        self._formats = {
            reading.of: tuple(reading.read_as.split(" or ")) for reading in readings if reading.kind == "dates"
        }
        self._dates, self._zone, self._zones = mapping.dates, mapping.naive_zone, tuple(mapping.zones.items())
        self._namespace = mapping.namespace or mapping.name

    def field(self, field: Field, value: Value, where: str) -> Make:
        assert field.kind is not None  # noqa: S101 - mapped parts are flat
        match field.kind.name:
            case "money" | "fraction" | "rating":
                return self._amount(value, where, field.kind.name)
            case "time":
                time = remembered(self._time(value, where), value)
                if value.earliest:
                    return lambda cells, lines: min(
                        (t for one in lines if (t := time(one, ()))), default=time(cells, ())
                    )
                return time
            case "id" if value.number:
                text = self._texts.of(value)
                return lambda cells, _lines: number_kept(found, where) if (found := text(cells)) else None
            case "id":
                identity, namespace, name = self._texts.identity(value), self._namespace, field.name
                return lambda cells, _lines: stable_id(namespace, name, found) if (found := identity(cells)) else None
        if field.kind.name == "flag" and value.equals is not None:
            return self._equals(value, value.equals, where)
        if field.kind.bson_type == "long":
            number = self._number(value, where)
            return remembered(lambda cells: _whole(found) if (found := number(cells)) else None, value)
        words = self._texts.of(value, " ")
        if field.kind.name == "currency":
            return remembered(lambda cells: _currency(words(cells).strip()), value)
        return remembered(lambda cells: words(cells).strip() or None, value)

    def _number(self, value: Value, where: str, kind: str = "count") -> Text:
        """What makes the digits of a number, empty where there is none."""
        if value.first:
            return partial(
                first_of, [self._number(candidate, where, kind) for candidate in value.first], _otherwise(value)
            )
        text, otherwise = self._texts.of(value), _otherwise(value)
        if value.map or value.constant is not None or value.present is not None:
            return text  # the mapping's own words, and not a text of the file
        read = self._reader(value.column or "", where, kind)
        return lambda cells: "" if not (found := text(cells)) else found if found == otherwise else read(found)

    def _reader(self, column: str, where: str, kind: str = "money") -> Callable[[str], str]:
        """What reads the amounts of a column."""
        mixed = self._mixed if kind == "money" else ""
        read = partial(_read, self._decimals.get(column, self._stated), where, kind == "fraction", mixed)
        return Remembered(read).__getitem__

    def _needed(self, name: str, where: str, or_zero: bool = False) -> Callable[[Cells], Decimal]:
        read = self._reader(name, where)

        def number(text: str) -> Decimal:
            if text:
                return Decimal(read(text))
            if or_zero:
                return Decimal(0)
            raise Rejected("no_mapping_value", f"{where} needs the column {shown(name)}, which is empty")

        numbers = Remembered(number)
        return lambda cells: numbers[cells[name]]

    def _amount(self, value: Value, where: str, kind: str) -> Make:
        if not (value.sum or value.line_total or value.part or value.round is not None):
            number = self._number(value, where, kind)
            return remembered(lambda cells: number(cells) or None, value)
        calculate = self._calculation(value, where, kind)

        def rounded(cells: Cells, lines: Sequence[Cells]) -> str | None:
            try:
                amount = calculate(cells, lines)
                if amount is not None and value.round is not None:
                    amount = amount.quantize(Decimal(1).scaleb(-value.round), ROUND_HALF_EVEN)
            except DecimalException:
                raise Rejected("out_of_range", f"{where}: the numbers of the line are out of range") from None
            return None if amount is None else str(amount)

        return rounded

    def _calculation(self, value: Value, where: str, kind: str) -> Callable[[Cells, Sequence[Cells]], Decimal | None]:
        if value.sum:
            plus, minus = (
                [self._needed(name, where, value.or_zero) for name in names] for names in (value.sum, value.minus)
            )
            return lambda _cells, lines: sum(
                (
                    sum((number(line) for number in plus), Decimal(0)) - sum(number(line) for number in minus)
                    for line in lines
                ),
                Decimal(0),
            )
        if value.line_total:
            unit_price = self._unit_price(value, where)
            return lambda cells, _lines: unit_price(cells)
        if value.part:
            share = self._share(value, where)
            return lambda cells, _lines: share(cells)
        number = self._number(value, where, kind)
        return lambda cells, _lines: Decimal(found) if (found := number(cells)) else None

    def _equals(self, value: Value, column: str, where: str) -> Make:
        """What tells whether a sum is the amount of a column: nothing where that is empty."""
        total, whole = self._calculation(value, where, "money"), self._number(Value(column=column), where, "money")
        return lambda cells, lines: (total(cells, lines) == Decimal(found)) if (found := whole(cells)) else None

    def _share(self, value: Value, where: str) -> Callable[[Cells], Decimal]:
        assert value.part is not None  # noqa: S101 - asked only then
        of_part = self._number(Value(column=value.part), where, "money")
        of_rest = self._needed(value.rest, where) if value.rest else None
        of_whole = self._needed(value.whole, where) if value.whole else None

        def share(cells: Cells) -> Decimal:
            part = Decimal(of_part(cells) or 0)
            if part == 0:
                return part
            whole = of_whole(cells) if of_whole else part + (of_rest(cells) if of_rest else Decimal(0))
            return (part / whole if whole else Decimal(0)).quantize(FOUR_DECIMALS, ROUND_HALF_EVEN)

        return share

    def _unit_price(self, value: Value, where: str) -> Callable[[Cells], Decimal]:
        assert value.line_total is not None  # noqa: S101 - asked only then
        of_total = self._needed(value.line_total, where, value.or_zero)
        of_quantity = self._needed(value.quantity, where, value.or_zero) if value.quantity else None
        of_discount = self._needed(value.discount, where) if value.discount else None

        def unit_price(cells: Cells) -> Decimal:
            total = of_total(cells)
            quantity = of_quantity(cells) if of_quantity else Decimal(1)
            kept = 1 - (of_discount(cells) if of_discount else Decimal(0))
            if value.or_zero and total == quantity == 0:
                return total  # cancelled before it had a price
            # Both are negative in a line that gives back.
            if quantity == 0 or kept < 0 or (quantity < 0 < total):
                raise Rejected("out_of_range", f"{where}: a quantity of {quantity} and a discount of {1 - kept}")
            # Nothing is left of a line that was given away: its price cannot be worked out.
            return (total / quantity / kept if kept else Decimal(0)).quantize(FOUR_DECIMALS, ROUND_HALF_EVEN)

        return unit_price

    def _time(self, value: Value, where: str) -> Callable[[Cells], str | None]:
        candidates = [self._time(candidate, where) for candidate in value.first]
        text, days = self._texts.of(value, " "), self._days(value, where)
        stated = value.dates or self._dates
        formats = self._formats.get(" or ".join(stated), stated)
        zone, zones = self._zone, self._zones

        def time(cells: Cells) -> str | None:
            for candidate in candidates:
                found = candidate(cells)
                if found:
                    return found
            given = text(cells).strip()
            return _time_text(given, formats, zone, zones, days(cells), where) if given else None

        return time

    def _days(self, value: Value, where: str) -> Text:
        """What makes the number of days that are added to a time."""
        if not isinstance(value.plus_days, Value):
            constant = str(value.plus_days or 0)
            return lambda cells: constant
        number = self._number(value.plus_days, where)
        return lambda cells: number(cells) or "0"


def _otherwise(value: Value) -> str:
    return "" if value.otherwise is None else str(value.otherwise)


def _currency(text: str) -> str | None:
    """The code of a currency; none where a sign such as $ is that of several: the amounts are then in the shop's."""
    codes = currencies_of(text)
    if codes is None:
        return text or None
    return next(iter(codes)) if len(codes) == 1 else None


def _whole(digits: str) -> int | str:
    """As an integer where it is one that fits: the fast way of the rows takes no other."""
    return int(digits) if len(digits) < INTEGER_DIGITS and digits.isdigit() else digits


def number_kept(text: str, where: str) -> int:
    """An identity that is a number already. Raises Rejected for any other text."""
    digits = text.removesuffix(NOT_WHOLE)
    if not (digits.isascii() and digits.isdigit()) or len(digits) > INTEGER_DIGITS:
        raise Rejected("wrong_type", f"{where} is {shown(text)}, not an identity of digits")
    return int(digits)


def _read(notation: Notation, where: str, fraction: bool, mixed: str, text: str) -> str:
    if mixed:
        raise Rejected(
            "mixed_currencies",
            f"{where} is {shown(text)}, and the file has amounts in {mixed}, which may not be added up: split the file",
        )
    return read_amount(text, notation, where, fraction=fraction)


def _time_text(text: str, formats: tuple[str, ...], zone: str, zones: Zones, days: str, where: str) -> str:
    """ISO 8601 text of a time so many days after the given one."""
    time = read_time(text, formats, zone, zones, where)
    try:
        return (time + timedelta(days=float(days))).isoformat()
    except (OverflowError, ValueError):
        raise Rejected("out_of_range", f"{where}: {shown(text)} and {days} days") from None
