"""What one order adds to its cells, said plainly; `fold` says the same of a million in arrays."""

from collections.abc import Iterable
from typing import Any

import polars as pl

from ecommerce.documents.order import OrderDocument
from ecommerce.documents.promise import came_late
from ecommerce.documents.statuses import canonical, is_counted, is_finished
from ecommerce.hours import UTC_HOURS, Hours
from ecommerce.summaries.cells.measures import OF_ITEMS, OF_ORDERS, is_timed
from ecommerce.summaries.cells.promises import PROMISE_SCHEMA, due_before
from ecommerce.summaries.cells.sales import SALES_MEASURES, SALES_SCHEMA, events_of, is_credit
from ecommerce.summaries.cells.table import ITEM_SCHEMA, ORDER_SCHEMA, CellTable


def cells_of_orders(orders: Iterable[OrderDocument], hours: Hours = UTC_HOURS) -> CellTable:
    """The cells of orders, one after the other: the definition that every faster way is tested against."""
    order_rows: list[tuple[Any, ...]] = []
    item_rows: list[tuple[Any, ...]] = []
    sales_rows: list[tuple[Any, ...]] = []
    promise_rows: list[tuple[Any, ...]] = []
    for document in orders:
        order, delivery = document.order, document.delivery
        hour, status = hours.start(order.order_time), canonical(delivery.status)
        currency = order.currency or ""
        dimensions = (hour, order.payment_type, status, delivery.courier_id, delivery.location, currency)
        order_rows.append((*dimensions, *(measure.plain(document) for measure in OF_ORDERS)))
        if is_timed(document) or not (is_finished(status) or is_credit(document)):
            of_promise = (hour, due_before(delivery.expected_time), *dimensions[1:-1])
            late = came_late(status, delivery.expected_time, delivery.actual_time)
            promise_rows.append((*of_promise, 1, int(late)))
        for item in document.order_items:
            of_item = (hour, item.product_id, item.warehouse_id, is_counted(status), currency)
            item_rows.append((*of_item, *(measure.plain(document, item) for measure in OF_ITEMS)))
        for event in events_of(document):
            of_event = (hours.start(event.time), currency, order.channel or "")
            sales_rows.append((*of_event, *(getattr(event, name) for name in SALES_MEASURES)))
    return CellTable.of_rows(
        pl.DataFrame(order_rows, schema=ORDER_SCHEMA, orient="row"),
        pl.DataFrame(item_rows, schema=ITEM_SCHEMA, orient="row"),
        pl.DataFrame(sales_rows, schema=SALES_SCHEMA, orient="row"),
        pl.DataFrame(promise_rows, schema=PROMISE_SCHEMA, orient="row"),
    )
