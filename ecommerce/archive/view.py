"""The archive at one moment, without a JVM: the table's `main`, and of a run that is open what it has purged so far.

An order that has left MongoDB is in the open run's branch until `main` gets that. It is archived all the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from ecommerce.archive.catalog import TABLE, pyiceberg_catalog
from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.identity import knows_a_table, require_its_table, require_upgraded
from ecommerce.archive.rows import RUN_COLUMN
from ecommerce.archive.runs import (
    ARCHIVE_RUNS,
    ARCHIVE_SUMMARY,
    PROTOCOL,
    PURGED,
    VERIFIED,
    Day,
    Run,
    get_run,
    published_runs,
)
from ecommerce.mongo import MongoDatabase, get_database
from ecommerce.settings import Settings

if TYPE_CHECKING:
    from pyiceberg.table import FileScanTask, Table

ATTEMPTS = 5
"""A run moves on while table and records are read a moment apart: look again."""

EPOCH_DAY = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class ArchiveView:
    """The table and what is known of it; `table` is None where nothing was ever archived."""

    database: MongoDatabase
    table: "Table | None"
    main: int | None
    """Snapshot of `main`."""
    days: Mapping[date, Day] = field(default_factory=dict)
    """What `main` holds of each day by the records of the runs."""
    open_run: Run | None = None
    """The run whose purged orders are not in `main` yet."""
    branch: int | None = None
    """Snapshot of its branch."""

    def files(
        self, start: date | None, end: date | None, *, of_open_run: bool = False
    ) -> "dict[date, list[FileScanTask]]":
        """The data files of each day in [start, end] (None: open); of `main`, or of the open run."""
        snapshot = self.branch if of_open_run else self.main
        if self.table is None or snapshot is None:
            return {}
        condition = " and ".join(
            _conditions(start, end, self.open_run.run_id if of_open_run and self.open_run else None)
        )
        found: dict[date, list[FileScanTask]] = {}
        for task in self.table.scan(row_filter=condition, snapshot_id=snapshot).plan_files():
            found.setdefault(_day_of(task.file.partition[0]), []).append(task)
        return found


def open_view(settings: Settings) -> ArchiveView:
    """The archive as it is now. Raises ArchiveError where the database's orders are in another table."""
    database = get_database(settings)
    require_upgraded(database)
    for _ in range(ATTEMPTS):
        before = _states(database)
        table = _load(settings) if knows_a_table(database) else None
        require_its_table(settings, database, str(table.metadata.table_uuid) if table else None)
        if _states(database) == before:
            return _view(database, table, before)
    raise ArchiveError(f"the archive changed each of {ATTEMPTS} times that it was looked at: try again")


def _view(database: MongoDatabase, table: "Table | None", states: list[tuple[str, str, str]]) -> ArchiveView:
    if table is None:
        return ArchiveView(database, None, None)
    main = table.snapshot_by_name("main")
    runs = published_runs(database)
    purging = next((run_id for run_id, state, _ in states if state in (VERIFIED, PURGED)), None)
    # A run that is verified may wait for a person for a day: nothing of it is archived yet.
    has_purged = purging and database[ARCHIVE_SUMMARY].find_one({"run_id": purging}, {"_id": 1})
    run = get_run(database, purging) if purging and has_purged else None
    branch = table.snapshot_by_name(run.branch) if run and run.branch else None
    if run and branch and main and _is_ancestor(table, branch.snapshot_id, main.snapshot_id):
        runs.append(run)  # published, though the record does not say so yet
        branch = None
    days: dict[date, Day] = {}
    for one in runs:
        for day in one.per_day:
            days[day.order_date] = days[day.order_date].plus(day) if day.order_date in days else day
    kept = {day: sums for day, sums in days.items() if sums.orders}
    open_run = run if branch else None
    return ArchiveView(
        database, table, main.snapshot_id if main else None, kept, open_run, branch.snapshot_id if branch else None
    )


def _conditions(start: date | None, end: date | None, run_id: str | None) -> Iterator[str]:
    """The orders of the days [start, end], by their time, which the table is partitioned by; of one run."""
    yield f"order.order_time >= '{_midnight(start or date.min)}'"
    yield f"order.order_time < '{_midnight(end + timedelta(days=1) if end and end < date.max else date.max)}'"
    if run_id is not None:
        yield f"{RUN_COLUMN} = '{run_id}'"


def _midnight(day: date) -> str:
    return datetime.combine(day, time(), UTC).isoformat()


def _day_of(partition: Any) -> date:
    return partition if isinstance(partition, date) else EPOCH_DAY + timedelta(days=int(partition))


def _load(settings: Settings) -> "Table | None":
    from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

    try:
        return pyiceberg_catalog(settings).load_table((settings.database, TABLE))
    except (NoSuchTableError, NoSuchNamespaceError):
        return None


def _states(database: MongoDatabase) -> list[tuple[str, str, str]]:
    runs = database[ARCHIVE_RUNS].find({"protocol": PROTOCOL}, {"state": 1, "branch": 1}).sort("_id", 1)
    return [(run["_id"], run["state"], run["branch"]) for run in runs]


def _is_ancestor(table: "Table", ancestor: int, snapshot: int) -> bool:
    return any(one == ancestor for one in _ancestry(table, snapshot))


def _ancestry(table: "Table", snapshot: int) -> Iterator[int]:
    at = table.metadata.snapshot_by_id(snapshot)
    while at is not None:
        yield at.snapshot_id
        at = table.metadata.snapshot_by_id(at.parent_snapshot_id) if at.parent_snapshot_id is not None else None
