"""When an order is late and when it is overdue: the one definition, of a document, for MongoDB and in SQL.

An order is **overdue** while it is not finished and its expected time is past. It **came late** where it is Delivered
at a known time after the expected one. What is late now is both, of those whose expected time is past.
"""

from datetime import datetime
from typing import Any

from ecommerce.documents.statuses import DELIVERED, FINISHED, canonical, is_finished, match_of, mongo_has, sql_has


def is_overdue(status: Any, expected: Any, now: datetime) -> bool:
    """Whether an order is overdue; of a document that is damaged, no."""
    return isinstance(status, str) and isinstance(expected, datetime) and not is_finished(status) and expected < now


def came_late(status: Any, expected: Any, actual: Any) -> bool:
    """Whether an order was delivered late; of a document that is damaged, no."""
    timed = isinstance(status, str) and canonical(status) == DELIVERED and isinstance(actual, datetime)
    return timed and isinstance(expected, datetime) and actual > expected


def match_open() -> dict[str, Any]:
    """The MongoDB filter of orders that are not finished."""
    return {"$nor": [match_of(FINISHED)]}


def match_overdue(now: datetime) -> dict[str, Any]:
    """The MongoDB filter of overdue orders."""
    return {"$and": [{"delivery.expected_time": {"$lt": now}}, match_open()]}


def match_late(now: datetime) -> dict[str, Any]:
    """The MongoDB filter of orders that came late or are overdue."""
    timed = {"delivery.actual_time": {"$type": "date"}}
    after = {"$expr": {"$gt": ["$delivery.actual_time", "$delivery.expected_time"]}}
    late = {"$and": [timed, after, match_of([DELIVERED])]}
    return {"$and": [{"delivery.expected_time": {"$lt": now}}, {"$or": [late, match_open()]}]}


MONGO_OPEN = {"$not": mongo_has("$delivery.status", FINISHED)}
SQL_OPEN = f"(not {sql_has('delivery.status', FINISHED)})"
