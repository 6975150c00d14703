"""What a hundred small archive runs leave behind: a day each, and orders of the days before that are finished late."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.common import CATALOG, Result, a_mongod, an_hdfs, environment_of, main, timed
from ecommerce.archive.archiver import begin_run, finish
from ecommerce.archive.context import archive_context
from ecommerce.archive.files import names_in
from ecommerce.archive.maintain import is_due, maintain_table
from ecommerce.archive.reading import read
from ecommerce.archive.selection import Selection
from ecommerce.archive.view import open_view
from ecommerce.generate.into_mongodb.catalog_store import ensure_catalog
from ecommerce.generate.into_mongodb.store import store_windows
from ecommerce.generate.model.windows import span
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.settings import Settings

START = datetime(2024, 1, 1, tzinfo=UTC)

LATE_DAYS = 5
"""One in twenty orders of a day is finished one day late, one two days, and so on: so many files may a day get."""

COMPACT_FROM = 4
"""As `ecommerce archive` and the daily deployment have it."""

LAST = 10


def run(quick: bool) -> Iterator[Result]:
    """Everything that was measured (quick: 8 runs of 100 orders)."""
    days, orders = (8, 100) if quick else (100, 2_000)
    with (
        tempfile.TemporaryDirectory(prefix="ecommerce-bench-small-") as home,
        a_mongod() as database,
        an_hdfs(Path(home)) as hdfs,
    ):
        uri = environment_of(database)["ECOMMERCE_MONGO_URI"]
        settings = Settings(
            mongo_uri=uri,
            database=database.name,
            home=Path(home),
            archive_uri=f"{hdfs.uri}/archive",
            spark_master="local[*]",
        )
        _fill(database, days, days * orders)
        seconds, merging, added = _archive_each_day(settings, database, days)
        yield from _left(settings, f"{days} runs of about {orders:,} orders", seconds, merging, added)


def _fill(database: MongoDatabase, days: int, orders: int) -> None:
    end = START + timedelta(days=days)
    ensure_catalog(database, CATALOG)
    store_windows(database, CATALOG, [span(START, end, orders, seed=1, preset="marketplace")], end + timedelta(days=90))
    for late in range(LATE_DAYS):
        _set_status(database, late, end, "Delivered", "Processing")


def _archive_each_day(settings: Settings, database: MongoDatabase, days: int) -> tuple[list[float], list[float], int]:
    """Seconds of each run and of each merge of days' files, and how many files the runs added."""
    seconds, merging, added = [], [], 0
    with archive_context(settings) as context:
        for day in range(days):
            for late in range(LATE_DAYS):
                _set_status(database, late, START + timedelta(days=day - late), "Processing", "Delivered")
            kept = (datetime.now(UTC) - START).days - day - 1
            begin = time.perf_counter()
            begun = begin_run(context, Selection(older_than_days=kept))
            assert begun is not None
            added += finish(context, begun).days
            seconds.append(time.perf_counter() - begin)
            with timed() as clock:
                due = is_due(context, COMPACT_FROM)
                if due:
                    maintain_table(context, COMPACT_FROM)
            if due:
                merging.append(clock.seconds)
    return seconds, merging, added


def _set_status(database: MongoDatabase, late: int, before: datetime, old: str, new: str) -> None:
    """Change the status of those orders of the days before a time that are finished so many days late."""
    some = {"_id": {"$mod": [20, late]}, "order.order_time": {"$lt": before}, "delivery.status": old}
    database[ORDERS].update_many(some, {"$set": {"delivery.status": new}}, bypass_document_validation=True)


def _left(settings: Settings, name: str, seconds: list[float], merging: list[float], added: int) -> Iterator[Result]:
    view = open_view(settings)
    assert view.table is not None
    files = [task.file for tasks in view.files(None, None).values() for task in tasks]
    held = view.orders_held()
    snapshot = view.table.current_snapshot()
    assert snapshot is not None
    manifests = len(snapshot.manifests(view.table.io))
    metadata = len(names_in(f"{view.table.location()}/metadata"))
    size, orders = sum(file.file_size_in_bytes for file in files), sum(held.values())
    last = f"of the last {LAST}: {statistics.median(seconds[-LAST:]):.2f}"
    yield Result(f"{name}: a run, Spark started, the median", statistics.median(seconds), "s", "", last)
    merges = f"{len(merging)} times, {sum(merging):.0f} s in all"
    yield Result(f"{name}: days merged and old files removed, the median", statistics.median(merging), "s", "", merges)
    yield Result(f"{name}: files of {len(held)} days", len(files), "", "", f"{added} were added")
    yield Result(f"{name}: Parquet per order", size / orders, "bytes", "", f"{orders:,} orders")
    yield Result(f"{name}: manifests of the table", manifests, "", "", f"{metadata} files tell of all its snapshots")
    day = min(held) + timedelta(days=len(held) // 2)
    with timed() as clock:
        rows = read(day, day, settings=settings)
    yield Result(f"{name}: a day of {rows.num_rows:,} orders into Arrow", clock.seconds, "s", "≤ 1")


if __name__ == "__main__":
    main("A hundred small archive runs", run)
