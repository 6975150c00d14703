"""What orders are sorted by, and where in that order a page begins, as a value and as a text for links."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bson import Decimal128

from ecommerce.documents.kinds import EARLIEST_TIME, EPOCH, LATEST_TIME
from ecommerce.mongo import Document
from ecommerce.order_search.one_order import part_of

TIME, ID = "order.order_time", "_id"
SORTS = {
    "time": TIME,
    "id": ID,
    "total": "order.total_amount",
    "promised": "delivery.expected_time",
    "customer": "order.user_id",
    "status": "delivery.status",
}
"""What orders can be sorted by; each of these is in every order."""


@dataclass(frozen=True, slots=True)
class Sort:
    """Order of the rows; `_id` decides between equal ones, in the same direction."""

    by: str = "time"
    descending: bool = True

    @property
    def path(self) -> str:
        return SORTS[self.by]

    @property
    def step(self) -> int:
        return -1 if self.descending else 1

    def reversed(self) -> "Sort":
        return replace(self, descending=not self.descending)

    def keys(self) -> list[tuple[str, int]]:
        return [(self.path, self.step)] + ([(ID, self.step)] if self.path != ID else [])


@dataclass(frozen=True, slots=True)
class Position:
    """A row, by what it is sorted by and its id."""

    value: Any
    order_id: int

    def __str__(self) -> str:
        """As a text for a link: the id, the value's type as a letter, and the value."""
        value = self.value
        if isinstance(value, datetime):
            return f"{self.order_id}.t{(value - EPOCH) // timedelta(milliseconds=1)}"
        if value is None:
            return f"{self.order_id}.n"
        letter = "d" if isinstance(value, Decimal128) else "i" if isinstance(value, int) else "s"
        return f"{self.order_id}.{letter}{value}"


def position_of(text: str) -> Position | None:
    """The position that a link names; None where it names none."""
    order_id, dot, value = text.partition(".")
    if not dot or not value:
        return None
    try:
        return Position(_value(value[0], value[1:]), _int64(order_id))
    except (ValueError, ArithmeticError):  # of decimals, too
        return None


def time_position_of(text: str) -> Position | None:
    """The position by time that a link names; None where it names none that an order can have."""
    position = position_of(text)
    is_time = position is not None and isinstance(position.value, datetime)
    return position if position and is_time and EARLIEST_TIME <= position.value <= LATEST_TIME else None


def row_position(document: Document, sort: Sort) -> Position:
    """Where a row is."""
    part, _, name = sort.path.rpartition(".")
    value = part_of(document, part).get(name) if part else document[name]
    return Position(value, int(document[ID]))


def behind(sort: Sort, at: Position) -> Document:
    """The MongoDB filter of what comes after a position."""
    beyond = "$lt" if sort.descending else "$gt"
    if sort.path == ID:
        return {ID: {beyond: at.order_id}}
    if at.value is None:  # of orders in which somebody left it out: the least
        same = {sort.path: None, ID: {beyond: at.order_id}}
        return same if sort.descending else {"$or": [same, {sort.path: {"$ne": None}}]}
    # The range on its own lets an index begin at the position.
    found = {sort.path: {f"{beyond}e": at.value}, "$or": [{sort.path: {beyond: at.value}}, {ID: {beyond: at.order_id}}]}
    return {"$or": [found, {sort.path: None}]} if sort.descending and sort.path != TIME else found


def _value(letter: str, text: str) -> Any:
    match letter:
        case "t":
            return EPOCH + timedelta(milliseconds=_int64(text))
        case "d":
            return Decimal128(Decimal(text))
        case "i":
            return _int64(text)
        case "s":
            return text
        case "n" if not text:
            return None
    raise ValueError(letter)


def _int64(text: str) -> int:
    number = int(text)
    if not -(2**63) <= number < 2**63:
        raise ValueError(text)
    return number
