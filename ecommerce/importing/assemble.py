"""The lines of one order to an order document and catalog records, as a mapping says."""

from collections.abc import Collection, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Any

from ecommerce.documents.bson_codec import encode_catalog
from ecommerce.documents.catalog import CATALOG, CatalogTable
from ecommerce.documents.order import Delivery, Order, OrderItem
from ecommerce.importing.cells import FOUR_DECIMALS, Cells, ValueMaker, stable_id
from ecommerce.importing.lenient import read_document
from ecommerce.importing.mapping import Mapping
from ecommerce.importing.reasons import Rejected, shown

SEEN_MAX = 200_000
"""What lines told of the catalog and is not read again: about 50 MB."""


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
    order.setdefault("total_amount", str(gross.quantize(FOUR_DECIMALS, ROUND_HALF_EVEN)))
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
        self._maker = ValueMaker(mapping)
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
    return str(min(max(1 - total / gross, Decimal(0)), Decimal(1)).quantize(FOUR_DECIMALS, ROUND_HALF_EVEN))


@lru_cache(maxsize=8)
def _maker(mapping: Mapping) -> ValueMaker:
    return ValueMaker(mapping)
