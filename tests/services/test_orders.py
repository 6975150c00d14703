"""The door: what comes into `orders`, once."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from bson import Decimal128, Int64
from pymongo.errors import WriteError

from ecommerce.documents.bson_codec import decode_order, encode_order
from ecommerce.documents.content_hash import content_hash
from ecommerce.documents.order import Delivery, Order, OrderDocument, OrderItem
from ecommerce.ingest.accept import accept_orders
from ecommerce.ingest.encoded_order import EncodedOrder
from ecommerce.ingest.expired import note_expired
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, MongoDatabase

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def an_order(
    order_id: int, status: str = "Pending", updated_at: datetime = NOON, placed: datetime = NOON
) -> OrderDocument:
    item = OrderItem(order_id, order_id, 7, 3, 2, Decimal("8.225"), placed)
    delivery = Delivery(order_id, order_id, status, NOON, None, 4, "São Paulo")
    return OrderDocument(
        Order(order_id, 5, placed, Decimal("16.45"), Decimal("0"), 1, "card"), (item,), delivery, updated_at
    )


def encoded(*orders: OrderDocument) -> list[EncodedOrder]:
    return [EncodedOrder(order.order.order_id, encode_order(order)) for order in orders]


def always(_stored: bytes, _incoming: bytes) -> bool:
    return True


def test_a_batch_accepted_again_is_unchanged(database: MongoDatabase) -> None:
    batch = encoded(an_order(1), an_order(2))
    assert accept_orders(database, batch, is_news=always).accepted == 2
    assert accept_orders(database, batch, is_news=always).unchanged == 2
    assert database[ORDERS].count_documents({}) == 2


def test_orders_that_are_stored_are_found_wherever_they_stand_among_new_ones(database: MongoDatabase) -> None:
    accept_orders(database, encoded(an_order(50), an_order(57)), is_news=always)
    archived = an_order(53, "Delivered")
    database[ARCHIVED_ORDERS].insert_one({"_id": Int64(53), "content_hash": Int64(content_hash(archived))})
    batch = encoded(*(an_order(at, "Shipped" if at == 50 else "Pending") for at in range(1, 61) if at != 53), archived)
    result = accept_orders(database, batch, is_news=always)
    assert (result.accepted, result.changed, result.unchanged) == (57, 1, 2)
    assert database[ORDERS].count_documents({}) == 59


def test_what_is_stored_is_found_also_where_nothing_is_inserted(database: MongoDatabase) -> None:
    """Of old orders those that were archived are expired, and an archived one may be hot again by somebody's hand."""
    long_ago = datetime(2016, 1, 1, tzinfo=UTC)
    batch = encoded(*(an_order(at, placed=long_ago) for at in range(1, 61)))
    accept_orders(database, [batch[49], batch[56]], is_news=always)
    note_expired(database, datetime(2017, 1, 1, tzinfo=UTC))
    delivered = an_order(57, "Delivered", placed=long_ago)
    database[ARCHIVED_ORDERS].insert_one({"_id": Int64(57), "content_hash": Int64(content_hash(delivered))})
    result = accept_orders(database, batch, is_news=always)
    assert (result.unchanged, len(result.expired), result.already_archived) == (2, 58, [])


def test_news_replaces_an_order_and_moves_its_version_forward(database: MongoDatabase) -> None:
    accept_orders(database, encoded(an_order(1)), is_news=always)
    result = accept_orders(database, encoded(an_order(1, "Shipped")), is_news=always)
    stored = decode_order(database[ORDERS].find_one({"_id": 1}) or {})
    assert (result.changed, stored.delivery.status) == (1, "Shipped")
    assert stored.updated_at > NOON


def test_an_archived_order_is_unchanged_or_changed_or_refused_but_never_hot_again(database: MongoDatabase) -> None:
    archived = an_order(1, "Delivered")
    database[ARCHIVED_ORDERS].insert_one({"_id": Int64(1), "content_hash": Int64(content_hash(archived))})
    assert accept_orders(database, encoded(archived), is_news=always).unchanged == 1
    assert accept_orders(database, encoded(an_order(1, "Shipped")), is_news=always).already_archived == [1]
    assert accept_orders(database, encoded(an_order(1, "Returned")), is_news=always).changed == 1
    assert accept_orders(database, encoded(an_order(1, "Returned")), is_news=always).unchanged == 1
    assert database[ORDERS].count_documents({}) == 0


def test_orders_come_back_as_they_went_in(database: MongoDatabase) -> None:
    order = an_order(2**63 - 1)
    accept_orders(database, encoded(order), is_news=always)
    assert decode_order(database[ORDERS].find_one({}) or {}) == order


@pytest.mark.parametrize(
    "change",
    [
        {"unknown": 1},
        {"order.total_amount": 16.45},
        {"order.total_amount": Decimal128("-1")},
        {"order.quantity": "1"},
        {"delivery.status": None},
        {"delivery.order_id": Int64(2)},
        {"updated_at": None},
    ],
)
def test_the_server_refuses_what_the_definition_does_not_allow(database: MongoDatabase, change: dict[str, Any]) -> None:
    accept_orders(database, encoded(an_order(1)), is_news=always)
    with pytest.raises(WriteError, match="failed validation"):
        database[ORDERS].update_one({"_id": 1}, {"$set": change})
