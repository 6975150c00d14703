"""The one definition of the documents, and that everything derived from it agrees."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import bson
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecommerce.documents.bson_codec import decode_order, encode_order, same_content
from ecommerce.documents.content_hash import content_hash
from ecommerce.documents.kinds import (
    EARLIEST_TIME,
    INT64_MAX,
    LATEST_TIME,
    MONEY_LIMIT,
    from_scaled,
    to_scaled,
)
from ecommerce.documents.order import Delivery, Order, OrderDocument, OrderItem
from tests.sales_strategies import with_sales

characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
names = st.text(characters, min_size=1, max_size=20)
ids = st.integers(0, INT64_MAX)
counts = st.integers(0, 1_000_000_000)
money = st.integers(0, MONEY_LIMIT * 10_000 - 1).map(from_scaled)
fractions = st.integers(0, 10_000).map(from_scaled)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
milliseconds = (LATEST_TIME - EARLIEST_TIME) // timedelta(milliseconds=1)
times = st.integers(0, milliseconds - 1).map(lambda elapsed: EARLIEST_TIME + timedelta(milliseconds=elapsed))


@st.composite
def orders(draw: st.DrawFn) -> OrderDocument:
    order_id = draw(ids)
    item = st.builds(
        OrderItem,
        order_item_id=ids,
        order_id=st.just(order_id),
        product_id=ids,
        warehouse_id=ids,
        quantity=counts,
        price=money,
        event_time=times,
    )
    items = tuple(draw(st.lists(item, max_size=4, unique_by=lambda one: one.order_item_id)))
    head = st.builds(
        Order,
        order_id=st.just(order_id),
        user_id=ids,
        order_time=times,
        total_amount=money,
        discount=fractions,
        quantity=st.just(len(items)),
        payment_type=texts,
        external_id=st.none() | texts,
    )
    delivery = st.builds(
        Delivery,
        delivery_id=ids,
        order_id=st.just(order_id),
        status=texts,
        expected_time=times,
        actual_time=st.none() | times,
        courier_id=ids,
        location=texts,
    )
    attributes = st.none() | st.dictionaries(names, st.text(characters, max_size=20), min_size=1, max_size=5)
    order = OrderDocument(draw(head), items, draw(delivery), draw(times), attributes=draw(attributes))
    return draw(with_sales(order, times=times, texts=texts))


@given(orders())
def test_an_order_survives_bson(order: OrderDocument) -> None:
    encoded = encode_order(order)
    assert decode_order(encoded) == order
    assert encode_order(decode_order(encoded)) == encoded
    assert list(bson.decode(encoded))[-1] == "updated_at"


@given(orders(), orders())
def test_same_content_and_hash_look_at_everything_but_updated_at(left: OrderDocument, right: OrderDocument) -> None:
    later = msgspec.structs.replace(left, updated_at=right.updated_at)
    assert same_content(encode_order(left), encode_order(later))
    assert content_hash(left) == content_hash(later)
    same = msgspec.structs.replace(right, updated_at=left.updated_at) == left
    assert same_content(encode_order(left), encode_order(right)) == same
    assert (content_hash(left) == content_hash(right)) == same


@pytest.mark.parametrize("amount", ["0", "16.45", "0.2284", "99999999999999.9999"])
def test_scaled_amounts_are_exact(amount: str) -> None:
    assert from_scaled(to_scaled(Decimal(amount))) == Decimal(amount)


def test_a_fifth_decimal_is_refused_not_rounded() -> None:
    with pytest.raises(ValueError, match="more than 4 decimals"):
        to_scaled(Decimal("1.00001"))


def test_naive_times_are_utc() -> None:
    naive = datetime(2020, 1, 1, 12)
    order = OrderDocument(
        Order(1, 1, naive, Decimal(1), Decimal(0), 0, "card"), (), Delivery(1, 1, "x", naive, None, 1, "y"), naive
    )
    assert decode_order(encode_order(order)).updated_at == naive.replace(tzinfo=UTC)
