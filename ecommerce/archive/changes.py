"""Later versions of archived orders, as an archive run takes them from `archived_changes` and leaves them.

A run takes what is in the figures (`counted`) and marks it as its own. It leaves the collection when it is in the rows,
in the transaction that gives the entries of the orders the content hashes of their new rows.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument
from pymongo import UpdateOne
from pymongo.client_session import ClientSession

from ecommerce.archive.day_sums import days_of_orders
from ecommerce.archive.encoded_ids import filter_of_ids
from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.fault_points import reached
from ecommerce.archive.hot import HotOrders, hot_orders, time_of
from ecommerce.archive.run import Day, together
from ecommerce.bson_reading.batches import raw_batches
from ecommerce.documents.bson_codec import decode_order
from ecommerce.documents.content_hash import CONTENT_HASH
from ecommerce.documents.kinds import DAY_MS
from ecommerce.documents.stored import readable_order
from ecommerce.ingest.archived_changes import entry_content
from ecommerce.mongo import ARCHIVED_CHANGES, ARCHIVED_ORDERS, MongoDatabase, in_transaction
from ecommerce.summaries.advance import advance

IN_TURN = {"order_id": 1, "number": 1}
AT_ONCE = 2_000
"""Changes that leave in a transaction."""


def changes_wait(database: MongoDatabase) -> bool:
    """Whether later versions of archived orders wait for a run."""
    return database[ARCHIVED_CHANGES].find_one({"run": {"$exists": False}}, {"_id": 1}) is not None


def release_changes(database: MongoDatabase, run_id: str) -> None:
    """Let a run's changes wait for another run."""
    database[ARCHIVED_CHANGES].update_many({"run": run_id}, {"$unset": {"run": ""}})


def take_changes(database: MongoDatabase, run_id: str) -> None:
    """Mark all changes that are in the figures as a run's."""
    for _ in range(2):  # the first may be a rebuild, which counts no changes
        if database[ARCHIVED_CHANGES].find_one({"counted": False}, {"_id": 1}):
            advance(database)
    taken = {"counted": True, "run": {"$exists": False}}
    database[ARCHIVED_CHANGES].update_many(taken, {"$set": {"run": run_id}})


def changed_orders(database: MongoDatabase, run_id: str) -> Iterator[HotOrders]:
    """The orders that a run changes, each as it will be, in batches."""
    last: RawBSONDocument | None = None
    for batch in raw_batches(database, {"run": run_id}, collection=ARCHIVED_CHANGES, sort=IN_TURN):
        documents: list[bytes] = []
        for change in map(RawBSONDocument, batch):
            if last is not None and last["order_id"] != change["order_id"]:
                documents.append(last["document"].raw)
            last = change
        if documents:
            yield hot_orders(documents, readable_order)
    if last is not None:
        yield hot_orders([last["document"].raw], readable_order)


def sums_of_changes(database: MongoDatabase, run_id: str) -> tuple[tuple[Day, ...], dict[date, int]]:
    """What the orders that a run changes come to per day, and the content hashes of their rows of before, folded.

    Raises ArchiveError where one of them is not archived.
    """
    days: tuple[Day, ...] = ()
    before: dict[date, int] = {}
    for hot in changed_orders(database, run_id):
        days = together((*days, *days_of_orders(hot)))
        entries = raw_batches(database, filter_of_ids(hot.ids), collection=ARCHIVED_ORDERS)
        hashes = {entry["_id"]: entry[CONTENT_HASH] for batch in entries for entry in map(bson.decode, batch)}
        for order_id, time in zip(hot.ids.tolist(), hot.times.tolist(), strict=True):
            if order_id not in hashes:
                raise ArchiveError(
                    f"{ARCHIVED_CHANGES} has a later version of order {order_id}, which is not archived: see "
                    "`ecommerce check`"
                )
            day = time_of(time // DAY_MS * DAY_MS).date()
            before[day] = before.get(day, 0) ^ hashes[order_id]
    return days, before


def leave_changes(database: MongoDatabase, run_id: str) -> None:
    """The run's changes are in the rows: give the entries of their orders those hashes, and drop the changes."""
    of_run = {"run": run_id}
    while some := list(database[ARCHIVED_CHANGES].find(of_run, {"order_id": 1}).sort(IN_TURN).limit(AT_ONCE)):
        of_orders = {**of_run, "order_id": {"$in": sorted({change["order_id"] for change in some})}}

        def write(session: ClientSession, chosen: Mapping[str, Any] = of_orders) -> None:
            last = {
                change["order_id"]: decode_order(change["document"])
                for change in database[ARCHIVED_CHANGES].find(chosen, session=session).sort(IN_TURN)
            }
            entries = [
                UpdateOne({"_id": order_id}, {"$set": entry_content(order) | {"run_id": run_id}})
                for order_id, order in last.items()
            ]
            if entries:
                database[ARCHIVED_ORDERS].bulk_write(entries, ordered=False, session=session)
                database[ARCHIVED_CHANGES].delete_many(chosen, session=session)

        in_transaction(database, write)
        reached("commit:left")
