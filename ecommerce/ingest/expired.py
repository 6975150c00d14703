"""From which time on archived orders are kept: what is older was removed, and an import of it would count it twice."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo.client_session import ClientSession

from ecommerce.documents.canonical_bytes import order_time_of
from ecommerce.documents.kinds import EPOCH
from ecommerce.ingest.encoded_order import EncodedOrder
from ecommerce.mongo import MongoDatabase

EXPIRED_ORDERS = "expired_orders"
"""{_id: "before", before: time}: archived orders before that time are no longer kept one by one."""

_ID = "before"
_YOUNG = timedelta(days=364)
"""Orders are kept for a year at least, so younger ones need no look."""


def expired_before(database: MongoDatabase, session: ClientSession | None = None) -> datetime | None:
    """The time from which on orders are kept; None where none was ever removed."""
    found = database[EXPIRED_ORDERS].find_one({"_id": _ID}, session=session)
    before: datetime | None = found["before"] if found else None
    return before


def note_expired(database: MongoDatabase, before: datetime) -> None:
    """Orders before this time are removed. It only moves forward."""
    update: dict[str, Any] = {"$max": {"before": before}}
    database[EXPIRED_ORDERS].update_one({"_id": _ID}, update, upsert=True)


def expired_among(database: MongoDatabase, orders: Sequence[EncodedOrder], session: ClientSession | None) -> list[int]:
    """Ids of the orders that are older than what is kept."""
    times = [order_time_of(order.bson) for order in orders]
    young = (datetime.now(UTC) - _YOUNG - EPOCH) // timedelta(milliseconds=1)
    if not times or min(times) >= young:
        return []
    before = expired_before(database, session)
    if before is None:
        return []
    limit = (before - EPOCH) // timedelta(milliseconds=1)
    return [order.order_id for order, time in zip(orders, times, strict=True) if time < limit]
