"""Whether a shop's currency is that of any of its orders: one that no order has was chosen by mistake, maybe."""

from pymongo.errors import PyMongoError

from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, MongoDatabase

LOOK_MS = 1000
"""No index has the currency: in a shop of a million orders of another one the answer is not waited for."""


def has_none_in(database: MongoDatabase, currency: str) -> bool:
    """Whether no order is in a shop's own currency, named or not. False where that cannot be told soon."""
    try:
        if database[ARCHIVED_ORDERS].find_one({}, {"_id": 1}) is not None:
            return False
        own = {"order.currency": {"$in": [currency, None]}}
        return database[ORDERS].find_one(own, {"_id": 1}, max_time_ms=LOOK_MS) is None
    except PyMongoError:
        return False
