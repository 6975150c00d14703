"""Orders of plain lines, many at once and a column at a time, straight to their bytes: no document, no JSON.

It reads a part of what `assemble` accepts, to the same bytes. An order that anything is strange about is assembled,
which decides and gives reasons.
"""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from ecommerce.documents.kinds import TEXT_LENGTH_MAX
from ecommerce.documents.order import ITEMS_MAX, Delivery, Order, OrderItem, Refund
from ecommerce.importing.order_lines.column_texts import Texts, stable_id
from ecommerce.importing.order_lines.many_values import identities
from ecommerce.importing.order_lines.mapping import Mapping, Value
from ecommerce.importing.order_lines.plain_batch import WORKED_OUT, PlainBatch
from ecommerce.importing.order_lines.plain_values import Lines, Part, Several
from ecommerce.importing.rows.fast import encode_beside
from ecommerce.importing.rows.inputs import BesideInput
from ecommerce.importing.rows.orders import Known
from ecommerce.importing.shape import Reading


class PlainOrders:
    """Reads the orders of one file whose rows are lines."""

    def __init__(self, mapping: Mapping, readings: Sequence[Reading]) -> None:
        self._mapping = mapping
        self._namespace = mapping.namespace or mapping.name

        def part(document: type[Struct], values: dict[str, Value], where: str, *, of_order: bool = True) -> Part:
            worked_out = WORKED_OUT.get(document, ())
            return Part(mapping, readings, document, values, where, of_order=of_order, worked_out=worked_out)

        self._order = part(Order, mapping.order, "order")
        self._item = part(OrderItem, mapping.item, "order_items[]", of_order=False)
        self._delivery = part(Delivery, mapping.delivery, "delivery")
        self._refund = part(Refund, mapping.refund, "refunds[]")
        texts = Texts(readings)
        self._order_text = texts.identity(mapping.order["order_id"])
        self._identity = tuple(dict.fromkeys(mapping.order["order_id"].used()))
        self._identities = identities(readings, mapping.order["order_id"])
        self._attributes = [(name, texts.of(value, " ")) for name, value in mapping.attributes.items()]
        self._of_attributes = {column for value in mapping.attributes.values() for column in value.used()}
        self._key = mapping.lines_by or mapping.order["order_id"].column

    def of(self, lines: Lines, spans: Sequence[range], known: Known) -> PlainBatch:
        """The orders that are plain; `spans` has the lines of each, none where they cannot be read."""
        batch = self._gathered(lines, spans)
        if batch.heads.count:
            self._read_columns(batch)
            of_items = batch.work_out_amounts()
            self._name(batch)
            batch.encode(known, self._beside(batch), of_items)
        return batch

    def _gathered(self, lines: Lines, spans: Sequence[range]) -> PlainBatch:
        """The orders that have items and are one order."""
        is_item = lines.column(self._mapping.items_have) if self._mapping.items_have else None
        key = lines.column(self._key) if self._key else None
        places: list[int] = []
        items: list[Sequence[int]] = []
        for place, span in enumerate(spans):
            of_order = span if is_item is None else [at for at in span if is_item[at]]
            one_order = len(span) == 1 or key is None or len(set(key[span.start : span.stop])) == 1
            if 0 < len(of_order) <= ITEMS_MAX and one_order:
                places.append(place)
                items.append(of_order)
        return PlainBatch(lines, places, [spans[place] for place in places], items, self._mapping.order_columns)

    def _read_columns(self, batch: PlainBatch) -> None:
        not_plain, several = batch.not_plain, Several(batch.items, batch.several)
        batch.order = self._order.of(batch.heads, several, not_plain)
        batch.delivery = self._delivery.of(batch.heads, several, not_plain)
        refund = self._refund.of(batch.heads, several, not_plain)
        if refund:
            not_plain.update(at for at, amount in enumerate(refund["amount"].values) if amount)
        items_not_plain: set[int] = set()
        batch.item = self._item.of(batch.items, None, items_not_plain)
        not_plain.update(batch.owners[at] for at in items_not_plain)
        if after := self._mapping.quantity_after_refunds:
            ordered = [*zip(*map(batch.items.column, self._mapping.quantity_columns), strict=True)]
            for owner, left, texts in zip(batch.owners, batch.items.column(after), ordered, strict=True):
                pieces = next(filter(None, texts), "")
                if (left and left != pieces) if pieces else refund["amount"].values[owner] is None:
                    not_plain.add(owner)

    def _name(self, batch: PlainBatch) -> None:
        """Give orders, items and deliveries their ids, and items the time of the order, as `assemble.name_parts`."""
        owners, ids, times = batch.owners, batch.order["order_id"].values, batch.order["order_time"].values
        texts = self._order_texts(batch.heads)
        positions = [position for span in batch.spans for position in range(len(span))]

        def item_id(item: int) -> int:
            return stable_id(self._namespace, "order_item_id", f"{texts[owners[item]]}#{positions[item]}")

        batch.fill(Order, "quantity", lambda at: len(batch.spans[at]), always=True)
        if not self._mapping.order["order_id"].number:
            batch.fill(Order, "external_id", texts.__getitem__, always=True)
            batch.not_plain.update(at for at, text in enumerate(texts) if not 0 < len(text) <= TEXT_LENGTH_MAX)
        batch.fill(Delivery, "order_id", ids.__getitem__, always=True)
        batch.fill(Delivery, "delivery_id", ids.__getitem__)
        batch.fill(OrderItem, "order_id", lambda item: ids[owners[item]], always=True)
        batch.fill(OrderItem, "event_time", lambda item: times[owners[item]])
        batch.fill(OrderItem, "order_item_id", item_id)

    def _order_texts(self, heads: Lines) -> Sequence[str]:
        if self._identities:
            return self._identities(heads.texts(self._identity))
        return [self._order_text(heads.cells(self._identity, at)) for at in range(heads.count)]

    def _beside(self, batch: PlainBatch) -> list[bytes]:
        """The elements beside the parts. Notes may be long and differ in each order, so none are kept."""
        found = [b""] * batch.heads.count
        for at in range(batch.heads.count) if self._attributes else ():
            cells = batch.heads.cells(self._of_attributes, at)
            attributes = {name: text for name, make in self._attributes if (text := make(cells).strip())}
            if attributes:
                try:
                    found[at] = encode_beside(msgspec.convert({"attributes": attributes}, BesideInput))
                except Exception:  # noqa: BLE001 - whatever is wrong, the thorough way says it
                    batch.not_plain.add(at)
        return found
