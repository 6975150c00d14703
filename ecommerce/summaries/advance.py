"""Brings the summaries up to date: what happened since the stored position becomes one delta, exactly once.

The delta and the new position are written in one transaction that replaces the state it started from. Of any number of
processes that advance at once one wins and the others find the state moved; a process that is killed has written all of
a delta and its position, or nothing. A document that is no order stops nothing: it is set aside (`aside`). It was never
counted, so nothing is taken away when it is corrected.
"""

import logging
import time
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from bson import Timestamp
from pymongo.client_session import ClientSession

from ecommerce.gate import require_known_format
from ecommerce.hours import Hours
from ecommerce.mongo import ORDERS, MongoDatabase, is_replica_set
from ecommerce.progress import Progress, silent
from ecommerce.summaries.archived_changes import count_archived_changes
from ecommerce.summaries.aside import count_aside, forget_deleted, note_changes
from ecommerce.summaries.cells.fold import Folded, fold_documents
from ecommerce.summaries.cells.promises import settled_before
from ecommerce.summaries.cells.table import CellTable
from ecommerce.summaries.changes import Changes, HistoryLost, changes_since, time_or_none
from ecommerce.summaries.compact import DELTAS_BEFORE_COMPACTION, compact
from ecommerce.summaries.rebuild import rebuild
from ecommerce.summaries.state import (
    DELTAS,
    LostRace,
    State,
    delta_document,
    is_written,
    load_newest_state,
    load_state,
    move_state,
)

log = logging.getLogger(__name__)

CHANGES_BEFORE_REBUILD = 20_000
ORDERS_PER_CHANGE = 6
"""A change costs about as much as rebuilding from 6 orders (38 against 6 microseconds). Once catching up has cost as
much as a rebuild and there is more to come, rebuilding costs at most twice what the better choice would have."""

NO_REPLICA_SET = "no replica set, so there is no change stream to follow: every advance is a rebuild"

IDLE = timedelta(minutes=1)
"""Without any change the position is written this often, so that it does not fall out of the oplog."""


@dataclass(frozen=True, slots=True)
class Advance:
    """What an advance did, and where the summaries stand now."""

    mode: Literal["advanced", "rebuilt"]
    reason: str
    """Why it was rebuilt; empty where it was not."""
    changes: int
    """Events taken in, or orders read by the rebuild."""
    seq: int
    epoch: str
    as_of: datetime
    """Everything that was visible at this moment is in the figures."""
    time_zone: str
    """Whose hours the figures are of."""
    aside: int
    """Documents of `orders` that are no orders, and in no figure."""
    seconds: float
    shop_changed_at: datetime | None = None
    """When somebody gave the shop another currency; None: not since the summaries were built."""
    deltas: Mapping[int, CellTable] = field(default_factory=dict, repr=False)
    """The deltas that it wrote, by number: a process that keeps figures need not read what it has just written."""

    @property
    def without_stream(self) -> bool:
        """Whether the server has no change streams, so that every advance is a rebuild."""
        return self.reason == NO_REPLICA_SET


def advance(database: MongoDatabase, *, settle: bool = False, progress: Progress = silent) -> Advance:
    """Take in everything that is visible in `orders` now. Any number of processes may call it, and be killed in it.

    Rebuilds by itself on a first run, where the stored position is gone from the oplog, and where that is cheaper than
    catching up. Without a replica set there are no change streams: it rebuilds every time, and says so in `reason`.
    `settle` stores the position also where nothing changed, so that the state's cluster time is that of now.
    Raises PyMongoError where the server cannot be reached.
    """
    started = time.monotonic()
    require_known_format(database)
    as_of, until = datetime.now(UTC), time_or_none(database)
    if until is None:
        return _rebuilt(database, NO_REPLICA_SET, started, progress)
    (state, reason), changes = load_newest_state(database), 0
    deltas: dict[int, CellTable] = {}
    try:
        while state is not None and state.cluster_time < until:
            outcome, state, changes = _catch_up(database, state, until, as_of, settle, changes, deltas, progress)
            if outcome == "too many":
                return _rebuilt(database, f"more than {changes:,} changes to catch up with", started, progress)
            if outcome == "reached":
                break
    except HistoryLost as lost:
        return _rebuilt(database, str(lost), started, progress)
    if state is None:
        return _rebuilt(database, reason or "its state was removed meanwhile", started, progress)
    state, of_archive = count_archived_changes(database, state, deltas)
    changes += of_archive
    aside = forget_deleted(database, state.epoch)
    log.info("%s changes taken in, in %.1f s", f"{changes:,}", time.monotonic() - started)
    if state.seq - state.compacted_seq >= DELTAS_BEFORE_COMPACTION:
        compact(database)
    seconds = time.monotonic() - started
    return Advance(
        "advanced", "", changes, state.seq, state.epoch, as_of, state.time_zone, aside, seconds,
        state.shop_changed_at, deltas,
    )  # fmt: skip


def _catch_up(  # noqa: PLR0913 - the state of one loop
    database: MongoDatabase,
    state: State,
    until: Timestamp,
    as_of: datetime,
    settle: bool,
    taken: int,
    deltas: dict[int, CellTable],
    progress: Progress,
) -> tuple[Literal["reached", "moved", "too many"], State | None, int]:
    """Take in batches until `until`; how that ended, the state then, and how many changes were taken in, with `taken`.

    "moved": another process moved the state, and it is for the caller to go on from there. What is written goes into
    `deltas`.
    """
    for batch, folded in _folded(changes_since(database, state.cluster_time, state.token, until), state.hours):
        if batch.events or (batch.reached and (settle or as_of - state.as_of > IDLE)):
            after = replace(
                state,
                seq=state.seq + (1 if batch.events else 0),
                cluster_time=batch.cluster_time,
                token=batch.token,
                as_of=as_of if batch.reached else state.as_of,
                orders=state.orders + batch.new_orders(folded.refused),
            )
            if not _commit(database, state, after, batch, folded):
                return "moved", load_state(database), taken
            state, taken = after, taken + batch.events
            if batch.events:
                deltas[after.seq] = folded.cells
            progress(taken, None, "changes")
        if not batch.reached and _rebuilding_is_cheaper(database, taken):
            return "too many", state, taken
    return "reached", state, taken


def _rebuilding_is_cheaper(database: MongoDatabase, changes: int) -> bool:
    """Whether catching up has cost as much as a rebuild; an estimate of the orders does for that."""
    return (
        changes > CHANGES_BEFORE_REBUILD and changes > database[ORDERS].estimated_document_count() // ORDERS_PER_CHANGE
    )


def _folded(batches: Generator[Changes], hours: Hours) -> Iterator[tuple[Changes, Folded]]:
    """The batches with their cells; the server works on the next batch while this one is folded."""
    with closing(batches), ThreadPoolExecutor(1) as thread:
        following = thread.submit(next, batches, None)
        while (batch := following.result()) is not None:
            following = thread.submit(next, batches, None)
            yield batch, fold_documents(batch.added, batch.taken, hours, settle_before=settled_before())


def _commit(database: MongoDatabase, before: State, after: State, batch: Changes, folded: Folded) -> bool:
    """Write a delta, what it set aside and the state after it, all or nothing; False where another process moved it."""
    if not batch.events:
        return move_state(database, before, after)
    delta = delta_document(after, batch.events, folded.cells)

    def write(session: ClientSession) -> None:
        if not move_state(database, before, after, session):
            raise LostRace
        database[DELTAS].insert_one(delta, session=session)
        note_changes(database, after.epoch, batch.added, folded.refused, session)

    return is_written(database, write)


def _rebuilt(database: MongoDatabase, reason: str, started: float, progress: Progress) -> Advance:
    log.info("the summaries are built anew: %s", reason)
    built = rebuild(database, progress=progress)
    state = built.state
    if is_replica_set(database):
        state, _ = count_archived_changes(database, state)
    log.info("built anew from %s orders in %.1f s", f"{built.orders:,}", built.seconds)
    aside, seconds = count_aside(database, state.epoch), time.monotonic() - started
    return Advance(
        "rebuilt", reason, built.orders, state.seq, state.epoch, state.as_of, state.time_zone, aside, seconds
    )
