"""Orders that are not in one place: in MongoDB and in the archive, so that they count twice; or counted and in neither.

A purge moves an order from one place to the other in a transaction, and nothing else of the pipeline deletes orders. So
both come from somebody with a shell: no figure differs from the documents in the first case, and in the second the
figures know of an order that nobody has any more.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from bson import Timestamp
from bson.raw_bson import RawBSONDocument
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure

from ecommerce.documents.bson_codec import RAW_OPTIONS
from ecommerce.documents.content_hash import CONTENT_HASH, content_hash, hashes_of_spellings
from ecommerce.documents.order import OrderDocument
from ecommerce.documents.stored import NotAnOrder, stored_order
from ecommerce.ingest.archived_changes import waiting_versions
from ecommerce.ingest.stored_orders import any_between
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, MongoDatabase, in_transaction, is_replica_set
from ecommerce.summaries.changes import LOST_CODES, latest_time, token_time

LOOKED_UP = 10_000
"""Ids that are looked for in the archive at a time."""

WHOLE_NUMBERS = ["long", "int"]
"""Types of an order's `_id`, the second where somebody wrote it in a shell."""


HISTORY = [timedelta(days=days) for days in (30, 7, 2, 1)] + [timedelta(minutes=minutes) for minutes in (360, 60, 10)]
"""How far back deletions are looked for, the first that the server still has the history of."""


@dataclass(frozen=True, slots=True)
class Twice:
    """An order that is in MongoDB and in the archive."""

    order_id: int
    run_id: str
    """The run that archived it."""
    same: bool
    """Whether both have the same content: then the one in MongoDB is a copy that nobody needs."""

    def __str__(self) -> str:
        is_copy = "" if self.same else ", with another content"
        return f"order {self.order_id} is in `orders` and in the archive (run {self.run_id}){is_copy}"


@dataclass(frozen=True, slots=True)
class Deleted:
    """An order that was counted, and that somebody deleted: it is in neither place."""

    order_id: int
    at: datetime

    def __str__(self) -> str:
        return f"order {self.order_id}, deleted at {self.at:%Y-%m-%d %H:%M:%S} UTC"


@dataclass(frozen=True, slots=True)
class Deletions:
    """What somebody deleted from `orders`."""

    gone: tuple[Deleted, ...] = ()
    """Orders that are in neither place now."""
    back: int = 0
    """How many were of orders that are in one of the places now: imported again, say, and then counted twice."""


def find_twice(database: MongoDatabase) -> list[Twice]:
    """The orders that are in both places at one moment. A document that is no order is in no figure, and not named.

    5 microseconds for an order whose id is among those of archived orders, 1 for others.
    """
    found = [one for ids in _ids_of(database) for one in _archived_among(database, ids)]
    return [one for at in range(0, len(found), LOOKED_UP) for one in _both(database, found[at : at + LOOKED_UP])]


def remove_copies(database: MongoDatabase, twice: Sequence[Twice]) -> int:
    """Delete from MongoDB the orders that the archive has with the same content, if that is still so; how many."""
    copies = [one.order_id for one in twice if one.same]
    return sum(_remove(database, copies[at : at + LOOKED_UP]) for at in range(0, len(copies), LOOKED_UP))


def find_deletions(database: MongoDatabase, since: datetime) -> Deletions:
    """What somebody deleted since a moment, other than archive runs.

    As far back as the server keeps the history of changes; nothing where it is no replica set and keeps none.
    """
    if not is_replica_set(database):
        return Deletions()
    deleted = _deleted_since(database, since)
    there = set(_there(database, {one.order_id for one in deleted}))
    gone = {one.order_id: one for one in deleted if one.order_id not in there}
    return Deletions(tuple(gone.values()), sum(one.order_id in there for one in deleted))


def _remove(database: MongoDatabase, ids: Sequence[int]) -> int:
    def remove(session: ClientSession | None) -> int:
        same = [one.order_id for one in _read_both(database, ids, session) if one.same]
        return database[ORDERS].delete_many({"_id": {"$in": same}}, session=session).deleted_count

    return in_transaction(database, remove) if is_replica_set(database) else remove(None)


def _ids_of(database: MongoDatabase) -> Iterator[list[int]]:
    """The ids of the orders in MongoDB, in their order, some at a time."""
    # Whatever else somebody gave as `_id` is the id of no order.
    query = {"_id": {"$type": WHOLE_NUMBERS}}
    found = database[ORDERS].find(query, {"_id": 1}, batch_size=LOOKED_UP).sort("_id", 1).hint("_id_")
    while ids := [int(document["_id"]) for document in islice(found, LOOKED_UP)]:
        yield ids


def _archived_among(database: MongoDatabase, ids: Sequence[int]) -> list[int]:
    archive = database[ARCHIVED_ORDERS]
    if not any_between(archive, ids, None):
        return []
    return [entry["_id"] for entry in archive.find({"_id": {"$in": ids}}, {"_id": 1})]


def _both(database: MongoDatabase, ids: Sequence[int]) -> list[Twice]:
    """Those that are in both places at one moment: they were read one after the other, and a purge moves orders."""
    with database.client.start_session(snapshot=is_replica_set(database)) as session:
        return _read_both(database, ids, session)


def _read_both(database: MongoDatabase, ids: Sequence[int], session: ClientSession | None) -> list[Twice]:
    entries = {entry["_id"]: entry for entry in database[ARCHIVED_ORDERS].find({"_id": {"$in": ids}}, session=session)}
    orders = _orders(database, [*entries], session)
    waiting = waiting_versions(database, [*orders], session)
    twice = []
    for order_id, order in sorted(orders.items()):
        entry, last = entries[order_id], waiting.get(order_id)
        now = content_hash(last.order) if last else entry[CONTENT_HASH]
        twice.append(Twice(order_id, str(entry["run_id"]), now in hashes_of_spellings(order)))
    return twice


def _orders(database: MongoDatabase, ids: Sequence[int], session: ClientSession | None) -> dict[int, OrderDocument]:
    raw: Any = database.get_collection(ORDERS, codec_options=RAW_OPTIONS)
    found = map(_order_in, raw.find({"_id": {"$in": ids}}, session=session))
    return {order.order.order_id: order for order in found if order is not None}


def _order_in(document: RawBSONDocument) -> OrderDocument | None:
    try:
        return stored_order(bytes(document.raw))
    except NotAnOrder:
        return None


def _there(database: MongoDatabase, ids: Collection[int]) -> Iterator[int]:
    wanted = [*ids]
    for at in range(0, len(wanted), LOOKED_UP):
        query = {"_id": {"$in": wanted[at : at + LOOKED_UP]}}
        for collection in (ORDERS, ARCHIVED_ORDERS):
            yield from (int(found["_id"]) for found in database[collection].find(query, {"_id": 1}))


def _deleted_since(database: MongoDatabase, since: datetime) -> list[Deleted]:
    now = datetime.now(UTC)
    for start in [since, *(now - back for back in HISTORY if now - back > since)]:
        try:
            return _deletions(database, Timestamp(int(start.timestamp()), 1))
        except OperationFailure as error:
            if error.code not in LOST_CODES and not error.has_error_label("NonResumableChangeStreamError"):
                raise
    return []


def _deletions(database: MongoDatabase, start: Timestamp) -> list[Deleted]:
    """Deletions of orders outside of transactions, which are those of archive runs."""
    found = [_deleted(event) for event in _events(database, start)]
    if not 0 < len(found) <= LOOKED_UP:
        return found
    # Only these are asked what was deleted: an archive run's orders are many, and their images large.
    ids = {"documentKey._id": {"$in": [one.order_id for one in found]}}
    events = _events(database, start, ids, full_document_before_change="whenAvailable")
    images = ((event, event.get("fullDocumentBeforeChange")) for event in events)
    # Where the image is gone, what was deleted counts as an order.
    return [_deleted(event) for event, image in images if image is None or _order_in(image) is not None]


def _deleted(event: RawBSONDocument) -> Deleted:
    return Deleted(int(event["documentKey"]["_id"]), event["clusterTime"].as_datetime())


def _events(
    database: MongoDatabase, start: Timestamp, chosen: Mapping[str, Any] | None = None, **options: Any
) -> Iterator[RawBSONDocument]:
    """The deletions by hand from a moment until now."""
    until = latest_time(database)
    orders: Any = database.get_collection(ORDERS, codec_options=RAW_OPTIONS)
    deletes: dict[str, Any] = {"operationType": "delete", "documentKey._id": {"$type": WHOLE_NUMBERS}}
    # Asked of the event: the oplog gives a number to writes that can be tried again, too.
    by_hand = {"by_hand": {"$eq": [{"$type": "$txnNumber"}, "missing"]}}
    pipeline = [{"$match": {**deletes, **(chosen or {})}}, {"$addFields": by_hand}, {"$match": {"by_hand": True}}]
    with orders.watch(pipeline, start_at_operation_time=start, max_await_time_ms=50, **options) as stream:
        while True:
            event = stream.try_next()
            if event is not None:
                yield event
            elif stream.resume_token is None or token_time(stream.resume_token) >= until:
                return
