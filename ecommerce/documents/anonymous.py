"""An order without the person: who ordered becomes a number that leads nowhere; what is in figures stays."""

import secrets
from typing import Any

from bson import Int64
from msgspec.structs import replace

from ecommerce.documents.order import OrderDocument

_NUMBER_BITS = 62


def new_number() -> int:
    """A number that stands for a person from now on, made by chance: nothing leads back from it."""
    return secrets.randbits(_NUMBER_BITS)


def anonymous(order: OrderDocument, number: int) -> OrderDocument:
    """The order with `number` as its user and without external id, attributes and reasons of refunds."""
    return replace(
        order,
        order=replace(order.order, user_id=number, external_id=None),
        refunds=tuple(replace(refund, reason=None) for refund in order.refunds),
        attributes=None,
    )


def anonymous_update(number: int, at: str = "") -> list[dict[str, Any]]:
    """The same as an update of the documents of one person; `updated_at` moves forward, as with every writer.

    `at` is where in a document the order is, such as `before.`.
    """
    # Of a document that is no order, which somebody wrote by hand, it may be no time.
    version = f"${at}updated_at"
    forward = {"$cond": [{"$eq": [{"$type": version}, "date"]}, {"$add": [version, 1]}, version]}
    return [
        {"$set": {f"{at}order.user_id": Int64(number), f"{at}updated_at": forward}},
        {"$unset": [f"{at}order.external_id", f"{at}refunds.reason", f"{at}attributes"]},
    ]
