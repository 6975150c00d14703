"""The fields of sales (currency, tax, costs, refunds) for tests that make orders of any content, by Hypothesis."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import strategies as st

from ecommerce.documents.order import OrderDocument, OrderItem, Refund, RefundItem

IDS = st.integers(0, 2**40)
CENTS = st.integers(0, 10**9).map(lambda scaled: Decimal(scaled).scaleb(-4))


@st.composite
def with_sales(draw: st.DrawFn, order: OrderDocument, *, times: Any, texts: Any) -> OrderDocument:
    """The order with fields of sales, each of them there or not, so that an import accepts it."""
    if draw(st.booleans()):
        return order
    items = tuple(
        msgspec.structs.replace(item, unit_cost=draw(st.none() | CENTS), gift_card=draw(st.none() | st.booleans()))
        for item in order.order_items
    )
    head = msgspec.structs.replace(
        order.order,
        currency=draw(st.none() | st.sampled_from(["EUR", "USD", "INR"])),
        tax_amount=draw(st.none() | CENTS),
        tax_included=draw(st.none() | st.booleans()),
        shipping_amount=draw(st.none() | CENTS),
        channel=draw(st.none() | texts),
    )
    refunds = draw(refunds_of(items, times, texts))
    return msgspec.structs.replace(order, order=head, order_items=items, refunds=refunds)


@st.composite
def refunds_of(draw: st.DrawFn, items: Sequence[OrderItem], times: Any, texts: Any) -> tuple[Refund, ...]:
    """Refunds of an order, by their ids; together they take back no more than there is of an item."""
    left = {item.order_item_id: item.quantity for item in items}
    found = []
    for refund_id in sorted(draw(st.lists(IDS, max_size=3, unique=True))):
        tax, shipping, goods = draw(st.none() | CENTS), draw(st.none() | CENTS), draw(CENTS)
        returned = []
        for order_item_id in sorted(draw(st.lists(st.sampled_from(sorted(left)), unique=True)) if left else []):
            quantity = draw(st.integers(0, left[order_item_id]))
            left[order_item_id] -= quantity
            returned.append(RefundItem(order_item_id, quantity))
        amount = goods + (tax or 0) + (shipping or 0)
        found.append(Refund(refund_id, draw(times), amount, tax, shipping, draw(st.none() | texts), tuple(returned)))
    return tuple(found)
