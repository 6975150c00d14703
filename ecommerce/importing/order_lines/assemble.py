"""The lines of one order to an order document and catalog records, as a mapping says."""

from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, DecimalException
from functools import lru_cache
from operator import itemgetter
from typing import Any

from ecommerce.documents.catalog import CATALOG, CatalogTable
from ecommerce.documents.order import Delivery, Order, OrderItem, Refund
from ecommerce.importing.order_lines.column_values import (
    FOUR_DECIMALS,
    Cells,
    Texts,
    field_makers,
    made,
    stable_id,
)
from ecommerce.importing.order_lines.mapping import Mapping, Value
from ecommerce.importing.reasons import Rejected, shown
from ecommerce.importing.rows.catalog_records import record_of_lines
from ecommerce.importing.shape import Reading

SEEN_MAX = 100_000
"""Catalog records of a table that are not made again: about 25 MB."""


class _Makers:
    """What makes the parts of an order, compiled from a mapping."""

    def __init__(self, mapping: Mapping, readings: tuple[Reading, ...]) -> None:
        self.namespace = mapping.namespace or mapping.name
        self.order = field_makers(mapping, readings, Order, mapping.order, "order")
        self.item = field_makers(mapping, readings, OrderItem, mapping.item, "order_items[]")
        self.delivery = field_makers(mapping, readings, Delivery, mapping.delivery, "delivery")
        self.refund = field_makers(mapping, readings, Refund, mapping.refund, "refunds[]")
        texts = Texts(readings)
        self.attributes = {name: texts.of(value, " ") for name, value in mapping.attributes.items()}
        self.order_text = texts.identity(mapping.order["order_id"])


_makers = lru_cache(maxsize=8)(_Makers)


def assemble(
    mapping: Mapping, readings: tuple[Reading, ...], lines: Sequence[Cells], items: Sequence[Cells]
) -> dict[str, Any]:
    """An order document, ready to be validated like any row. Raises Rejected where a value is missing or wrong.

    `lines` are the order's own lines, `items` those of its order items (the same ones in a flat file).
    """
    makers = _makers(mapping, readings)
    head = _merged(lines, mapping)
    order_text = makers.order_text(head)
    made_items = [made(makers.item, cells) for cells in items]
    order = made(makers.order, head, items)
    if "order_id" not in order:
        raise Rejected("no_mapping_value", "order.order_id has no value")
    order_id = order["order_id"]
    credit = _credited(made_items)
    if credit is not None:
        made_items = []
    if "total_amount" not in order or "discount" not in order:
        _work_out_amounts(order, made_items)
    order["quantity"] = len(made_items)
    if not mapping.order["order_id"].number:
        order["external_id"] = order_text
    for position, item in enumerate(made_items):
        item["order_id"] = order_id
        if "order_item_id" not in item:
            item["order_item_id"] = stable_id(makers.namespace, "order_item_id", f"{order_text}#{position}")
        if "event_time" not in item:
            item["event_time"] = order.get("order_time")
    delivery = made(makers.delivery, head, items)
    delivery["order_id"] = order_id
    delivery.setdefault("delivery_id", order_id)
    document: dict[str, Any] = {"order": order, "order_items": made_items, "delivery": delivery}
    if credit is not None:
        order |= {"total_amount": "0", "discount": "0"}
        document["refunds"] = [{"refund_id": 0, "refund_time": order.get("order_time"), "amount": credit}]
    elif makers.refund and (refund := _refund(made(makers.refund, head, items), order)):
        document["refunds"] = [refund]
    if makers.attributes and (
        attributes := {name: text for name, make in makers.attributes.items() if (text := make(head).strip())}
    ):
        document["attributes"] = attributes
    return document


def _credited(items: Sequence[dict[str, Any]]) -> str | None:
    """What lines that all have negative quantities give back: they are a credit that names no order. Else None."""
    if any(isinstance(item.get("quantity"), int) for item in items):
        return None  # digits alone: it is not negative
    try:
        amounts = [(Decimal(item["price"]), Decimal(item["quantity"])) for item in items]
    except (KeyError, DecimalException):
        return None  # what is wrong with the line is said where it is read as an item
    if not amounts or any(quantity >= 0 for _, quantity in amounts):
        return None
    return str(-sum((price * quantity for price, quantity in amounts), Decimal(0)))


def _refund(refund: dict[str, Any], order: dict[str, Any]) -> dict[str, Any] | None:
    """The refund that a row tells of, if it does. Where all of an order went back, so did its tax and shipping."""
    parts: dict[str, Any] = {}
    try:
        amount = Decimal(refund.get("amount", 0))
        if not amount:
            return None
        if amount == Decimal(order["total_amount"]):
            parts = {name: order[name] for name in ("tax_amount", "shipping_amount") if order.get(name)}
    except DecimalException:
        pass  # a text that is no amount is refused where it is read
    return {"refund_id": 0} | parts | refund


def _work_out_amounts(order: dict[str, Any], items: Sequence[dict[str, Any]]) -> None:
    """The total is the sum of the items, the discount what is missing from it, where the mapping has neither."""
    gross = Decimal(0)
    try:
        for item in items:
            for name in ("price", "quantity"):
                if name not in item:
                    raise Rejected("missing_field", f"order_items[].{name} has no value")
            gross += Decimal(item["price"]) * Decimal(item["quantity"])
        if "total_amount" not in order:
            order["total_amount"] = str(gross.quantize(FOUR_DECIMALS, ROUND_HALF_EVEN))
        if "discount" not in order:
            order["discount"] = _share_given(gross, Decimal(order["total_amount"]))
    except DecimalException:
        raise Rejected("out_of_range", "order: the amounts of its lines are out of range") from None


class _TableReader:
    """What makes the records of one catalog table, and those that it made."""

    def __init__(self, mapping: Mapping, readings: Sequence[Reading], table: CatalogTable) -> None:
        values = mapping.catalog[table.name]
        self.table = table
        self.makers = field_makers(mapping, readings, table.document, values, table.name)
        self.identity = _texts_of(values[name] for name in table.key if name in values)
        self.texts = _texts_of(values.values())
        self.complete: set[Any] = set()
        """Identities of records that are known in full: no line can add to them."""
        self.seen: set[Any] = set()
        """Texts of which a record was made, or none could be."""


class CatalogReader:
    """Reads from lines what they tell of users, products, warehouses and couriers, each thing once."""

    def __init__(self, mapping: Mapping, readings: Sequence[Reading]) -> None:
        self._tables = [_TableReader(mapping, readings, table) for table in CATALOG if mapping.catalog.get(table.name)]

    def read(self, lines: Sequence[Cells]) -> list[tuple[str, bytes]]:
        """The records of these lines that did not come before. What is not valid or has no name is left out."""
        records: list[tuple[str, bytes]] = []
        for reader in self._tables:
            identity_of, complete = reader.identity, reader.complete
            for cells in lines:
                if (identity := identity_of(cells)) in complete:
                    continue
                if (texts := reader.texts(cells)) in reader.seen:
                    continue
                if len(reader.seen) + len(reader.complete) > SEEN_MAX:
                    reader.seen.clear()
                    reader.complete.clear()
                reader.seen.add(texts)
                try:
                    values = made(reader.makers, cells)
                    record = record_of_lines(reader.table, values)
                except Rejected:
                    continue
                if len(values) == len(reader.makers):
                    reader.complete.add(identity)
                records.append((reader.table.name, record))
        return records


def _texts_of(values: Iterable[Value]) -> Callable[[Cells], Any]:
    """What takes the texts of which the values are made from a line."""
    columns = sorted({column for value in values for column in value.used()})
    return itemgetter(*columns) if columns else lambda cells: ()


def _merged(lines: Sequence[Cells], mapping: Mapping) -> Cells:
    """The first text of every column: exports leave what belongs to the order empty on its later lines."""
    if len(lines) == 1:
        return lines[0]
    merged, of_the_order = dict(lines[0]), mapping.order_columns
    for cells in lines[1:]:
        for name, text in cells.items():
            if not merged[name]:
                merged[name] = text
            elif text and text != merged[name] and name in of_the_order:
                raise Rejected(
                    "inconsistent_lines",
                    f"the lines of one order have {shown(merged[name])} and {shown(text)} as {shown(name)}",
                )
    return merged


def _share_given(gross: Decimal, total: Decimal) -> str:
    if gross <= 0 or total == gross:
        return "0"
    return str(min(max(1 - total / gross, Decimal(0)), Decimal(1)).quantize(FOUR_DECIMALS, ROUND_HALF_EVEN))
