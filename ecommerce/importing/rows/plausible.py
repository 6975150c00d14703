"""Orders that are valid and whose amounts a person should look at: one of their columns may be another's."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

REFUNDS_ABOVE_TOTAL = "refunds_above_total"
TOTAL_ABOVE_ITEMS = "total_above_items"
DISCOUNT_BELOW_ZERO = "discount_below_zero"

SENTENCES = {
    REFUNDS_ABOVE_TOTAL: "paid back more than was paid",
    TOTAL_ABOVE_ITEMS: "a total_amount of more than twice the items, tax and shipping",
    DISCOUNT_BELOW_ZERO: "a total_amount above the items, tax and shipping, so that the discount is below zero",
}
"""What the import's report says of each."""

CENT = Decimal("0.01")
"""An export may have rounded the price of each piece by so much."""


class Doubt(Struct, array_like=True):
    """How many orders are doubted for one thing, and the id of the first of them."""

    orders: int
    first: int


Doubts = dict[str, Doubt]


def add_doubts(doubts: Doubts, more: Doubts) -> None:
    """Count the orders of a later part of the same file, too."""
    for name, doubt in more.items():
        doubts[name] = Doubt(doubts[name].orders + doubt.orders, doubts[name].first) if name in doubts else doubt


def note_doubts(doubts: Doubts, order: Any, items: Sequence[Any], refunds: Sequence[Any]) -> None:
    """Count an order whose amounts hardly belong together. Takes the parts of a row or of a document."""
    total = order.total_amount
    if len(items) == 1 and not refunds:  # nearly all orders: the sum would cost each of them 0.7 µs
        of_items = items[0].price * items[0].quantity
        if total <= of_items:
            return
    else:
        of_items = sum(item.price * item.quantity for item in items)
    if items and total > of_items:
        tax, shipping = order.tax_amount or 0, order.shipping_amount or 0
        if total > of_items + shipping + (0 if order.tax_included else tax):  # else rounding need not be added up
            rounding = sum(item.quantity for item in items) * CENT
            if doubt := doubt_of_total(total, of_items, tax, shipping, order.tax_included, rounding):
                note_doubt(doubts, doubt, order.order_id)
    if refunds and of_items and sum(refund.amount for refund in refunds) > total:
        note_doubt(doubts, REFUNDS_ABOVE_TOTAL, order.order_id)


def doubt_of_total(
    total: Any, of_items: Any, tax: Any, shipping: Any, tax_included: bool | None, rounding: Any
) -> str | None:
    """What is doubted of a total that is above its items; the amounts are of one kind, Decimal or scaled."""
    if of_items and total > 2 * (of_items + tax + shipping):
        return TOTAL_ABOVE_ITEMS
    beside = shipping if tax_included else tax + shipping
    return DISCOUNT_BELOW_ZERO if total > of_items + beside + rounding else None


def note_doubt(doubts: Doubts, doubt: str, order_id: int) -> None:
    """Count an order."""
    add_doubts(doubts, {doubt: Doubt(1, order_id)})


def doubt_sentences(doubts: Doubts) -> list[str]:
    """What a person must know of them, a sentence for each."""
    return [
        f"{SENTENCES[name]}: "
        + (
            f"1 order, taken in as it is: see `ecommerce order {doubt.first}`"
            if doubt.orders == 1
            else f"{doubt.orders:,} orders, taken in as they are: see `ecommerce order {doubt.first}`, the first"
        )
        for name, doubt in sorted(doubts.items())
    ]
