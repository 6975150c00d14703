"""How fast orders are archived, by step; how much memory it takes; beside the archiver that this project began with."""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from benchmarks.bench_up import COMMAND
from benchmarks.common import CATALOG, Result, a_mongod, an_hdfs, environment_of, main, timed
from ecommerce.archive.run import ARCHIVE_RUNS, COMMITTED
from ecommerce.archive.runs import get_run
from ecommerce.generate.into_mongodb.catalog_store import ensure_catalog
from ecommerce.generate.into_mongodb.store import store_windows
from ecommerce.generate.model.windows import span
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.schema import prepare_database

START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 90
MOMENT = START + timedelta(days=DAYS + 90)
"""By then nearly every order is delivered."""

ARCHIVER = (
    "from ecommerce.quick_process import run_to_its_end\n"
    "def archive():\n"
    "    from ecommerce.archive.archiver import archive_orders\n"
    "    from ecommerce.settings import get_settings\n"
    "    archive_orders(get_settings())\n"
    "run_to_its_end(archive)\n"
)
"""As the processes of commands and of flow runs begin and end."""
RESTORER = (
    "import datetime\n"
    "from ecommerce.archive.restore import restore_orders\n"
    "from ecommerce.settings import get_settings\n"
    "restore_orders(get_settings(), datetime.date(2024, 1, 1), datetime.date(2024, 1, 30))\n"
)
READER = """
import json, statistics, time
from datetime import UTC, date, datetime, timedelta
from ecommerce.archive.reading import read
from ecommerce.mongo import ARCHIVED_ORDERS, get_database
from ecommerce.order_search.archived_order import archived_document
from ecommerce.order_search.archived_search import archived_orders_of
from ecommerce.order_search.query import OrderQuery
from ecommerce.settings import get_settings

settings, database = get_settings(), get_database()
entries = list(database[ARCHIVED_ORDERS].aggregate([{"$sample": {"size": 21}}]))
def seconds(work):
    begin = time.perf_counter()
    done = work()
    return time.perf_counter() - begin, done
times = [seconds(lambda: archived_document(database, settings, entry))[0] for entry in entries]
first, days = date(2024, 1, 5), 0
while read(first, first + timedelta(days=days)).num_rows < WANTED and days < 60:
    days += 1
took, rows = seconds(lambda: read(first, first + timedelta(days=days)))
def orders_of(user):
    now = datetime.now(UTC)
    return sum(len(step.rows) for step in archived_orders_of(database, settings, OrderQuery(user_id=user), now))
users = [archived_document(database, settings, entry)["order"]["user_id"] for entry in entries[:8]]
searches = [seconds(lambda: orders_of(user)) for user in users][1:]
assert all(found for _, found in searches)
print(json.dumps({"order": statistics.median(times[1:]), "days": days + 1, "rows": rows.num_rows, "span": took,
                  "customer": statistics.median(took for took, _ in searches), "slowest": max(searches)[0]}))
"""
"""An order by its id, when the program has imported what it needs; so many orders of whole days into Arrow; and all
orders of a customer."""

DAY_ORDERS = 60_000
PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Measured:
    """One process from start to end: seconds, and the most memory that it and Spark's JVM held, in MB."""

    started_at: datetime
    seconds: float
    python_mb: float
    jvm_mb: float


def run(quick: bool) -> Iterator[Result]:
    sizes = (5_000, 10_000) if quick else (200_000, 1_000_000, 2_000_000)
    with tempfile.TemporaryDirectory(prefix="ecommerce-bench-archive-") as home, a_mongod() as database:
        with an_hdfs(Path(home)) as hdfs:
            for orders in sizes:
                # A home has one catalog, and that one shop of a name.
                of_size = Path(home, f"home-{orders}")
                of_size.mkdir()
                yield from _archived(database, f"{hdfs.uri}/archive-{orders}", of_size, orders, quick)
        yield from _plain(database, Path(home), sizes[0] if quick else 1_000_000)


def fill(database: MongoDatabase, orders: int) -> None:
    database.client.drop_database(database.name)
    prepare_database(database)
    ensure_catalog(database, CATALOG)
    store_windows(
        database, CATALOG, [span(START, START + timedelta(days=DAYS), orders, seed=1, preset="marketplace")], MOMENT
    )


def _archived(database: MongoDatabase, uri: str, home: Path, orders: int, quick: bool) -> Iterator[Result]:
    fill(database, orders)
    database.client.admin.command("fsync")  # sizes on disk are those of the last checkpoint
    collection_bytes = database.command("collStats", ORDERS)["storageSize"]
    all_orders = database[ORDERS].estimated_document_count()
    environment = environment_of(database, ECOMMERCE_ARCHIVE_URI=uri, ECOMMERCE_HOME=str(home))
    measured = measure([sys.executable, "-c", ARCHIVER], environment)
    document = database[ARCHIVE_RUNS].find_one({"state": COMMITTED})
    assert document is not None
    archived = get_run(database, document["_id"])
    name = f"{archived.orders:,} orders"
    is_target = 900_000 < archived.orders < 1_100_000
    steps = archived.seconds
    assert archived.finished_at is not None
    committed = (archived.finished_at - measured.started_at).total_seconds()
    before = committed - sum(steps.values())
    rate = f"{archived.orders / committed:,.0f} orders/s"
    yield Result(f"{name}: archived, start to committed", committed, "s", "≤ 45" if is_target else "", rate)
    yield from (Result(f"{name}: {step}", seconds, "s") for step, seconds in steps.items())
    yield Result(f"{name}: imports and Spark's start, beside the plan", before, "s")
    yield Result(f"{name}: Spark's end", measured.seconds - committed, "s")
    yield Result(f"{name}: Python at its peak", measured.python_mb, "MB", "≤ 1,000")
    yield Result(f"{name}: Spark's driver at its peak", measured.jvm_mb, "MB", "≤ 2,000")
    on_disk, as_bson = collection_bytes / all_orders, archived.bytes_before / archived.orders
    beside = f"{on_disk:,.0f} on disk in MongoDB, {as_bson:,.0f} as BSON"
    yield Result(f"{name}: Parquet per order", archived.bytes_after / archived.orders, "bytes", beside=beside)
    if is_target or quick:
        restored = measure([sys.executable, "-c", RESTORER], environment)
        count = database["orders_restored"].estimated_document_count()
        rate = f"{count / restored.seconds:,.0f} orders/s"
        yield Result(f"{count:,} orders restored, start to end", restored.seconds, "s", "≥ 30 000/s", rate)
    if quick or archived.orders > 900_000:
        yield from _read(environment, name, 100 if quick else DAY_ORDERS)
        yield _checked(environment, name, archived.orders)


def _checked(environment: Mapping[str, str], name: str, orders: int) -> Result:
    """What a full check of them costs, whole command."""
    checked = measure([COMMAND, "check", "--json"], environment, stdout=subprocess.DEVNULL)
    rate = f"{orders / checked.seconds:,.0f} orders/s, {checked.python_mb:,.0f} MB at its peak"
    return Result(f"of {name}: `ecommerce check` of all of them", checked.seconds, "s", "", rate)


def _read(environment: Mapping[str, str], name: str, orders: int) -> list[Result]:
    """What reading archived orders costs, without a JVM."""
    done = subprocess.run(
        [sys.executable, "-c", READER.replace("WANTED", str(orders))],
        env=dict(environment),
        check=True,
        capture_output=True,
    )
    found = json.loads(done.stdout)
    days = "a day" if found["days"] == 1 else f"{found['days']} days"
    return [
        Result(f"of {name}: one by its id", found["order"], "s", "≤ 0.3"),
        Result(f"of {name}: {found['rows']:,} of {days} into Arrow", found["span"], "s", "≤ 1"),
        Result(
            f"of {name}: all of a customer", found["customer"], "s", "≤ 5", f"the slowest of 7: {found['slowest']:.2f}"
        ),
    ]


def _plain(database: MongoDatabase, home: Path, orders: int) -> list[Result]:
    fill(database, orders)
    environment = environment_of(database, ECOMMERCE_ARCHIVE_URI="file:unused", ECOMMERCE_HOME=str(home))
    uri, cutoff = environment["ECOMMERCE_MONGO_URI"], (START + timedelta(days=DAYS)).isoformat()
    command = [sys.executable, "-m", "benchmarks.plain_archiver", uri, database.name, cutoff, str(home / "plain")]
    measured = measure(command, environment)
    return [
        Result(f"plain Spark job, {orders:,} orders, nothing verified", measured.seconds, "s"),
        Result("plain Spark job: Spark's driver at its peak", measured.jvm_mb, "MB"),
    ]


def measure(command: Sequence[str], environment: Mapping[str, str], stdout: int | None = None) -> Measured:
    """Run a program, looking at its memory and its JVM's ten times a second."""
    peaks = {"python": 0, "java": 0}
    started_at = datetime.now(UTC)
    with timed() as clock, subprocess.Popen(command, env=dict(environment), stdout=stdout) as process:
        watcher = threading.Thread(target=_watch, args=(process, peaks))
        watcher.start()
        code = process.wait()
        watcher.join()
    if code:
        raise SystemExit(f"{' '.join(command)[:100]} ended with {code}")
    return Measured(started_at, clock.seconds, peaks["python"] / 1e6, peaks["java"] / 1e6)


def _watch(process: "subprocess.Popen[bytes]", peaks: dict[str, int]) -> None:
    root = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            for one in (root, *root.children(recursive=True)):
                kind = "java" if one.name() == "java" else "python"
                peaks[kind] = max(peaks[kind], one.memory_info().rss)
        except psutil.Error:
            continue  # it ended meanwhile
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    main("Archive", run)
