"""What one order adds to its cells, said plainly; `fold` says the same of a million in arrays."""

from collections.abc import Iterable
from typing import Any

import polars as pl

from ecommerce.documents.order import OrderDocument
from ecommerce.documents.promise import came_late
from ecommerce.documents.statuses import canonical, is_counted, is_finished
from ecommerce.hours import UTC_HOURS, Hours
from ecommerce.summaries.cells.measures import OF_ITEMS, OF_ORDERS, is_timed
from ecommerce.summaries.cells.promises import due_before
from ecommerce.summaries.cells.sales import SALES_MEASURES, events_of, is_credit
from ecommerce.summaries.cells.table import FAMILIES, CellTable


def cells_of_orders(orders: Iterable[OrderDocument], hours: Hours = UTC_HOURS) -> CellTable:
    """The cells of orders, one after the other: the definition that every faster way is tested against."""
    rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in FAMILIES}
    for document in orders:
        order, delivery = document.order, document.delivery
        hour, status = hours.start(order.order_time), canonical(delivery.status)
        currency = order.currency or ""
        dimensions = (hour, order.payment_type, status, delivery.courier_id, delivery.location, currency)
        rows["orders"].append((*dimensions, *(measure.plain(document) for measure in OF_ORDERS)))
        if is_timed(document) or not (is_finished(status) or is_credit(document)):
            of_promise = (hour, due_before(delivery.expected_time), *dimensions[1:-1])
            late = came_late(status, delivery.expected_time, delivery.actual_time)
            rows["promises"].append((*of_promise, 1, int(late)))
        for item in document.order_items:
            of_item = (hour, item.product_id, item.warehouse_id, is_counted(status), currency)
            rows["items"].append((*of_item, *(measure.plain(document, item) for measure in OF_ITEMS)))
        for event in events_of(document):
            of_event = (hours.start(event.time), currency, order.channel or "")
            rows["sales"].append((*of_event, *(getattr(event, name) for name in SALES_MEASURES)))
    return CellTable.of_rows(
        *(
            pl.DataFrame(rows[name], schema=dimensions | measures, orient="row")
            for name, (dimensions, measures) in FAMILIES.items()
        )
    )
