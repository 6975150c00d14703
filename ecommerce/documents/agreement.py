"""What the parts of an order must agree on, beside the types and ranges of their fields.

An import asks all of it. Readers and MongoDB's validator ask what figures depend on: that all parts are of one order,
and that refunds take back what there is. A number of items that is not `quantity`, and two items of one id, were stored
by other programs beside version 0.1.0, and no figure is wrong by them. `bson_reading.agreement` asks it of columns.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from ecommerce.documents.order import ITEMS_MAX, OrderDocument

Expression = dict[str, Any]
"""Of MongoDB."""


class Disagreement(ValueError):
    """Parts of an order contradict each other; the text names them. `code` is one of an import's reason codes."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def require_agreement(document: OrderDocument) -> None:
    """Raise Disagreement where the parts of an incoming order contradict each other."""
    items = document.order_items
    if len(items) > ITEMS_MAX:
        raise Disagreement("too_many_items", f"{len(items)} items, more than {ITEMS_MAX}")
    if document.order.quantity != len(items):
        raise Disagreement(
            "quantity_mismatch", f"order.quantity is {document.order.quantity}, the items are {len(items)}"
        )
    if len({item.order_item_id for item in items}) != len(items):
        raise Disagreement("duplicate_item", f"two of the {len(items)} items have one order_item_id")
    require_stored_agreement(document)


def require_stored_agreement(document: OrderDocument) -> None:
    """The same of a stored order."""
    order_id = document.order.order_id
    named = {"delivery.order_id": document.delivery.order_id}
    named |= {f"order_items[{at}].order_id": item.order_id for at, item in enumerate(document.order_items)}
    for path, found in named.items():
        if found != order_id:
            raise Disagreement("reference", f"{path} is {found}, order.order_id {order_id}")
    if document.refunds:
        require_refunds_agree(document.refunds, document.order_items)


def require_refunds_agree(refunds: Iterable[Any], items: Iterable[Any]) -> None:
    """Raise Disagreement where refunds contradict themselves or the items of their order."""
    items = tuple(items)
    ordered = {item.order_item_id: item.quantity for item in items}
    of_id = Counter(item.order_item_id for item in items)
    returned: Counter[int] = Counter()
    ids: set[int] = set()
    for refund in refunds:
        name = f"refund {refund.refund_id}"
        if refund.refund_id in ids:
            raise Disagreement("duplicate_refund", f"two refunds have the refund_id {refund.refund_id}")
        ids.add(refund.refund_id)
        parts = (refund.tax_amount or 0) + (refund.shipping_amount or 0)
        if parts > refund.amount:
            raise Disagreement(
                "refund_parts",
                f"the tax and shipping of {name}, {parts}, are more than its amount, {refund.amount}, with them in it",
            )
        of_refund = [item.order_item_id for item in refund.items or ()]
        if len(set(of_refund)) != len(of_refund):
            raise Disagreement("duplicate_item", f"{name} names one order_item_id twice")
        if unknown := [one for one in of_refund if one not in ordered]:
            raise Disagreement(
                "reference", f"{name} names the order_item_id {unknown[0]}, which the order does not have"
            )
        if twice := [one for one in of_refund if of_id[one] > 1]:
            raise Disagreement("duplicate_item", f"{name} names the order_item_id {twice[0]}, which two items have")
        returned.update({item.order_item_id: item.quantity for item in refund.items or ()})
    for order_item_id, quantity in returned.items():
        if quantity > ordered[order_item_id]:
            raise Disagreement(
                "refund_quantity",
                f"the refunds take back {quantity} of the order item {order_item_id}, which was of"
                f" {ordered[order_item_id]}",
            )
    if len(ids) > ITEMS_MAX:
        raise Disagreement("too_many_items", f"{len(ids)} refunds, more than {ITEMS_MAX}")


def mongo_agreement() -> Expression:
    """Whether the parts of a document agree, for `$expr`. It raises for no document, whatever is in it."""
    of_items = [
        {"$setIsSubset": ["$order_items.order_id", ["$_id"]]},
        {"$cond": [{"$isArray": "$refunds"}, {"$and": [*_of_refunds()]}, True]},
    ]
    # $cond evaluates only the branch that it takes: the operators of the other one would raise.
    return {
        "$and": [
            {"$eq": ["$_id", "$order.order_id"]},
            {"$eq": ["$_id", "$delivery.order_id"]},
            {"$cond": [{"$isArray": "$order_items"}, {"$and": of_items}, False]},
        ]
    }


def _of_refunds() -> Iterable[Expression]:
    """Where both refunds and items are arrays."""
    yield _all_different("$refunds", "$refunds.refund_id")
    amounts = ["$$refund.amount", *({"$ifNull": [f"$$refund.{part}_amount", 0]} for part in ("tax", "shipping"))]
    parts = {"$lte": [{"$add": amounts[1:]}, amounts[0]]}
    of_refund = "$$refund.items"
    absent = {"$eq": [{"$type": of_refund}, "missing"]}
    each_once = _all_different(of_refund, f"{of_refund}.order_item_id")
    yield _of_all(
        "$refunds",
        "refund",
        {"$cond": [{"$and": [{"$isNumber": amount} for amount in amounts]}, parts, False]},
        {"$cond": [{"$isArray": of_refund}, each_once, absent]},
    )
    listed = {"$cond": [{"$isArray": "$$this.items"}, "$$this.items", []]}
    returned = {"$reduce": {"input": "$refunds", "initialValue": [], "in": {"$concatArrays": ["$$value", listed]}}}
    of_item = {"$eq": ["$$back.order_item_id", "$$item.order_item_id"]}
    named = {"$filter": {"input": "$order_items", "as": "item", "cond": of_item}}
    there_once = _of_all("$$returned", "back", {"$eq": [{"$size": named}, 1]})
    units = {"$map": {"input": "$$returned", "as": "back", "in": {"$cond": [of_item, "$$back.quantity", 0]}}}
    enough = _of_all("$order_items", "item", {"$lte": [{"$sum": units}, "$$item.quantity"]})
    nothing = {"$eq": ["$$returned", []]}
    yield {"$let": {"vars": {"returned": returned}, "in": {"$or": [nothing, {"$and": [there_once, enough]}]}}}


def _all_different(array: str, ids: str) -> Expression:
    return {"$eq": [{"$size": array}, {"$size": {"$setUnion": [ids, []]}}]}


def _of_all(array: str, name: str, *conditions: Expression) -> Expression:
    return {"$allElementsTrue": [{"$map": {"input": array, "as": name, "in": {"$and": [*conditions]}}}]}
