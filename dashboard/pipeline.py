"""What the pipeline page and the stock card are made of: small reads of the pipeline's own records."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePath
from typing import Any
from zoneinfo import ZoneInfo

from pymongo import DESCENDING

from dashboard.prefect_runs import BAD_STATES, FlowRun, last_runs
from ecommerce.archive.run import ARCHIVE_RUNS
from ecommerce.archive.runs import archive_bytes
from ecommerce.attention.stock import LowStock, Sold, low_stock
from ecommerce.catalog_names import names_of
from ecommerce.mongo import IMPORTS, ORDERS, REJECTED_ROWS, Document, MongoDatabase, count_few
from ecommerce.prefect_api import run_url
from ecommerce.settings import Settings
from ecommerce.summaries.counts import count_orders

RECORDS_SHOWN = 12
LOW_STOCK_SHOWN = 200
IMPORTS_READ = 500
FAILURES_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The state of the pipeline."""

    hot_orders: int
    hot_bytes: int
    """What `orders` takes on the server's disk."""
    archived_orders: int
    archived_bytes: int
    """Parquet bytes of the runs whose orders are in the archive."""
    archive_runs: tuple[Document, ...]
    """Latest first."""
    imports: tuple[Document, ...]
    """Latest first."""
    rejected_rows: int
    rejected: tuple[Document, ...]
    """Latest first: file, line, code, reason."""
    flow_runs: tuple[FlowRun, ...] | None
    """None: Prefect does not answer."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Something of the pipeline that did not end well and has not succeeded since."""

    what: str
    reason: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Stock:
    """The products that are running out, and what counts as that."""

    low: tuple[LowStock, ...]
    """At most LOW_STOCK_SHOWN, those that run out first."""
    count: int
    """How many there are in all."""
    at_most: int
    """Pieces in a warehouse that are few."""
    cover_days: float
    """A stock that lasts for fewer days is short."""
    products: Mapping[Any, str]
    """Names by id; so are those of the warehouses."""
    warehouses: Mapping[Any, str]


def read_pipeline(database: MongoDatabase, settings: Settings) -> Pipeline:
    """Look at the pipeline: counters from metadata, and the latest records by index. Raises PyMongoError."""
    sizes = database.command({"aggregate": ORDERS, "pipeline": [{"$collStats": {"storageStats": {}}}], "cursor": {}})
    storage = (sizes["cursor"]["firstBatch"] or [{}])[0].get("storageStats", {})
    shown = {"_id": 0, "file": 1, "line": 1, "code": 1, "reason": 1}
    runs, counts = last_runs(settings), count_orders(database)
    return Pipeline(
        hot_orders=counts.hot,
        hot_bytes=int(storage.get("storageSize", 0) + storage.get("totalIndexSize", 0)),
        archived_orders=counts.archived,
        archived_bytes=archive_bytes(database),
        archive_runs=tuple(
            run | ({"link": run_url(settings, run["flow_run"])} if run.get("flow_run") else {})
            for run in _latest(database, ARCHIVE_RUNS)
        ),
        imports=_latest(database, IMPORTS),
        rejected_rows=count_few(database[REJECTED_ROWS]),
        rejected=tuple(database[REJECTED_ROWS].find({}, shown).sort("$natural", DESCENDING).limit(RECORDS_SHOWN)),
        flow_runs=tuple(runs) if runs is not None else None,
    )


def read_failures(database: MongoDatabase, settings: Settings) -> tuple[Failure, ...]:
    """Flows whose last run failed, and files whose last import did, within a week. Raises PyMongoError."""
    flows = [Failure(run.flow, run.reason, run.started) for run in last_runs(settings) or () if run.state in BAD_STATES]
    since = datetime.now(UTC) - FAILURES_KEPT
    shown = {"file": 1, "state": 1, "started_at": 1, "error": 1}
    found = database[IMPORTS].find({"started_at": {"$gte": since}}, shown)
    last: dict[str, Document] = {}
    for record in found.sort("started_at", DESCENDING).limit(IMPORTS_READ):
        last.setdefault(str(record.get("file")), record)
    files = [
        Failure(
            f"import of {PurePath(file).name}",
            str(record.get("error") or "") or "it was interrupted: it goes on with the next import of this file",
            record["started_at"],
        )
        for file, record in last.items()
        if record.get("state") in ("failed", "interrupted")
    ]
    return (*flows, *files)


def _latest(database: MongoDatabase, collection: str) -> tuple[Document, ...]:
    """The latest records of a collection; without their long lists, which nothing here shows."""
    without = {"slices": 0, "per_day": 0, "replaced_days": 0}
    return tuple(database[collection].find({}, without).sort("started_at", DESCENDING).limit(RECORDS_SHOWN))


def read_low_stock(database: MongoDatabase, store: Sold, settings: Settings, zone: ZoneInfo) -> Stock:
    """The products that run out, with the catalog's names. Raises PyMongoError."""
    low = low_stock(database, store, settings, zone, datetime.now(UTC))
    shown = low[:LOW_STOCK_SHOWN]
    houses = sorted({house for each in shown for house, _ in each.warehouses})
    return Stock(
        low=shown,
        count=len(low),
        at_most=settings.low_stock,
        cover_days=settings.cover_days,
        products=names_of(database, "products", [each.product_id for each in shown]),
        warehouses=names_of(database, "warehouses", houses),
    )
