"""Orders by the columns of their parts: what lines need not say is worked out, and each becomes its bytes."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import partial
from itertools import accumulate, pairwise
from operator import add
from typing import Any

from msgspec import Struct

from ecommerce.documents.bson_types import document_of
from ecommerce.documents.fields import fields_of
from ecommerce.documents.kinds import MONEY_FACTOR, MONEY_LIMIT, MONEY_SCALE
from ecommerce.documents.order import Delivery, Order, OrderItem
from ecommerce.documents.statuses import status_of
from ecommerce.importing.order_lines.assemble import share_given
from ecommerce.importing.order_lines.plain_values import NOT_PLAIN, Column, Lines, NotPlain, column_of, elements_of
from ecommerce.importing.rows.fast import ITEM_KEYS, document_bytes
from ecommerce.importing.rows.field_bytes import element_of
from ecommerce.importing.rows.orders import AskCatalog, Known
from ecommerce.importing.rows.plausible import CENT, doubt_of_total, note_doubt
from ecommerce.ingest.encoded_order import EncodedOrder
from ecommerce.iso_4217 import CURRENCY_CODES

WORKED_OUT = {
    Order: ("total_amount", "discount", "quantity"),
    OrderItem: ("order_item_id", "order_id", "event_time", "warehouse_id"),
    Delivery: ("delivery_id", "order_id", "location"),
}
"""Fields that lines need not have."""

EXACT_BELOW = 10**28
"""A sum of amounts of fewer digits is exact: decimals have so many by default."""

_FIELDS = {part: {one.name: one for one in fields_of(part)} for part in WORKED_OUT}

_SCALED_CENT = int(CENT * MONEY_FACTOR)

Note = Callable[[Known], None]


class PlainOrder(Struct, gc=False):
    """An order, or the question without whose answer it is none."""

    order: EncodedOrder | AskCatalog
    items: range
    """Its items among those of the batch."""
    notes: Sequence[Note] = ()
    """What is to be noted of it when it is taken."""


class PlainBatch:
    """Orders that may be plain, by the columns of their parts; those that are become `orders`."""

    def __init__(
        self,
        lines: Lines,
        places: Sequence[int],
        of_orders: Sequence[range],
        of_items: Sequence[Sequence[int]],
        order_columns: Collection[str],
    ) -> None:
        """Of each order: its place in the chunk, its lines, and those of them that are items."""
        self._places = places
        self.not_plain: set[int] = set()
        self.heads = _heads(lines, of_orders, order_columns, self.not_plain)
        """The line that tells of each order."""
        self.items = lines.some([at for of_order in of_items for at in of_order])
        self.owners = [at for at, of_order in enumerate(of_items) for _ in of_order]
        """The order of each item."""
        self.spans = [range(start, end) for start, end in pairwise(accumulate(map(len, of_items), initial=0))]
        """The items of each order."""
        self.several = {at: self.spans[at] for at, of_order in enumerate(of_orders) if len(of_order) > 1}
        """The items of orders of several lines."""
        self.order: dict[str, Column] = {}
        self.item: dict[str, Column] = {}
        self.delivery: dict[str, Column] = {}
        self.orders: dict[int, PlainOrder] = {}
        """By their places in the chunk."""

    def fill(self, document: type[Struct], name: str, value_at: Callable[[int], Any], *, always: bool = False) -> None:
        """Work out a field where the lines do not have it, or `always`."""
        columns, owners = self._columns_of(document)
        column, field = columns.get(name), _FIELDS[document][name]
        if always or column is None:
            with suppress(Exception):  # one by one it shows which has none
                columns[name] = column_of(field)([*map(value_at, range(len(owners)))])
                return
            column = Column([None] * len(owners), [b""] * len(owners))
        if None not in column.values:
            return
        values, elements, element = column.values, [*column.elements], element_of(field)
        for at, value in enumerate(values):
            if value is None:
                try:
                    made = value_at(at)
                    values[at], elements[at] = made, element(made)
                except Exception:  # noqa: BLE001 - whatever is wrong, the thorough way says it
                    values[at] = NOT_PLAIN[0]
                    self.not_plain.add(owners[at])
        columns[name] = Column(values, elements)

    def _columns_of(self, document: type[Struct]) -> tuple[dict[str, Column], Sequence[int]]:
        if document is OrderItem:
            return self.item, self.owners
        return (self.order if document is Order else self.delivery), range(self.heads.count)

    def work_out_amounts(self) -> Sequence[int]:
        """Fill in the total and the discount, as `assemble.work_out_amounts` does. Returns what the items cost."""
        of_items = [0] * self.heads.count
        for owner, price, quantity in zip(
            self.owners, self.item["price"].values, self.item["quantity"].values, strict=True
        ):
            of_items[owner] += price * quantity
        self.fill(Order, "total_amount", lambda at: _money(of_items[at]))
        totals = self.order["total_amount"].values
        self.fill(Order, "discount", lambda at: _discount(of_items[at], totals[at]))
        return of_items

    def fill_from_catalog(self, known: Known) -> tuple[dict[int, AskCatalog], dict[int, bytes]]:
        """Fill in locations and warehouses. Returns the orders that ask for them, and `EncodedOrder.filled` of all that
        the catalog gave something."""
        count, users, products = self.heads.count, self.order["user_id"].values, self.item["product_id"].values
        without = _without(self.delivery.get("location"), count)
        items_without = _without(self.item.get("warehouse_id"), len(self.owners))
        if not (without or items_without):
            return {}, {}
        asked: dict[int, AskCatalog] = {}
        filled: dict[int, bytes] = {}
        for at in {*without, *(self.owners[item] for item in items_without)}:
            span = self.spans[at]
            wanted_products = {products[item] for item in span if item in items_without} - known.warehouses.keys()
            wanted_users = {users[at]} - known.locations.keys() if at in without else set()
            filled[at] = bytes((at in without, *(item in items_without for item in span)))
            if wanted_products or wanted_users:
                asked[at] = AskCatalog(wanted_products, wanted_users)
        self.fill(Delivery, "location", lambda at: known.locations.get(users[at], "?"))
        self.fill(OrderItem, "warehouse_id", lambda item: known.warehouses.get(products[item], 0))
        return asked, filled

    def encode(self, known: Known, beside: Sequence[bytes], of_items: Sequence[int]) -> None:
        """Make the orders that are plain, with the elements that each has beside its parts."""
        asked, filled = self.fill_from_catalog(known)
        item_ids = self.item["order_item_id"].values
        items = [*map(document_of, elements_of(OrderItem, self.item))]
        bodies = [b"".join(map(add, ITEM_KEYS, items[span.start : span.stop])) for span in self.spans]
        for at, span in self.several.items():
            if len(set(item_ids[span.start : span.stop])) < len(span):
                self.not_plain.add(at)
        ids, times, ended = self.order["order_id"].values, self.order["order_time"].values, self.delivery["actual_time"]
        documents = map(
            document_bytes,
            ids,
            map(document_of, elements_of(Order, self.order)),
            bodies,
            map(document_of, elements_of(Delivery, self.delivery)),
            beside,
            [begun if end is None or end < begun else end for begun, end in zip(times, ended.values, strict=True)],
        )
        notes = self._notes(of_items)
        for at, (place, order_id, bson) in enumerate(zip(self._places, ids, documents, strict=True)):
            if at not in self.not_plain:
                order = asked.get(at) or EncodedOrder(order_id, bson, False, filled.get(at, b""))
                self.orders[place] = PlainOrder(order, self.spans[at], notes.get(at, ()))

    def _notes(self, of_items: Sequence[int]) -> dict[int, list[Note]]:
        """What is to be noted of orders, in the order in which other rows note it."""
        notes: dict[int, list[Note]] = {}
        if currency := self.order.get("currency"):
            for at, code in enumerate(currency.values):
                if code and code not in CURRENCY_CODES:
                    self.not_plain.add(at)
                elif code:
                    notes.setdefault(at, []).append(partial(Known.note_currency, code=code))
        statuses = self.delivery["status"].values
        unknown = {status for status in set(statuses) if status not in NOT_PLAIN and status_of(status) is None}
        for at, status in enumerate(statuses) if unknown else ():
            if status in unknown:
                notes.setdefault(at, []).append(partial(Known.note_status, text=status))
        for at, total in enumerate(self.order["total_amount"].values):
            if total > of_items[at] and (doubt := self._doubt_of_total(at, total, of_items[at])):
                order_id = self.order["order_id"].values[at]
                notes.setdefault(at, []).append(partial(_note_doubt, (doubt, order_id)))
        return notes

    def _doubt_of_total(self, at: int, total: int, of_items: int) -> str | None:
        tax, shipping, included = (
            self.order[name].values[at] if name in self.order else None
            for name in ("tax_amount", "shipping_amount", "tax_included")
        )
        span = self.spans[at]
        pieces = sum(self.item["quantity"].values[span.start : span.stop])
        return doubt_of_total(total, of_items, tax or 0, shipping or 0, included, pieces * _SCALED_CENT)


def _heads(lines: Lines, of_orders: Sequence[range], order_columns: Collection[str], not_plain: set[int]) -> Lines:
    """The first text of every column of each order: exports leave what belongs to the order empty on its later lines.

    To `not_plain` are added the orders whose lines differ where they must not.
    """
    first_lines = lines.some([of_order.start for of_order in of_orders])
    several = [(at, of_order) for at, of_order in enumerate(of_orders) if len(of_order) > 1]
    if not several:
        return first_lines

    def column_of(name: str) -> Sequence[str]:
        column, heads = lines.column(name), list(first_lines.column(name))
        for at, of_order in several:
            texts = [text for text in column[of_order.start : of_order.stop] if text]
            heads[at] = texts[0] if texts else ""
            if name in order_columns and texts and texts.count(texts[0]) < len(texts):
                not_plain.add(at)
        return heads

    return Lines(len(of_orders), column_of)


def _note_doubt(doubted: tuple[str, int], known: Known) -> None:
    note_doubt(known.doubts, *doubted)


def _without(column: Column | None, count: int) -> Collection[int]:
    """The places at which a column has no value."""
    if column is None:
        return range(count)
    return {at for at, value in enumerate(column.values) if value is None} if None in column.values else ()


def _money(amount: int) -> int:
    if amount >= MONEY_LIMIT * MONEY_FACTOR:
        raise NotPlain
    return amount


def _discount(of_items: int, total: int) -> int:
    """The share of a price that was given, scaled; the amounts are scaled alike."""
    if of_items >= EXACT_BELOW:
        raise NotPlain
    if of_items <= 0 or total == of_items:
        return 0
    return int(Decimal(share_given(Decimal(of_items), Decimal(total))).scaleb(MONEY_SCALE))
