"""How the total of one order is made up, from its items to what was paid back: lines that can be added up by hand."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.order_cells import text_of, time_of
from dashboard.text import NOTHING, in_a_line
from ecommerce.documents.bson_codec import as_decimal
from ecommerce.documents.statuses import RETURNED, canonical
from ecommerce.iso_4217 import is_amount, minor_digits
from ecommerce.order_search.one_order import part_of, parts_of
from ecommerce.readable import counted

PLACES = Decimal("0.0001")
"""Of money, as the figures round what a discount takes off an item."""
DIGITS = 100
"""Of sums and products of amounts, whatever somebody wrote past the validator."""


@dataclass(frozen=True, slots=True)
class Line:
    """An amount of an order."""

    what: str
    more: str
    amount: Decimal | None
    """None: it cannot be read."""


def number_of(value: object) -> Decimal | None:
    """An amount or fraction as it is stored; None where there is none, or something else."""
    number = as_decimal(value)
    return number if isinstance(number, Decimal) and is_amount(number) else None


def line_total(item: Mapping[str, Any]) -> Decimal | None:
    """Price x quantity of an order item, before the discount; None where they cannot be read."""
    price, quantity = number_of(item.get("price")), item.get("quantity")
    if price is None or not isinstance(quantity, int) or isinstance(quantity, bool):
        return None
    with localcontext(prec=DIGITS):
        return price * quantity


def discount_text(value: object) -> str:
    """A discount, which is stored as a fraction, as a percentage of the items' prices."""
    fraction = number_of(value)
    return text_of(value) if fraction is None else f"{_percent(fraction)} of the items' prices"


def _percent(fraction: Decimal) -> str:
    return f"{(fraction * 100).normalize():f} %"


def amounts_of(document: Mapping[str, Any], currency: str, zone: ZoneInfo) -> list[Line]:
    """The lines from the items to the total, whose sum it is, and from there to what is left after refunds.

    `currency` is the order's."""
    with localcontext(prec=DIGITS):
        return [*_charged(document, currency), *_paid_back(document, currency, zone)]


def _charged(document: Mapping[str, Any], currency: str) -> Iterator[Line]:
    order, items = part_of(document, "order"), parts_of(document, "order_items")
    totals = [(line_total(item), item.get("gift_card") is True) for item in items]
    parts: list[Decimal | None] = []
    for what, one, wanted in (("Items", "item", False), ("Gift cards", "gift card", True)):
        of_kind = [amount for amount, is_gift in totals if is_gift is wanted]
        if of_kind or (not totals and not wanted):
            parts.append(_sum(of_kind))
            yield Line(what, counted(len(of_kind), one), parts[-1])
    fraction, prices = number_of(order.get("discount")), _sum([amount for amount, _ in totals])
    if fraction != 0:
        more, taken = "", None
        if fraction is not None and prices is not None:
            more = f"{_percent(fraction)} of {text_of(prices, currency)}"
            discounts = ((amount * fraction).quantize(PLACES, ROUND_HALF_EVEN) for amount, _ in totals if amount)
            taken = -sum(discounts, Decimal(0))
        parts.append(taken)
        yield Line("Discount", more, taken)
    missing = []
    for what, name in (("Shipping", "shipping_amount"), ("Tax", "tax_amount")):
        if order.get(name) is None:
            missing.append(what.lower())
            continue
        amount = number_of(order[name])
        if name == "tax_amount" and order.get("tax_included") is True:
            yield Line(what, f"{text_of(amount, currency)} in the prices, not added", Decimal(0))
        else:
            parts.append(amount)
            yield Line(what, "", amount)
    total, known_parts = number_of(order.get("total_amount")), _sum(parts)
    if total is not None and known_parts is not None and (rest := total - known_parts):
        yield _not_itemised(rest, missing, currency)
    yield Line("Total", "what the customer was asked to pay", total)


def _not_itemised(rest: Decimal, missing: list[str], currency: str) -> Line:
    if abs(rest) < Decimal(1).scaleb(-minor_digits(currency)):
        return Line("Rounding", "", rest)
    why = f"; it names no {' and no '.join(missing)}" if missing else ""
    return Line("Not itemised", f"no field of the order says what for{why}", rest)


def _paid_back(document: Mapping[str, Any], currency: str, zone: ZoneInfo) -> Iterator[Line]:
    refunds, order = parts_of(document, "refunds"), part_of(document, "order")
    total, status = number_of(order.get("total_amount")), part_of(document, "delivery").get("status")
    if not refunds:
        if isinstance(status, str) and canonical(status) == RETURNED and total:
            yield Line("Refund", "it names none: figures count the whole order as paid back", -total)
            yield Line("After refunds", "", Decimal(0))
        return
    amounts = [number_of(refund.get("amount")) for refund in refunds]
    for refund, amount in zip(refunds, amounts, strict=True):
        time = refund.get("refund_time")
        parts = [
            f"{text_of(refund[name], currency)} of it {what}"
            for what, name in (("tax", "tax_amount"), ("shipping", "shipping_amount"))
            if refund.get(name) is not None
        ]
        when = time_of(time, zone) if isinstance(time, datetime) else ""
        reason = str(refund["reason"]) if refund.get("reason") else ""
        yield Line("Refund", in_a_line(when, *parts, reason), None if amount is None else -amount)
    back = _sum(amounts)
    yield Line("After refunds", "", None if total is None or back is None else total - back)


def signed_amount(amount: Decimal | None, currency: str) -> str:
    """An amount of a line, with a sign that can be seen."""
    if amount is None:
        return NOTHING
    return f"−{text_of(-amount, currency)}" if amount < 0 else text_of(amount, currency)


def _sum(amounts: list[Decimal | None]) -> Decimal | None:
    """The sum; None where one of them is not known."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if len(known) == len(amounts) else None
