"""Orders of plain lines, straight to what encodes them: without a document, its JSON, and the way back.

It reads a part of what `assemble` accepts, to the same bytes. Whatever raises here is assembled, which decides and
gives reasons.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from ecommerce.documents.kinds import TEXT_LENGTH_MAX
from ecommerce.documents.order import Delivery, Order, OrderItem, Refund
from ecommerce.importing.order_lines.assemble import name_parts, refund_of, work_out_amounts
from ecommerce.importing.order_lines.column_texts import Texts
from ecommerce.importing.order_lines.column_values import field_makers
from ecommerce.importing.order_lines.mapping import Mapping, Value
from ecommerce.importing.order_lines.plain_values import Columns, Line, Values, values_of
from ecommerce.importing.rows.inputs import BesideInput, DeliveryInput, OrderInput, OrderItemInput
from ecommerce.importing.shape import Reading


class NotPlain(Exception):
    """An order that wants the thorough way."""


class PlainOrders:
    """Reads the orders of one file whose rows are lines."""

    def __init__(self, mapping: Mapping, readings: Sequence[Reading], columns: Columns) -> None:
        self._mapping, self._columns = mapping, columns
        self._namespace = mapping.namespace or mapping.name

        def values(document: type[Struct], part: dict[str, Value], where: str, *, of_order: bool = True) -> Values:
            return values_of(
                columns, document, part, field_makers(mapping, readings, document, part, where), of_order=of_order
            )

        self._order = values(Order, mapping.order, "order")
        self._item = values(OrderItem, mapping.item, "order_items[]", of_order=False)
        self._delivery = values(Delivery, mapping.delivery, "delivery")
        self._refund = values(Refund, mapping.refund, "refunds[]")
        texts, identity = Texts(readings), mapping.order["order_id"]
        self._identity, self._named = columns.of_value(identity)
        self._order_text = texts.identity(identity)
        self._attributes = [(name, texts.of(value, " ")) for name, value in mapping.attributes.items()]
        names = sorted({column for value in mapping.attributes.values() for column in value.used()})
        self._of_attributes, self._names_of_attributes = columns.texts(names), names
        self._plain = columns.plain
        key = mapping.lines_by or identity.column
        self._key_at = None if key is None else columns.at(key)
        self._item_at = None if mapping.items_have is None else columns.at(mapping.items_have)
        used = mapping.all_columns | {name for name in (mapping.lines_by, mapping.items_have) if name}
        self._merged_at = [(columns.at(name), name in mapping.order_columns) for name in sorted(used)]

    def items(self, lines: Sequence[Line]) -> Sequence[Line]:
        """Those of an order's lines that are items."""
        at, plain = self._item_at, self._plain
        return lines if at is None else [line for line in lines if plain(line[at])]

    def parts(self, lines: Sequence[Line], items: Sequence[Line]) -> tuple[Any, Sequence[Any], Any, Any]:
        """The order, its items, its delivery and what is beside them (None: nothing), to be encoded.

        Raises an exception where the lines are not plain, or do not make an order.
        """
        if not items:
            raise NotPlain
        if len(lines) == 1:
            head = lines[0]
            order, delivery, refund = self._order.of(head), self._delivery.of(head), self._refund.of(head)
        else:
            head = self._merged(lines)
            order, delivery, refund = (
                part.of_several(head, items) for part in (self._order, self._delivery, self._refund)
            )
        attributes = self._attributes_of(head) if self._attributes else None
        order_text = self._order_text(self._named(self._identity(head)))
        made = [self._item.of(line) for line in items]
        if "total_amount" not in order or "discount" not in order:
            work_out_amounts(order, made)
            order |= {name: Decimal(order[name]) for name in ("total_amount", "discount")}
        order["quantity"] = len(made)
        if not self._mapping.order["order_id"].number:
            if not 0 < len(order_text) <= TEXT_LENGTH_MAX:
                raise NotPlain
            order["external_id"] = order_text
        name_parts(order, made, delivery, self._namespace, order_text)
        if refund and refund_of(refund, order):
            raise NotPlain
        delivery.setdefault("actual_time", None)
        return (
            OrderInput(**order),
            [OrderItemInput(**item) for item in made],
            DeliveryInput(**delivery),
            msgspec.convert({"attributes": attributes}, BesideInput) if attributes else None,
        )

    def _attributes_of(self, head: Line) -> dict[str, str]:
        """The attributes that have a text. Notes may be long and differ in each order, so none are kept."""
        cells = self._columns.named(self._names_of_attributes, self._of_attributes(head))
        return {name: found for name, text in self._attributes if (found := text(cells).strip())}

    def _merged(self, lines: Sequence[Line]) -> Line:
        """The first text of every column that is used."""
        plain, key = self._plain, self._key_at
        if key is not None and len({plain(line[key]) for line in lines}) > 1:
            raise NotPlain
        merged = list(lines[0])
        for at, of_the_order in self._merged_at:
            if len({line[at] for line in lines}) == 1:
                continue
            texts = dict.fromkeys(text for line in lines if (text := plain(line[at])))
            if len(texts) > 1 and of_the_order:
                raise NotPlain
            merged[at] = next(iter(texts), "")
        return merged
