"""What an order adds to sales: events, each of its own hour. The definition of net sales and of all that goes with it.

A sale is an event of the hour of the order; each refund is one of its own hour, and an order that came back without
refunds is one refund of all that it was. Cancelled orders have none. All amounts are integers of 10^-4 units, so that
events add up exactly; `sales_fold` says the same of a million orders in arrays, `check.sales` in MongoDB and Spark.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

from ecommerce.documents.kinds import to_scaled
from ecommerce.documents.order import OrderDocument, OrderItem, Refund
from ecommerce.documents.statuses import CANCELLED, RETURNED, canonical, is_counted

SALES_DIMENSIONS: dict[str, Any] = {
    "hour": pl.Int64,  # of the event
    "currency": pl.String,  # "": the order names none, so it is the shop's
    "channel": pl.String,  # "": the order names none
}
SALES_MEASURES: dict[str, Any] = {
    "orders": pl.Int64,  # without credits, which are no orders
    "revenue": pl.Int128,  # total_amount of orders whose money counts
    "gross": pl.Int128,  # prices x quantities, without gift cards and without the tax that is in the prices
    "discounts": pl.Int128,  # what is missing from gross, tax and shipping to total_amount
    "returns": pl.Int128,  # the goods' part of refunds
    "tax": pl.Int128,  # less what was refunded of it, as is shipping
    "shipping": pl.Int128,
    "cost": pl.Int128,  # of what was kept, of orders whose costs are known
    "known_net": pl.Int128,  # gross - discounts - returns of those orders
}
SALES_SCHEMA = SALES_DIMENSIONS | SALES_MEASURES


@dataclass(frozen=True, slots=True)
class Event:
    """What one event adds."""

    time: datetime
    orders: int = 0
    revenue: int = 0
    gross: int = 0
    discounts: int = 0
    returns: int = 0
    tax: int = 0
    shipping: int = 0
    cost: int = 0
    known_net: int = 0


def net_sales(sales: pl.DataFrame) -> pl.DataFrame:
    """Cells of sales with their net sales, `net`, where they tell them."""
    if not {"gross", "discounts", "returns"} <= set(sales.columns):
        return sales
    return sales.with_columns(net=pl.col("gross") - pl.col("discounts") - pl.col("returns"))


def is_credit(document: OrderDocument) -> bool:
    """Whether a document is a credit that names no order: it counts in sales and is no order."""
    return not document.order_items and len(document.refunds) == 1


def events_of(document: OrderDocument) -> Iterator[Event]:
    """The events of an order."""
    order, status = document.order, canonical(document.delivery.status)
    goods = [item for item in document.order_items if not item.gift_card]
    total, tax, shipping = (_scaled(one) for one in (order.total_amount, order.tax_amount, order.shipping_amount))
    of_goods = sum(to_scaled(item.price) * item.quantity for item in goods)
    of_gifts = sum(to_scaled(item.price) * item.quantity for item in document.order_items if item.gift_card is True)
    gross = of_goods - (tax if order.tax_included else 0)
    discounts = gross + tax + shipping + of_gifts - total
    costs = [item.unit_cost for item in goods]
    known = bool(costs) and None not in costs
    cost = sum(_scaled(item.unit_cost) * item.quantity for item in goods) if known else 0
    orders, revenue = int(not is_credit(document)), total if is_counted(status) else 0
    if status == CANCELLED:
        yield Event(order.order_time, orders, revenue)
        return
    net = gross - discounts
    yield Event(order.order_time, orders, revenue, gross, discounts, 0, tax, shipping, cost, net if known else 0)
    for refund in document.refunds:
        yield _refunded(refund, document.order_items, known)
    if status == RETURNED and not document.refunds:
        time = document.delivery.actual_time or order.order_time
        known_net = -net if known else 0
        yield Event(time, returns=net, tax=-tax, shipping=-shipping, cost=-cost, known_net=known_net)


def _refunded(refund: Refund, items: tuple[OrderItem, ...], known: bool) -> Event:
    tax, shipping = _scaled(refund.tax_amount), _scaled(refund.shipping_amount)
    returned = [
        (item, one.quantity) for one in refund.items for item in items if item.order_item_id == one.order_item_id
    ]
    of_gifts = sum(to_scaled(item.price) * quantity for item, quantity in returned if item.gift_card)
    cost = sum(_scaled(item.unit_cost) * quantity for item, quantity in returned if not item.gift_card)
    returns = to_scaled(refund.amount) - tax - shipping - of_gifts
    return Event(
        refund.refund_time,
        returns=returns,
        tax=-tax,
        shipping=-shipping,
        cost=-cost if known else 0,
        known_net=-returns if known else 0,
    )


def _scaled(amount: Decimal | None) -> int:
    return 0 if amount is None else to_scaled(amount)
