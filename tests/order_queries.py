"""Orders to search, the queries that search them, and what each query must find."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from bson import Int64

from ecommerce.documents.catalog import Product
from ecommerce.documents.order import OrderDocument
from ecommerce.documents.statuses import is_counted, is_finished, status_of
from ecommerce.kpis.question import Filters, Span
from ecommerce.mongo import MongoDatabase
from ecommerce.order_search.query import OrderQuery
from ecommerce.summaries.cells.sales import is_credit
from tests.summaries_data import START, accept, put_catalog, random_orders

NOW = START + timedelta(days=20)

Wanted = Callable[[OrderDocument], bool]
"""Whether a query must find an order."""

HOSTILE = ('{"$gt": ""}', "$where", "'; return true; //", "<script>alert(1)</script>", "9" * 40, "-1", "１２", "\x00")


def is_overdue(order: OrderDocument) -> bool:
    return not is_finished(order.delivery.status) and order.delivery.expected_time < NOW


def is_late(order: OrderDocument) -> bool:
    status, actual = status_of(order.delivery.status), order.delivery.actual_time
    delivered_late = (
        status is not None and status.name == "Delivered" and actual and actual > order.delivery.expected_time
    )
    return (bool(delivered_late) and order.delivery.expected_time < NOW) or is_overdue(order)


SPAN = Span(START + timedelta(days=3), START + timedelta(days=9))

QUERIES: dict[str, tuple[OrderQuery, Wanted]] = {
    "all": (OrderQuery(), lambda _: True),
    "span": (OrderQuery(SPAN), lambda o: START + timedelta(days=3) <= o.order.order_time < START + timedelta(days=9)),
    "status": (
        OrderQuery(filters=Filters(statuses=frozenset({"Delivered", "in Prüfung"}))),
        lambda o: o.delivery.status in ("Delivered", "completed", "in Prüfung"),
    ),
    "payment and city": (
        OrderQuery(filters=Filters(payment_types=frozenset({"card"}), locations=frozenset({"東京"}))),
        lambda o: o.order.payment_type == "card" and o.delivery.location == "東京",
    ),
    "courier": (
        OrderQuery(filters=Filters(courier_ids=frozenset({1, 2}))), lambda o: o.delivery.courier_id in (1, 2),
    ),
    "category and warehouse of one item": (
        OrderQuery(filters=Filters(categories=frozenset({"Even"}), warehouse_ids=frozenset({1}))),
        lambda o: any(i.product_id in range(0, 20, 2) and i.warehouse_id == 1 for i in o.order_items),
    ),
    "no category": (
        OrderQuery(filters=Filters(categories=frozenset({"Unknown"}))),
        lambda o: any(item.product_id >= 20 for item in o.order_items),
    ),
    "product": (OrderQuery(product_id=7), lambda o: any(item.product_id == 7 for item in o.order_items)),
    "customer": (OrderQuery(user_id=5), lambda o: o.order.user_id == 5),
    "counted": (OrderQuery(state="counted"), lambda o: is_counted(o.delivery.status) and not is_credit(o)),
    "open": (OrderQuery(state="open"), lambda o: not is_finished(o.delivery.status)),
    "overdue": (OrderQuery(state="overdue"), is_overdue),
    "late": (OrderQuery(state="late"), is_late),
}  # fmt: skip


@pytest.fixture
def orders(database: MongoDatabase) -> list[OrderDocument]:
    """600 orders, a status in another spelling among them, and half a catalog."""
    found = random_orders(600, wild=True)
    for number in range(0, 600, 9):
        delivery = msgspec.structs.replace(found[number].delivery, status="completed")
        found[number] = msgspec.structs.replace(found[number], delivery=delivery)
    accept(database, found)
    products = [Product(number, f"P{number}", "Even" if number % 2 == 0 else "Odd") for number in range(20)]
    put_catalog(database, {"products": products})
    past_the_validator = {"_id": Int64(20), "product_id": Int64(20), "name": "P20", "category": ""}
    database.command({"insert": "products", "documents": [past_the_validator], "bypassDocumentValidation": True})
    return found
