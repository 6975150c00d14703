"""What orders promised: those that are open, or were delivered at a known time, by their expected time.

Whether an order is late or overdue changes with the clock, without an event. So cells keep the promises themselves, to
the millisecond, and figures compare them with their `as_of`. Once a promise is past, all that matters of it is whether
the order is still open: `settled_rows` keeps that and no more, so that what is kept does not grow with the orders that
came in time. The words of the definition are `documents.promise`.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from ecommerce.documents.kinds import EPOCH
from ecommerce.documents.statuses import DELIVERED, FINISHED

PROMISE_DIMENSIONS: dict[str, Any] = {
    "hour": pl.Int64,  # of the order's order_time
    "expected": pl.Int64,  # expected_time, in milliseconds since 1970; PAST: some time ago, which is settled
    "payment_type": pl.String,
    "status": pl.String,
    "courier_id": pl.Int64,
    "location": pl.String,
}
KNOWN = "late"
"""The measure that cells of a version without promises do not have."""
PROMISE_MEASURES: dict[str, Any] = {
    "orders": pl.Int64,  # open, or delivered at a known time: their status tells which
    KNOWN: pl.Int64,  # delivered after the promise
}
PROMISE_SCHEMA = PROMISE_DIMENSIONS | PROMISE_MEASURES

PAST = 0

SETTLED_AFTER = timedelta(days=1)
"""Promises are settled a day after they were due: clocks of several machines are not that far apart."""


def due_before(moment: datetime) -> int:
    """The first millisecond that is not before a moment: a promise is due where it is smaller. A naive one is UTC."""
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return -((EPOCH - moment) // timedelta(milliseconds=1))


def settled_before() -> int:
    """The moment up to which promises are settled when cells are made or written now."""
    return due_before(datetime.now(UTC) - SETTLED_AFTER)


def is_open() -> pl.Expr:
    """Of rows with a status: whether their orders are not finished."""
    return ~pl.col("status").is_in(FINISHED)


def settled_rows(promises: pl.DataFrame, before_ms: int) -> pl.DataFrame:
    """The rows without those that no figure looks at after a moment; those still open then are only past."""
    kept = promises.filter(is_open() | (pl.col("expected") >= before_ms)) if KNOWN in promises.columns else promises
    past = pl.when(pl.col("expected") < before_ms).then(pl.lit(PAST, pl.Int64)).otherwise("expected")
    return kept.with_columns(expected=past)


def promises_of_before(orders: pl.DataFrame) -> pl.DataFrame:
    """What order cells of a version without promises tell of them: that there are some."""
    promised = orders.filter(is_open() | (pl.col("status") == DELIVERED))
    names = [name for name in PROMISE_DIMENSIONS if name != "expected"]
    rows = promised.group_by(names).agg(pl.col("orders").sum()).with_columns(expected=pl.lit(PAST, pl.Int64))
    return rows.select(*PROMISE_DIMENSIONS, "orders")
