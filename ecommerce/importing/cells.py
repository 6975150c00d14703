"""Values of fields out of the columns of order lines, as a mapping says."""

import re
from collections.abc import Mapping as Row
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, DecimalException
from functools import lru_cache
from typing import Any

import xxhash
from msgspec import Struct

from ecommerce.documents.fields import Field, fields_of
from ecommerce.importing.mapping import Mapping, Value
from ecommerce.importing.reasons import Rejected, shown

Cells = Row[str, str]
"""A line: column → text. Columns of joined tables are named `table.column`."""

FOUR_DECIMALS = Decimal("0.0001")

_NOT_AMOUNT = re.compile(r"[^0-9.,eE+-]")
_SEPARATOR = "\x1f"


def stable_id(namespace: str, field: str, text: str) -> int:
    """The 63-bit id of a textual one: the same for ever, for the same text, kind of id and namespace."""
    return xxhash.xxh3_64_intdigest(_SEPARATOR.join((namespace, field, text)).encode()) >> 1


class ValueMaker:
    """Makes values of fields from the texts of columns."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self.namespace = mapping.namespace or mapping.name

    def fields(
        self, document: type[Struct], values: Row[str, Value], cells: Cells, where: str, lines: Sequence[Cells] = ()
    ) -> dict[str, Any]:
        """The values of a part of the order, or of a catalog record; absent where the mapping or the line has none."""
        made: dict[str, Any] = {}
        for field in fields_of(document):
            if field.name in values:
                value = self._field(field, values[field.name], cells, f"{where}.{field.name}", lines)
                if value is not None:
                    made[field.name] = value
        return made

    def _field(self, field: Field, value: Value, cells: Cells, where: str, lines: Sequence[Cells]) -> Any:
        assert field.kind is not None  # noqa: S101 - mapped parts are flat
        match field.kind.name:
            case "money" | "fraction" | "rating":
                return self._amount(value, cells, where, lines)
            case "time":
                return self._time(value, cells, where)
        text = self.text(value, cells, where)
        if not text:
            return None
        if field.kind.name == "id" and not value.number:
            return stable_id(self.namespace, field.name, text)
        if field.kind.bson_type == "long":
            return self._decimal(text, where)
        return text

    def text(self, value: Value, cells: Cells, where: str) -> str:
        """The text of a value, empty where there is none."""
        for candidate in value.first:
            found = self.text(candidate, cells, where)
            if found:
                return found
        if value.first:
            return "" if value.otherwise is None else str(value.otherwise)
        if value.constant is not None:
            return str(value.constant)
        names = value.columns or ((value.column,) if value.column else ())
        parts = [cells.get(name, "").strip() for name in names]
        text = _SEPARATOR.join(parts) if any(parts) else ""
        if value.present is not None:
            return value.present if text else ""
        if value.map or value.otherwise is not None:
            meant = value.meaning.get(text.lower(), value.otherwise if value.map or not text else text)
            return "" if meant is None else str(meant)
        return text

    def _decimal(self, text: str, where: str) -> str:
        cleaned = _NOT_AMOUNT.sub("", text)
        if self._mapping.decimal_comma:
            cleaned = cleaned.replace(".", "").replace(",", ".")
        else:
            cleaned = cleaned.replace(",", "")
        try:
            if not Decimal(cleaned).is_finite():
                raise ValueError(cleaned)
        except (DecimalException, ValueError):
            raise Rejected("wrong_type", f"{where} is {shown(text)}, not a number") from None
        return cleaned

    def _number(self, name: str, cells: Cells, where: str) -> Decimal:
        text = cells.get(name, "").strip()
        if not text:
            raise Rejected("no_mapping_value", f"{where} needs the column {shown(name)}, which is empty")
        return Decimal(self._decimal(text, where))

    def _amount(self, value: Value, cells: Cells, where: str, lines: Sequence[Cells]) -> str | None:
        try:
            if value.sum:
                amount = sum((self._number(n, line, where) for line in lines for n in value.sum), Decimal(0))
            elif value.line_total:
                amount = self._unit_price(value, cells, where)
            elif value.part:
                part = self._number(value.part, cells, where) if cells.get(value.part, "").strip() else Decimal(0)
                whole = part + (self._number(value.rest, cells, where) if value.rest else Decimal(0))
                amount = (part / whole if whole else Decimal(0)).quantize(FOUR_DECIMALS, ROUND_HALF_EVEN)
            else:
                text = self.text(value, cells, where)
                if not text:
                    return None
                amount = Decimal(self._decimal(text, where))
            if value.round is not None:
                amount = amount.quantize(Decimal(1).scaleb(-value.round), ROUND_HALF_EVEN)
        except DecimalException:
            raise Rejected("out_of_range", f"{where}: the numbers of the line are out of range") from None
        return str(amount)

    def _unit_price(self, value: Value, cells: Cells, where: str) -> Decimal:
        assert value.line_total is not None  # noqa: S101 - asked only then
        total = self._number(value.line_total, cells, where)
        quantity = self._number(value.quantity, cells, where) if value.quantity else Decimal(1)
        kept = 1 - (self._number(value.discount, cells, where) if value.discount else Decimal(0))
        if quantity <= 0 or kept < 0:
            raise Rejected("out_of_range", f"{where}: a quantity of {quantity} and a discount of {1 - kept}")
        # Nothing is left of a line that was given away: its price cannot be told.
        return (total / quantity / kept if kept else Decimal(0)).quantize(FOUR_DECIMALS, ROUND_HALF_EVEN)

    def _time(self, value: Value, cells: Cells, where: str) -> str | None:
        for candidate in value.first:
            found = self._time(candidate, cells, where)
            if found:
                return found
        text = self.text(value, cells, where)
        if not text:
            return None
        time = self._parsed(text, value.dates or self._mapping.dates, where)
        if value.plus_days is not None:
            days = value.plus_days
            number = days if isinstance(days, int) else self._decimal(self.text(days, cells, where) or "0", where)
            try:
                time += timedelta(days=float(number))
            except (OverflowError, ValueError):
                raise Rejected("out_of_range", f"{where}: {shown(text)} and {number} days") from None
        return time.isoformat()

    @staticmethod
    @lru_cache(maxsize=4096)
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
