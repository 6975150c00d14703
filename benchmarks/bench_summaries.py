"""What the summaries cost: taking in changes, building anew, a dashboard's tick at three sizes, bytes per order."""

import statistics
import threading
import time
from datetime import UTC, datetime, timedelta

import bson
from bson import Int64

from benchmarks.common import Result, a_mongod, main, timed
from ecommerce.generate.catalog import CatalogSpec
from ecommerce.generate.catalog_store import ensure_catalog
from ecommerce.generate.store import store_windows
from ecommerce.generate.windows import span
from ecommerce.kpis import Filters, KpiStore, Span
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.summaries import advance as advance_module
from ecommerce.summaries.advance import advance
from ecommerce.summaries.rebuild import rebuild
from ecommerce.summaries.state import BUCKETS

CATALOG = CatalogSpec(seed=1, locale="en_US", preset="marketplace", users=100_000, products=10_000)
START = datetime(2025, 6, 1, tzinfo=UTC)
END = START + timedelta(days=365)
CHANGED = 100
"""Orders that change between two ticks."""
TICKS = 30
RATE = 500
"""Orders a second of the live traffic."""


def run(quick: bool) -> list[Result]:
    """Every figure of the summaries."""
    sizes = (5_000, 10_000, 20_000) if quick else (100_000, 1_000_000, 10_000_000)
    results: list[Result] = []
    with a_mongod() as database:
        ensure_catalog(database, CATALOG)
        stored = 0
        first_tick = 0.0
        for number, size in enumerate(sizes):
            _store(database, size - stored, seed=number)
            stored = size
            with timed() as clock:
                built = rebuild(database)
            per_million = clock.seconds / built.orders * 1_000_000
            results.append(Result(f"rebuild at {size:,} orders", per_million, "s per million", "≤ 10"))
            tick = _tick_milliseconds(database)
            first_tick = first_tick or tick
            beside = f"{tick / first_tick:.2f} × the tick at {sizes[0]:,}"
            results.append(Result(f"tick, {CHANGED} changed, {size:,} orders", tick, "ms", "≤ 100, ≤ 1.3 ×", beside))
            if number == 1:
                results += _beside_it(database, size)
                results += _bytes_per_order(database, size)
                results += _advancing(database, 2_000 if quick else 100_000)
                results.append(_lag(database, 2 if quick else 20))
    return results


def _store(database: MongoDatabase, orders: int, seed: int) -> None:
    window = span(START, END, orders, seed=seed, preset="marketplace")
    store_windows(database, CATALOG, [window], END + timedelta(days=5))


def _tick_milliseconds(database: MongoDatabase) -> float:
    """Median of a refresh and the figures of a month and of all time, after some orders changed."""
    store = KpiStore(database)
    questions = (Span(END - timedelta(days=30), END), Span())
    store.refresh()
    for question in questions:
        store.kpis(question, Filters())
    ids = [
        order["_id"] for order in database[ORDERS].aggregate([{"$sample": {"size": CHANGED}}, {"$project": {"_id": 1}}])
    ]
    times = []
    for number in range(TICKS):
        status = "Shipped" if number % 2 else "Delivered"
        database[ORDERS].update_many(
            {"_id": {"$in": ids}}, {"$set": {"delivery.status": status, "delivery.courier_id": Int64(number)}}
        )
        with timed() as clock:
            store.refresh()
            for question in questions:
                store.kpis(question, Filters())
        times.append(clock.seconds * 1000)
    return statistics.median(times)


def _beside_it(database: MongoDatabase, size: int) -> list[Result]:
    """The same headline figures without summaries: by aggregation, and by loading documents into pandas."""
    import pandas as pd

    with timed() as aggregated:
        group = {"orders": {"$sum": 1}, "revenue": {"$sum": "$order.total_amount"}}
        facets = {
            name: [{"$group": {"_id": path} | group}]
            for name, path in {
                "total": None,
                "status": "$delivery.status",
                "payment": "$order.payment_type",
                "courier": "$delivery.courier_id",
                "location": "$delivery.location",
            }.items()
        }
        items = [{"$unwind": "$order_items"}]
        for name in ("product_id", "warehouse_id"):
            sales = {"quantity": {"$sum": "$order_items.quantity"}}
            facets[name] = [*items, {"$group": {"_id": f"$order_items.{name}"} | sales}]
        list(database[ORDERS].aggregate([{"$facet": facets}], allowDiskUse=True))
    loaded_orders = min(size, 100_000)
    with timed() as loaded:
        documents = list(database[ORDERS].find().limit(loaded_orders))
        frame = pd.json_normalize(documents, sep="_")
        items_frame = pd.json_normalize(documents, "order_items")
        frame.groupby("delivery_status").size()
        items_frame.groupby("product_id")["quantity"].sum()
    seconds = loaded.seconds * size / loaded_orders
    return [
        Result(f"figures of {size:,} orders by aggregation", aggregated.seconds * 1000, "ms"),
        Result(
            f"figures of {size:,} orders by loading them into pandas",
            seconds * 1000,
            "ms",
            "",
            f"from {loaded_orders:,}",
        ),
    ]


def _bytes_per_order(database: MongoDatabase, size: int) -> list[Result]:
    documents = database.command("collStats", ORDERS)["size"] / size
    cells = database.command("collStats", BUCKETS)["size"] / size
    return [Result("cells", cells, "bytes per order", "", f"a document has {documents:.0f}")]


def _advancing(database: MongoDatabase, changes: int) -> list[Result]:
    """New orders and changed ones taken in from the change stream, however many they are."""
    before = advance_module.CHANGES_BEFORE_REBUILD
    advance_module.CHANGES_BEFORE_REBUILD = 10**9
    try:
        advance(database, settle=True)
        _store(database, changes, seed=99)
        with timed() as inserted:
            taken = advance(database).changes
        results = [Result("advance, new orders", taken / inserted.seconds, "changes/s", "≥ 20 000")]
        ids = [order["_id"] for order in database[ORDERS].find({}, {"_id": 1}).limit(changes)]
        for start in range(0, len(ids), 10_000):
            chosen = {"_id": {"$in": ids[start : start + 10_000]}}
            database[ORDERS].update_many(chosen, {"$set": {"delivery.status": "Returned"}})
        with timed() as updated:
            taken = advance(database).changes
        return [*results, Result("advance, changed orders", taken / updated.seconds, "changes/s", "≥ 20 000")]
    finally:
        advance_module.CHANGES_BEFORE_REBUILD = before


def _lag(database: MongoDatabase, seconds: int) -> Result:
    """With live traffic and a tick a second: the longest time until an accepted order was in the figures, in ticks."""
    template = bson.decode(bson.encode(database[ORDERS].find_one({}) or {}))
    store = KpiStore(database)
    store.refresh()
    store.kpis(Span(), Filters())
    accepted = 0
    stop = threading.Event()

    def write() -> None:
        nonlocal accepted
        batch = RATE // 10
        began = time.monotonic()
        while not stop.is_set():
            documents = []
            for number in range(batch):
                identity = Int64(2**62 + accepted + number)
                order = template["order"] | {"order_id": identity}
                delivery = template["delivery"] | {"order_id": identity, "delivery_id": identity}
                documents.append(template | {"_id": identity, "order": order, "delivery": delivery})
            database[ORDERS].insert_many(documents)
            accepted += batch
            stop.wait(max(0.0, began + accepted / RATE - time.monotonic()))

    writer = threading.Thread(target=write)
    base = store.kpis(Span(), Filters()).orders
    behind = 0
    writer.start()
    for _ in range(seconds):
        time.sleep(1)
        known = accepted
        store.refresh()
        if store.kpis(Span(), Filters()).orders - base < known:
            behind += 1
    stop.set()
    writer.join()
    return Result(
        f"ticks of {seconds} that missed an order accepted before them, {RATE} orders/s", behind, "ticks", "0"
    )


if __name__ == "__main__":
    main("Summaries", run)
