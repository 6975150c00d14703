"""Ten million archived orders beside a million hot ones: how they are archived, asked with SQL, and looked up."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.bench_archive import ARCHIVER, fill, measure
from benchmarks.bench_up import COMMAND
from benchmarks.common import CATALOG, Result, a_mongod, an_hdfs, environment_of, main
from ecommerce.archive.run import ARCHIVE_RUNS
from ecommerce.generate.into_mongodb.store import store_windows
from ecommerce.generate.model.windows import span
from ecommerce.mongo import MongoDatabase

SQL = {
    "archived ones counted and summed by day": (
        "SELECT CAST(order_time AS DATE), count(*), sum(total_amount) FROM orders WHERE archived GROUP BY 1 ORDER BY 1"
    ),
    "hot ones too, by status": "SELECT status, count(*), sum(total_amount) FROM orders GROUP BY 1 ORDER BY 1",
    "one by its id": "SELECT * FROM orders WHERE order_id = 123456",
}
LOOKUPS = """
import json, statistics, time
from zoneinfo import ZoneInfo
from dashboard.orders import read_listing, read_order
from dashboard.state import view_of_query
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, get_database
from ecommerce.order_search.one_order import order_of
from ecommerce.settings import get_settings

settings, database = get_settings(), get_database()
def some(collection, where=()):
    return [one["_id"] for one in database[collection].aggregate([*where, {"$sample": {"size": 8}}])]
hot, archived = some(ORDERS), some(ARCHIVED_ORDERS)
users = {one: order_of(database, settings, one).document["order"]["user_id"] for one in (*hot, *archived)}
def page(query):
    view = view_of_query("?page=orders&span=all" + query)
    return read_listing(database, settings, view, ZoneInfo("UTC"), customers=False)
def of_a_customer(one):
    listing = page(f"&customer={users[one]}")
    ids = [row["_id"] for row in (*listing.page.rows, *(listing.in_archive.rows if listing.in_archive else ()))]
    assert ids
def of_an_id(one):
    found = page(f"&search={one}")
    assert found.archived or found.page.rows, one
    assert read_order(database, settings, one, customers=False).found.document["_id"] == one
def median(work, ones):
    times = []
    for one in ones:
        begin = time.perf_counter()
        work(one)
        times.append(time.perf_counter() - begin)
    return statistics.median(times[1:]), max(times[1:])
print(json.dumps({
    "first page": median(lambda _: page(""), hot),
    "a hot order found by its id, and its page": median(of_an_id, hot),
    "an archived order found by its id, and its page": median(of_an_id, archived),
    "all of a customer, hot and archived": median(of_a_customer, archived),
}))
"""
"""What the orders page reads for a viewer: the median of seven, and the slowest."""

TO_REACH = {"all of a customer, hot and archived": "≤ 5"}


def run(quick: bool) -> Iterator[Result]:
    """Everything that was measured (quick: 10 000 archived orders and 1 000 hot ones)."""
    orders, hot = (10_000, 1_000) if quick else (10_000_000, 1_000_000)
    with (
        tempfile.TemporaryDirectory(prefix="ecommerce-bench-large-") as home,
        a_mongod() as database,
        an_hdfs(Path(home)) as hdfs,
    ):
        fill(database, orders)
        environment = environment_of(database, ECOMMERCE_ARCHIVE_URI=f"{hdfs.uri}/archive", ECOMMERCE_HOME=home)
        yield from _archived(database, environment)
        now = datetime.now(UTC)
        recent = span(now - timedelta(days=10), now, hot, seed=2, preset="marketplace")
        store_windows(database, CATALOG, [recent], now)
        yield from _asked(environment)
        yield from _looked_up(environment)


def _archived(database: MongoDatabase, environment: Mapping[str, str]) -> Iterator[Result]:
    measured = measure([sys.executable, "-c", ARCHIVER], environment)
    runs = list(database[ARCHIVE_RUNS].find())
    orders = sum(one["orders"] for one in runs)
    beside = f"{orders / measured.seconds:,.0f} orders/s, in {len(runs)} runs"
    name = f"{orders:,} orders"
    yield Result(f"{name}: archived, the whole program", measured.seconds, "s", "", beside)
    yield Result(f"{name}: Python at its peak", measured.python_mb, "MB", "≤ 1,000")
    yield Result(f"{name}: Spark's driver at its peak", measured.jvm_mb, "MB", "≤ 2,000")


def _asked(environment: Mapping[str, str]) -> Iterator[Result]:
    for name, sql in SQL.items():
        measured = measure([COMMAND, "query", "--format", "csv", "--output", os.devnull, sql], environment)
        beside = f"{measured.python_mb:,.0f} MB at its peak"
        yield Result(f"archive asked with SQL, whole command: {name}", measured.seconds, "s", "", beside)


def _looked_up(environment: Mapping[str, str]) -> Iterator[Result]:
    done = subprocess.run([sys.executable, "-c", LOOKUPS], env=dict(environment), check=True, capture_output=True)
    for name, (median, slowest) in json.loads(done.stdout).items():
        beside = f"the slowest of 7: {slowest:.2f}"
        yield Result(f"orders page: {name}", median, "s", TO_REACH.get(name, "≤ 1"), beside)


if __name__ == "__main__":
    main("Ten million archived orders", run)
