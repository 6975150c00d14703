"""How fast files come in: JSON Lines and CSV, first time and again, beside mongoimport on the same file and server."""

import json
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import psutil

from benchmarks.common import Result, a_mongod, main, timed
from benchmarks.order_lines import write_order_lines
from ecommerce.generate.into_files.job import FileJob
from ecommerce.generate.into_files.orders_file import write_orders
from ecommerce.generate.model.catalog import CatalogSpec
from ecommerce.generate.model.rhythm import to_ms
from ecommerce.generate.model.windows import Window
from ecommerce.importing.import_files import import_paths
from ecommerce.mongo import ORDERS, MongoDatabase

ORDERS_FULL = 1_000_000
ORDERS_QUICK = 20_000
BASELINE_BATCH = 2_000
LINES_SHARE = 5
"""Of so many orders one is imported from order lines."""
CATALOG = CatalogSpec(1, "en_US", "marketplace", users=100_000, products=10_000)


def run(quick: bool) -> list[Result]:
    """Import the same orders from two formats, twice each, what else there is from the first, and order lines."""
    count = ORDERS_QUICK if quick else ORDERS_FULL
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="ecommerce-bench-") as folder:
        files = {"JSON Lines": _orders(Path(folder), "json", count), "CSV": _orders(Path(folder), "csv", count)}
        with a_mongod() as database:
            for name, file in files.items():
                database[ORDERS].delete_many({})
                beside = _beside(database, file, count) if name == "JSON Lines" else ""
                for again in (False, True):
                    results += _import(database, name, file, again, beside)
                    beside = ""
            lines = write_order_lines(Path(folder) / "lines.csv", CATALOG, _window(count // LINES_SHARE))
            database[ORDERS].delete_many({})
            results += _import(database, "order lines by a mapping", lines, False, "")
    return results


def _window(count: int) -> Window:
    start, end = to_ms(datetime(2025, 1, 1, tzinfo=UTC)), to_ms(datetime(2025, 12, 1, tzinfo=UTC))
    return Window("span", start, end, count, 1, "marketplace")


def _orders(folder: Path, kind: Literal["json", "csv"], count: int) -> Path:
    """A file of generated orders of 2025, about 660 bytes each."""
    job = FileJob(CATALOG, _window(count), to_ms(datetime(2026, 6, 1, tzinfo=UTC)), kind, "", 0.0)
    return write_orders(folder / ("orders.jsonl" if kind == "json" else "orders.csv"), job).path


def _import(database: MongoDatabase, name: str, file: Path, again: bool, beside: str) -> list[Result]:
    what = f"import {name}, {'again (all unchanged)' if again else 'new orders'}"
    with timed() as clock, _peak_memory() as peak:
        report = import_paths(database, [file])
    assert report.read == (report.unchanged if again else report.accepted)
    return [
        Result(what, report.read / clock.seconds, "orders/s", "≥ 40,000" if name == "JSON Lines" else "", beside),
        Result(f"{what}: memory, with its processes", peak[0] / 2**20, "MB"),
    ]


@contextmanager
def _peak_memory() -> Iterator[list[int]]:
    """The most that this process and its children held at once, in bytes, looked at every 0.2 s."""
    process, peak, ended = psutil.Process(), [0], threading.Event()

    def look() -> None:
        while not ended.wait(0.2):
            held = 0
            for member in (process, *process.children(recursive=True)):
                try:
                    held += 0 if "mongod" in member.name() else member.memory_info().rss
                except psutil.Error:
                    continue
            peak[0] = max(peak[0], held)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield peak
    finally:
        ended.set()
        watcher.join()


def _beside(database: MongoDatabase, file: Path, count: int) -> str:
    """The speed of mongoimport on the same file and server; without one, of a plain loop that checks nothing."""
    other = database.client[f"{database.name}_beside"]
    program = shutil.which("mongoimport")
    begun = time.perf_counter()
    if program:
        host, port = database.client.address or ("127.0.0.1", 27017)
        command = [program, "--host", host, "--port", str(port), "--db", other.name, "--collection", ORDERS]
        subprocess.run([*command, "--numInsertionWorkers", "2", "--quiet", str(file)], check=True)
        name = "mongoimport, nothing checked"
    else:
        with file.open("rb") as lines:
            batch = []
            for line in lines:
                batch.append(json.loads(line))
                if len(batch) == BASELINE_BATCH:
                    other[ORDERS].insert_many(batch, ordered=False)
                    batch = []
            if batch:
                other[ORDERS].insert_many(batch, ordered=False)
        name = "no mongoimport here; json.loads + insert_many, nothing checked"
    seconds = time.perf_counter() - begun
    database.client.drop_database(other.name)
    return f"{count / seconds:,.0f} ({name})"


if __name__ == "__main__":
    main("Import", run)
