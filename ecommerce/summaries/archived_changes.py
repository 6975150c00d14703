"""Later versions of archived orders in the figures: what one adds to what the archive's records tell.

An advance counts what waits in `archived_changes`: in one transaction it adds the difference to the figures as a delta,
records it in `orders_archive_summary`, for ever, and marks the versions as counted. Such a record names the epoch that
has it (`counted_in`): a rebuild that read the records before it came leaves it to the next advance.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from bson import ObjectId
from pymongo import IndexModel
from pymongo.client_session import ClientSession

from ecommerce.documents.bson_codec import decode_order, encode_order
from ecommerce.documents.stored import readable_order
from ecommerce.hours import Hours
from ecommerce.mongo import ARCHIVED_CHANGES, Document, MongoDatabase, in_transaction
from ecommerce.summaries.cells.fold import fold_documents
from ecommerce.summaries.cells.promises import settled_before
from ecommerce.summaries.cells.table import CellTable
from ecommerce.summaries.records import added_record, cells_of_record
from ecommerce.summaries.state import ARCHIVE_SUMMARY, DELTAS, LostRace, State, delta_document, load_state, move_state

COUNTED_IN = "counted_in"
AT_ONCE = 2_000
"""Versions, and records, that are counted by one transaction."""

_NOT_COUNTED: Document = {"counted": False}


def prepare_archived_changes(database: MongoDatabase) -> None:
    """The indexes by which an advance finds what it has not counted, and an import what waits."""
    in_turn = IndexModel([("order_id", 1), ("number", 1)], unique=True)
    database[ARCHIVED_CHANGES].create_indexes([IndexModel([("counted", 1)]), in_turn])
    database[ARCHIVE_SUMMARY].create_indexes([IndexModel([(COUNTED_IN, 1)], sparse=True)])


def count_archived_changes(
    database: MongoDatabase, state: State, deltas: dict[int, CellTable] | None = None
) -> tuple[State, int]:
    """Take in later versions of archived orders; the state then, and how many there were.

    What is written goes into `deltas`, by number.
    """
    taken = 0
    while _is_any_left(database, state.epoch):
        waiting = list(database[ARCHIVED_CHANGES].find(_NOT_COUNTED).limit(AT_ONCE))
        records = list(database[ARCHIVE_SUMMARY].find(_left_out(state.epoch)).limit(AT_ONCE))
        if not waiting and not records:  # another process counted them meanwhile
            continue
        try:
            state, cells = _count(database, state, waiting, records)
            taken += len(waiting)
            if deltas is not None:
                deltas[state.seq] = cells
        except LostRace:
            if (newer := load_state(database)) is None:
                return state, taken  # somebody removed it: the next advance builds anew
            state = newer
    return state, taken


def _left_out(epoch: str) -> Document:
    """The query for records that the figures of an epoch do not have."""
    return {COUNTED_IN: {"$exists": True, "$ne": epoch}}


def _is_any_left(database: MongoDatabase, epoch: str) -> bool:
    """Whether there is anything to count: each tick of a dashboard asks, so it is one command."""
    of_records: list[Document] = [{"$match": _left_out(epoch)}, {"$limit": 1}]
    either: list[Document] = [
        {"$match": _NOT_COUNTED},
        {"$limit": 1},
        {"$unionWith": {"coll": ARCHIVE_SUMMARY, "pipeline": of_records}},
        {"$project": {"_id": 1}},
    ]
    return any(True for _ in database[ARCHIVED_CHANGES].aggregate(either))


def _count(
    database: MongoDatabase, state: State, waiting: Sequence[Any], records: Sequence[Any]
) -> tuple[State, CellTable]:
    cells_of_day = {day: cells_of(changes, state.hours) for day, changes in _by_day(waiting).items()}
    known = [cells_of_record(record, state.hours) for record in records]
    after, both = replace(state, seq=state.seq + 1), CellTable.sum_of((*cells_of_day.values(), *known))
    delta = delta_document(after, len(waiting), both)
    of_waiting = {"_id": {"$in": [change["_id"] for change in waiting]}, "counted": False}
    of_records = {"_id": {"$in": [record["_id"] for record in records]}, COUNTED_IN: {"$ne": state.epoch}}

    def write(session: ClientSession) -> None:
        if not move_state(database, state, after, session):
            raise LostRace
        database[DELTAS].insert_one(delta, session=session)
        marked = database[ARCHIVED_CHANGES].update_many(of_waiting, {"$set": {"counted": True}}, session=session)
        moved = database[ARCHIVE_SUMMARY].update_many(of_records, {"$set": {COUNTED_IN: state.epoch}}, session=session)
        if (marked.matched_count, moved.matched_count) != (len(waiting), len(records)):
            raise LostRace
        if cells_of_day:
            new = [_record(day, cells, state) for day, cells in cells_of_day.items()]
            database[ARCHIVE_SUMMARY].insert_many(new, session=session)

    in_transaction(database, write)
    return after, both


def cells_of(changes: Sequence[Mapping[str, Any]], hours: Hours) -> CellTable:
    """What later versions add to the cells of the versions that they replace."""
    after, before = (
        [encode_order(decode_order(change[name])) for change in changes] for name in ("document", "before")
    )
    return fold_documents(after, before, hours, settle_before=settled_before(), read=readable_order).cells


def waiting_cells(
    database: MongoDatabase,
    query: Mapping[str, Any],
    hours: Hours,
    session: ClientSession | None = None,
    *,
    applied: str | None = None,
) -> dict[datetime, CellTable]:
    """What the records tell that is not in the archive's rows yet, by the UTC day of the orders.

    `applied` is the run whose changes are in the rows although they have not left the collection.
    """
    waiting = {"counted": True, **({"run": {"$ne": applied}} if applied else {})}
    counted = database[ARCHIVED_CHANGES].find({**waiting, **query}, session=session)
    return {day: cells_of(changes, hours) for day, changes in _by_day(list(counted)).items()}


def mark_counted(database: MongoDatabase, epoch: str, identities: Sequence[Any], session: ClientSession) -> None:
    """Say that records of changes are in the figures of an epoch, whose rebuild read them."""
    database[ARCHIVE_SUMMARY].update_many(
        {"_id": {"$in": list(identities)}}, {"$set": {COUNTED_IN: epoch}}, session=session
    )


def _by_day(changes: Sequence[Mapping[str, Any]]) -> dict[datetime, list[Mapping[str, Any]]]:
    by_day: dict[datetime, list[Mapping[str, Any]]] = defaultdict(list)
    for change in changes:
        by_day[change["order_date"]].append(change)
    return by_day


def _record(day: datetime, cells: CellTable, state: State) -> Document:
    return added_record(f"changes-{ObjectId()}", day, cells, state.hours) | {COUNTED_IN: state.epoch}
