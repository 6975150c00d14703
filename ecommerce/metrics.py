"""The pipeline's own figures in Prometheus' text form, each a small read by index or from metadata."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
from prometheus_client import CollectorRegistry, generate_latest, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from pymongo import ASCENDING, DESCENDING
from pymongo.errors import PyMongoError

from ecommerce.archive.approval import waits
from ecommerce.archive.run import ARCHIVE, ARCHIVE_RUNS, COMMITTED
from ecommerce.archive.runs import archive_bytes, unfinished_run
from ecommerce.documents.kinds import EARLIEST_TIME, LATEST_TIME
from ecommerce.documents.stored import HAS_TIME
from ecommerce.errors import EcommerceError
from ecommerce.hours import Hours
from ecommerce.kpis.load import load_rollup
from ecommerce.kpis.question import Filters, Span
from ecommerce.kpis.sales import parts_of, sales_of
from ecommerce.mongo import ARCHIVED_CHANGES, IMPORTS, ORDERS, REJECTED_ROWS, MongoDatabase, count_few
from ecommerce.shop import read_shop
from ecommerce.summaries.aside import count_aside
from ecommerce.summaries.cells.rollup import SALES
from ecommerce.summaries.counts import count_orders
from ecommerce.summaries.state import load_state

METRICS: Mapping[str, str] = {
    "ecommerce_up": "1 when MongoDB answered all that follows.",
    "ecommerce_orders": "Orders by place, as of the summaries: hot (in MongoDB) or archived.",
    "ecommerce_hot_bytes": "Bytes that `orders` and its indexes take on the disk of MongoDB.",
    "ecommerce_disk_free_ratio": "Free share of the disk that MongoDB writes to.",
    "ecommerce_oldest_hot_order_age_seconds": "Age of the oldest order in MongoDB.",
    "ecommerce_summary_lag_seconds": "Age of the summaries: everything visible that long ago is in the figures.",
    "ecommerce_summary_deltas": "Deltas that wait for compaction.",
    "ecommerce_orders_aside": "Documents of `orders` that are no orders: set aside, in no figure.",
    "ecommerce_sales_today": "Sales of the shop's day so far by figure and currency, as the summaries have them.",
    "ecommerce_archived_changes": "Later versions of archived orders that wait for an archive run.",
    "ecommerce_archive_age_seconds": "Time since an archive run was last committed.",
    "ecommerce_archive_unfinished_seconds": "Age of the archive run under way or left; 0 where none is, or it waits.",
    "ecommerce_archive_bytes": "Parquet bytes of the archive, replicas not counted.",
    "ecommerce_rejected_rows": "Rows of imported files that wait in `rejected_rows`.",
    "ecommerce_import_age_seconds": "Time since an import last began.",
    "ecommerce_failed_imports": "Imports of files that failed in the last 24 hours.",
    "ecommerce_scrape_seconds": "How long reading all of this took.",
}
"""Every metric with its help text. What never happened yet (no archive run, no import) has no sample."""


SALES_TODAY = ("gross_sales", "discounts", "returns", "net_sales", "tax", "shipping", "total_sales")
"""The figures of sales that are a metric."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a metric."""

    name: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


def read_samples(database: MongoDatabase) -> list[Sample]:
    """Look at the pipeline. Where MongoDB does not answer there is just `ecommerce_up` 0."""
    started = time.monotonic()
    try:
        samples = [*_orders(database), *_summaries(database), *_archive(database), *_imports(database)]
    except (PyMongoError, EcommerceError):
        return [Sample("ecommerce_up", 0)]
    return [Sample("ecommerce_up", 1), *samples, Sample("ecommerce_scrape_seconds", time.monotonic() - started)]


def metrics_text(database: MongoDatabase) -> str:
    """All metrics as Prometheus reads them."""
    return generate_latest(_registry(database)).decode()


def serve_metrics(database: MongoDatabase, host: str, port: int) -> None:
    """Answer scrapes until interrupted; each one looks anew."""
    _, thread = start_http_server(port, addr=host, registry=_registry(database))
    thread.join()


class _Pipeline(Collector):
    def __init__(self, database: MongoDatabase) -> None:
        self._database = database

    def collect(self) -> Iterator[GaugeMetricFamily]:
        families: dict[str, GaugeMetricFamily] = {}
        for sample in read_samples(self._database):
            if sample.name not in families:
                families[sample.name] = GaugeMetricFamily(sample.name, METRICS[sample.name], labels=[*sample.labels])
            families[sample.name].add_metric([*sample.labels.values()], sample.value)
        yield from families.values()


def _registry(database: MongoDatabase) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(_Pipeline(database))
    return registry


def _orders(database: MongoDatabase) -> Iterator[Sample]:
    counts = count_orders(database)
    yield Sample("ecommerce_orders", counts.hot, {"place": "hot"})
    yield Sample("ecommerce_orders", counts.archived, {"place": "archived"})
    stats: Any = next(database[ORDERS].aggregate([{"$collStats": {"storageStats": {}}}]), {})
    storage = stats.get("storageStats", {})
    yield Sample("ecommerce_hot_bytes", storage.get("storageSize", 0) + storage.get("totalIndexSize", 0))
    disk = database.command("dbStats")
    yield Sample("ecommerce_disk_free_ratio", 1 - disk["fsUsedSize"] / disk["fsTotalSize"])
    shown = {"_id": 0, "order.order_time": 1}
    oldest = database[ORDERS].find_one(HAS_TIME, shown, sort=[("order.order_time", ASCENDING)])
    if oldest:
        yield Sample("ecommerce_oldest_hot_order_age_seconds", _age(oldest["order"]["order_time"]))


def _summaries(database: MongoDatabase) -> Iterator[Sample]:
    state = load_state(database)
    if state is not None:
        yield Sample("ecommerce_summary_lag_seconds", _age(state.as_of))
        yield Sample("ecommerce_summary_deltas", state.seq - state.compacted_seq)
        yield Sample("ecommerce_orders_aside", count_aside(database, state.epoch))
        yield from _sales_today(database, state.hours)


def _sales_today(database: MongoDatabase, hours: Hours) -> Iterator[Sample]:
    today = hours.day_of(datetime.now(UTC))
    span = Span(hours.day_start(today), hours.day_start(today + timedelta(days=1)))
    loaded, own = load_rollup(database, span, Filters(), hourly=False), read_shop(database).currency
    if loaded is None:
        return
    table = loaded.rollup.tables[SALES].with_columns(pl.col("currency").replace("", own))
    parts = parts_of(table)
    for code in sorted({own, *table["currency"].to_list()}):
        if sales := sales_of(parts, frozenset({code})):
            for figure in SALES_TODAY:
                labels = {"figure": figure, "currency": code}
                yield Sample("ecommerce_sales_today", float(getattr(sales, figure)), labels)


def _archive(database: MongoDatabase) -> Iterator[Sample]:
    runs = database[ARCHIVE_RUNS]
    committed = {"kind": ARCHIVE, "state": COMMITTED, "finished_at": _TIMES}
    latest = runs.find_one(committed, sort=[("started_at", DESCENDING)])
    if latest:
        yield Sample("ecommerce_archive_age_seconds", _age(latest["finished_at"]))
    yield Sample("ecommerce_archived_changes", count_few(database[ARCHIVED_CHANGES]))
    run = unfinished_run(database)
    age = _age(run.started_at) if run and run.started_at and not waits(run) else 0.0
    yield Sample("ecommerce_archive_unfinished_seconds", age)
    yield Sample("ecommerce_archive_bytes", archive_bytes(database))


def _imports(database: MongoDatabase) -> Iterator[Sample]:
    yield Sample("ecommerce_rejected_rows", count_few(database[REJECTED_ROWS]))
    latest = database[IMPORTS].find_one({"started_at": _TIMES}, {"started_at": 1}, sort=[("started_at", DESCENDING)])
    if latest:
        yield Sample("ecommerce_import_age_seconds", _age(latest["started_at"]))
    day_ago = datetime.fromtimestamp(time.time() - 86_400, UTC)
    failed = database[IMPORTS].count_documents({"started_at": {"$gte": day_ago}, "state": "failed"})
    yield Sample("ecommerce_failed_imports", failed)


_TIMES = {"$gte": EARLIEST_TIME, "$lt": LATEST_TIME}
"""Of records that nobody edited. Not every date of BSON is one of Python."""


def _age(moment: datetime) -> float:
    return max(0.0, (datetime.now(UTC) - moment).total_seconds())
