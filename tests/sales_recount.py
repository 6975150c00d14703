"""Sales recounted from orders in plain Python with decimals, by the words of docs/kpis.md and without any cell."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from ecommerce.documents.order import OrderDocument, OrderItem, Refund

SHOP_CURRENCY = "USD"
"""Of a database whose shop nobody set."""

ZERO = Decimal(0)
Within = Callable[[datetime], bool]


def money(amount: Decimal) -> str:
    """At least two decimals, up to four where there are more."""
    text = f"{amount.quantize(Decimal('0.0001'))}"
    while text.endswith("0") and len(text.rpartition(".")[2]) > 2:
        text = text[:-1]
    return "0.00" if text == "-0.00" else text


def currency_of(order: OrderDocument) -> str:
    return order.order.currency or SHOP_CURRENCY


def is_credit(order: OrderDocument) -> bool:
    return len(order.order_items) == 0 and len(order.refunds) == 1


@dataclass(frozen=True)
class Part:
    """What a sale or a refund moves: goods sold or brought back, with their tax, shipping and cost."""

    gross: Decimal = ZERO
    discounts: Decimal = ZERO
    returns: Decimal = ZERO
    tax: Decimal = ZERO
    shipping: Decimal = ZERO
    cost: Decimal | None = None
    """None: not every cost of the order is known."""

    @property
    def net(self) -> Decimal:
        return self.gross - self.discounts - self.returns

    @property
    def total(self) -> Decimal:
        return self.net + self.tax + self.shipping


def is_gift(item: OrderItem) -> bool:
    return item.gift_card is True


def parts_of(order: OrderDocument) -> Iterator[tuple[datetime, Part]]:
    """The sale and the refunds of an order, with their times."""
    if order.delivery.status == "Cancelled":
        return
    goods = [item for item in order.order_items if not is_gift(item)]
    is_known = bool(goods) and all(item.unit_cost is not None for item in goods)
    sale = sale_of(order, goods, is_known)
    yield order.order.order_time, sale
    for refund in order.refunds:
        yield refund.refund_time, refund_of(order, refund, is_known)
    if order.delivery.status == "Returned" and not order.refunds:
        back = Part(
            returns=sale.net, tax=-sale.tax, shipping=-sale.shipping, cost=None if sale.cost is None else -sale.cost
        )
        yield order.delivery.actual_time or order.order.order_time, back


def sale_of(order: OrderDocument, goods: list[OrderItem], is_known: bool) -> Part:
    head = order.order
    tax, shipping = head.tax_amount or ZERO, head.shipping_amount or ZERO
    worth = sum((item.price * item.quantity for item in goods), ZERO)
    gift_cards = sum((item.price * item.quantity for item in order.order_items if is_gift(item)), ZERO)
    gross = worth - tax if head.tax_included else worth
    paid_for_goods = head.total_amount - gift_cards - tax - shipping
    cost = sum(((item.unit_cost or ZERO) * item.quantity for item in goods), ZERO)
    return Part(gross, gross - paid_for_goods, ZERO, tax, shipping, cost if is_known else None)


def refund_of(order: OrderDocument, refund: Refund, is_known: bool) -> Part:
    items = {item.order_item_id: item for item in order.order_items}
    gift_cards = cost = ZERO
    for back in refund.items:
        item = items.get(back.order_item_id)
        if item is None:  # somebody took it out of the order
            continue
        if is_gift(item):
            gift_cards += item.price * back.quantity
        else:
            cost += (item.unit_cost or ZERO) * back.quantity
    tax, shipping = refund.tax_amount or ZERO, refund.shipping_amount or ZERO
    goods = refund.amount - tax - shipping - gift_cards
    return Part(returns=goods, tax=-tax, shipping=-shipping, cost=-cost if is_known else None)


def recount_sales(orders: Iterable[OrderDocument], within: Within, currency: str) -> dict[str, Any]:
    """`currency`, `sales`, `by_currency` and `by_channel` of the times that are within."""
    found = [(order, part) for order in orders for time, part in parts_of(order) if within(time)]
    placed = [order for order in orders if within(order.order.order_time)]
    chosen = [part for order, part in found if currency_of(order) == currency]
    return {
        "currency": currency,
        "sales": figures_of(chosen),
        "by_currency": _groups(placed, found, currency_of, None),
        "by_channel": _groups(placed, found, lambda order: order.order.channel or "Unknown", currency),
    }


def figures_of(parts: list[Part]) -> dict[str, Any]:
    net = sum((part.net for part in parts), ZERO)
    known = sum((part.net for part in parts if part.cost is not None), ZERO)
    cost = sum((part.cost or ZERO for part in parts), ZERO)
    return {
        "gross_sales": money(sum((part.gross for part in parts), ZERO)),
        "discounts": money(sum((part.discounts for part in parts), ZERO)),
        "returns": money(sum((part.returns for part in parts), ZERO)),
        "net_sales": money(net),
        "tax": money(sum((part.tax for part in parts), ZERO)),
        "shipping": money(sum((part.shipping for part in parts), ZERO)),
        "total_sales": money(sum((part.total for part in parts), ZERO)),
        "cost": money(cost),
        "margin": money(known - cost),
        "cost_known_share": round(float(known / net), 6) if net else None,
    }


def _groups(
    placed: list[OrderDocument],
    found: list[tuple[OrderDocument, Part]],
    name_of: Callable[[OrderDocument], str],
    currency: str | None,
) -> dict[str, Any]:
    groups: dict[str, list[Any]] = defaultdict(lambda: [0, ZERO, ZERO, ZERO])
    for order in placed:
        is_counted = order.delivery.status not in ("Cancelled", "Returned")
        group = groups[name_of(order)]
        group[0] += not is_credit(order)
        if is_counted and currency in (None, currency_of(order)):
            group[1] += order.order.total_amount
    for order, part in found:
        group = groups[name_of(order)]
        if currency in (None, currency_of(order)):
            group[2] += part.net
            group[3] += part.total
    return {
        name: {"orders": count, "revenue": money(revenue), "net_sales": money(net), "total_sales": money(total)}
        for name, (count, revenue, net, total) in sorted(groups.items())
        if count or revenue or net or total
    }
