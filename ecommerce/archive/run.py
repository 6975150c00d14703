"""An archive run: what its record in `archive_runs` says, and the way there and back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, time
from typing import Any

from bson import Int64

from ecommerce.archive.errors import ArchiveError
from ecommerce.readable import counted

ARCHIVE_RUNS = "archive_runs"

SUPERSEDED = "archive_superseded"
"""Of version 0.1.0: rows of its run directories that are not archived orders."""

ARCHIVE_SUMMARY = "orders_archive_summary"
"""What each purge transaction took out: one document per run, order_date and chunk, with its cells."""

PLANNED, EXPORTED, VERIFIED, PURGED, PUBLISHED, COMMITTED, REFUSED = STATES = (
    "planned",
    "exported",
    "verified",
    "purged",
    "published",
    "committed",
    "refused",
)

CLOSED = (COMMITTED, REFUSED)
"""States after which nothing is left to do."""

IN_MAIN = (PUBLISHED, COMMITTED)
"""States of runs whose rows are in the table's `main`."""

PROTOCOL = 2
"""Records of version 0.1.0 have none, and their states mean something else: published came before purged."""

OF_0_1_0: Mapping[str, Any] = {"protocol": {"$exists": False}, "moved_by": {"$exists": False}}
"""Records of runs of version 0.1.0 whose directories are not in the table yet."""

ARCHIVE, CHANGES, MOVED = "archive", "changes", "moved"
"""Kinds of runs: from MongoDB; later versions into the rows of archived orders; by `upgrade` from the run directories
of version 0.1.0."""

CHUNK_ORDERS = 20_000
"""Most orders of a chunk. Adding up the cells of a chunk takes nearly as long for half as many."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Orders of [start, end) by order_time that one Spark task reads."""

    start: datetime
    end: datetime
    orders: int


@dataclass(frozen=True, slots=True)
class Day:
    """What the orders of one order_date come to."""

    order_date: date
    orders: int
    total_amount: int
    """Sum of the orders' total_amount in 10^-4 units."""
    content_hash: int
    """The orders' content hashes, folded by exclusive or."""
    versioned_hash: int
    """The same with each order's `updated_at` hashed into it."""

    def plus(self, other: "Day") -> "Day":
        """This and more orders of the day."""
        return Day(
            self.order_date,
            self.orders + other.orders,
            self.total_amount + other.total_amount,
            self.content_hash ^ other.content_hash,
            self.versioned_hash ^ other.versioned_hash,
        )

    def minus(self, other: "Day") -> "Day":
        """What the day has come to since it came to the other; hashes of what was added and of what left are folded."""
        return self.plus(replace(other, orders=-other.orders, total_amount=-other.total_amount))


def together(days: Iterable[Day]) -> tuple[Day, ...]:
    """The days in order, each once."""
    sums: dict[date, Day] = {}
    for day in days:
        sums[day.order_date] = sums[day.order_date].plus(day) if day.order_date in sums else day
    return tuple(sums[day] for day in sorted(sums))


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of the archiver."""

    run_id: str
    kind: str
    state: str
    cutoff: datetime
    statuses: tuple[str, ...] | None
    """Only orders in one of these, by the table's names for them; None: all."""
    archive_uri: str
    protocol: int = PROTOCOL
    format: int = 1
    """By which format of the database the run, its rows and their hashes were made (`gate`); 1 left no mark."""
    branch: str = ""
    """Branch of the table that holds the run's rows until they are in `main`. Each export makes a new one."""
    snapshot: int = 0
    """The snapshot of that branch in which the rows were appended."""
    metadata: str = ""
    """The file that described the table when the run was exported, then published: a lost catalog is made from it, or
    from a later one of the same folder (`recover`)."""
    slices: tuple[Slice, ...] = ()
    read_days: tuple[Day, ...] = ()
    """What was read from MongoDB, by the documents themselves. Set when exported."""
    per_day: tuple[Day, ...] = ()
    """What the run has in the table. Set when verified, and when published without the rows that were superseded."""
    chunk_orders: int = CHUNK_ORDERS
    """Most orders of a chunk. Chunks are counted, so whoever finishes the run must cut it as it was cut before."""
    orders: int = 0
    """Those that were exported; once published, those that are in the table."""
    days: int = 0
    bytes_before: int = 0
    """BSON bytes of the orders, uncompressed."""
    bytes_after: int = 0
    """Parquet bytes."""
    table_bytes: int = 0
    """Parquet bytes of the whole table once the run was published."""
    superseded: int = 0
    """Rows whose orders changed while the run went on: the orders stayed, the rows were deleted before publication."""
    merged_days: tuple[date, ...] = ()
    """Days whose files were merged since: they count no more where days with many files are looked for."""
    flow_run: str | None = None
    """Prefect's id of the flow run that planned it."""
    approve: bool = False
    """Whether a person must approve before anything is deleted (`approval`)."""
    asked_by: str | None = None
    """Prefect's id of the flow run that asks the person."""
    asked_at: datetime | None = None
    answer_until: datetime | None = None
    """Without an answer until then the run is refused."""
    answer: str | None = None
    comment: str = ""
    """What the person said beside the answer."""
    seconds: Mapping[str, float] = field(default_factory=dict)
    """Wall-clock seconds per step, over all processes that worked on the run."""
    started_at: datetime | None = None
    finished_at: datetime | None = None

    def __str__(self) -> str:
        """What it did, in a line."""
        if self.state == REFUSED:
            why = f": {self.comment}" if self.comment else ""
            return f"run {self.run_id} of {counted(self.orders, 'order')} was refused{why}; all of them are in MongoDB"
        if self.kind == CHANGES:
            changed = f"{counted(self.orders, 'archived order')} of {counted(self.days, 'day')}"
            return f"run {self.run_id} changed {changed} ({self.state})"
        stayed = f", {self.superseded:,} changed meanwhile and stayed" if self.superseded else ""
        archived = f"{counted(self.orders, 'order')} of {counted(self.days, 'day')}"
        return f"run {self.run_id} archived {archived}{stayed} ({self.state})"


def day_start(day: date) -> datetime:
    """Midnight UTC: how a day is kept in MongoDB."""
    return datetime.combine(day, time(), UTC)


def run_document(run: Run) -> dict[str, Any]:
    """The record of a run, without its `_id`."""
    names = [name for name in Run.__slots__ if name != "run_id"]
    return {name: to_value(getattr(run, name)) for name in names}


def to_value(value: Any) -> Any:
    """A value as a record has it."""
    match value:
        case Slice():
            return {"start": value.start, "end": value.end, "orders": Int64(value.orders)}
        case Day():
            return {
                "order_date": day_start(value.order_date),
                "orders": Int64(value.orders),
                "total_amount": str(value.total_amount),
                "content_hash": Int64(value.content_hash),
                "versioned_hash": Int64(value.versioned_hash),
            }
        case datetime() | bool():
            return value
        case int():
            return Int64(value)  # ids of snapshots have 64 bits
        case date():
            return day_start(value)
        case tuple() | list():
            return [to_value(element) for element in value]
        case _:
            return value


def day_of_record(one: Mapping[str, Any]) -> Day:
    """A day as a record has it."""
    hashes = int(one["content_hash"]), int(one["versioned_hash"])
    return Day(one["order_date"].date(), int(one["orders"]), int(one["total_amount"]), *hashes)


def run_of_record(document: Mapping[str, Any]) -> Run:
    """The run of a record. Raises ArchiveError where somebody edited it so that it cannot be read."""
    try:
        return _run_of(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArchiveError(
            f"the record {document['_id']!r} of archive_runs cannot be read ({type(error).__name__}: {error}): "
            "somebody edited it. Put it back as it was, from a backup (docs/backup.md); nothing was changed"
        ) from None


_SCALARS: tuple[Any, ...] = (int, str, bool, datetime, datetime | None, str | None)


def _run_of(document: Mapping[str, Any]) -> Run:
    values = {"protocol": 1} | {name: document[name] for name in Run.__slots__ if name in document}
    values["statuses"] = tuple(values["statuses"]) if values["statuses"] is not None else None
    values["slices"] = tuple(Slice(one["start"], one["end"], int(one["orders"])) for one in document["slices"])
    for name in ("read_days", "per_day"):
        values[name] = tuple(day_of_record(one) for one in document[name])
    values["merged_days"] = tuple(one.date() for one in document.get("merged_days", ()))
    run = Run(run_id=document["_id"], **values)
    for one in fields(Run):
        kind: Any = one.type
        if kind in _SCALARS and not isinstance(value := getattr(run, one.name), kind):
            raise TypeError(f"{one.name} is {value!r}")
    if run.state not in STATES:
        raise ValueError(f"state is {run.state!r}")
    return run
