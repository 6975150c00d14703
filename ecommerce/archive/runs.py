"""Archive runs: their records in `archive_runs`, and the only way from one state to the next."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import bson
from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument
from pymongo.errors import CollectionInvalid

from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.run import (
    ARCHIVE_RUNS,
    ARCHIVE_SUMMARY,
    CLOSED,
    COMMITTED,
    PROTOCOL,
    Run,
    run_document,
    run_of_record,
    to_value,
)
from ecommerce.bson_reading.batches import raw_batches
from ecommerce.documents.bson_codec import CODEC_OPTIONS, finite_number
from ecommerce.mongo import ARCHIVED_ORDERS, MongoDatabase

log = logging.getLogger(__name__)


def prepare_archive(database: MongoDatabase) -> None:
    """Create what the archive's own collections need. Safe to call at any time."""
    # It folds orders into cells, by libraries whose import costs readers of these records 0.3 s of processor time.
    from ecommerce.summaries.archived_changes import prepare_archived_changes

    # One unfinished run, whatever two processes may believe: the index refuses a second.
    unfinished = {"unfinished": True}
    database[ARCHIVE_RUNS].create_indexes(
        [
            IndexModel(
                [("unfinished", ASCENDING)], name="one_unfinished", unique=True, partialFilterExpression=unfinished
            ),
            IndexModel([("started_at", DESCENDING)], name="started_at"),
        ]
    )
    database[ARCHIVE_SUMMARY].create_indexes(
        [
            IndexModel([("run_id", ASCENDING)], name="run"),
            IndexModel([("order_date", ASCENDING), ("total_orders", ASCENDING)], name="orders_of_days"),
        ]
    )
    prepare_archived_changes(database)
    # Two transactions that create a collection at once conflict, so it is there before.
    if ARCHIVED_ORDERS not in database.list_collection_names(filter={"name": ARCHIVED_ORDERS}):
        with suppress(CollectionInvalid):
            database.create_collection(ARCHIVED_ORDERS)


def new_run(database: MongoDatabase, run: Run) -> Run:
    """Record a run in its first state."""
    database[ARCHIVE_RUNS].insert_one(run_document(run) | {"_id": run.run_id, "unfinished": True})
    return run


def unfinished_run(database: MongoDatabase) -> Run | None:
    """The run that was left by a process that died or failed, if there is one."""
    document = database[ARCHIVE_RUNS].find_one({"unfinished": True})
    return run_of_record(document) if document else None


def get_run(database: MongoDatabase, run_id: str) -> Run:
    """A run by its id. Raises ArchiveError where there is none."""
    document = database[ARCHIVE_RUNS].find_one({"_id": run_id})
    if document is None:
        raise ArchiveError(f"archive_runs of database {database.name!r} has no run {run_id!r}")
    return run_of_record(document)


def runs_of_the_table(database: MongoDatabase, moment: Mapping[str, Any] | None = None) -> list[Run]:
    """All runs that write, or wrote, to the table, oldest first; as of a moment, given as a read concern."""
    found = raw_batches(
        database, {"protocol": PROTOCOL}, collection=ARCHIVE_RUNS, read_concern=moment, sort={"_id": ASCENDING}
    )
    return [run_of_record(bson.decode(record, CODEC_OPTIONS)) for batch in found for record in batch]


def runs_of_0_1_0(database: MongoDatabase) -> list[str]:
    """Ids of the runs of version 0.1.0, whose directories may still be there."""
    return [run["_id"] for run in database[ARCHIVE_RUNS].find({"protocol": {"$exists": False}}, {"_id": 1})]


def note_size(database: MongoDatabase, table_bytes: int) -> None:
    """Record the size of the table after something else than a run has changed it."""
    database[ARCHIVE_RUNS].find_one_and_update(_COMMITTED, {"$set": {"table_bytes": table_bytes}}, sort=_LATEST)


def archive_bytes(database: MongoDatabase) -> int:
    """Parquet bytes of the table, as the last run left it, or what changed it since."""
    told = _COMMITTED | {"table_bytes": {"$type": "number"}}
    latest = database[ARCHIVE_RUNS].find_one(told, {"table_bytes": 1}, sort=_LATEST)
    return int(finite_number(latest["table_bytes"]) or 0) if latest else 0


_COMMITTED: dict[str, Any] = {"protocol": PROTOCOL, "state": COMMITTED}
_LATEST = [("finished_at", DESCENDING)]


def move_on(
    database: MongoDatabase, run: Run, state: str, *, step: str = "", seconds: float = 0.0, **changes: Any
) -> Run:
    """Take a run from its state to `state`, by compare-and-set: nobody else has moved it meanwhile.

    Raises ArchiveError where somebody has.
    """
    changed: dict[str, Any] = {name: to_value(value) for name, value in changes.items()} | {"state": state}
    changed["updated_at"] = datetime.now(UTC)
    update: dict[str, Any] = {"$set": changed}
    if step:
        update["$inc"] = {f"seconds.{step}": round(seconds, 3)}
    if state in CLOSED:
        changed["finished_at"] = changed["updated_at"]
        update["$unset"] = {"unfinished": ""}
    document = database[ARCHIVE_RUNS].find_one_and_update(
        {"_id": run.run_id, "state": run.state, "branch": run.branch}, update, return_document=ReturnDocument.AFTER
    )
    if document is None:
        now = get_run(database, run.run_id)
        raise ArchiveError(
            f"archive run {run.run_id} went from {run.state} to {now.state} under another process; that one finishes it"
        )
    moved = run_of_record(document)
    if state != run.state:
        said = "archive run %s: %s to %s in %.1f s, %s orders"
        log.info(said, run.run_id, run.state, state, seconds, f"{moved.orders:,}")
    return moved
