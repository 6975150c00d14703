"""How many days deliveries took, from the orders themselves: cells do not keep it."""

from datetime import UTC, datetime
from typing import Any

from ecommerce.documents.kinds import DAY_MS
from ecommerce.documents.statuses import DELIVERED, match_of
from ecommerce.kpis.question import Filters, Span
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.order_search.query import OrderQuery, match

DAYS_MAX = 30
"""Deliveries that took longer are counted together."""

READ_MS = 5_000
"""How long MongoDB may look at the orders of a span; a million take about 2 s."""


def read_delivery_days(database: MongoDatabase, span: Span, filters: Filters) -> tuple[dict[int, int], int]:
    """Whole days from order to delivery → how many hot orders of the span; the last are DAYS_MAX and more.

    Beside it how many are delivered and have no time of it. Archived orders are not in it. Raises ExecutionTimeout
    where MongoDB would look for longer than READ_MS.
    """
    chosen = match(database, OrderQuery(span, filters), datetime.now(UTC))
    took = {"$subtract": ["$delivery.actual_time", "$order.order_time"]}
    # What came before it was ordered is of a clock that is ahead.
    days = {"$max": [0, {"$min": [{"$floor": {"$divide": [took, DAY_MS]}}, DAYS_MAX]}]}
    has_time = {"$eq": [{"$type": "$delivery.actual_time"}, "date"]}
    pipeline: list[dict[str, Any]] = [
        {"$match": {"$and": [chosen, match_of([DELIVERED])]}},
        {"$group": {"_id": {"$cond": [has_time, days, None]}, "orders": {"$sum": 1}}},
    ]
    found = {each["_id"]: int(each["orders"]) for each in database[ORDERS].aggregate(pipeline, maxTimeMS=READ_MS)}
    without_time = found.pop(None, 0)
    return {int(day): found[day] for day in sorted(found)}, without_time
