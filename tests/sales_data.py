"""Random sales of random orders: currencies, taxes, costs, gift cards and refunds, whatever a stored order may hold."""

import random
from datetime import timedelta
from decimal import Decimal

from msgspec.structs import replace

from ecommerce.documents.kinds import MONEY_LIMIT
from ecommerce.documents.order import OrderDocument, Refund, RefundItem

CURRENCIES = (None, None, None, "USD", "EUR", "INR")
"""Most orders are in the shop's currency; some name it."""

AMOUNT_MAX = Decimal(MONEY_LIMIT - 1)


def with_sales(rng: random.Random, order: OrderDocument, *, days: int, money: int) -> OrderDocument:
    """The order with some of the fields of sales; one in five is a credit where it has no items."""

    def amount() -> Decimal:
        return Decimal(rng.randrange(money)).scaleb(-4)

    def some(share: float) -> Decimal | None:
        return amount() if rng.random() < share else None

    known = rng.choice((0.0, 0.5, 1.0))
    items = tuple(
        replace(item, unit_cost=some(known), gift_card=rng.choice((None, None, None, False, True)))
        for item in order.order_items
    )
    head = replace(
        order.order,
        currency=rng.choice(CURRENCIES),
        tax_amount=some(0.5),
        tax_included=rng.choice((None, False, True)),
        shipping_amount=some(0.4),
        channel=rng.choice((None, "web", "市場")),
    )
    refunds = []
    left = {item.order_item_id: item.quantity for item in items}
    for refund_id in range(rng.choice((0, 0, 0, 1, 1, 2))):
        tax, shipping = some(0.4), some(0.3)
        if shipping is not None:  # its parts are in an amount
            shipping = min(shipping, AMOUNT_MAX - (tax or 0))
        drawn = [(item.order_item_id, rng.randrange(item.quantity + 1)) for item in items if rng.random() < 0.4]
        # Together they take back no more than there is of an item: an import refuses that.
        back = tuple(RefundItem(item, min(quantity, left[item])) for item, quantity in drawn)
        left |= {refunded.order_item_id: left[refunded.order_item_id] - refunded.quantity for refunded in back}
        time = order.order.order_time + timedelta(minutes=rng.randrange(-60, days * 1440))
        total = amount() + (tax or 0) + (shipping or 0)
        refunds.append(Refund(refund_id, time, min(total, AMOUNT_MAX), tax, shipping, None, back))
    return replace(order, order=head, order_items=items, refunds=tuple(refunds))
