"""What an import accepts, derived from the definition: the same documents with some fields left to be filled in."""

import types
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from ecommerce.documents.fields import Field, fields_of
from ecommerce.documents.kinds import DAY_MS, EARLIEST_TIME, EXACT, LATEST_TIME, MONEY_SCALE
from ecommerce.documents.order import Delivery, Order, OrderDocument, OrderItem
from ecommerce.importing.naive_times import moment_of

EMPTY: Mapping[str, Any] = types.MappingProxyType({})

LEFT_OPEN: dict[type[Struct], tuple[str, ...]] = {
    OrderItem: ("warehouse_id",),
    Delivery: ("location",),
    OrderDocument: ("updated_at",),
}
"""Fields that a row may leave out: from the product, from the user, from what happened last in the order."""


def variant_of(document: type[Struct], replaced: Mapping[str, Any] = EMPTY) -> Any:
    """The document as input: fields left open become optional, nested documents are replaced by their variants.

    None stands for an absent field and for nothing else, so that the keys of a row can be counted: an explicit null
    for such a field, and a nullable field that is absent, are for the lenient way.
    """
    hints = get_type_hints(document, include_extras=True)
    members: list[Any] = []
    for field in fields_of(document):
        hint = replaced.get(field.name, hints[field.name])
        if field.optional or field.name in LEFT_OPEN.get(document, ()):
            members.append((field.name, _without_none(hint), None))
        else:
            members.append((field.name, hint))
    required = [member for member in members if len(member) == 2]
    others = [member for member in members if len(member) == 3]
    return msgspec.defstruct(
        f"{document.__name__}Input", required + others, forbid_unknown_fields=True, kw_only=True, gc=False
    )


def _without_none(hint: Any) -> Any:
    if get_origin(hint) not in (Union, types.UnionType):
        return hint
    (only,) = (member for member in get_args(hint) if member is not types.NoneType)
    return only


PARTS = ("order", "order_items", "delivery", "updated_at")
"""What the fast way takes from a document by itself; whatever else the definition has there few documents have."""


def _beside() -> list[tuple[str, Any]]:
    """The fields of a document beside its parts, which it may not have."""
    hints = get_type_hints(OrderDocument, include_extras=True)
    return [
        (field.name, _elements(field) if field.is_array else _without_none(hints[field.name]))
        for field in fields_of(OrderDocument)
        if field.name not in PARTS
    ]


def _elements(field: Field) -> Any:
    """The type of an array that may be absent, with those in its elements."""
    assert field.document is not None  # noqa: S101 - arrays hold documents
    nested = {part.name: _elements(part) for part in fields_of(field.document) if part.is_array}
    return tuple[variant_of(field.document, nested), ...]  # type: ignore[misc]


OrderInput: Any = variant_of(Order)
OrderItemInput: Any = variant_of(OrderItem)
DeliveryInput: Any = variant_of(Delivery)
BesideInput: Any = msgspec.defstruct(
    "BesideInput", [(name, hint, None) for name, hint in _beside()], kw_only=True, gc=False
)
DocumentInput: Any = msgspec.defstruct(
    "DocumentInput",
    [
        *((name, hint) for name, hint in (("order", OrderInput), ("order_items", tuple[OrderItemInput, ...]))),
        ("delivery", DeliveryInput),
        ("updated_at", datetime, None),
        *((name, hint, None) for name, hint in _beside()),
        ("id_", int, None),
    ],
    rename={"id_": "_id"},
    forbid_unknown_fields=True,
    kw_only=True,
    gc=False,
)
"""A whole order document, as a line of JSON holds it."""

LATEST_MILLIS = (LATEST_TIME - EARLIEST_TIME).days * DAY_MS


def exact_scaled(amount: Decimal, limit: int, inclusive: bool) -> int:
    """An amount in [0, limit) or [0, limit] as an integer of 10^-4 units. Raises ValueError or ArithmeticError else."""
    # The bound comes before int(), which would write out all the digits of 1E+999999.
    if not 0 <= amount <= limit or (amount == limit and not inclusive):
        raise ValueError(f"{amount} is out of range")
    scaled = EXACT.scaleb(amount, MONEY_SCALE)
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{amount} has more than {MONEY_SCALE} decimals")
    return whole


def millis(time: datetime) -> int:
    """A time as whole milliseconds since 1970, a naive one being of the shop's zone.

    Raises ValueError where it is out of range or, in that zone, no one moment.
    """
    since = (moment_of(time) if time.tzinfo is None else time) - EARLIEST_TIME
    value = since.days * DAY_MS + since.seconds * 1000 + since.microseconds // 1000
    if not 0 <= value < LATEST_MILLIS:
        raise ValueError(f"{time} is out of range")
    return value
