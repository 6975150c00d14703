"""Keeps the log of deltas short and the buckets in few parts; no figure changes by it, and it may die at any point."""

import logging
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bson import Int64, ObjectId
from pymongo.client_session import ClientSession

from ecommerce.gate import require_known_format
from ecommerce.mongo import MongoDatabase, is_replica_set
from ecommerce.summaries.buckets import (
    bucket_documents,
    bucket_of,
    cells_documents,
    ids_of,
    insert_buckets,
    rollup_document,
)
from ecommerce.summaries.cells.promises import settled_before
from ecommerce.summaries.cells.rollup import Rollup
from ecommerce.summaries.cells.table import CellTable
from ecommerce.summaries.state import (
    ASIDE,
    BUCKETS,
    DELTAS,
    LostRace,
    State,
    is_written,
    last_delta,
    load_state,
    move_compacted,
)

log = logging.getLogger(__name__)

DELTAS_BEFORE_COMPACTION = 500
"""A tick every 5 s writes 500 deltas in 42 minutes. A dashboard that starts reads them all: 0.3 s."""

COMPACTED_BYTES_MAX = 8_000_000
"""Encoded deltas put into buckets by one transaction."""

PARTS_BEFORE_MERGE = 8
SMALL_BYTES = 250_000
"""Parts below this are put together; what they come to is cut into parts again."""

MERGED_BYTES_MAX = 4_000_000
"""Put together by one transaction."""

DELTAS_KEPT = timedelta(minutes=15)
"""Compacted deltas stay this long for dashboards that have not read them; one that sleeps longer reads the buckets."""

ABANDONED_AFTER = timedelta(days=1)
"""Buckets of an epoch that never became the state's, and what it set aside, are those of a rebuild that died."""


@dataclass(frozen=True, slots=True)
class Compaction:
    """What was done."""

    deltas: int
    merged_parts: int


def compact(database: MongoDatabase) -> Compaction:
    """Put deltas into buckets and small parts together. Any number of processes may do so at once."""
    require_known_format(database)
    if not is_replica_set(database):
        return Compaction(0, 0)  # there are no deltas
    deltas = 0
    while (state := load_state(database)) is not None and state.compacted_seq < state.seq:
        taken = _put_into_buckets(database, state)
        if not taken:
            break  # another process is at it
        deltas += taken
    merged = 0 if state is None else sum(_merge(database, ids) for ids in _fragmented(database, state.epoch))
    removed = _remove_old(database, state) if state else 0
    log.info("%d deltas put into buckets, %d parts merged, %d removed", deltas, merged, removed)
    return Compaction(deltas, merged)


def _put_into_buckets(database: MongoDatabase, state: State) -> int:
    upto, tables, size = state.compacted_seq, [], 0
    query = {"_id": {"$gt": Int64(state.compacted_seq), "$lte": Int64(state.seq)}}
    for delta in database[DELTAS].find(query).sort("_id", 1):
        upto = int(delta["_id"])
        tables.append(CellTable.decode(delta["data"]))
        size += sum(len(column["data"]) for part in delta["data"].values() for column in part["columns"].values())
        if size > COMPACTED_BYTES_MAX:
            break
    documents = list(bucket_documents(state.epoch, CellTable.sum_of(tables), state.hours))

    def write(session: ClientSession) -> None:
        if not move_compacted(database, state, upto, session):
            raise LostRace
        insert_buckets(database, documents, session)

    return len(tables) if is_written(database, write) else 0


def _fragmented(database: MongoDatabase, epoch: str) -> Iterator[list[str]]:
    """Ids of the small parts of every bucket that has too many of them."""
    sizes: dict[str, list[tuple[int, str]]] = defaultdict(list)
    pipeline = [{"$match": {"_id": ids_of(epoch)}}, {"$project": {"size": {"$bsonSize": "$$ROOT"}}}]
    for part in database[BUCKETS].aggregate(pipeline):
        sizes[part["_id"].rpartition(":")[0]].append((part["size"], part["_id"]))
    for parts in sizes.values():
        chosen, total = [], 0
        for size, identity in sorted(parts):
            total += size
            if size > SMALL_BYTES or total > MERGED_BYTES_MAX:
                break
            chosen.append(identity)
        if len(chosen) > PARTS_BEFORE_MERGE:
            yield chosen


def _merge(database: MongoDatabase, ids: list[str]) -> int:
    """Replace parts of one bucket by their sum; 0 where another process replaced some of them."""
    epoch, kind, month = bucket_of(ids[0])
    parts = [part["data"] for part in database[BUCKETS].find({"_id": {"$in": ids}})]
    if kind == "cells":
        merged = CellTable.sum_of(CellTable.decode(part) for part in parts).settled(settled_before())
        documents = list(cells_documents(epoch, month, merged))
    else:
        documents = [rollup_document(epoch, month, Rollup.sum_of(Rollup.decode(part) for part in parts))]

    def write(session: ClientSession) -> None:
        if database[BUCKETS].delete_many({"_id": {"$in": ids}}, session=session).deleted_count != len(ids):
            raise LostRace
        insert_buckets(database, documents, session)

    return len(ids) if is_written(database, write) else 0


def _remove_old(database: MongoDatabase, state: State) -> int:
    """Remove deltas that nobody reads any more, and what rebuilds that died left. Returns how many deltas."""
    now = datetime.now(UTC)
    oldest = str(ObjectId.from_datetime(now - ABANDONED_AFTER))
    database[BUCKETS].delete_many({"_id": {"$lt": oldest, "$not": ids_of(state.epoch)}})
    database[ASIDE].delete_many({"_id.epoch": {"$lt": oldest, "$ne": state.epoch}})
    # The last one stays: an older state that somebody puts back is behind it.
    done = {"$lte": Int64(state.compacted_seq), "$lt": Int64(last_delta(database))}
    old = {"_id": done, "written_at": {"$lt": now - DELTAS_KEPT}}
    return database[DELTAS].delete_many(old).deleted_count
