"""The lines of one order to an order document and catalog records, as a mapping says."""

import re
from collections.abc import Collection, Sequence
from collections.abc import Mapping as Row
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, DecimalException
from functools import lru_cache
from typing import Any

import xxhash
from msgspec import Struct

from ecommerce.documents.bson_codec import encode_catalog
from ecommerce.documents.catalog import CATALOG, CatalogTable
from ecommerce.documents.fields import Field, fields_of
from ecommerce.documents.order import Delivery, Order, OrderItem
from ecommerce.importing.lenient import read_document
from ecommerce.importing.mapping import Mapping, Value
from ecommerce.importing.reasons import Rejected, shown

Cells = Row[str, str]
"""A line: column → text. Columns of joined tables are named `table.column`."""

_NOT_AMOUNT = re.compile(r"[^0-9.,eE+-]")
_FOUR = Decimal("0.0001")
_SEPARATOR = "\x1f"

SEEN_MAX = 200_000
"""What lines told of the catalog and is not read again: about 50 MB."""


def stable_id(namespace: str, field: str, text: str) -> int:
    """The 63-bit id of a textual one: the same for ever, for the same text, kind of id and namespace."""
    return xxhash.xxh3_64_intdigest(_SEPARATOR.join((namespace, field, text)).encode()) >> 1


def assemble(mapping: Mapping, lines: Sequence[Cells], items: Sequence[Cells]) -> dict[str, Any]:
    """An order document, ready to be validated like any row. Raises Rejected where a value is missing or wrong.

    `lines` are the order's own lines, `items` those of its order items (the same ones in a flat file).
    """
    maker = _maker(mapping)
    head = _merged(lines, mapping.order_columns)
    order_text = maker.text(mapping.order["order_id"], head, "order.order_id")
    made_items = [maker.fields(OrderItem, mapping.item, cells, "order_items[]") for cells in items]
    order = maker.fields(Order, mapping.order, head, "order", lines=items)
    order_id = order["order_id"]
    gross = sum((Decimal(item["price"]) * int(item["quantity"]) for item in made_items), Decimal(0))
    order.setdefault("total_amount", str(gross.quantize(_FOUR, ROUND_HALF_EVEN)))
    order.setdefault("discount", _share_given(gross, Decimal(order["total_amount"])))
    order["quantity"] = len(made_items)
    if not mapping.order["order_id"].number:
        order["external_id"] = order_text
    for position, item in enumerate(made_items):
        item["order_id"] = order_id
        item.setdefault("order_item_id", stable_id(maker.namespace, "order_item_id", f"{order_text}#{position}"))
        item.setdefault("event_time", order["order_time"])
    delivery = maker.fields(Delivery, mapping.delivery, head, "delivery", lines=items)
    delivery["order_id"] = order_id
    delivery.setdefault("delivery_id", order_id)
    return {"order": order, "order_items": made_items, "delivery": delivery}


class CatalogReader:
    """Reads from lines what they tell of users, products, warehouses and couriers, each thing once."""

    def __init__(self, mapping: Mapping) -> None:
        self._maker = _Maker(mapping)
        self._tables = [
            (table, values, tuple(sorted({column for value in values.values() for column in value.used()})))
            for table in CATALOG
            if (values := mapping.catalog.get(table.name))
        ]
        self._seen: set[tuple[str, ...]] = set()

    def read(self, lines: Sequence[Cells]) -> list[tuple[CatalogTable, bytes]]:
        """The records of these lines that did not come before. What is not valid or has no name is left out."""
        records: list[tuple[CatalogTable, bytes]] = []
        if len(self._seen) > SEEN_MAX:
            self._seen.clear()
        for table, values, columns in self._tables:
            for cells in lines:
                told = (table.name, *(cells.get(column, "") for column in columns))
                if told in self._seen:
                    continue
                self._seen.add(told)
                try:
                    made = self._maker.fields(table.document, values, cells, table.name)
                    record = table.document(**read_document(table.document, made))
                except Rejected:
                    continue
                records.append((table, encode_catalog(table, record)))
        return records


def _merged(lines: Sequence[Cells], of_the_order: Collection[str]) -> dict[str, str]:
    """The first text of every column: exports leave what belongs to the order empty on its later lines."""
    merged = dict(lines[0])
    for cells in lines[1:]:
        for name, text in cells.items():
            if not merged.get(name):
                merged[name] = text
            elif name in of_the_order and text and text != merged[name]:
                raise Rejected(
                    "inconsistent_lines",
                    f"the lines of one order have {shown(merged[name])} and {shown(text)} as {shown(name)}",
                )
    return merged


def _share_given(gross: Decimal, total: Decimal) -> str:
    if gross <= 0:
        return "0"
    return str(min(max(1 - total / gross, Decimal(0)), Decimal(1)).quantize(_FOUR, ROUND_HALF_EVEN))


class _Maker:
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
                amount = (part / whole if whole else Decimal(0)).quantize(_FOUR, ROUND_HALF_EVEN)
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
        return (total / quantity / kept if kept else Decimal(0)).quantize(_FOUR, ROUND_HALF_EVEN)

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


@lru_cache(maxsize=8)
def _maker(mapping: Mapping) -> _Maker:
    return _Maker(mapping)
