"""The upgrade: what is due, and doing it, step by step. Each step may be killed and the whole be run again.

It holds the archive's lease, so that no archiver works meanwhile, and begins only where no other program is connected:
those of version 0.1.0 look at no gate. The mark of the new format shuts them out; then what they kept is dropped.
"""

import json
import time
from dataclasses import asdict, dataclass
from typing import Any

from ecommerce.archive.context import ArchiveContext
from ecommerce.archive.fault_points import reached
from ecommerce.archive.identity import take_table
from ecommerce.archive.lease import Lease, archive_lease
from ecommerce.archive.run import ARCHIVE_RUNS, PROTOCOL
from ecommerce.archive.runs import prepare_archive, unfinished_run
from ecommerce.archive.spark import spark_session
from ecommerce.archive.table import ArchiveTable
from ecommerce.gate import (
    FORMAT,
    GATE,
    OLD_BUCKETS,
    OLD_DELTAS,
    UPGRADE_ID,
    format_of,
    mark_format,
    require_known_format,
)
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, MongoDatabase, is_replica_set
from ecommerce.progress import Progress, silent
from ecommerce.readable import counted
from ecommerce.schema import prepare_collections
from ecommerce.settings import Settings
from ecommerce.shop import read_shop, record_shop, shop_document
from ecommerce.summaries.cells.measures import definition
from ecommerce.summaries.rebuild import rebuild
from ecommerce.summaries.state import STATE, STATE_ID
from ecommerce.upgrade.clients import require_no_others
from ecommerce.upgrade.figures import figures_as_told, moved_figures
from ecommerce.upgrade.fill import fill_days, incomplete_days
from ecommerce.upgrade.run_directories import finish_old_run, has_run_directories, move_into_table

OLD_SUMMARIES = (OLD_DELTAS, OLD_BUCKETS)
"""Of 0.1.0's state a document stays, which shuts it out."""


@dataclass(frozen=True, slots=True)
class UpgradeReport:
    """What was done, and what it moved."""

    steps: tuple[str, ...]
    """What was due, in words."""
    moved: tuple[str, ...]
    """Each figure of all time that is another one by the new definitions, and by how much."""
    seconds: float

    def to_json_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {"seconds": round(self.seconds, 3)}


def steps_due(database: MongoDatabase) -> list[str]:
    """What an upgrade would do, in words; nothing where it is not due. Reads only.

    Raises ServiceError where the database is newer than the program.
    """
    require_known_format(database)
    if not _holds_anything(database):
        return []
    due = []
    marked = format_of(database) == FORMAT
    if not marked and (run := unfinished_run(database)):
        due.append(f"finish the {run.kind} run {run.run_id}, which was left {run.state}")
    if has_run_directories(database):
        orders = database[ARCHIVED_ORDERS].count_documents({})
        due.append(f"bring {counted(orders, 'archived order')} from the directories of version 0.1.0 into the table")
    if days := incomplete_days(database):
        of_them = counted(sum(days.values()), "order")
        due.append(f"read the archive of {counted(len(days), 'day')}: some figures do not know {of_them} of it in full")
    if days or _must_rebuild(database):
        due.append("build the summaries anew, by the definitions of this version")
    if shop_document(database) is None:
        shop = read_shop(database)
        due.append(f"record the shop: its days are of {shop.time_zone}, its currency is {shop.currency}")
    if not marked:
        due.append(f"mark the database as of format {FORMAT}, which keeps version 0.1.0 out")
    if any(database[name].find_one({}, {"_id": 1}) for name in OLD_SUMMARIES):
        due.append("drop the summaries of version 0.1.0")
    return due


def upgrade_database(database: MongoDatabase, settings: Settings, progress: Progress = silent) -> UpgradeReport:
    """Bring a database and its archive forward; nothing happens where that is done.

    Raises DatabaseInUseError where other programs are connected, ArchiveBusyError where an archiver works, ArchiveError
    where a run cannot be finished or the archive does not hold what its records tell, ServiceError where the database
    is newer than the program.
    """
    started = time.monotonic()
    due = steps_due(database)
    if not due:
        return UpgradeReport((), (), time.monotonic() - started)
    require_no_others(database)
    with archive_lease(database) as lease:
        require_no_others(database)
        reached("upgrade:begun")
        prepare_collections(database)
        record_shop(database, read_shop(database))
        prepare_archive(database)
        before = _figures_before(database)
        reached("upgrade:before-kept")
        if needs_archive(database):
            _bring_table_forward(database, settings, lease, progress)
        if incomplete_days(database):
            database[GATE].update_one({"_id": UPGRADE_ID}, {"$set": {"rebuild": True}}, upsert=True)
            reached("upgrade:filling")
            fill_days(database, settings, progress)
        reached("upgrade:filled")
        if _must_rebuild(database):
            rebuild(database, progress=progress)
            reached("upgrade:rebuilt")
            database[GATE].update_one({"_id": UPGRADE_ID}, {"$unset": {"rebuild": ""}}, upsert=True)
        after = json.loads(json.dumps(compute_kpis(database).to_json_dict()))
        reached("upgrade:before-mark")
        mark_format(database)
        reached("upgrade:marked")
        for name in OLD_SUMMARIES:
            database.drop_collection(name)
            reached("upgrade:dropped")
        database[GATE].delete_one({"_id": UPGRADE_ID})
    moved = tuple(moved_figures(before, after)) if before else ()
    return UpgradeReport(tuple(due), moved, time.monotonic() - started)


def needs_archive(database: MongoDatabase) -> bool:
    """Whether the upgrade has to read or write the archive."""
    return has_run_directories(database) or bool(incomplete_days(database))


def _bring_table_forward(database: MongoDatabase, settings: Settings, lease: Lease, progress: Progress) -> None:
    """Make the table or its new columns, finish the run that version 0.1.0 left, and take its run directories over."""
    with spark_session(settings) as spark:
        table = ArchiveTable(spark, settings)
        take_table(settings, database, table)
        context = ArchiveContext(settings, database, table.spark, table, lease, progress)
        if (run := unfinished_run(database)) and run.protocol != PROTOCOL:
            finish_old_run(context, run)
        reached("upgrade:run-finished")
        if has_run_directories(database):
            move_into_table(context)


def _holds_anything(database: MongoDatabase) -> bool:
    names = (ORDERS, ARCHIVED_ORDERS, ARCHIVE_RUNS, STATE, OLD_BUCKETS)
    return is_replica_set(database) and any(database[name].find_one({}, {"_id": 1}) for name in names)


def _must_rebuild(database: MongoDatabase) -> bool:
    """Whether cells are there that were made by other definitions, or before the archive's records were filled in."""
    state = database[STATE].find_one({"_id": STATE_ID}, {"definition": 1})
    left = database[GATE].find_one({"_id": UPGRADE_ID}, {"rebuild": 1}) or {}
    if state is None:
        return format_of(database) < FORMAT
    return state.get("definition") != definition() or bool(left.get("rebuild"))


def _figures_before(database: MongoDatabase) -> dict[str, Any] | None:
    """The figures as they were told when the upgrade began, whichever attempt that was."""
    left = database[GATE].find_one({"_id": UPGRADE_ID}) or {}
    if "before" in left:
        kept: dict[str, Any] | None = json.loads(left["before"])
        return kept
    before = figures_as_told(database)
    # As text: names of groups may hold what a key in MongoDB may not.
    database[GATE].update_one({"_id": UPGRADE_ID}, {"$set": {"before": json.dumps(before)}}, upsert=True)
    return before
