"""Where the summaries stand: one document that every change to them moves, so that two changes at once collide.

`summaries_state` holds it. `summaries_cells` holds the buckets of an epoch, `summaries_deltas` the log of what came
after. (Those of version 0.1.0 had other names: `gate`.)

    figures = buckets of state.epoch + deltas with compacted_seq < seq <= state.seq

Whoever writes a state seals it with a hash of what it says, so that one that somebody edited by hand, which would count
orders twice or not at all, is built anew. So is an older state that was put back: a later delta is there.

A rebuild writes the buckets of a new epoch beside the old ones, then moves the state to it in one write.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import bson
from bson import Int64, Timestamp
from pymongo.client_session import ClientSession
from pymongo.errors import CollectionInvalid, DuplicateKeyError, OperationFailure

from ecommerce.mongo import ARCHIVED_CHANGES, Document, MongoDatabase, in_transaction
from ecommerce.shop import SHOP, read_shop

if TYPE_CHECKING:
    from ecommerce.hours import Hours
    from ecommerce.summaries.cells.table import CellTable

STATE = "summaries_state"
DELTAS = "summaries_deltas"
BUCKETS = "summaries_cells"
ASIDE = "orders_aside"
"""Documents that are no orders, by epoch; `aside` has it."""
CHECKS = "checks"
"""What the last check of them found; `checked` has it."""
ARCHIVE_SUMMARY = "orders_archive_summary"
"""Written by the archiver: what each purge took out of `orders`, with its cells."""

STATE_ID = "orders"
_NUMBERED: Document = {"_id": {"$type": "number"}}
_NAMESPACE_EXISTS = 48

FORMAT = 9
"""Of state, buckets and deltas. State of another format is rebuilt. In 1 the timeline knew only orders and revenue; in
2 cells held documents that are no orders by the definition, which are set aside since, and statuses as they were
written; in 3 hours and months were those of UTC; in 4 there were no cells of sales; in 5 a state was not sealed;
in 6 there were no promises; in 7 cells held orders whose parts contradict each other; 8 did not say how many orders
were counted."""

SEALED: Mapping[str, tuple[str, ...]] = {
    "position": ("format", "epoch", "seq", "cluster_time", "token", "as_of", "rebuilt_at", "time_zone", "orders"),
    "compaction": ("format", "epoch", "compacted_seq"),
}
"""What is sealed together: advances and compaction move the state beside each other, each its own part."""


@dataclass(frozen=True, slots=True)
class State:
    """What the summaries hold: everything that happened in `orders` up to `cluster_time`."""

    epoch: str
    seq: int
    """Number of the last delta. It never goes back, not even in a rebuild."""
    compacted_seq: int
    """Deltas up to this one are in the buckets."""
    cluster_time: Timestamp
    token: Mapping[str, Any] | None
    """Where the change stream goes on; None: right after `cluster_time`."""
    as_of: datetime
    """The clock when `cluster_time` was the latest."""
    rebuilt_at: datetime
    time_zone: str
    """Whose hours the cells are of: the shop's, when they were built."""
    orders: int
    """How many orders were counted, hot and archived, each once; credits are among them. `counts` has more."""
    shop_changed_at: datetime | None = None
    """When `ecommerce shop` gave the shop another currency, where it did since the summaries were built. Processes read
    the state all the time, and the shop only when this says so."""

    @property
    def hours(self) -> "Hours":
        """The hours that the cells are of."""
        # `status` reads the state and needs neither Polars nor NumPy, which cells and hours are made with.
        from ecommerce.hours import hours_of

        return hours_of(self.time_zone)

    def to_document(self) -> Document:
        """As it lies in MongoDB."""
        from ecommerce.summaries.cells.measures import definition

        kept = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "shop_changed_at"}
        longs = {name: Int64(kept[name]) for name in ("seq", "compacted_seq", "orders")}
        document: Document = {"format": FORMAT, "definition": definition(), **kept, **longs}
        return document | {"sealed": _seals(document)}


def _seals(document: Mapping[str, Any]) -> dict[str, str]:
    """A hash of each part of a state."""
    parts = {part: {name: document.get(name) for name in names} for part, names in SEALED.items()}
    return {part: hashlib.sha256(bson.encode(values)).hexdigest()[:16] for part, values in parts.items()}


class LostRace(Exception):
    """Another process moved the state, or did the same: the transaction that noticed is undone."""


def is_written(database: MongoDatabase, write: Callable[[ClientSession], None]) -> bool:
    """Write in a transaction; False where `write` noticed that the race is lost, and nothing was written."""
    try:
        in_transaction(database, write)
    except LostRace:
        return False
    return True


def create_collections(database: MongoDatabase) -> None:
    """Create what is read at one moment or written in transactions: a moment before its creation cannot be read."""
    wanted = {STATE, DELTAS, BUCKETS, ASIDE, ARCHIVE_SUMMARY, ARCHIVED_CHANGES}
    for name in wanted.difference(database.list_collection_names()):
        try:
            database.create_collection(name)
        except (CollectionInvalid, OperationFailure) as error:
            if getattr(error, "code", _NAMESPACE_EXISTS) not in (None, _NAMESPACE_EXISTS):
                raise


def load_state(database: MongoDatabase, session: ClientSession | None = None) -> State | None:
    """The state; None where there is none that can be gone on from."""
    return _state_of(_found(database, session))


def load_newest_state(database: MongoDatabase) -> tuple[State | None, str]:
    """The state, and where there is none that can be gone on from, why. An older one that was put back is none."""
    newest, found = _newest_delta_and_state(database)
    state = _state_of(found)
    if state is not None and newest > state.seq:
        return None, f"somebody put an older {STATE} back: it ends with delta {state.seq}, there is delta {newest}"
    return state, why_no_state(found)


def _state_of(found: Mapping[str, Any] | None) -> State | None:
    if found is None or why_no_state(found):
        return None
    known: Document = {one.name: found.get(one.name) for one in fields(State)}
    return State(**known | {name: int(known[name]) for name in ("seq", "compacted_seq", "orders")})


def why_no_state(found: Mapping[str, Any] | None) -> str:
    """Why nothing can go on from a state as it lies in MongoDB; empty where it can."""
    if found is None:
        return "first run"
    if found.get("format") != FORMAT:
        return "the summaries are of another version's format"
    return "" if found.get("sealed") == _seals(found) else f"somebody edited {STATE}"


def why_of_other_hours(database: MongoDatabase) -> str:
    """What is wrong where somebody edited the shop's zone, so that the figures are of other hours; else empty.

    `ecommerce shop` moves both in one transaction: a state that is the same before and after was not moved meanwhile.
    """
    before, zone, state = load_state(database), read_shop(database).time_zone, load_state(database)
    if before is None or state is None or before.time_zone != state.time_zone or state.time_zone == zone:
        return ""
    return (
        f"the figures are by the hours of {state.time_zone}, the shop's are those of {zone}: somebody edited "
        f"collection {SHOP!r}. `ecommerce shop --time-zone {state.time_zone}` puts the shop back, "
        f"`ecommerce shop --time-zone {zone}` counts every figure by its hours"
    )


def delta_document(after: State, changes: int, cells: "CellTable") -> Document:
    """A delta: what so many changes of orders came to, after which the state is `after`."""
    return {
        "_id": Int64(after.seq),
        "epoch": after.epoch,
        "changes": changes,
        "written_at": datetime.now(UTC),
        "data": cells.encode(),
    }


def note_shop_change(database: MongoDatabase) -> None:
    """Have every process that keeps figures read the shop anew, which is another one already."""
    database[STATE].update_one({"_id": STATE_ID}, {"$set": {"shop_changed_at": datetime.now(UTC)}})


def last_delta(database: MongoDatabase) -> int:
    """The number of the newest delta; 0 where there is none."""
    found = database[DELTAS].find_one(_NUMBERED, {"_id": 1}, sort=[("_id", -1)])
    return int(found["_id"]) if found else 0


def _newest_delta_and_state(database: MongoDatabase) -> tuple[int, Document | None]:
    """By one command; the delta is read before the state, so none is ahead of it."""
    pipeline: list[Document] = [
        {"$match": _NUMBERED},
        {"$sort": {"_id": -1}},
        {"$limit": 1},
        {"$project": {"_id": 1}},
        {"$unionWith": {"coll": STATE, "pipeline": [{"$match": {"_id": STATE_ID}}]}},
    ]
    found = {one["_id"]: one for one in database[DELTAS].aggregate(pipeline)}
    state = found.pop(STATE_ID, None)
    return int(max(found, default=0)), state


def _found(database: MongoDatabase, session: ClientSession | None = None) -> Document | None:
    return database[STATE].find_one({"_id": STATE_ID}, session=session)


def move_state(database: MongoDatabase, before: State, after: State, session: ClientSession | None = None) -> bool:
    """Move on from the state that was read; False where another process did meanwhile. Compaction may run beside it."""
    same = {"_id": STATE_ID, "epoch": before.epoch, "seq": Int64(before.seq), "cluster_time": before.cluster_time}
    document = after.to_document()
    moved = {name: document[name] for name in ("seq", "cluster_time", "token", "as_of", "orders")}
    moved["sealed.position"] = document["sealed"]["position"]
    return database[STATE].update_one(same, {"$set": moved}, session=session).matched_count == 1


def move_epoch(
    database: MongoDatabase, before: State | None, after: State, session: ClientSession | None = None
) -> bool:
    """Let the figures come from the buckets of a new epoch; False where another process moved the state meanwhile."""
    document = after.to_document()
    if before is not None:
        same = {"_id": STATE_ID, "epoch": before.epoch, "seq": Int64(before.seq)}
        return database[STATE].replace_one(same, document, session=session).matched_count == 1
    found = _found(database, session)
    if not why_no_state(found):
        return False
    same = {name: {"$eq": (found or {}).get(name)} for name in ("format", "sealed")}
    try:
        # Without a state, or over one that is of no use; an upsert that meets another one is a duplicate key.
        database[STATE].replace_one({"_id": STATE_ID} | same, document, upsert=True, session=session)
    except DuplicateKeyError:
        return False
    return True


def move_epoch_and(
    database: MongoDatabase, before: State | None, after: State, write: Callable[[ClientSession], None]
) -> bool:
    """What `move_epoch` does, and what `write` does with a session, both or neither."""

    def both(session: ClientSession) -> None:
        write(session)
        if not move_epoch(database, before, after, session):
            raise LostRace

    try:
        return is_written(database, both)
    except DuplicateKeyError:
        return False


def move_compacted(database: MongoDatabase, before: State, compacted_seq: int, session: ClientSession | None) -> bool:
    """Say that the deltas up to `compacted_seq` are in the buckets; False where another process said so meanwhile."""
    same = {"_id": STATE_ID, "epoch": before.epoch, "compacted_seq": Int64(before.compacted_seq)}
    after = {"format": FORMAT, "epoch": before.epoch, "compacted_seq": Int64(compacted_seq)}
    moved = {"compacted_seq": after["compacted_seq"], "sealed.compaction": _seals(after)["compaction"]}
    return database[STATE].update_one(same, {"$set": moved}, session=session).matched_count == 1
