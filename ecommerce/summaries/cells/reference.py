"""What one order adds to its cells, said plainly; `fold` says the same of a million in arrays."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from ecommerce.documents.kinds import EPOCH
from ecommerce.documents.order import OrderDocument
from ecommerce.documents.statuses import canonical, is_counted
from ecommerce.summaries.cells.measures import OF_ITEMS, OF_ORDERS
from ecommerce.summaries.cells.table import ITEM_SCHEMA, ORDER_SCHEMA, CellTable

_HOUR = timedelta(hours=1)


def hour_of(time: datetime) -> int:
    """The hour of a time, in hours since 1970, UTC. A naive time is UTC."""
    return (_aware(time) - EPOCH) // _HOUR


def time_of(hour: int) -> datetime:
    """The beginning of an hour since 1970, UTC."""
    return EPOCH + hour * _HOUR


def cells_of_orders(orders: Iterable[OrderDocument]) -> CellTable:
    """The cells of orders, one after the other: the definition that every faster way is tested against."""
    order_rows: list[tuple[Any, ...]] = []
    item_rows: list[tuple[Any, ...]] = []
    for document in orders:
        order, delivery = document.order, document.delivery
        hour, status = hour_of(order.order_time), canonical(delivery.status)
        dimensions = (hour, order.payment_type, status, delivery.courier_id, delivery.location)
        order_rows.append((*dimensions, *(measure.plain(document) for measure in OF_ORDERS)))
        for item in document.order_items:
            of_item = (hour, item.product_id, item.warehouse_id, is_counted(status))
            item_rows.append((*of_item, *(measure.plain(document, item) for measure in OF_ITEMS)))
    return CellTable.of_rows(
        pl.DataFrame(order_rows, schema=ORDER_SCHEMA, orient="row"),
        pl.DataFrame(item_rows, schema=ITEM_SCHEMA, orient="row"),
    )


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)
