"""Builds the summaries anew: orders and what the archive recorded at one cluster time, and from there on what changes.
Writers keep writing, and readers keep reading the old buckets until the new ones are whole."""

import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import bson
from bson import ObjectId, Timestamp
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure

from ecommerce.bson_reading.batches import gathered, raw_batches
from ecommerce.errors import ServiceError
from ecommerce.gate import require_known_format
from ecommerce.hours import hours_of
from ecommerce.mongo import ORDERS, MongoDatabase, is_replica_set
from ecommerce.progress import Progress, silent
from ecommerce.schema import prepare_collections
from ecommerce.shop import Shop, read_shop, write_shop
from ecommerce.summaries.archived_changes import COUNTED_IN, mark_counted
from ecommerce.summaries.aside import note_changes, put_aside, remove_epoch
from ecommerce.summaries.buckets import bucket_documents, ids_of, insert_buckets
from ecommerce.summaries.cells.fold import fold_documents
from ecommerce.summaries.cells.promises import settled_before
from ecommerce.summaries.cells.table import CellTable
from ecommerce.summaries.changes import HistoryLost, changes_since, latest_time, plain
from ecommerce.summaries.checked import note_fewer
from ecommerce.summaries.history import moment_kept
from ecommerce.summaries.images import let_images_expire
from ecommerce.summaries.ranges import ranges_of
from ecommerce.summaries.records import cells_of_record
from ecommerce.summaries.state import (
    ARCHIVE_SUMMARY,
    BUCKETS,
    DELTAS,
    State,
    create_collections,
    delta_document,
    last_delta,
    load_state,
    move_epoch,
    move_epoch_and,
)

THREADS = 3
"""Two fold while one waits for the server; more gain nothing on two cores."""

FOLD_DOCUMENTS = 100_000
"""Documents folded at once, about 60 MB: large enough that grouping costs little, small enough for flat memory."""

FLUSH_ROWS = 150_000
"""Cells gathered by one thread before they are written, about 20 MB: those of one fold, so they need no summing."""

PROGRESS_SECONDS = 0.3
ATTEMPTS = 3
SNAPSHOT_TOO_OLD = 239
SNAPSHOT_UNAVAILABLE = 246
"""A collection was created or dropped since the moment that is read."""

NEVER = Timestamp(1, 1)
"""Cluster time of a server that has none: no change stream goes on from here."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The state after a rebuild, and how many orders of the collection went into it."""

    state: State
    orders: int
    seconds: float


def rebuild(database: MongoDatabase, *, shop: Shop | None = None, progress: Progress = silent) -> Rebuilt:
    """Build the summaries from the documents and the archive's records, and let the figures come from them.

    By the hours of a `shop` that the database's becomes in the same moment; without one, of what it is. Where another
    process rebuilt meanwhile, its result stands and is returned. Memory is flat.
    Raises ServiceError where the server cannot keep one moment readable for as long as the rebuild takes.
    """
    require_known_format(database)
    prepare_collections(database)
    create_collections(database)
    let_images_expire(database)
    attempt = 1
    while True:
        try:
            return _Rebuild(database, shop, progress).run()
        except OperationFailure as error:
            if error.code == SNAPSHOT_TOO_OLD:
                raise ServiceError(
                    "the server keeps a moment readable for a shorter time than rebuilding the summaries takes: raise "
                    "its parameter minSnapshotHistoryWindowInSeconds, or archive more orders"
                ) from error
            if error.code != SNAPSHOT_UNAVAILABLE:
                raise
            if attempt == ATTEMPTS:
                raise ServiceError(
                    f"rebuilding the summaries was cut off {ATTEMPTS} times, at last by: {plain(error)}"
                ) from None
        attempt += 1


class _Rebuild:
    """One attempt, writing an epoch of its own."""

    def __init__(self, database: MongoDatabase, shop: Shop | None, progress: Progress) -> None:
        self.database, self.progress, self.shop = database, progress, shop
        self.before = load_state(database)
        # Read after the state: a shop that moves to another zone meanwhile leaves that state behind.
        self.hours = hours_of((shop or read_shop(database)).time_zone)
        self.epoch = str(ObjectId())
        self.started = time.monotonic()
        self.expected = database[ORDERS].estimated_document_count()
        """About how many orders there are: for ranges, progress and how long the moment is kept."""
        self.orders = 0
        """Orders read from the collection."""
        self.archived = 0
        """Orders that the archive's records tell of."""
        self.changes: list[str] = []
        self.lock, self.stop = threading.Lock(), threading.Event()

    def run(self) -> Rebuilt:
        """Build, move the state to what was built, and remove what it replaces."""
        as_of = datetime.now(UTC)
        try:
            if is_replica_set(self.database):
                with moment_kept(self.database, self.expected):
                    cluster_time = self.snapshot_time()
                    self.build({"level": "snapshot", "atClusterTime": cluster_time})
                state = self.follow_and_move(cluster_time, as_of)
            else:
                self.build(None)
                state = self.move(NEVER, None, as_of, self.orders + self.archived)
        except BaseException:
            self.remove(self.epoch)
            raise
        if state.epoch != self.epoch:
            self.remove(self.epoch)
        elif self.before is not None:
            self.remove(self.before.epoch)
        return Rebuilt(state, self.orders, time.monotonic() - self.started)

    def snapshot_time(self) -> Timestamp:
        """A cluster time at which everything visible now can be read."""
        command = {"find": ORDERS, "limit": 1, "readConcern": {"level": "snapshot"}}
        with self.database.client.start_session(causal_consistency=False) as session:
            found: Timestamp = self.database.command(command, session=session)["cursor"]["atClusterTime"]
        return found

    def build(self, read_concern: Mapping[str, Any] | None) -> None:
        """Write the buckets of all orders, hot and archived, at the read concern's moment."""
        with ThreadPoolExecutor(THREADS) as pool:
            work = [pool.submit(self.add_archived, read_concern)]
            work += [
                pool.submit(self.add_hot, match, read_concern)
                for match in ranges_of(self.database, self.hours, self.expected, THREADS)
            ]
            try:
                while (state := wait(work, PROGRESS_SECONDS, FIRST_EXCEPTION)).not_done:
                    for part in state.done:
                        part.result()
                    self.progress(self.orders, max(self.expected, self.orders), "orders")
                for part in work:
                    part.result()
            except BaseException:
                self.stop.set()
                pool.shutdown(cancel_futures=True)
                raise
        self.progress(self.orders, self.orders, "orders")

    def add_hot(self, match: Mapping[str, Any], read_concern: Mapping[str, Any] | None) -> None:
        """Write the buckets of the orders that match."""
        batches = raw_batches(self.database, match, read_concern=read_concern)
        self.write(self.counted(documents) for documents in gathered(batches, FOLD_DOCUMENTS))

    def counted(self, documents: list[bytes]) -> CellTable:
        """The cells of documents, which count as read; those that are no orders are set aside."""
        folded = fold_documents(documents, hours=self.hours, settle_before=settled_before())
        put_aside(self.database, self.epoch, ((documents[at], reason) for at, reason in folded.refused.items()))
        with self.lock:
            self.orders += len(documents) - len(folded.refused)
        return folded.cells

    def add_archived(self, read_concern: Mapping[str, Any] | None) -> None:
        """Write the buckets of what the archive recorded."""
        records = raw_batches(self.database, {}, collection=ARCHIVE_SUMMARY, read_concern=read_concern)
        self.write(self.recorded(bson.decode(record)) for batch in records for record in batch)

    def recorded(self, record: Mapping[str, Any]) -> CellTable:
        """The cells of a record of the archive."""
        if COUNTED_IN in record:
            self.changes.append(record["_id"])
        self.archived += int(record["total_orders"])
        return cells_of_record(record, self.hours)

    def write(self, tables: Iterator[CellTable]) -> None:
        """Write cells as buckets, a good number of rows at a time."""
        waiting: list[CellTable] = []
        rows = 0
        for table in tables:
            if self.stop.is_set():
                return
            waiting.append(table)
            rows += sum(frame.height for frame in table.frames)
            if rows > FLUSH_ROWS:
                self.insert(CellTable.sum_of(waiting))
                waiting, rows = [], 0
        if waiting:
            self.insert(CellTable.sum_of(waiting))

    def insert(self, cells: CellTable) -> None:
        """Write cells as buckets now."""
        insert_buckets(self.database, bucket_documents(self.epoch, cells, self.hours))

    def follow_and_move(self, cluster_time: Timestamp, as_of: datetime) -> State:
        """Take in what changed meanwhile, so that no figure goes back in time, and move the state.

        Gives up catching up first after as long as the build took: where writers outrun it, the next advance goes on.
        Where the oplog is shorter than the build took, the figures are as of its beginning, and the next advance builds
        anew: with an oplog of 8 MB under load no rebuild ever came to an end.
        """
        token: Mapping[str, Any] | None = None
        orders = self.orders + self.archived
        deadline = time.monotonic() + max(1.0, time.monotonic() - self.started)
        while True:
            asked_at, until = datetime.now(UTC), latest_time(self.database)
            try:
                for batch in changes_since(self.database, cluster_time, token, until):
                    folded = fold_documents(batch.added, batch.taken, self.hours, settle_before=settled_before())
                    self.insert(folded.cells)
                    note_changes(self.database, self.epoch, batch.added, folded.refused)
                    orders += batch.new_orders(folded.refused)
                    cluster_time, token = batch.cluster_time, batch.token
                    as_of = asked_at if batch.reached else as_of
                    if time.monotonic() > deadline:
                        break
            except HistoryLost:
                return self.move(cluster_time, token, as_of, orders)
            current = load_state(self.database)
            if current is None or current.cluster_time <= cluster_time or time.monotonic() > deadline:
                return self.move(cluster_time, token, as_of, orders)

    def move(self, cluster_time: Timestamp, token: Mapping[str, Any] | None, as_of: datetime, orders: int) -> State:
        """Let the figures come from this epoch, unless another process's rebuild was faster; the state then."""
        while True:
            current = load_state(self.database)
            if current is not None and current.epoch != (self.before and self.before.epoch):
                return current
            # Also behind a delta that is ahead of the state, which somebody set back: its number is taken.
            seq = max(current.seq if current else 0, last_delta(self.database)) + 1
            now, zone = datetime.now(UTC), self.hours.time_zone
            state = State(self.epoch, seq, seq, cluster_time, token, as_of, now, zone, orders)
            if self.moved_to(current, state):
                return state

    def moved_to(self, current: State | None, state: State) -> bool:
        """Move the state, and the shop with it where it becomes another."""
        if not is_replica_set(self.database):
            # Without transactions, and without deltas: each advance builds anew, by the shop that it finds.
            if self.shop is not None:
                write_shop(self.database, self.shop)
            if not move_epoch(self.database, current, state):
                return False
            self.note_fewer(current, state, None)
            return True

        def write(session: ClientSession) -> None:
            # An older state that somebody puts back is behind it.
            nothing = delta_document(state, 0, CellTable.empty())
            self.database[DELTAS].insert_one(nothing, session=session)
            if self.shop is not None:
                write_shop(self.database, self.shop, session)
            mark_counted(self.database, self.epoch, self.changes, session)
            self.note_fewer(current, state, session)

        return move_epoch_and(self.database, current, state, write)

    def note_fewer(self, before: State | None, state: State, session: ClientSession | None) -> None:
        """Say so where orders that were counted are no longer there: from here on no figure differs."""
        if before is not None and before.orders > state.orders:
            note_fewer(self.database, state.rebuilt_at, before.orders - state.orders, session)

    def remove(self, epoch: str) -> None:
        """Remove the buckets of an epoch, and what it had set aside."""
        remove_epoch(self.database, epoch)
        self.database[BUCKETS].delete_many({"_id": ids_of(epoch)})
