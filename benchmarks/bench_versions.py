"""The library of this version beside that of an older one, in turns, on one MongoDB: no slower than before?

With ECOMMERCE_BENCH_BEFORE=<a checkout of the older version>; without it there is nothing to compare, and no result.
Processor time is what counts: other programs of the machine change seconds much more than it.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.bench_commands import BEFORE
from benchmarks.common import CATALOG, REPOSITORY, Result, a_mongod, formatted, main
from benchmarks.order_lines import write_order_lines
from ecommerce.documents.fields import FIRST_RELEASE
from ecommerce.generate.into_files.job import FileJob
from ecommerce.generate.into_files.orders_file import write_orders
from ecommerce.generate.model.rhythm import to_ms
from ecommerce.generate.model.windows import Window
from ecommerce.mongo import MongoDatabase

ORDERS, LINES = 200_000, 40_000
ROUNDS = 5
START, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 12, 1, tzinfo=UTC)

Measured = dict[str, tuple[float, float]]


def run(quick: bool) -> Iterator[Result]:
    """Medians of some rounds, in each of which both versions do the same once, another one first each time."""
    before = os.environ.get(BEFORE)
    if not before:
        return
    divisor, rounds = (20, 1) if quick else (1, ROUNDS)
    with a_mongod() as database:
        folder = Path(str(database.client.admin.command("getCmdLineOpts")["parsed"]["storage"]["dbPath"])).parent
        write_files(folder, ORDERS // divisor, LINES // divisor)
        checkouts = [REPOSITORY, Path(before)]
        measured: list[list[Measured]] = [[], []]
        for number in range(rounds):
            for version in (0, 1) if number % 2 else (1, 0):
                measured[version].append(work_of(checkouts[version], database, folder, 1 if quick else 3))
    for name in measured[0][0]:
        yield compared(name, *([one[name] for one in version] for version in measured))


def write_files(folder: Path, orders: int, lines: int) -> None:
    """What both import: the same files, written by this version, without the fields that came after 0.1.0."""
    window = Window("span", to_ms(START), to_ms(END), orders, 1, "marketplace")
    write_orders(folder / "all_fields.jsonl", FileJob(CATALOG, window, to_ms(END), "json", "", 0.0))
    read, write = msgspec.json.Decoder(float_hook=Decimal), msgspec.json.Encoder(decimal_format="number")
    with (folder / "all_fields.jsonl").open("rb") as source, (folder / "orders.jsonl").open("wb") as file:
        file.writelines(write.encode(of_first_release("OrderDocument", read.decode(line))) + b"\n" for line in source)
    write_order_lines(folder / "lines.csv", CATALOG, Window("span", to_ms(START), to_ms(END), lines, 2, "marketplace"))


def of_first_release(name: str, document: dict[str, Any]) -> dict[str, Any]:
    """A document of the definition, or a part of it, with the fields that version 0.1.0 knows."""
    kept: dict[str, Any] = {}
    for field, kind in FIRST_RELEASE[name].items():
        part = kind.removesuffix("[]")
        if field not in document:
            continue
        value = document[field]
        if part in FIRST_RELEASE:
            value = [of_first_release(part, one) for one in value] if part != kind else of_first_release(part, value)
        kept[field] = value
    return kept


def work_of(checkout: Path, database: MongoDatabase, folder: Path, times: int) -> Measured:
    """What a version of the library measured of itself, in a process of its own."""
    host, port = database.client.address or ("", 0)
    uri = f"mongodb://{host}:{port}/?replicaSet=ecommerce"
    script = Path(__file__).parent / "version_work.py"
    done = subprocess.run(
        [sys.executable, "-P", str(script), uri, "versions", str(folder), str(times)],
        env={**os.environ, "PYTHONPATH": str(checkout)},
        cwd=checkout,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    measured: Measured = json.loads(done.stdout.splitlines()[-1])
    return measured


def compared(name: str, now: list[tuple[float, float]], before: list[tuple[float, float]]) -> Result:
    """Processor seconds of this version; beside them the older one's, and the seconds of both."""
    processor, wall = zip(*now, strict=True)
    processor_before, wall_before = zip(*before, strict=True)
    ratios = [one / other for one, other in zip(processor, processor_before, strict=True)]
    beside = (
        f"before {formatted(statistics.median(processor_before))}: {statistics.median(ratios):.2f} × "
        f"({min(ratios):.2f} to {max(ratios):.2f}); by the clock {formatted(statistics.median(wall))}, "
        f"before {formatted(statistics.median(wall_before))}"
    )
    return Result(f"{name}: processor time", statistics.median(processor), "s", "", beside)


if __name__ == "__main__":
    main("This version and an older one", run)
