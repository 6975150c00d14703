"""The orders in ranges of about the same size, by order_time, so that several threads read them."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from ecommerce.documents.stored import HAS_TIME
from ecommerce.hours import Hours
from ecommerce.mongo import ORDERS, MongoDatabase

ORDERS_PER_RANGE = 100_000

ORDERS_PER_RANGE_MIN = 50_000
"""Of few orders the ranges are smaller, so that two threads have some. Each writes buckets of its own for the months
that it touches, which at 100,000 orders cost more than a third thread saves."""

RANGES_MAX = 64


def cut_near(hours: Hours, times: Sequence[datetime], at: int, count: int) -> datetime:
    """Where a rebuild that cuts a sample of times into `count` ranges cuts it: at a position of the sample.

    Rather at the beginning of a month, where one is a quarter of a range away at most: two ranges that share a month
    both write buckets for it, which is a fiftieth of the time of 200,000 orders.
    """
    away = len(times) // (4 * count)
    month = hours.day_start(hours.month_of(times[min(at + away, len(times) - 1)]))
    return month if month >= times[max(at - away, 0)] else times[at]


def ranges_of(database: MongoDatabase, hours: Hours, expected: int, threads: int) -> list[dict[str, Any]]:
    """Queries that take a part of about `expected` orders each, by order_time, together all of them: for so many
    threads a few each."""
    few = min(2 * threads, expected // ORDERS_PER_RANGE_MIN)
    count = min(RANGES_MAX, max(few, expected // ORDERS_PER_RANGE))
    sample = database[ORDERS].aggregate(
        [
            {"$sample": {"size": 20 * max(count, 1)}},
            {"$match": HAS_TIME},
            {"$project": {"_id": 0, "time": "$order.order_time"}},
        ]
    )
    times = sorted(document["time"] for document in sample)
    if count < 2 or not times:
        return [{}]
    cuts = sorted({cut_near(hours, times, len(times) * number // count, count) for number in range(1, count)})
    first, last = {"order.order_time": {"$lt": cuts[0]}}, {"order.order_time": {"$not": {"$lt": cuts[-1]}}}
    between = ({"order.order_time": {"$gte": start, "$lt": end}} for start, end in pairwise(cuts))
    return [first, *between, last]
