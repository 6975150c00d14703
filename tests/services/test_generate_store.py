"""Windows in MongoDB: once and whole, alive, with stock that adds up, whatever is killed or run again."""

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import Int64
from msgspec.structs import replace as with_changes

from ecommerce.documents.bson_codec import decode_order, encode_order, to_document
from ecommerce.documents.content_hash import content_hash
from ecommerce.errors import InputError
from ecommerce.generate.first import first_start
from ecommerce.generate.into_mongodb.advance import advance_life
from ecommerce.generate.into_mongodb.catalog_store import ensure_catalog, stored_catalog
from ecommerce.generate.into_mongodb.stock import LOT, REORDER_LEVEL
from ecommerce.generate.into_mongodb.store import SERIES, register_series, store_windows
from ecommerce.generate.model.people import inventory
from ecommerce.generate.model.windows import hour
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, MongoDatabase, mongo_uri
from ecommerce.settings import Settings
from tests.generator_samples import MARCH, MONTH_LATER, PRESET_NAMES, encoded, march, small_catalog
from tests.transactions import short_transactions

TWO_WEEKS = MARCH + timedelta(days=14)


def stored(database: MongoDatabase) -> dict[int, bytes]:
    """The canonical bytes of the hot orders."""
    return {document["_id"]: encode_order(decode_order(document)) for document in database[ORDERS].find()}


def stocks(database: MongoDatabase) -> dict[int, int]:
    return {record["product_id"]: record["stock_quantity"] for record in database["inventory"].find()}


def broken_references(database: MongoDatabase) -> list[dict[str, Any]]:
    """Orders that refer to a user, product, warehouse or courier that is not in the catalog."""
    known = {
        name: {record[key] for record in database[name].find({}, {key: 1})}
        for name, key in (
            ("users", "user_id"),
            ("products", "product_id"),
            ("warehouses", "warehouse_id"),
            ("couriers", "courier_id"),
        )
    }
    return [
        order
        for order in database[ORDERS].find()
        if order["order"]["user_id"] not in known["users"]
        or order["delivery"]["courier_id"] not in known["couriers"]
        or any(
            item["product_id"] not in known["products"] or item["warehouse_id"] not in known["warehouses"]
            for item in order["order_items"]
        )
    ]


def test_a_window_stored_again_adds_nothing(database: MongoDatabase) -> None:
    spec = ensure_catalog(database, small_catalog())
    window = march()
    assert store_windows(database, spec, [window], MONTH_LATER).accepted == 3_000
    before = stored(database), stocks(database)
    again = store_windows(database, spec, [window], MONTH_LATER)
    assert (again.accepted, again.unchanged) == (0, 3_000)
    assert (stored(database), stocks(database)) == before
    assert before[0] == {order.order_id: order.bson for order in encoded(window, MONTH_LATER)}


@pytest.mark.parametrize("preset", PRESET_NAMES)
def test_advanced_orders_are_those_that_would_be_generated_now(database: MongoDatabase, preset: str) -> None:
    spec = ensure_catalog(database, small_catalog(preset))
    window = march(2_000, preset=preset)
    store_windows(database, spec, [window], TWO_WEEKS + timedelta(days=18))
    for later in (TWO_WEEKS + timedelta(days=21), MONTH_LATER, MONTH_LATER + timedelta(days=200)):
        advance_life(database, later)
        assert stored(database) == {order.order_id: order.bson for order in encoded(window, later)}
        assert advance_life(database, later).orders == 0


def test_an_order_never_goes_back_when_its_preset_gives_it_another_life(database: MongoDatabase) -> None:
    spec = ensure_catalog(database, small_catalog())
    soon = MARCH + timedelta(days=32)
    store_windows(database, spec, [march(500)], soon)
    before = stored(database)
    database[SERIES].update_many({}, {"$set": {"speed": 1 / 50}})
    advance_life(database, soon)
    assert stored(database) == before


def test_a_window_stored_again_reverts_nothing_that_lived_on(database: MongoDatabase) -> None:
    spec = ensure_catalog(database, small_catalog())
    window = march(2_000)
    early = datetime(2026, 4, 2, tzinfo=UTC)
    store_windows(database, spec, [window], early)
    advance_life(database, MONTH_LATER)
    lived = stored(database)
    assert store_windows(database, spec, [window], early).accepted == 0
    assert stored(database) == lived


def test_archived_orders_do_not_come_back(database: MongoDatabase) -> None:
    spec = ensure_catalog(database, small_catalog())
    window = march(500)
    store_windows(database, spec, [window], MONTH_LATER)
    for document in list(database[ORDERS].find().limit(200)):
        archived = {"_id": document["_id"], "content_hash": Int64(content_hash(decode_order(document)))}
        database[ARCHIVED_ORDERS].insert_one(archived)
        database[ORDERS].delete_one({"_id": document["_id"]})
    # Later in life they would have another content: they stay in the archive all the same.
    assert store_windows(database, spec, [window], MONTH_LATER + timedelta(days=300)).accepted == 0
    assert database[ORDERS].count_documents({}) == 300


def test_orders_that_are_not_the_generators_stay_as_they_are(database: MongoDatabase) -> None:
    spec = ensure_catalog(database, small_catalog())
    store_windows(database, spec, [march(50)], MARCH + timedelta(days=32))
    ours = decode_order(database[ORDERS].find_one({"delivery.status": "Shipped"}) or {})
    imported = replace_ids(ours, 12)
    database[ORDERS].insert_one({"_id": Int64(12), **to_document(imported)})
    touched = datetime(2027, 1, 1, tzinfo=UTC)
    database[ORDERS].update_one({"_id": ours.order.order_id}, {"$set": {"updated_at": touched}})
    advance_life(database, MONTH_LATER + timedelta(days=60))
    for order_id in (12, ours.order.order_id):
        assert (database[ORDERS].find_one({"_id": order_id}) or {})["delivery"]["status"] == "Shipped"


def replace_ids(order: Any, order_id: int) -> Any:
    return with_changes(
        order,
        order=with_changes(order.order, order_id=order_id),
        order_items=tuple(with_changes(item, order_id=order_id) for item in order.order_items),
        delivery=with_changes(order.delivery, order_id=order_id),
    )


def test_an_hour_that_is_not_over_is_completed_later(database: MongoDatabase) -> None:
    spec = ensure_catalog(database, small_catalog())
    window = hour(MARCH, 400, seed=1, preset="marketplace")
    first = store_windows(database, spec, [window], MARCH + timedelta(minutes=20)).accepted
    assert 0 < first < window.orders
    assert stocks(database) == stocks_of_a_new_catalog(database)
    assert store_windows(database, spec, [window], MARCH + timedelta(hours=2)).accepted == window.orders - first
    assert stocks(database) != stocks_of_a_new_catalog(database)


def stocks_of_a_new_catalog(database: MongoDatabase) -> dict[int, int]:
    spec = stored_catalog(database) or small_catalog()
    return {record.product_id: record.stock_quantity or 0 for record in inventory(spec, 1, spec.products)}


_STORER = """
import json, os, signal, sys
from datetime import datetime
from ecommerce.generate.model.catalog import CatalogSpec
from ecommerce.generate.into_mongodb.store import store_windows
from ecommerce.generate.model.windows import Window
from ecommerce.mongo import get_database
from ecommerce.settings import Settings
given = json.loads(sys.argv[1])
database = get_database(Settings(mongo_uri=given["uri"], database=given["database"]))
spec, window = CatalogSpec(**given["spec"]), Window(**given["window"])
def kill(done, *_):
    if done:
        os.killpg(0, signal.SIGKILL)
store_windows(database, spec, [window], datetime.fromisoformat(given["moment"]), kill)
"""


def test_a_killed_run_leaves_whole_batches_and_the_next_completes_it(
    database: MongoDatabase, settings: Settings
) -> None:
    spec = ensure_catalog(database, small_catalog())
    window = march(60_000)
    given = {
        "uri": mongo_uri(settings),
        "database": settings.database,
        "spec": asdict(spec),
        "window": asdict(window),
        "moment": MONTH_LATER.isoformat(),
    }
    with short_transactions(database):
        process = subprocess.Popen([sys.executable, "-c", _STORER, json.dumps(given)], start_new_session=True)
        assert process.wait() == -signal.SIGKILL
        before = stocks(database)
        assert before == stocks_of_a_new_catalog(database)
        result = store_windows(database, spec, [window], MONTH_LATER)
    assert result.orders == 60_000
    assert 0 < result.unchanged < 60_000
    assert database[ORDERS].count_documents({}) == 60_000
    assert stocks(database) != before


def test_a_month_of_traffic_breaks_no_reference_and_no_stock(database: MongoDatabase) -> None:
    spec = ensure_catalog(database, small_catalog())
    for day in range(31):
        now = MARCH + timedelta(days=day + 1)
        windows = [hour(now - timedelta(hours=back), 10, seed=1, preset="marketplace") for back in range(24, 0, -1)]
        store_windows(database, spec, windows, now)
        advance_life(database, now)
        assert min(stocks(database).values()) >= REORDER_LEVEL
    assert broken_references(database) == []
    statuses = {group["_id"] for group in database[ORDERS].aggregate([{"$group": {"_id": "$delivery.status"}}])}
    assert statuses == {"Pending", "Shipped", "Delivered", "Cancelled", "Returned"}
    assert_stock_adds_up(database)


def assert_stock_adds_up(database: MongoDatabase) -> None:
    """What is there is what there was, less what was sold and not cancelled, plus whole lots."""
    sold: dict[int, int] = {}
    for group in database[ORDERS].aggregate(
        [
            {"$match": {"delivery.status": {"$ne": "Cancelled"}}},
            {"$unwind": "$order_items"},
            {"$group": {"_id": "$order_items.product_id", "units": {"$sum": "$order_items.quantity"}}},
        ]
    ):
        sold[group["_id"]] = group["units"]
    left = stocks(database)
    for product_id, first in stocks_of_a_new_catalog(database).items():
        assert (left[product_id] + sold.get(product_id, 0) - first) % LOT == 0, product_id


def test_cancelled_orders_put_their_goods_back_once_whoever_cancels_them_how_often(database: MongoDatabase) -> None:
    spec = ensure_catalog(database, small_catalog())
    windows = [march(1_000), march(1_000, seed=4, preset="grocery")]
    early = TWO_WEEKS + timedelta(days=18)
    # Stopped before the end of March, and begun again when some of its orders are cancelled.
    store_windows(database, spec, windows, TWO_WEEKS)
    advance_life(database, early)
    store_windows(database, spec, windows, early)
    assert_stock_adds_up(database)
    cancelled = database[ORDERS].count_documents({"delivery.status": "Cancelled"})
    with ThreadPoolExecutor() as pool:
        moved = list(pool.map(lambda _: advance_life(database, MONTH_LATER + timedelta(days=200)), range(3)))
    assert sum(each.cancelled for each in moved) > 0
    now_cancelled = database[ORDERS].count_documents({"delivery.status": "Cancelled"})
    assert sum(each.cancelled for each in moved) == now_cancelled - cancelled
    assert_stock_adds_up(database)
    store_windows(database, spec, windows, MONTH_LATER + timedelta(days=200))
    assert_stock_adds_up(database)


def test_the_catalog_is_made_once_and_extended(database: MongoDatabase) -> None:
    small = ensure_catalog(database, small_catalog())
    names = {user["_id"]: user["name"] for user in database["users"].find()}
    other = replace(small, seed=99, locale="en_US", users=700, products=150)
    larger = ensure_catalog(database, other)
    assert larger == replace(small, users=700)
    assert database["users"].count_documents({}) == 700
    assert {user["_id"]: user["name"] for user in database["users"].find({"_id": {"$lte": 400}})} == names
    assert ensure_catalog(database, small) == larger


def test_an_imported_catalog_is_left_as_it_is(database: MongoDatabase) -> None:
    database["users"].insert_one({"_id": Int64(1), "user_id": Int64(1), "name": "A real person"})
    ensure_catalog(database, small_catalog())
    assert (database["users"].find_one({"_id": 1}) or {})["name"] == "A real person"
    assert database["users"].count_documents({}) == 400


def test_a_series_does_not_take_the_number_of_another(database: MongoDatabase) -> None:
    window = march(10)
    database[SERIES].insert_one({"_id": window.number, "series": "another", "preset": "b2b", "speed": 1.0})
    with pytest.raises(InputError, match=r"--seed 3: .*'another'; give another seed"):
        register_series(database, window)


def test_the_first_start_makes_days_of_orders_and_only_once(database: MongoDatabase) -> None:
    assert first_start(database, days=5) > 1_500
    count = database[ORDERS].count_documents({})
    assert first_start(database, days=5) <= 300
    assert database[ORDERS].count_documents({}) <= count + 300
    oldest = database[ORDERS].find_one(sort=[("order.order_time", 1)]) or {}
    newest = database[ORDERS].find_one(sort=[("order.order_time", -1)]) or {}
    assert newest["order"]["order_time"] - oldest["order"]["order_time"] > timedelta(days=4, hours=12)
    assert newest["order"]["order_time"] <= datetime.now(UTC)
