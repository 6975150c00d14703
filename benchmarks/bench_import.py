"""How fast `ecommerce import` takes files in, from the prompt to the prompt, while `up` runs; beside mongoimport."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import psutil

from benchmarks.bench_up import an_environment, ecommerce
from benchmarks.common import CATALOG, Result, main, timed
from benchmarks.order_lines import write_order_lines
from ecommerce.generate.into_files.job import FileJob
from ecommerce.generate.into_files.orders_file import write_orders
from ecommerce.generate.model.rhythm import to_ms
from ecommerce.generate.model.windows import Window

ORDERS_FULL = 500_000
ORDERS_QUICK = 20_000
TARGETS = {"order lines by a mapping, new orders": "≥ 30,000"}
PLAIN_LOOP = """
import itertools, json, sys
import pymongo
orders = pymongo.MongoClient(sys.argv[1]).get_default_database().orders
with open(sys.argv[2], "rb") as lines:
    while batch := list(itertools.islice(lines, 2_000)):
        orders.insert_many(map(json.loads, batch), ordered=False)
"""
FRAME_LOOP = """
import itertools, operator, sys
import pandas, pymongo
orders = pymongo.MongoClient(sys.argv[1]).get_default_database().orders_of_lines
lines = pandas.read_csv(sys.argv[2], parse_dates=["Order Date", "Ship Date"])
of_order = itertools.groupby(lines.to_dict("records"), operator.itemgetter("Order ID"))
documents = ({"_id": order_id, "order_items": list(items)} for order_id, items in of_order)
while batch := list(itertools.islice(documents, 2_000)):
    orders.insert_many(batch, ordered=False)
"""
"""What one would write for order lines: a data frame, its rows by order as they stand; nothing is checked."""


def run(quick: bool) -> list[Result]:
    """Import the same orders from two formats, twice each, and order lines."""
    count = ORDERS_QUICK if quick else ORDERS_FULL
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="ecommerce-bench-") as home:
        environment = an_environment(home)
        folder = Path(home) / "files"
        folder.mkdir()
        try:
            ecommerce(environment, "up", "--detach", "--no-demo")
            jsonl = _orders(folder, "json", count)
            other = _mongoimport(environment, jsonl, count)
            results += _import(environment, "JSON Lines", jsonl, count, other)
            results += _import(environment, "CSV", _orders(folder, "csv", count), count, None)
            lines = write_order_lines(folder / "lines.csv", CATALOG, _window(count))
            results += _import(environment, "order lines by a mapping", lines, count, None)
            results.append(_of_data_frame(environment, lines, count))
        finally:
            ecommerce(environment, "down")
    return results


def _window(count: int) -> Window:
    start, end = to_ms(datetime(2025, 1, 1, tzinfo=UTC)), to_ms(datetime(2025, 12, 1, tzinfo=UTC))
    return Window("span", start, end, count, 1, "marketplace")


def _orders(folder: Path, kind: Literal["json", "csv"], count: int) -> Path:
    """A file of generated orders of 2025, about 660 bytes each."""
    job = FileJob(CATALOG, _window(count), to_ms(datetime(2026, 6, 1, tzinfo=UTC)), kind, "", 0.0)
    return write_orders(folder / ("orders.jsonl" if kind == "json" else "orders.csv"), job).path


def _import(
    environment: Mapping[str, str], name: str, file: Path, count: int, mongoimport: float | None
) -> Iterator[Result]:
    """The whole command into a database of its own, and once more; `mongoimport`: its orders/s on the same file."""
    own = {**environment, "ECOMMERCE_DATABASE": f"bench_{name.split()[0].lower()}"}
    for what, outcome, times in (("new orders", "accepted", 1.5), ("again (all unchanged)", "unchanged", 2.0)):
        with timed() as clock, _peak_memory() as peak:
            report = json.loads(ecommerce(own, "import", "--json", str(file)))
        assert report[outcome] == report["read"], report
        rate = count / clock.seconds
        beside = f"{rate / mongoimport:.2f} × mongoimport, which checks nothing" if mongoimport else ""
        target = f"≥ {times:g} × mongoimport" if mongoimport else TARGETS.get(f"{name}, {what}", "")
        yield Result(f"import {name}, {what}", rate, "orders/s", target, beside)
        yield Result(f"import {name}, {what}: memory, with its processes", peak[0] / 1e6, "MB")


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


def _mongoimport(environment: Mapping[str, str], file: Path, count: int) -> float:
    """Orders/s of mongoimport on the same file and server, without a validator or an index of ours.

    Where neither MONGOIMPORT nor PATH has one, of a plain loop that checks nothing.
    """
    uri = f"mongodb://127.0.0.1:{environment['ECOMMERCE_MONGO_PORT']}/beside"
    program = os.environ.get("MONGOIMPORT") or shutil.which("mongoimport")
    with timed() as clock:
        if program:
            command = [program, "--uri", uri, "--collection", "orders", "--numInsertionWorkers", "2", "--quiet"]
            subprocess.run([*command, str(file)], check=True)
        else:
            subprocess.run([sys.executable, "-c", PLAIN_LOOP, uri, str(file)], check=True)
    return count / clock.seconds


def _of_data_frame(environment: Mapping[str, str], file: Path, count: int) -> Result:
    uri = f"mongodb://127.0.0.1:{environment['ECOMMERCE_MONGO_PORT']}/beside"
    with timed() as clock:
        subprocess.run([sys.executable, "-c", FRAME_LOOP, uri, str(file)], check=True)
    return Result("order lines by a data frame, nothing checked", count / clock.seconds, "orders/s")


if __name__ == "__main__":
    main("Import", run)
