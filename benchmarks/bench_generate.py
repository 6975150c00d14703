"""How fast orders are generated: into MongoDB, into files, beside a loop that samples data frames."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from benchmarks import data_frame_generator
from benchmarks.common import CATALOG, Result, a_mongod, main, timed
from ecommerce.generate.first import first_start
from ecommerce.generate.into_files.job import FileJob, Format
from ecommerce.generate.into_files.orders_file import write_orders
from ecommerce.generate.into_mongodb.advance import advance_life
from ecommerce.generate.into_mongodb.catalog_store import ensure_catalog
from ecommerce.generate.into_mongodb.store import store_windows
from ecommerce.generate.into_mongodb.windows_done import WINDOWS
from ecommerce.generate.model.rhythm import to_ms
from ecommerce.generate.model.windows import Window, span
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.schema import prepare_database

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 90
MOMENT = START + timedelta(days=DAYS + 60)
SEED_ORDERS = 2_000


def a_window(orders: int, preset: str = "marketplace") -> Window:
    return span(START, START + timedelta(days=DAYS), orders, seed=1, preset=preset)


def run(quick: bool) -> Iterator[Result]:
    sizes = (10_000, 20_000) if quick else (100_000, 2_000_000)
    seed_rate = _seed_rate(200 if quick else SEED_ORDERS)
    yield Result("a loop that samples data frames, nothing stored", seed_rate, "orders/s")
    with a_mongod() as database:
        yield from _into_mongodb(database, sizes, seed_rate)
    yield from _into_files(20_000 if quick else 500_000, seed_rate)


def _seed_rate(orders: int) -> float:
    # A small catalog, because each sample costs it time in proportion to its data frame.
    users, products = data_frame_generator.catalog(1_000, 200)
    with timed() as clock:
        data_frame_generator.generate(orders, users, products)
    return orders / clock.seconds


def _into_mongodb(database: MongoDatabase, sizes: tuple[int, ...], seed_rate: float) -> Iterator[Result]:
    with timed() as clock:
        first_start(database)
    yield Result("first start: catalog and half a year of orders", clock.seconds, "s", "< 10")
    database.client.drop_database(database.name)
    prepare_database(database)
    with timed() as clock:
        ensure_catalog(database, CATALOG)
    records = CATALOG.users + 2 * CATALOG.products
    yield Result("catalog of 100 000 users, 10 000 products", records / clock.seconds, "records/s")
    for orders in sizes:
        _empty(database)
        with timed() as clock:
            made = store_windows(database, CATALOG, [a_window(orders)], MOMENT)
        rate = made.accepted / clock.seconds
        beside = f"{rate / seed_rate:,.0f} × a loop that samples data frames"
        yield Result(f"{orders:,} orders into MongoDB", rate, "orders/s", "≥ 60 000", beside)
        if orders == sizes[0]:
            with timed() as clock:
                again = store_windows(database, CATALOG, [a_window(orders)], MOMENT)
            assert again.accepted == 0
            yield Result("the same orders again: nothing added", orders / clock.seconds, "orders/s")
    yield _advancing(database, sizes[0])
    resident = psutil.Process().memory_info().rss / 1e6
    yield Result(f"memory of the process after {sizes[-1]:,} orders", resident, "MB")


def _empty(database: MongoDatabase) -> None:
    for name in (ORDERS, WINDOWS):
        database.drop_collection(name)
    prepare_database(database)


def _advancing(database: MongoDatabase, orders: int) -> Result:
    _empty(database)
    end = START + timedelta(days=DAYS)
    store_windows(database, CATALOG, [a_window(orders)], end)
    with timed() as clock:
        moved = advance_life(database, end + timedelta(days=2))
    return Result(f"advance of {moved.orders:,} orders", moved.orders / clock.seconds, "orders/s")


def _into_files(orders: int, seed_rate: float) -> Iterator[Result]:
    formats: tuple[tuple[Format, str, int], ...] = (
        ("json", "", 1), ("json", "", 2), ("csv", "", 1), ("csv", "", 2), ("json", ".zst", 2), ("json", ".gz", 2),
    )  # fmt: skip
    for format, compression, processes in formats:
        job = FileJob(CATALOG, a_window(orders), to_ms(MOMENT), format, compression, 0.0)
        with tempfile.TemporaryDirectory(prefix="ecommerce-bench-") as directory, timed() as clock:
            write_orders(Path(directory) / f"orders.{format}{compression}", job, processes)
        rate = orders / clock.seconds
        name = f"{orders:,} orders to {format}{compression}, {processes} process{'es' if processes > 1 else ''}"
        target = "" if compression else "≥ 100 000"
        yield Result(name, rate, "orders/s", target, f"{rate / seed_rate:,.0f} × a loop that samples data frames")


if __name__ == "__main__":
    main("Generator", run)
