"""How many orders are where, exactly, at the position of the summaries.

MongoDB's own count of a collection costs nothing and is wrong after its process was killed, until `validate` counts
anew: it said 121,003 where 321,003 were there. The summaries' state has what it takes, for two small reads:

    hot = orders counted - orders that the purges took out + documents that are set aside
"""

from datetime import datetime
from typing import Any, NamedTuple

from pymongo.client_session import ClientSession

from ecommerce.documents.kinds import EARLIEST_TIME
from ecommerce.ingest.expired import expired_before
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, Document, MongoDatabase, is_replica_set
from ecommerce.summaries.aside import count_aside
from ecommerce.summaries.state import ARCHIVE_SUMMARY, load_state

ALL_RECORDS: Document = {"order_date": {"$gte": EARLIEST_TIME}}
"""All records of the archive, in words that let an index answer."""


class Counts(NamedTuple):
    """How many orders are where."""

    hot: int
    """Documents of `orders`, those that are set aside, too."""
    archived: int
    """Without those that expired."""
    aside: int = 0
    """Documents of `orders` that are no orders."""
    newer: int = 0
    """Documents of `orders` that came after the summaries: nobody has looked whether they are orders."""
    missing: int = 0
    """Documents that the summaries know and that are not there any more, at least: no archive run took them out."""


def count_orders(database: MongoDatabase) -> Counts:
    """The counts at the position of the summaries; where there are none, by counting."""
    return OrderCounts(database).read(snapshot=is_replica_set(database))


def count_orders_now(database: MongoDatabase) -> Counts:
    """The counts of now, for a person who asks once: `orders` is counted, which takes 0.3 s per million.

    The position of the summaries may be that of before an import: `status` said 0 hot orders after 60,000 came.
    """
    known = count_orders(database)
    now = database[ORDERS].count_documents({})
    # What an archive run took out between the two is in its records by now.
    missing = max(0, count_orders(database).hot - now) if now < known.hot else 0
    return known._replace(hot=now, newer=min(now, max(0, now - known.hot)), missing=missing)


class OrderCounts:
    """The counts for who asks again and again: the records of the purges are summed up only when one came.

    5,000 of them took 4 ms, a seventh of a tick without news.
    """

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self._summed: Any = None
        self._purged = self._kept = 0

    def read(self, *, snapshot: bool) -> Counts:
        """What `count_orders` returns; `snapshot`: whether the server is a replica set."""
        database = self._database
        # Of what a later snapshot surely has: a record that comes in between is in the sums, and is new the next time,
        # too. The command counts the index, in a tenth of the time that an aggregation takes.
        concern: dict[str, Any] = {"readConcern": {"level": "majority"}} if snapshot else {}
        records = database.command("count", ARCHIVE_SUMMARY, query=ALL_RECORDS, **concern)["n"]
        with database.client.start_session(snapshot=snapshot) as session:
            state = load_state(database, session)
            if state is None:
                return Counts(database[ORDERS].count_documents({}), database[ARCHIVED_ORDERS].count_documents({}))
            before = expired_before(database, session)
            if (records, before) != self._summed:
                self._purged, self._kept = _archived(database, before, session)
                self._summed = records, before
            aside = count_aside(database, state.epoch, session)
        return Counts(state.orders - self._purged + aside, self._kept, aside)


def _archived(database: MongoDatabase, before: datetime | None, session: ClientSession) -> tuple[int, int]:
    """How many orders the purges took out of `orders`, and how many of them are still kept: those not older."""
    of_record = "$total_orders"
    kept: Any = {"$cond": [{"$gte": ["$order_date", before]}, of_record, 0]} if before else of_record
    pipeline: list[Document] = [
        {"$match": ALL_RECORDS},
        {"$group": {"_id": None, "purged": {"$sum": of_record}, "kept": {"$sum": kept}}},
    ]
    sums = next(database[ARCHIVE_SUMMARY].aggregate(pipeline, session=session), {"purged": 0, "kept": 0})
    return int(sums["purged"]), int(sums["kept"])
