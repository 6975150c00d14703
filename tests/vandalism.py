"""What somebody with a shell may write into `orders` that is no order, and how to say so."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

from ecommerce.documents.order import OrderDocument
from ecommerce.documents.stored import ANYTHING
from ecommerce.kpis import Filters, KpiStore, Span, compute_kpis
from ecommerce.mongo import ORDERS, Document, MongoDatabase
from ecommerce.summaries.advance import advance
from tests.summaries_data import accept, random_orders
from tests.summaries_recount import recount

VALUES: tuple[Any, ...] = (
    "12.50", "", "x" * 501, "\x00", 5, 5.0, float("nan"), True, None, Int64(-1), Int64(2**63 - 1), Int64(10**10),
    Decimal128("12.34567"), Decimal128("-1"), Decimal128("1E+20"), Decimal128("NaN"), Decimal128("Infinity"),
    Decimal128("1E-6000"), datetime(1969, 12, 31, tzinfo=UTC), datetime(2300, 1, 1, tzinfo=UTC), DatetimeMS(10**17),
    DatetimeMS(-(10**17)), [], [1], [datetime(2026, 3, 5, tzinfo=UTC), 7], {}, {"$date": 5}, {"a": {"b": 1}},
    ObjectId(), b"\xff", Binary(b"x", 5), Regex("x"), Code("x"), Timestamp(1, 2), MinKey(), MaxKey(),
)  # fmt: skip
"""None of these may stand in a field of an order, but for one or the other where it happens to fit."""

PATHS = (
    "order", "order.order_id", "order.user_id", "order.order_time", "order.total_amount", "order.discount",
    "order.quantity", "order.payment_type", "order.external_id", "order.colour", "order_items", "order_items.0",
    "order_items.0.order_id", "order_items.0.price", "order_items.0.quantity", "order_items.0.event_time",
    "delivery", "delivery.order_id", "delivery.status", "delivery.expected_time", "delivery.actual_time",
    "delivery.location", "updated_at", "colour", "attributes", "attributes.tag",
)  # fmt: skip

IDENTITIES: tuple[Any, ...] = (
    "x2", "", 700, 7.5, None, True, ObjectId(), b"id", Decimal128("77.7"), datetime(1969, 1, 1, tzinfo=UTC),
    DatetimeMS(10**17), {"a": 1}, MinKey(), MaxKey(), Timestamp(3, 4), Int64(-5),
)  # fmt: skip
"""What may be an `_id` in MongoDB, and is no order's."""

REFUND: Document = {
    "refund_id": Int64(1),
    "refund_time": datetime(2026, 3, 9, tzinfo=UTC),
    "amount": Decimal128("5.0000"),
}


def _refunded(document: Document, *refunds: Document) -> Document:
    return document | {"refunds": [REFUND | {"refund_id": Int64(at)} | one for at, one in enumerate(refunds, 1)]}


def _back(document: Document, *units: int) -> list[Document]:
    """Units of the first item of an order, or of one that it does not have."""
    return [{"order_item_id": an_item(document)["order_item_id"], "quantity": Int64(one)} for one in units]


CONTRADICTIONS: dict[str, Callable[[Document], Document]] = {
    "more tax than money": lambda one: _refunded(one, {"tax_amount": Decimal128("5.0001")}),
    "more tax and shipping than money": lambda one: _refunded(
        one, {}, {"tax_amount": Decimal128("2.5000"), "shipping_amount": Decimal128("2.5001")}
    ),
    "two refunds of one id": lambda one: one | {"refunds": [REFUND, REFUND]},
    "a refund of an item that it does not have": lambda one: _refunded(
        one, {"items": [{"order_item_id": Int64(99), "quantity": Int64(1)}]}
    ),
    "a refund of an item that two have": lambda one: (
        _refunded(one, {"items": _back(one, 0)}) | {"order_items": [an_item(one), an_item(one)]}
    ),
    "a refund of one item twice": lambda one: _refunded(one, {"items": _back(one, 0, 0)}),
    "more back than was bought": lambda one: _refunded(one, {"items": _back(one, 1_000)}),
    "more back than was bought, by two refunds": lambda one: _refunded(
        one, *({"items": _back(one, an_item(one)["quantity"])} for _ in range(2)), {"items": _back(one, 1)}
    ),
}
"""What turns an order into a document whose fields are each right, and contradict each other."""


def an_item(document: Document) -> Document:
    """The first item of an order, or one that might be."""
    ids = {name: document["_id"] if name == "order_id" else Int64(5) for name in ("order_item_id", "order_id")}
    more = {name: Int64(1) for name in ("product_id", "warehouse_id", "quantity")}
    last: Document = {"price": Decimal128("1.0000"), "event_time": document["order"]["order_time"]}
    return document["order_items"][0] if document["order_items"] else ids | more | last


def changed(document: Document, path: str, value: Any) -> Document:
    """A copy of a document with another value at a path; `...` takes the field out."""
    head, _, rest = path.partition(".")
    inner: Any = document.get(head, {})
    if rest and isinstance(inner, list):
        at, _, below = rest.partition(".")
        if not inner:
            return document | {head: [5]}
        element = [changed(inner[int(at)], below, value)] if below else [value] if value is not ... else []
        return document | {head: [*inner[: int(at)], *element, *inner[int(at) + 1 :]]}
    if rest:
        return document | {head: changed(inner, rest, value)}
    if value is ...:
        return {name: member for name, member in document.items() if name != head}
    return document | {head: value}


class Vandal:
    """Writes into `orders` past everything."""

    def __init__(self, database: MongoDatabase, rng: random.Random) -> None:
        self.orders = database.get_collection(ORDERS, codec_options=ANYTHING)
        self.rng = rng

    def spoil(self, document: Document, *, upsert: bool = True) -> Document:
        """Put something wrong into one field of an order, or take a field out; the document as it is then."""
        path = self.rng.choice(PATHS)
        value = ... if path not in ("order.colour", "colour") and self.rng.random() < 0.15 else self.rng.choice(VALUES)
        spoiled = changed(document, path, value)
        if self.rng.random() < 0.1:
            spoiled = {"_id": document["_id"]}
        if self.rng.random() < 0.2:
            spoiled = self.rng.choice(list(CONTRADICTIONS.values()))(document)
        self.put(spoiled, upsert=upsert)
        return spoiled

    def put(self, document: Document, *, upsert: bool = True) -> None:
        """Have a document replace the one with its `_id`, or add it where there is none."""
        same = {"_id": document["_id"]}
        self.orders.replace_one(same, document, upsert=upsert, bypass_document_validation=True)

    def add_nonsense(self, identity: Any) -> Document:
        """Add a document that never was an order; the document."""
        times: Callable[[], Any] = lambda: datetime(2026, 3, 1, tzinfo=UTC) + timedelta(days=self.rng.randrange(30))  # noqa: E731
        document: Document = {"_id": identity, "order": {"order_time": self.rng.choice((times(), "2025-01-05", 5))}}
        self.put(document)
        return document


@pytest.fixture
def orders(database: MongoDatabase) -> list[OrderDocument]:
    """60 orders that are counted."""
    found = random_orders(60)
    accept(database, found)
    advance(database)
    return found


@pytest.fixture
def vandal(database: MongoDatabase) -> Vandal:
    """Somebody with a shell."""
    return Vandal(database, random.Random(1))


def assert_figures_of(
    database: MongoDatabase, orders: list[OrderDocument], store: KpiStore | None = None, step: str = "day"
) -> None:
    """Every figure is that of these orders, for a process that was there (`store`) and for a new one.

    `step`: of the timeline, which is by month where the orders are of more than 400 days.
    """
    expected = recount(orders, step=step)
    if store is not None:
        store.refresh()
        figures = store.kpis(Span(), Filters()).to_json_dict()
        assert {name: figures[name] for name in expected} == expected
    figures = compute_kpis(database).to_json_dict()
    assert {name: figures[name] for name in expected} == expected
