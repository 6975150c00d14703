"""Deletion: one transaction per chunk deletes what is still the version in the archive, and records that it did.

In it: the chunk's orders are compared with the archive's rows by version and content, those that are the same are
deleted by explicit id, their ids go into `archived_orders` and their totals and cells into `orders_archive_summary`;
the others stay hot, and the same record names their rows, which are superseded. An order that an earlier run archived
and that somebody put back into MongoDB stays there, too: `check` names it. Under snapshot isolation whoever changes one
of the orders meanwhile makes the transaction conflict and run again. The summary's `_id` says that a chunk is done: it
commits once.
"""

import logging
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import bson
import numpy as np
from bson import Decimal128, Int64
from bson.raw_bson import RawBSONDocument
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure

from ecommerce.archive.chunks import Chunk
from ecommerce.archive.compare import Comparison, compare, read_hot, without
from ecommerce.archive.encoded_ids import archived_entries, filter_of_ids
from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.fault_points import reached
from ecommerce.archive.hot import HotOrders, time_of
from ecommerce.archive.lease import Lease
from ecommerce.archive.run import ARCHIVE_SUMMARY, Run, day_start
from ecommerce.documents.kinds import from_scaled
from ecommerce.hours import Hours, hours_of
from ecommerce.ingest.archived_changes import REFUNDS
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, MongoDatabase, in_transaction
from ecommerce.progress import Progress
from ecommerce.readable import first_of
from ecommerce.shop import read_shop
from ecommerce.summaries.cells import CellTable
from ecommerce.summaries.cells.fold import fold_groups
from ecommerce.summaries.records import told

log = logging.getLogger(__name__)

IDS_NAMED = 5
"""Orders that a warning names."""

THREADS = 3
"""Transactions at a time, for two cores: one waits for the journal while the others work. With four they wait."""

CHUNKS_TOGETHER = 2
"""Full chunks' worth of orders in a transaction, which takes a second or two. With one, what is left of a day after its
full chunks had its own."""

QUEUED = 8
"""Transactions that wait with their ids, so that the threads have work while Spark reads the next ones."""

_DUPLICATE_KEY = 11000

_ENDED_BY_SERVER = (251, 290)
"""Codes of a transaction that is there no more (NoSuchTransaction) or lived too long."""

_slow = threading.Lock()
"""Held for a chunk whose transaction took longer than the server lets one live: it is tried again without others."""


class _TookTooLong(Exception):
    """The server ended a transaction while it worked: on a busy machine each attempt would end like this."""


def purge_chunks(database: MongoDatabase, run: Run, chunks: Iterable[Chunk], lease: Lease, progress: Progress) -> int:
    """Purge every chunk of a run that is not purged yet; returns how many of the run's rows are superseded."""
    done = {row["_id"] for row in database[ARCHIVE_SUMMARY].find({"run_id": run.run_id}, {"_id": 1})}
    rows_done = 0
    stop = threading.Event()
    running: set[Future[int]] = set()
    with ThreadPoolExecutor(THREADS, "purge") as threads:
        try:
            for group in _groups(chunks, done, run):
                lease.check()
                running.add(threads.submit(_purge_group, database, run, group, stop))
                while len(running) > THREADS + QUEUED:
                    finished, running = wait(running, return_when=FIRST_COMPLETED)
                    rows_done += sum(future.result() for future in finished)
                    progress(rows_done, run.orders, "orders")
            for future in running:
                future.result()
        except BaseException:
            stop.set()
            raise
    progress(run.orders, run.orders, "orders")
    return _superseded_of_all(database, run)


def _superseded_of_all(database: MongoDatabase, run: Run) -> int:
    """How many rows are superseded; with those that were deleted they are all rows of the run, or nothing is closed."""
    of_run: dict[str, Any] = {"run_id": run.run_id}
    sums = {"deleted": {"$sum": "$total_orders"}, "superseded": {"$sum": {"$size": {"$ifNull": ["$superseded", []]}}}}
    totals = database[ARCHIVE_SUMMARY].aggregate([{"$match": of_run}, {"$group": {"_id": None} | sums}])
    found: dict[str, Any] = next(totals, {"deleted": 0, "superseded": 0})
    deleted, superseded = int(found["deleted"]), int(found["superseded"])
    if deleted + superseded != run.orders:
        raise ArchiveError(
            f"run {run.run_id} has {run.orders} rows, but {deleted} were deleted and {superseded} superseded"
        )
    return superseded


def superseded_rows(database: MongoDatabase, run: Run) -> Iterator[tuple[int, datetime, date]]:
    """Order, version and day of the run's rows whose orders stayed in MongoDB, or are no longer there."""
    for summary in database[ARCHIVE_SUMMARY].find(
        {"run_id": run.run_id, "superseded.0": {"$exists": True}}, {"order_date": 1, "superseded": 1}
    ):
        day = summary["order_date"].date()
        for row in summary["superseded"]:
            yield int(row["order_id"]), row["updated_at"], day


def summary_id(run: Run, chunk: Chunk) -> str:
    """`_id` in `orders_archive_summary`."""
    return f"{run.run_id}/{chunk.order_date.isoformat()}/{chunk.number}"


def _groups(chunks: Iterable[Chunk], done: set[str], run: Run) -> Iterator[list[Chunk]]:
    """Chunks that are not done, of different days, together as long as they may share a transaction.

    The cells of a day's orders in a transaction are those of the chunk, so it has no two chunks of a day.
    """
    group: list[Chunk] = []
    size = 0
    for chunk in chunks:
        if summary_id(run, chunk) in done:
            continue
        same_day = group and group[-1].order_date == chunk.order_date
        if same_day or (group and size + len(chunk.ids) > CHUNKS_TOGETHER * run.chunk_orders):
            yield group
            group, size = [], 0
        group.append(chunk)
        size += len(chunk.ids)
    if group:
        yield group


def _purge_group(database: MongoDatabase, run: Run, group: list[Chunk], stop: threading.Event) -> int:
    if stop.is_set():
        return 0
    reached("purge:before-chunk")
    try:
        _commit_group(database, run, group)
    except _TookTooLong:
        for chunk in group:
            _purge_group(database, run, [chunk], stop)
    except (BulkWriteError, DuplicateKeyError) as error:
        if not _was_done(error):
            raise
        # The commit of an archiver that died arrived after this one looked: its chunks are done, the others are not.
        _purge_one_by_one(database, run, group, stop)
    reached("purge:after-chunk")
    return sum(len(chunk.ids) for chunk in group)


def _commit_group(database: MongoDatabase, run: Run, group: list[Chunk], *, again: bool = False) -> None:
    """Purge chunks in one transaction. Raises _TookTooLong where it takes longer than one may, and could be smaller.

    `again`: some of the orders are archived already, and stay.
    """
    try:
        in_transaction(database, lambda session: _in_time(database, run, group, session, again))
    except _TookTooLong:
        if len(group) > 1:
            raise
        with _slow:
            in_transaction(database, lambda session: _purge(database, run, group, session, again))


def _in_time(database: MongoDatabase, run: Run, group: list[Chunk], session: ClientSession, again: bool) -> None:
    try:
        _purge(database, run, group, session, again)
    except OperationFailure as error:
        if error.code in _ENDED_BY_SERVER:
            raise _TookTooLong from error
        raise


def _purge_one_by_one(database: MongoDatabase, run: Run, group: list[Chunk], stop: threading.Event) -> None:
    for chunk in group:
        if not database[ARCHIVE_SUMMARY].find_one({"_id": summary_id(run, chunk)}, {"_id": 1}):
            if len(group) == 1:
                _commit_group(database, run, group, again=True)
            else:
                _purge_group(database, run, [chunk], stop)


def _was_done(error: BulkWriteError | DuplicateKeyError) -> bool:
    if isinstance(error, DuplicateKeyError):
        return True
    return {one["code"] for one in error.details.get("writeErrors", [])} == {_DUPLICATE_KEY}


def _purge(database: MongoDatabase, run: Run, group: list[Chunk], session: ClientSession, again: bool) -> None:
    hot = read_hot(database, group, session)
    found = [(chunk, compare(hot, chunk)) for chunk in group]
    if again:
        found = [(chunk, _without_archived(database, run, chunk, comparison, session)) for chunk, comparison in found]
    taken = np.concatenate([comparison.documents for _, comparison in found])
    hours = hours_of(read_shop(database).time_zone)
    cells = _cells(hot, [comparison for _, comparison in found], hours)
    summaries = [_summary(run, *one, own, hours) for one, own in zip(found, cells, strict=True)]
    database[ARCHIVE_SUMMARY].insert_many(summaries, session=session)
    if hot and len(taken):
        gone = filter_of_ids(hot.ids[taken])
        deleted = database[ORDERS].delete_many(gone, session=session).deleted_count
        if deleted != len(taken):
            raise ArchiveError(
                f"run {run.run_id}: {deleted} of {len(taken)} orders were there to be deleted; nothing was"
            )
        entries = [entry for one in found for entry in _entries(run, hot, *one)]
        _insert(database, entries, session)
    reached("purge:before-commit")


def _without_archived(
    database: MongoDatabase, run: Run, chunk: Chunk, found: Comparison, session: ClientSession
) -> Comparison:
    """The comparison without the orders that an earlier run archived: somebody put them back into MongoDB."""
    archived = database[ARCHIVED_ORDERS].find(filter_of_ids(chunk.ids[found.same]), {"_id": 1}, session=session)
    ids = sorted(entry["_id"] for entry in archived)
    log.warning(
        "run %s: orders that are in the archive already are in MongoDB again, and count twice: %s; they stay there; "
        "`ecommerce check --repair` removes copies", run.run_id, first_of(ids, IDS_NAMED),
    )  # fmt: skip
    return without(found, chunk, ids)


def _insert(database: MongoDatabase, entries: list[RawBSONDocument], session: ClientSession) -> None:
    """Insert entries that have their `_id`, by one command: half the time of `insert_many`, which looks at each."""
    reply = database.command({"insert": ARCHIVED_ORDERS, "documents": entries, "ordered": False}, session=session)
    if reply.get("writeErrors"):
        raise BulkWriteError(reply)


def _cells(hot: HotOrders | None, found: list[Comparison], hours: Hours) -> list[CellTable]:
    """The cells of each chunk's documents, from the columns in which they were compared.

    An hour of a shop may lie in two days of UTC: a chunk's cells are those of its own orders, whatever their hour.
    """
    if not hot:
        return [CellTable.empty() for _ in found]
    groups = np.full(len(hot.documents), -1, np.int64)
    for number, comparison in enumerate(found):
        groups[comparison.documents] = number
    return fold_groups(hot.columns, hot.documents, groups, len(found), hours)


def _summary(run: Run, chunk: Chunk, found: Comparison, own: CellTable, hours: Hours) -> dict[str, Any]:
    amounts = chunk.amounts[found.same].tolist()
    orders, total = len(amounts), sum(amounts)
    return {
        "_id": summary_id(run, chunk),
        "run_id": run.run_id,
        "order_date": day_start(chunk.order_date),
        "chunk": chunk.number,
        "total_orders": Int64(orders),
        "total_value": Decimal128(from_scaled(total)),
        "avg_value": Decimal128(from_scaled(int((Decimal(total) / orders).to_integral_value()))) if orders else None,
        "min_value": Decimal128(from_scaled(min(amounts))) if orders else None,
        "max_value": Decimal128(from_scaled(max(amounts))) if orders else None,
        "total_items": Int64(int(own.orders["items"].sum())),
        "archive_date": datetime.now(UTC),
        **told(own, hours),
        "superseded": [
            {"order_id": Int64(int(chunk.ids[at])), "updated_at": time_of(int(chunk.versions[at])), "reason": reason}
            for at, reason in found.superseded
        ],
    }


def _entries(run: Run, hot: HotOrders, chunk: Chunk, found: Comparison) -> list[RawBSONDocument]:
    same = found.same
    entries = archived_entries(chunk.ids[same], chunk.hashes[same], day_start(chunk.order_date), run.run_id)
    refunded = hot.columns.arrays.get(REFUNDS)
    rows = refunded.row if refunded else np.empty(0, np.int64)
    # Documents of an unusual layout are in no column.
    looked_at = ~hot.columns.regular[found.documents] | np.isin(found.documents, rows)
    for at in np.flatnonzero(looked_at).tolist():
        if refunds := RawBSONDocument(hot.documents[found.documents[at]]).get(REFUNDS):
            entries[at] = RawBSONDocument(bson.encode({**entries[at], REFUNDS: refunds}))
    return entries
