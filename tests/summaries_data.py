"""Orders for the tests of summaries, KPIs and check: random ones, and the Superstore's as documents."""

import csv
import json
import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import IO, Any

import zstandard
from bson import Int64
from bson.raw_bson import RawBSONDocument

from ecommerce.documents.bson_codec import encode_catalog, encode_order, to_document
from ecommerce.documents.catalog import CATALOG, Courier, Product, Warehouse
from ecommerce.documents.order import Delivery, Order, OrderDocument, OrderItem
from ecommerce.ingest.accept import accept_orders
from ecommerce.ingest.encoded_order import EncodedOrder
from ecommerce.mongo import MongoDatabase
from tests.import_samples import WHOLE_SUPERSTORE
from tests.sales_data import with_sales

START = datetime(2026, 3, 1, tzinfo=UTC)

STATUSES = ("Pending", "Shipped", "Delivered", "Cancelled", "Returned", "in Prüfung")
"""The generator's, and one that only an import brings."""


def random_order(rng: random.Random, order_id: int, *, days: int = 40, wild: bool = False) -> OrderDocument:
    """An order in the `days` after START. A wild one has what a file may hold: no items, many, the largest amounts."""
    time = START + timedelta(milliseconds=rng.randrange(days * 86_400_000))
    count = rng.choice((0, 1, 3, 11, 40)) if wild else rng.choice((1, 1, 1, 1, 2, 3))
    money = 10**18 if wild and rng.random() < 0.3 else 5_000_000
    units = 10**9 if wild and rng.random() < 0.3 else 5
    items = tuple(
        OrderItem(
            order_item_id=number,
            order_id=order_id,
            product_id=rng.randrange(30),
            warehouse_id=rng.randrange(4),
            quantity=rng.randrange(units),
            price=Decimal(rng.randrange(money)).scaleb(-4),
            event_time=time,
        )
        for number in range(count)
    )
    status = rng.choice(STATUSES)
    expected = time + timedelta(days=rng.randrange(9) if rng.random() < 0.85 else 5_000)  # or never due
    actual = expected + timedelta(hours=rng.randrange(-99, 99)) if rng.random() < 0.6 else None
    delivery = Delivery(
        delivery_id=order_id,
        order_id=order_id,
        status=status,
        expected_time=expected,
        actual_time=actual,
        courier_id=rng.randrange(5),
        location=rng.choice(("São Paulo", "東京", "Berlin")),
    )
    order = Order(
        order_id=order_id,
        user_id=rng.randrange(100),
        order_time=time,
        total_amount=Decimal(rng.randrange(money)).scaleb(-4),
        discount=Decimal(rng.choice((0, 0, 1000, 3333, 10_000))).scaleb(-4),
        quantity=count,
        payment_type=rng.choice(("card", "boleto", "voucher")),
        external_id=f"E-{order_id}" if wild and rng.random() < 0.5 else None,
    )
    return with_sales(rng, OrderDocument(order, items, delivery, time), days=days, money=money)


def random_orders(count: int, seed: int = 1, **shape: Any) -> list[OrderDocument]:
    rng = random.Random(seed)
    return [random_order(rng, order_id, **shape) for order_id in range(count)]


def accept(database: MongoDatabase, orders: Iterable[OrderDocument]) -> None:
    """Bring orders in; an incoming order always has news."""
    batch = [EncodedOrder(order.order.order_id, encode_order(order)) for order in orders]
    accept_orders(database, batch, is_news=lambda _stored, _incoming: True)


def document_of(order: OrderDocument) -> dict[str, Any]:
    """An order as it lies in MongoDB."""
    return {"_id": Int64(order.order.order_id), **to_document(order)}


def superstore_orders() -> Iterator[OrderDocument]:
    """The Superstore's orders, each with the city of its user."""
    cities = {int(row["user_id"]): row["location"] for row in _table("users")}
    with _opened("orders.jsonl") as lines:
        for line in lines:
            row = json.loads(line, parse_float=Decimal)
            order, delivery = row["order"], row["delivery"]
            yield OrderDocument(
                Order(**_typed(order)),
                tuple(OrderItem(**_typed(item)) for item in row["order_items"]),
                Delivery(**({"location": cities[order["user_id"]]} | _typed(delivery))),
                START,
            )


def put_catalog(database: MongoDatabase, records: dict[str, list[Any]]) -> None:
    """Records of the catalog, by the name of their collection."""
    tables = {table.name: table for table in CATALOG}
    for name, found in records.items():
        database[name].insert_many([RawBSONDocument(encode_catalog(tables[name], record)) for record in found])


def load_superstore_catalog(database: MongoDatabase) -> None:
    records: dict[str, list[Any]] = {
        "products": [Product(int(r["product_id"]), r["name"], r["category"]) for r in _table("products")],
        "warehouses": [Warehouse(int(r["warehouse_id"]), r["location"]) for r in _table("warehouses")],
        "couriers": [Courier(int(r["courier_id"]), r["name"]) for r in _table("couriers")],
    }
    put_catalog(database, records)


def _table(name: str) -> list[dict[str, str]]:
    with _opened(f"{name}.csv") as file:
        return list(csv.DictReader(file))


def _opened(name: str) -> IO[str]:
    opened: IO[str] = zstandard.open(WHOLE_SUPERSTORE / f"{name}.zst", "rt", newline="")
    return opened


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _value(name, value) for name, value in row.items()}


def _value(name: str, value: Any) -> Any:
    if name.endswith("_time"):
        return datetime.fromisoformat(value).replace(tzinfo=UTC) if value else None
    if name in ("total_amount", "discount", "price"):
        return Decimal(value)
    return value
