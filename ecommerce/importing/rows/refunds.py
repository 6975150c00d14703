"""What must be true of the refunds of an order beside the types of their fields; both ways of reading ask this."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from ecommerce.documents.order import ITEMS_MAX
from ecommerce.importing.reasons import Rejected


def check_refunds(refunds: Iterable[Any], items: Iterable[Any]) -> None:
    """Raise Rejected where refunds contradict themselves or the items of their order."""
    ordered = {item.order_item_id: item.quantity for item in items}
    returned: Counter[int] = Counter()
    ids: set[int] = set()
    for refund in refunds:
        name = f"refund {refund.refund_id}"
        if refund.refund_id in ids:
            raise Rejected("duplicate_refund", f"two refunds have the refund_id {refund.refund_id}")
        ids.add(refund.refund_id)
        parts = (refund.tax_amount or 0) + (refund.shipping_amount or 0)
        if parts > refund.amount:
            raise Rejected(
                "refund_parts",
                f"{name}: its tax and shipping, {parts}, are more than its amount, {refund.amount}, which they are in",
            )
        of_refund = [item.order_item_id for item in refund.items or ()]
        if len(set(of_refund)) != len(of_refund):
            raise Rejected("duplicate_item", f"{name} names one order_item_id twice")
        if unknown := [one for one in of_refund if one not in ordered]:
            raise Rejected("reference", f"{name} names the order_item_id {unknown[0]}, which the order does not have")
        returned.update({item.order_item_id: item.quantity for item in refund.items or ()})
    for order_item_id, quantity in returned.items():
        if quantity > ordered[order_item_id]:
            raise Rejected(
                "refund_quantity",
                f"the refunds take back {quantity} of the order item {order_item_id}, which was of"
                f" {ordered[order_item_id]}",
            )
    if len(ids) > ITEMS_MAX:
        raise Rejected("too_many_items", f"{len(ids)} refunds, more than {ITEMS_MAX}")
