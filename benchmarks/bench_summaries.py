"""What the summaries cost: taking in changes, building anew, a dashboard's tick at three sizes, bytes per order."""

import resource
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import bson
from bson import Decimal128, Int64
from pymongo import MongoClient

from benchmarks.common import CATALOG, Result, a_mongod, main, timed
from ecommerce.documents.indexes import CUSTOMER_INDEX
from ecommerce.generate.into_mongodb.catalog_store import ensure_catalog
from ecommerce.generate.into_mongodb.store import store_windows
from ecommerce.generate.model.windows import span
from ecommerce.kpis import Filters, KpiStore, Span, compute_kpis
from ecommerce.mongo import ORDERS, Document, MongoDatabase
from ecommerce.order_search.one_order import order_of
from ecommerce.order_search.paging import count_of, page_of, prepare_search
from ecommerce.order_search.query import OrderQuery
from ecommerce.order_search.sorting import Sort
from ecommerce.settings import Settings
from ecommerce.summaries import advance as advance_module
from ecommerce.summaries.advance import advance
from ecommerce.summaries.buckets import cells_parts
from ecommerce.summaries.cells.table import FAMILIES
from ecommerce.summaries.rebuild import rebuild
from ecommerce.summaries.state import BUCKETS, load_state

START = datetime(2025, 6, 1, tzinfo=UTC)
END = START + timedelta(days=365)
AGGREGATION_SECONDS_MAX = 90
"""Where the documents' aggregation would take longer, judging by the size before, it is left out."""
PANDAS_SIZES = 2
"""Ten million documents are more than a machine's memory."""
CHANGED = 100
"""Orders that change between two ticks."""
TICKS = 30
RATE = 500
"""Orders a second of the live traffic."""


def run(quick: bool) -> Iterator[Result]:
    sizes = (5_000, 10_000, 20_000) if quick else (100_000, 1_000_000, 10_000_000)
    with a_mongod() as database:
        ensure_catalog(database, CATALOG)
        stored, first_tick, aggregation_seconds = 0, 0.0, 0.0
        for number, size in enumerate(sizes):
            _store(database, size - stored, seed=number)
            yield from _rebuilding(database, size)
            tick = _tick_milliseconds(database)
            first_tick = first_tick or tick
            beside = f"{tick / first_tick:.2f} × the tick at {sizes[0]:,}"
            yield Result(f"tick, {CHANGED} changed, {size:,} orders", tick, "ms", "≤ 100, ≤ 1.3 ×", beside)
            yield _from_cells(database, size)
            yield from _orders_page(database, size)
            if aggregation_seconds * size <= AGGREGATION_SECONDS_MAX * stored:
                aggregation_seconds = _by_aggregation(database)
                yield Result(f"figures of {size:,} orders by aggregation", aggregation_seconds * 1000, "ms")
            if number < PANDAS_SIZES:
                yield _by_pandas(database, size)
            stored = size
            if number == 1:
                yield from _bytes_per_order(database, size)
                yield from _advancing(database, 2_000 if quick else 100_000)
                yield _lag(database, 2 if quick else 20)


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


def _rebuilding(database: MongoDatabase, size: int) -> list[Result]:
    """A rebuild, and the most memory that this process ever held in it."""
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far, see proc(5)
    with timed() as clock:
        built = rebuild(database)
    status = Path("/proc/self/status").read_text()
    peak_kib = int(status.partition("VmHWM:")[2].split()[0])
    return [
        Result(f"rebuild, {size:,} orders", clock.seconds / built.orders * 1_000_000, "s per million", "≤ 10"),
        Result(f"rebuild, {size:,} orders: memory of the process", peak_kib * 1024 / 1e6, "MB"),
    ]


def _from_cells(database: MongoDatabase, size: int) -> Result:
    """Every figure of all time in a store that is new, as `ecommerce kpis` asks for them."""
    advance(database)
    with timed() as clock:
        compute_kpis(database)
    return Result(f"figures of {size:,} orders from their cells, first time", clock.seconds * 1000, "ms")


def _orders_page(database: MongoDatabase, size: int) -> list[Result]:
    """What the orders page reads: its first page, an order by its id, a customer's orders; medians of 7 others."""
    prepare_search(database)
    some = list(database[ORDERS].aggregate([{"$sample": {"size": 8}}, {"$project": {"order.user_id": 1}}]))
    rare = OrderQuery(filters=Filters(statuses=frozenset({"Returned"})), state="late")

    def median(work: Callable[[Document], object]) -> float:
        seconds = []
        for one in some:
            with timed() as clock:
                work(one)
            seconds.append(clock.seconds)
        return statistics.median(seconds[1:])

    def page(query: OrderQuery) -> object:
        return page_of(database, query, Sort(), END), count_of(database, query, END)

    of_page = {
        "first page": median(lambda _: page(OrderQuery())),
        "first page of a filter that finds none": median(lambda _: page(rare)),
        "one by its id": median(lambda one: order_of(database, Settings(), one["_id"])),
        "those of a customer": median(lambda one: page(OrderQuery(user_id=one["order"]["user_id"]))),
    }
    database[ORDERS].drop_index(CUSTOMER_INDEX.document["name"])  # what comes next is measured without it
    return [Result(f"orders page, {size:,} hot orders: {name}", took, "s", "≤ 1") for name, took in of_page.items()]


def _by_aggregation(database: MongoDatabase) -> float:
    """Seconds for the headline figures from the documents, in one pass of MongoDB over them."""
    group = {"orders": {"$sum": 1}, "revenue": {"$sum": "$order.total_amount"}}
    facets: dict[str, list[Document]] = {
        name: [{"$group": {"_id": path} | group}]
        for name, path in {
            "total": None,
            "status": "$delivery.status",
            "payment": "$order.payment_type",
            "courier": "$delivery.courier_id",
            "location": "$delivery.location",
        }.items()
    }
    for name in ("product_id", "warehouse_id"):
        sales = {"quantity": {"$sum": "$order_items.quantity"}}
        facets[name] = [{"$unwind": "$order_items"}, {"$group": {"_id": f"$order_items.{name}"} | sales}]
    with timed() as clock:
        list(database[ORDERS].aggregate([{"$facet": facets}], allowDiskUse=True))
    return clock.seconds


def _by_pandas(database: MongoDatabase, size: int) -> Result:
    """The same by loading all documents into pandas, in a process of its own: it needs gigabytes."""
    host, port = database.client.address or ("", 0)
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        seconds, peak_mb = process.submit(load_into_pandas, f"mongodb://{host}:{port}/", database.name).result()
    name = f"figures of {size:,} orders by loading them into pandas"
    return Result(name, seconds * 1000, "ms", "", f"{peak_mb:,.0f} MB")


def load_into_pandas(uri: str, name: str) -> tuple[float, float]:
    """Seconds for the headline figures with all orders in data frames, and the most MB that it took."""
    import pandas as pd

    client: MongoClient[Document] = MongoClient(uri, directConnection=True)
    with timed() as clock:
        documents = list(client[name][ORDERS].find())
        frame = pd.json_normalize(documents, sep="_")
        frame["total"] = frame["order_total_amount"].map(Decimal128.to_decimal)
        for column in ("delivery_status", "order_payment_type", "delivery_courier_id", "delivery_location"):
            frame.groupby(column)["total"].agg(["size", "sum"])
        items = pd.json_normalize(documents, "order_items")
        for column in ("product_id", "warehouse_id"):
            items.groupby(column)["quantity"].sum()
    return clock.seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


OF_BEFORE = ("orders", "items")
"""The families of cells from before there were sales (refunds, tax, shipping, currency) and promises (what is late)."""


def _bytes_per_order(database: MongoDatabase, size: int) -> Iterator[Result]:
    """Bytes and rows of cells for each order, with what sales and promises add to them."""
    documents = database.command("collStats", ORDERS)["size"] / size
    whole = database.command("collStats", BUCKETS)["size"] / size
    yield Result("cells and rollups", whole, "bytes per order", "", f"a document has {documents:.0f}")
    state = load_state(database)
    assert state is not None
    rows, sizes = Counter[str](), Counter[str]()
    for data in cells_parts(database, state, None, None):
        for family in FAMILIES:
            rows[family] += int(data[family]["rows"])
            sizes[family] += len(bson.encode(data[family]))
    before = sum(sizes[family] for family in OF_BEFORE) / size
    yield Result("cells without sales and promises", before, "bytes per order")
    yield Result("cells", sizes.total() / size, "bytes per order", "", f"{sizes.total() / size / before:.2f} × without")
    for family in FAMILIES:
        yield Result(
            f"cells of {family}", rows[family] / size, "rows per order", "", f"{sizes[family] / size:.0f} bytes"
        )


def _advancing(database: MongoDatabase, changes: int) -> list[Result]:
    """New orders and changed ones taken in from the change stream, however many they are."""
    before = advance_module.CHANGES_BEFORE_REBUILD
    advance_module.CHANGES_BEFORE_REBUILD = 10**9
    try:
        advance(database, settle=True)
        _store(database, changes, seed=99)
        with timed() as inserted:
            taken = advance(database).changes
        results = [Result("advance, new orders", taken / inserted.seconds, "changes/s", "≥ 20,000")]
        ids = [order["_id"] for order in database[ORDERS].find({}, {"_id": 1}).limit(changes)]
        for start in range(0, len(ids), 10_000):
            chosen = {"_id": {"$in": ids[start : start + 10_000]}}
            database[ORDERS].update_many(chosen, {"$set": {"delivery.status": "Returned"}})
        with timed() as updated:
            taken = advance(database).changes
        return [*results, Result("advance, changed orders", taken / updated.seconds, "changes/s", "≥ 20,000")]
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
                items = [item | {"order_id": identity} for item in template["order_items"]]
                parts = {"order": order, "order_items": items, "delivery": delivery}
                documents.append(template | {"_id": identity} | parts)
            database[ORDERS].insert_many(documents)
            accepted += batch
            stop.wait(max(0.0, began + accepted / RATE - time.monotonic()))

    base = store.kpis(Span(), Filters()).orders
    behind, longest = 0, 0.0
    with ThreadPoolExecutor(1) as threads:
        writer = threads.submit(write)
        began = time.monotonic()
        try:
            for _ in range(seconds):
                time.sleep(1)
                known = accepted
                with timed() as clock:
                    store.refresh()
                    counted = store.kpis(Span(), Filters()).orders - base
                behind += counted < known
                longest = max(longest, clock.seconds)
            rate = accepted / (time.monotonic() - began)
        finally:
            stop.set()
        writer.result()
    name = f"ticks of {seconds} that missed an order accepted before them, {RATE} orders/s"
    beside = f"longest tick {longest * 1000:.0f} ms, {rate:.0f} orders/s came"
    return Result(name, behind, "ticks", "0", beside)


if __name__ == "__main__":
    main("Summaries", run)
