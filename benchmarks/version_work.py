"""`python -P version_work.py URI DATABASE FOLDER TIMES`: what a version of the library does, timed one by one.

Runs on the sources that PYTHONPATH names, which may be of version 0.1.0. Prints name → [processor seconds with
MongoDB's, seconds] as JSON. FOLDER holds `orders.jsonl` and `lines.csv`.
"""

import importlib
import itertools
import json
import random
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

CHANGED = 100
"""Orders that change between two ticks."""
ADVANCED = 15_000
"""Changes of one advance: fewer than those after which it builds anew."""
TICKS = 30


def main() -> None:
    uri, name, folder, times = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
    prepare_database = found("prepare_database", "ecommerce.schema", "ecommerce.mongo")
    import_paths = found("import_paths", "ecommerce.importing.import_files", "ecommerce.importing.run")
    rebuild, advance = found("rebuild", "ecommerce.summaries.rebuild"), found("advance", "ecommerce.summaries.advance")
    kpis = importlib.import_module("ecommerce.kpis")
    settings = found("Settings", "ecommerce.settings")(mongo_uri=uri, database=name, home=folder / "home")
    database = found("get_database", "ecommerce.mongo")(settings)
    database.client.drop_database(name)
    prepare_database(database)
    clock = Clock(database.client.admin.command("serverStatus")["pid"])

    def imported(file: str, outcome: str) -> None:
        report = import_paths(database, [folder / file])
        assert getattr(report, outcome) == report.read > 0, report

    clock.time("import JSON Lines, new orders", lambda: imported("orders.jsonl", "accepted"))
    clock.time("import JSON Lines, again", lambda: imported("orders.jsonl", "unchanged"))
    clock.time("import order lines by a mapping", lambda: imported("lines.csv", "accepted"))
    rebuild(database)
    clock.time("rebuild", lambda: rebuild(database), times)

    ids = [one["_id"] for one in database["orders"].find({}, {"_id": 1})]
    chance, statuses = random.Random(1), itertools.cycle(["Lost", "Waiting", "Sent"])

    def change(count: int) -> None:
        chosen = {"_id": {"$in": chance.sample(ids, min(count, len(ids)))}}
        database["orders"].update_many(chosen, {"$set": {"delivery.status": next(statuses)}})

    store = kpis.KpiStore(database)

    def tick() -> None:
        store.refresh()
        store.kpis(kpis.Span(), kpis.Filters())

    tick()
    clock.time(f"tick, {CHANGED} changed", tick, TICKS, before=lambda: change(CHANGED))
    clock.time(
        f"advance, {min(ADVANCED, len(ids)):,} changed",
        lambda: advance(database),
        times,
        before=lambda: change(ADVANCED),
    )
    clock.time("figures of a new process", lambda: kpis.compute_kpis(database), TICKS)
    database.client.drop_database(name)
    print(json.dumps(clock.measured))


def found(attribute: str, *modules: str) -> Any:
    """The attribute of the first of these modules that there is: some were called otherwise in older versions."""
    for module in modules:
        try:
            return getattr(importlib.import_module(module), attribute)
        except (ModuleNotFoundError, AttributeError):
            continue
    raise ImportError(f"none of {', '.join(modules)} has {attribute}")


class Clock:
    """Times what is called: medians of processor seconds, MongoDB's included, and of seconds."""

    def __init__(self, server: int) -> None:
        self.server = psutil.Process(server)
        self.measured: dict[str, tuple[float, float]] = {}

    def time(
        self, name: str, work: Callable[[], object], times: int = 1, before: Callable[[], None] = lambda: None
    ) -> None:
        seconds = []
        for _ in range(times):
            before()
            processor, begin = self.processor(), time.perf_counter()
            work()
            seconds.append((self.processor() - processor, time.perf_counter() - begin))
        both = (statistics.median(one) for one in zip(*seconds, strict=True))
        self.measured[name] = (next(both), next(both))

    def processor(self) -> float:
        """Processor seconds so far: of this process, of those that it started and that ended, and of MongoDB."""
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        server = self.server.cpu_times()
        return sum(one.ru_utime + one.ru_stime for one in used) + server.user + server.system


if __name__ == "__main__":
    main()
