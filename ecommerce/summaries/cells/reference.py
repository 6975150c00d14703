"""What one order adds to its cells, said plainly; `fold` says the same of a million in arrays."""

from collections.abc import Iterable
from typing import Any

import polars as pl

from ecommerce.documents.order import OrderDocument
from ecommerce.documents.statuses import canonical, is_counted
from ecommerce.hours import UTC_HOURS, Hours
from ecommerce.summaries.cells.measures import OF_ITEMS, OF_ORDERS
from ecommerce.summaries.cells.table import ITEM_SCHEMA, ORDER_SCHEMA, CellTable


def cells_of_orders(orders: Iterable[OrderDocument], hours: Hours = UTC_HOURS) -> CellTable:
    """The cells of orders, one after the other: the definition that every faster way is tested against."""
    order_rows: list[tuple[Any, ...]] = []
    item_rows: list[tuple[Any, ...]] = []
    for document in orders:
        order, delivery = document.order, document.delivery
        hour, status = hours.start(order.order_time), canonical(delivery.status)
        dimensions = (hour, order.payment_type, status, delivery.courier_id, delivery.location)
        order_rows.append((*dimensions, *(measure.plain(document) for measure in OF_ORDERS)))
        for item in document.order_items:
            of_item = (hour, item.product_id, item.warehouse_id, is_counted(status))
            item_rows.append((*of_item, *(measure.plain(document, item) for measure in OF_ITEMS)))
    return CellTable.of_rows(
        pl.DataFrame(order_rows, schema=ORDER_SCHEMA, orient="row"),
        pl.DataFrame(item_rows, schema=ITEM_SCHEMA, orient="row"),
    )
