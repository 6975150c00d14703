"""Restore: what comes back from the archive is the order that went in, value and type, to the last byte."""

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path

import bson
import pytest
from bson import Decimal128
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.hot import hot_orders
from ecommerce.archive.restore import ORDERS_RESTORED, restore_orders
from ecommerce.archive.selection import Selection
from ecommerce.documents.bson_codec import encode_order, to_document
from ecommerce.documents.content_hash import content_hash
from ecommerce.documents.kinds import EARLIEST_TIME, INT64_MAX, QUANTITY_MAX, TEXT_LENGTH_MAX, to_scaled
from ecommerce.documents.order import Delivery, Order, OrderDocument, OrderItem
from ecommerce.errors import InputError
from ecommerce.mongo import MongoDatabase
from ecommerce.schema import prepare_database
from ecommerce.settings import Settings
from tests.archiving import OLD_DAY, an_order, insert, with_archive
from tests.import_samples import raw_orders
from tests.sales_strategies import with_sales
from tests.summaries_data import superstore_orders

pytestmark = pytest.mark.slow

ALL_DAYS = (date(1970, 1, 1), date(2199, 12, 31))

ids = st.one_of(st.integers(0, 2**40), st.just(INT64_MAX))
"""None of those of EDGES."""
amounts = st.one_of(
    st.just(Decimal("99999999999999.9999")),
    st.just(Decimal("0.0001")),
    st.integers(0, 10**18 - 1).map(lambda scaled: Decimal(scaled).scaleb(-4)),
)
fractions = st.integers(0, 10_000).map(lambda scaled: Decimal(scaled).scaleb(-4))
times = st.datetimes(
    EARLIEST_TIME.replace(tzinfo=None),
    datetime(2026, 1, 1),
    timezones=st.just(UTC),
).map(lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000))
texts = st.one_of(
    st.sampled_from(
        ["~", "|", "1:a", "卡", "💳" * TEXT_LENGTH_MAX, "a|b~c", "Zürich\n", "‮مرحبا", "=1+1", "$name", "{}"]
    ),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=40),
)
names = texts.map(lambda text: text.replace("$", "").replace(".", "")[:100] or "name")
quantities = st.integers(0, QUANTITY_MAX)


@st.composite
def orders_of_the_schema(draw: st.DrawFn) -> OrderDocument:
    order_id = draw(ids)
    items = tuple(
        OrderItem(item_id, order_id, draw(ids), draw(ids), draw(quantities), draw(amounts), draw(times))
        for item_id in draw(st.lists(ids, max_size=4, unique=True))
    )
    order = Order(
        order_id,
        draw(ids),
        draw(times),
        draw(amounts),
        draw(fractions),
        len(items),
        draw(texts),
        draw(st.none() | texts),
    )
    delivery = Delivery(draw(ids), order_id, draw(texts), draw(times), draw(st.none() | times), draw(ids), draw(texts))
    attributes = draw(st.none() | st.dictionaries(names, texts | st.just(""), min_size=1, max_size=5))
    made = OrderDocument(order, items, delivery, draw(times), attributes=attributes)
    return draw(with_sales(made, times=times, texts=texts))


LARGEST = Decimal("99999999999999.9999")
EDGES = [
    an_order(2**50, items=0),
    an_order(2**50 + 1, items=300),
    an_order(2**50 + 2, status="Pending"),
    an_order(2**50 + 3, total_amount=LARGEST, discount=Decimal(1)),
    an_order(2**50 + 4, total_amount=Decimal("0.0001"), discount=Decimal("0.0001")),
    an_order(2**50 + 5, total_amount=Decimal(0), external_id="№ 5|~"),
    an_order(2**50 + 6, user_id=INT64_MAX, quantity=QUANTITY_MAX, payment_type="💳" * TEXT_LENGTH_MAX),
    an_order(2**50 + 7, order_time=EARLIEST_TIME, external_id="~"),
]


@hypothesis_settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(made=st.lists(orders_of_the_schema(), min_size=4, max_size=9, unique_by=lambda order: order.order.order_id))
def test_every_order_of_the_schema_comes_back_byte_for_byte(
    spark: SparkSession, settings: Settings, database: MongoDatabase, tmp_path: Path, made: list[OrderDocument]
) -> None:
    made = made + EDGES
    database.client.drop_database(database.name)
    prepare_database(database)
    insert(database, made)
    before = raw_orders(database)
    # A table for each example: that of another database of the same name would be refused.
    home = tmp_path / uuid.uuid4().hex
    archive = with_archive(settings.model_copy(update={"home": home}), home / "archive")
    (run,) = archive_orders(archive, Selection(include_open=True))
    assert (run.orders, run.superseded) == (len(made), 0)
    assert raw_orders(database) == {}
    assert restore_orders(archive, *ALL_DAYS) == len(made)
    assert raw_orders(database, ORDERS_RESTORED) == before


@hypothesis_settings(max_examples=40)
@given(made=st.lists(orders_of_the_schema(), min_size=1, max_size=9))
def test_content_hashes_in_columns_are_those_of_the_orders_one_by_one(made: list[OrderDocument]) -> None:
    made = made + EDGES
    hot = hot_orders([encode_order(order) for order in made])
    assert hot.hashes.tolist() == [content_hash(order) for order in made]
    assert hot.ids.tolist() == [order.order.order_id for order in made]
    assert hot.amounts.tolist() == [to_scaled(order.order.total_amount) for order in made]


def test_a_document_that_the_archive_cannot_hold_is_never_the_same() -> None:
    order = to_document(an_order(1)) | {"_id": 1}
    order["order"]["total_amount"] = Decimal128("1.00005")
    (hashed,) = hot_orders([bson.encode(order)]).hashes.tolist()
    assert hashed == 0


@pytest.mark.parametrize("count", [60, pytest.param(None, marks=pytest.mark.drill)])
def test_the_superstore_s_orders_come_back_byte_for_byte(
    spark: SparkSession, archive: Settings, database: MongoDatabase, count: int | None
) -> None:
    """Four years with a few orders a day; all of them take a minute."""
    orders = list(islice(superstore_orders(), count))
    insert(database, orders)
    before = raw_orders(database)
    (run,) = archive_orders(archive, Selection(include_open=True))
    assert (run.orders, run.days, run.superseded) == (
        len(orders),
        len({one.order.order_time.date() for one in orders}),
        0,
    )
    assert raw_orders(database) == {}
    assert restore_orders(archive, *ALL_DAYS) == len(orders)
    assert raw_orders(database, ORDERS_RESTORED) == before


def test_restoring_twice_writes_the_same_and_leaves_other_days_alone(
    spark: SparkSession, archive: Settings, database: MongoDatabase
) -> None:
    insert(database, [an_order(i, day=i % 3, items=i % 3) for i in range(90)])
    before = raw_orders(database)
    archive_orders(archive)
    second = OLD_DAY + timedelta(days=1)
    assert restore_orders(archive, second, second) == 30
    restored = raw_orders(database, ORDERS_RESTORED)
    assert restored == {order_id: document for order_id, document in before.items() if order_id % 3 == 1}
    database[ORDERS_RESTORED].update_one({"_id": 1}, {"$set": {"delivery.location": "changed"}})
    assert restore_orders(archive, second, second) == 30
    assert raw_orders(database, ORDERS_RESTORED) == restored


def test_a_span_that_ends_before_it_begins_is_refused(settings: Settings) -> None:
    with pytest.raises(InputError, match="2024-01-01 is before the first day 2024-01-02"):
        restore_orders(settings, date(2024, 1, 2), date(2024, 1, 1))
