"""The lines of one order to an order document, as a mapping says."""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal, DecimalException
from functools import lru_cache
from typing import Any

from ecommerce.documents.order import MAPPED_REFUND, Delivery, Order, OrderItem, Refund
from ecommerce.importing.order_lines.column_texts import Cells, Texts, stable_id
from ecommerce.importing.order_lines.column_values import FOUR_DECIMALS, field_makers, made
from ecommerce.importing.order_lines.mapping import Mapping
from ecommerce.importing.order_lines.returned_pieces import ReturnedPieces
from ecommerce.importing.reasons import Rejected, shown
from ecommerce.importing.shape import Reading


class _Makers:
    """What makes the parts of an order, compiled from a mapping."""

    def __init__(self, mapping: Mapping, readings: tuple[Reading, ...]) -> None:
        self.namespace = mapping.namespace or mapping.name
        self.order = field_makers(mapping, readings, Order, mapping.order, "order")
        self.item = field_makers(mapping, readings, OrderItem, mapping.item, "order_items[]")
        self.delivery = field_makers(mapping, readings, Delivery, mapping.delivery, "delivery")
        self.refund = field_makers(mapping, readings, Refund, mapping.refund, "refunds[]")
        texts = Texts(readings)
        self.returned = ReturnedPieces(mapping, readings) if mapping.quantity_after_refunds else None
        self.attributes = {name: texts.of(value, " ") for name, value in mapping.attributes.items()}
        self.order_text = texts.identity(mapping.order["order_id"])


_makers = lru_cache(maxsize=8)(_Makers)


def assemble(
    mapping: Mapping, readings: tuple[Reading, ...], lines: Sequence[Cells], items: Sequence[Cells]
) -> dict[str, Any]:
    """An order document, ready to be validated like any row. Raises Rejected where a value is missing or wrong.

    `lines` are the order's own lines, `items` those of its order items (the same ones in a flat file).
    """
    makers = _makers(mapping, readings)
    head = _merged(lines, mapping)
    order_text = makers.order_text(head)
    made_items = [made(makers.item, cells) for cells in items]
    order = made(makers.order, head, items)
    if "order_id" not in order:
        raise Rejected("no_mapping_value", "order.order_id has no value")
    credit = _credited(made_items, order.get("total_amount"))
    if credit is not None:
        made_items = []
    if "total_amount" not in order or "discount" not in order:
        work_out_amounts(order, made_items)
    order["quantity"] = len(made_items)
    if not mapping.order["order_id"].number:
        order["external_id"] = order_text
    delivery = made(makers.delivery, head, items)
    name_parts(order, made_items, delivery, makers.namespace, order_text)
    document: dict[str, Any] = {"order": order, "order_items": made_items, "delivery": delivery}
    if credit is not None:
        order |= {"total_amount": "0", "discount": "0"}
        document["refunds"] = [{"refund_id": MAPPED_REFUND, "refund_time": order.get("order_time"), "amount": credit}]
    elif makers.refund:
        paid_back = made(makers.refund, head, items)
        refund = refund_of(paid_back, order)
        returned = makers.returned.of(items, made_items, head, paid_back.get("amount")) if makers.returned else []
        if refund:
            document["refunds"] = [refund | ({"items": returned} if returned else {})]
    if makers.attributes and (
        attributes := {name: text for name, make in makers.attributes.items() if (text := make(head).strip())}
    ):
        document["attributes"] = attributes
    return document


def name_parts(
    order: dict[str, Any], items: Sequence[dict[str, Any]], delivery: dict[str, Any], namespace: str, order_text: str
) -> None:
    """Give the items and the delivery their order's id, and an id and a time of their own where lines have none."""
    order_id = order["order_id"]
    for position, item in enumerate(items):
        item["order_id"] = order_id
        if "order_item_id" not in item:
            item["order_item_id"] = stable_id(namespace, "order_item_id", f"{order_text}#{position}")
        if "event_time" not in item:
            item["event_time"] = order.get("order_time")
    delivery["order_id"] = order_id
    delivery.setdefault("delivery_id", order_id)


def _credited(items: Sequence[dict[str, Any]], total: str | None) -> str | None:
    """What lines that all have negative quantities give back: they are a credit that names no order. Else None.

    It is what they come to, or the total of the order where the mapping has one.
    """
    if any(isinstance(item.get("quantity"), int) for item in items):
        return None  # digits alone: it is not negative
    try:
        amounts = [(Decimal(item["price"]), Decimal(item["quantity"])) for item in items]
    except (KeyError, DecimalException):
        return None  # what is wrong with the line is said where it is read as an item
    if not amounts or any(quantity >= 0 for _, quantity in amounts):
        return None
    return str(-(Decimal(total) if total else sum((price * quantity for price, quantity in amounts), Decimal(0))))


def refund_of(refund: dict[str, Any], order: dict[str, Any]) -> dict[str, Any] | None:
    """The refund that a row tells of, if it does. Where all of an order went back, so did its tax and shipping."""
    parts: dict[str, Any] = {}
    try:
        amount = Decimal(refund.get("amount", 0))
        if not amount:
            return None
        if amount == Decimal(order["total_amount"]):
            parts = {name: order[name] for name in ("tax_amount", "shipping_amount") if order.get(name)}
    except DecimalException:
        pass  # a text that is no amount is refused where it is read
    return {"refund_id": MAPPED_REFUND} | refund | parts


def work_out_amounts(order: dict[str, Any], items: Sequence[dict[str, Any]]) -> None:
    """The total is the sum of the items, the discount what is missing from it, where the mapping has neither."""
    gross = Decimal(0)
    try:
        for item in items:
            for name in ("price", "quantity"):
                if name not in item:
                    raise Rejected("missing_field", f"order_items[].{name} has no value")
            gross += Decimal(item["price"]) * Decimal(item["quantity"])
        if "total_amount" not in order:
            order["total_amount"] = str(gross.quantize(FOUR_DECIMALS, ROUND_HALF_EVEN))
        if "discount" not in order:
            order["discount"] = share_given(gross, Decimal(order["total_amount"]))
    except DecimalException:
        raise Rejected("out_of_range", "order: the amounts of its lines are out of range") from None


def _merged(lines: Sequence[Cells], mapping: Mapping) -> Cells:
    """The first text of every column: exports leave what belongs to the order empty on its later lines."""
    if len(lines) == 1:
        return lines[0]
    merged, of_the_order = dict(lines[0]), mapping.order_columns
    for cells in lines[1:]:
        for name, text in cells.items():
            if not merged[name]:
                merged[name] = text
            elif text and text != merged[name] and name in of_the_order:
                raise Rejected(
                    "inconsistent_lines",
                    f"the lines of one order have {shown(merged[name])} and {shown(text)} as {shown(name)}",
                )
    return merged


def share_given(gross: Decimal, total: Decimal) -> str:
    """The discount that leaves a total of what the items cost."""
    if gross <= 0 or total == gross:
        return "0"
    return str(min(max(1 - total / gross, Decimal(0)), Decimal(1)).quantize(FOUR_DECIMALS, ROUND_HALF_EVEN))
