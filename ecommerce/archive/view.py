"""The archive at one moment, without a JVM: the table's `main`, and of a run that is open what it has purged so far.

An order that has left MongoDB is in the open run's branch until `main` gets that. It is archived all the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from ecommerce.archive.catalog import TABLE, metadata_location, pyiceberg_catalog
from ecommerce.archive.edit_records import PUBLISHED as EDITED
from ecommerce.archive.edit_records import TABLE_EDITS, Edit, edits_of_the_table
from ecommerce.archive.errors import ArchiveError, failures_explained
from ecommerce.archive.files import require_datanodes
from ecommerce.archive.identity import begun_elsewhere, require_its_table, require_upgraded, table_known
from ecommerce.archive.rows import RUN_COLUMN
from ecommerce.archive.run import (
    ARCHIVE_RUNS,
    ARCHIVE_SUMMARY,
    CHANGES,
    IN_MAIN,
    PROTOCOL,
    PUBLISHED,
    PURGED,
    VERIFIED,
    Day,
    Run,
    day_start,
    together,
)
from ecommerce.archive.runs import runs_of_the_table
from ecommerce.mongo import MongoDatabase, get_database
from ecommerce.settings import Settings

if TYPE_CHECKING:
    from pyiceberg.expressions import BooleanExpression
    from pyiceberg.table import FileScanTask, Table

ATTEMPTS = 5
"""A run moves on while table and records are read a moment apart: look again."""

_FROM_BACKUP = (
    "The files with the orders are as they were, but without it none of them is found: put it back as it was, from the "
    "newest backup, or on HDFS from a snapshot or the trash (docs/backup.md), then run `ecommerce check`"
)

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
    written_by: Mapping[date, str] = field(default_factory=dict)
    """The last run that wrote to each day."""
    open_run: Run | None = None
    """The run whose purged orders are not in `main` yet."""
    branch: int | None = None
    """Snapshot of its branch."""
    applied: str | None = None
    """The run whose later versions of archived orders are in `main`, although they may not have left MongoDB."""
    moment: Mapping[str, Any] | None = None
    """The read concern for what that run has purged; None: as it is when it is read."""

    def orders_held(self) -> dict[date, int]:
        """How many orders the files of `main` hold of each day, as the table says."""
        files = self.files(None, None)
        return {day: sum(task.file.record_count for task in tasks) for day, tasks in files.items()}

    def files(
        self,
        start: date | None,
        end: date | None,
        *,
        of_open_run: bool = False,
        also: "BooleanExpression | None" = None,
    ) -> "dict[date, list[FileScanTask]]":
        """The data files of each day in [start, end] (None: open); of `main`, or of the open run.

        `also` leaves out those that have no such row by the bounds that the table knows of each file.
        """
        snapshot = self.branch if of_open_run else self.main
        if self.table is None or snapshot is None:
            return {}
        from pyiceberg.expressions import AlwaysTrue, And, parser

        run_id = self.open_run.run_id if of_open_run and self.open_run else None
        row_filter = And(parser.parse(_condition(start, end, run_id)), AlwaysTrue() if also is None else also)
        found: dict[date, list[FileScanTask]] = {}
        try:
            tasks = list(self.table.scan(row_filter=row_filter, snapshot_id=snapshot).plan_files())
        except Exception as error:
            require_datanodes(error)
            if not (damaged := _unreadable_list(self.table, snapshot)):
                raise
            raise ArchiveError(f"the table's list of files cannot be read: {damaged}. {_FROM_BACKUP}") from error
        for task in tasks:
            found.setdefault(_day_of(task.file.partition[0]), []).append(task)
        return found


def open_view(settings: Settings, *, at_one_moment: bool = False) -> ArchiveView:
    """The archive as it is now. Raises ArchiveError where the database's orders are in another table.

    With `at_one_moment` what an open run has purged is told as of the moment of the view, which MongoDB keeps readable
    for some minutes; else as of the time at which it is read.
    """
    database = get_database(settings)
    require_upgraded(database)
    for _ in range(ATTEMPTS):
        before = _states(database)
        table = _load(settings) if table_known(database) else None
        require_its_table(settings, database, str(table.metadata.table_uuid) if table else None)
        moment = moment_now(database) if at_one_moment else None
        runs, edits = runs_of_the_table(database, moment), edits_of_the_table(database, moment)
        if [(run.run_id, run.state, run.branch) for run in runs] + [
            (one.edit_id, one.state, one.branch) for one in edits
        ] == before:
            return view_of(database, table, runs, edits, moment)
    raise ArchiveError(f"the archive changed each of {ATTEMPTS} times that it was looked at: try again")


def require_own_archive(settings: Settings) -> None:
    """Raise ArchiveError where a database with archived orders is used with another archive.

    For who has nothing to do there. In the home that archived them the catalog is not opened: that takes a second.
    """
    if begun_elsewhere(settings, get_database(settings)):
        with failures_explained("looking at the archive", "Nothing was changed."):
            open_view(settings)


def moment_now(database: MongoDatabase) -> Mapping[str, Any]:
    """A read concern for what MongoDB holds now."""
    with database.client.start_session() as session:
        database.command("ping", session=session)
        return {"level": "snapshot", "atClusterTime": session.operation_time}


def view_of(
    database: MongoDatabase,
    table: "Table | None",
    runs: Sequence[Run] | None = None,
    edits: Sequence[Edit] | None = None,
    moment: Mapping[str, Any] | None = None,
) -> ArchiveView:
    """The archive by a table, with these runs (None: as they are now).

    Raises ArchiveError where it lacks the branch of a run that has purged.
    """
    runs = runs_of_the_table(database) if runs is None else runs
    edits = edits_of_the_table(database) if edits is None else edits
    if table is None:
        return ArchiveView(database, None, None)
    main = table.snapshot_by_name("main")
    published = [run for run in runs if run.state in IN_MAIN]
    changes = next((run for run in runs if run.kind == CHANGES and run.state in (PURGED, PUBLISHED)), None)
    if changes and changes.state == PURGED:
        head = table.snapshot_by_name(changes.branch) if changes.per_day else None
        # `main` may have it, though the record does not say so yet.
        if head and main and _is_ancestor(table, head.snapshot_id, main.snapshot_id):
            published.append(changes)
        else:
            changes = None
    run = next((run for run in runs if run.kind != CHANGES and run.state in (VERIFIED, PURGED)), None)
    # A run that is verified may wait for a person for a day: nothing of it is archived yet.
    if run and not database[ARCHIVE_SUMMARY].find_one({"run_id": run.run_id}, {"_id": 1}):
        run = None
    branch = table.snapshot_by_name(run.branch) if run and run.branch else None
    if run and branch is None:
        raise ArchiveError(
            f"the table has no branch {run.branch!r} with the orders of run {run.run_id}, which have left MongoDB: "
            "`ecommerce doctor --recover-catalog` looks for the description of the table that has it"
        )
    if run and branch and main and _is_ancestor(table, branch.snapshot_id, main.snapshot_id):
        published.append(run)  # published, though the record does not say so yet
        branch = None
    edited = [
        edit
        for edit in edits
        if edit.state == EDITED or (main and _is_ancestor(table, edit.snapshot, main.snapshot_id))
    ]
    recorded: list[Run | Edit] = [*published, *edited]
    days = together(day for one in recorded for day in one.per_day)
    written_by = {day.order_date: one.run_id for one in published for day in one.per_day}
    kept = {day.order_date: day for day in days if day.orders}
    open_run = run if branch else None
    heads = main.snapshot_id if main else None, branch.snapshot_id if branch else None
    applied = changes.run_id if changes else None
    return ArchiveView(database, table, heads[0], kept, written_by, open_run, heads[1], applied, moment)


def _condition(start: date | None, end: date | None, run_id: str | None) -> str:
    """The orders of the days [start, end], by their time, which the table is partitioned by; of one run."""
    until = end + timedelta(days=1) if end and end < date.max else date.max
    begin, stop = (day_start(day).isoformat() for day in (start or date.min, until))
    condition = f"order.order_time >= '{begin}' and order.order_time < '{stop}'"
    return condition if run_id is None else f"{condition} and {RUN_COLUMN} = '{run_id}'"


def _day_of(partition: Any) -> date:
    return partition if isinstance(partition, date) else EPOCH_DAY + timedelta(days=int(partition))


def _load(settings: Settings) -> "Table | None":
    from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError, ValidationError

    try:
        return pyiceberg_catalog(settings).load_table((settings.database, TABLE))
    except (NoSuchTableError, NoSuchNamespaceError):
        return None
    except (ValidationError, UnicodeDecodeError, FileNotFoundError) as error:
        file = metadata_location(settings)
        raise ArchiveError(f"the table's description cannot be read: {file}. {_FROM_BACKUP}") from error


def _unreadable_list(table: "Table", snapshot_id: int) -> str | None:
    """The first manifest, or list of manifests, of a snapshot that cannot be read."""
    snapshot = table.metadata.snapshot_by_id(snapshot_id)
    assert snapshot is not None  # noqa: S101 - it was found in the same metadata
    try:
        manifests = snapshot.manifests(table.io)
    except Exception:  # noqa: BLE001 - whatever the reader of Avro raises
        return snapshot.manifest_list
    for manifest in manifests:
        try:
            manifest.fetch_manifest_entry(table.io)
        except Exception:  # noqa: BLE001 - as above
            return manifest.manifest_path
    return None


def _states(database: MongoDatabase) -> list[tuple[str, str, str]]:
    """Runs and edits, and where each stands."""
    what = {"state": 1, "branch": 1}
    runs = database[ARCHIVE_RUNS].find({"protocol": PROTOCOL}, what).sort("_id", 1)
    edits = database[TABLE_EDITS].find({}, what).sort("_id", 1)
    return [(one["_id"], one["state"], one["branch"]) for one in (*runs, *edits)]


def _is_ancestor(table: "Table", ancestor: int, snapshot: int) -> bool:
    from pyiceberg.table.snapshots import ancestors_of

    ancestors = ancestors_of(table.metadata.snapshot_by_id(snapshot), table.metadata)
    return any(one.snapshot_id == ancestor for one in ancestors)
