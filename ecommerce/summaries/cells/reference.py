"""What one order adds to its cells, said plainly; `fold` says the same of a million in arrays."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

import polars as pl

from ecommerce.documents.kinds import MONEY_FACTOR, to_scaled
from ecommerce.documents.order import UNCOUNTED_STATUSES, OrderDocument
from ecommerce.summaries.cells.table import ITEM_SCHEMA, ORDER_SCHEMA, CellTable

DELIVERED = "Delivered"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_DIGITS = 60
"""Precision, in digits, at which the product of the largest price, quantity and fraction is still exact."""


def hour_of(time: datetime) -> int:
    """The hour of a time, in hours since 1970, UTC. A naive time is UTC."""
    return (_aware(time) - _EPOCH) // _HOUR


def time_of(hour: int) -> datetime:
    """The beginning of an hour since 1970, UTC."""
    return _EPOCH + hour * _HOUR


def line_amount(price: Decimal, quantity: int, fraction: Decimal) -> int:
    """price x quantity x fraction, rounded half to even at four decimals, as an integer of 10^-4 units."""
    with localcontext() as context:
        context.prec = _DIGITS
        exact = price * quantity * fraction * MONEY_FACTOR
        return int(exact.to_integral_value(ROUND_HALF_EVEN))


def cells_of_orders(orders: Iterable[OrderDocument]) -> CellTable:
    """The cells of orders, one after the other: the definition that every faster way is tested against."""
    order_rows: list[tuple[Any, ...]] = []
    item_rows: list[tuple[Any, ...]] = []
    for document in orders:
        order, items, delivery = document.order, document.order_items, document.delivery
        hour = hour_of(order.order_time)
        delay_ms = 0
        timed = delivery.status == DELIVERED and delivery.actual_time is not None
        if timed and delivery.actual_time is not None:
            delay_ms = (_aware(delivery.actual_time) - _aware(delivery.expected_time)) // timedelta(milliseconds=1)
        order_rows.append(
            (
                hour, order.payment_type, delivery.status, delivery.courier_id, delivery.location,
                1,
                len(items),
                sum(item.quantity for item in items),
                to_scaled(order.total_amount),
                sum(line_amount(item.price, item.quantity, order.discount) for item in items),
                int(timed),
                int(delay_ms > 0),
                delay_ms,
            )
        )  # fmt: skip
        counted = delivery.status not in UNCOUNTED_STATUSES
        item_rows.extend(
            (
                hour, item.product_id, item.warehouse_id, counted,
                1,
                item.quantity,
                line_amount(item.price, item.quantity, 1 - order.discount),
            )
            for item in items
        )  # fmt: skip
    return CellTable.of_rows(
        pl.DataFrame(order_rows, schema=ORDER_SCHEMA, orient="row"),
        pl.DataFrame(item_rows, schema=ITEM_SCHEMA, orient="row"),
    )


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)
