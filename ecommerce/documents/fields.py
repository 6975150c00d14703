"""Walks the definition: the fields of a document with kind, nullability and nesting, for everything derived from it."""

import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from ecommerce.documents.kinds import Kind

FIRST_RELEASE: Mapping[str, Mapping[str, str]] = {
    "OrderDocument": {"order": "Order", "order_items": "OrderItem[]", "delivery": "Delivery", "updated_at": "time"},
    "Order": {
        "order_id": "id",
        "user_id": "id",
        "order_time": "time",
        "total_amount": "money",
        "discount": "fraction",
        "quantity": "count",
        "payment_type": "text",
        "external_id": "text?",
    },
    "OrderItem": {
        "order_item_id": "id",
        "order_id": "id",
        "product_id": "id",
        "warehouse_id": "id",
        "quantity": "count",
        "price": "money",
        "event_time": "time",
    },
    "Delivery": {
        "delivery_id": "id",
        "order_id": "id",
        "status": "text",
        "expected_time": "time",
        "actual_time": "time or null",
        "courier_id": "id",
        "location": "text",
    },
    "User": {
        "user_id": "id",
        "name": "text",
        "email": "text?",
        "location": "text?",
        "age": "count?",
        "signup_date": "time?",
    },
    "Product": {
        "product_id": "id",
        "name": "text",
        "category": "text?",
        "price": "money?",
        "cost": "money?",
        "warehouse_id": "id?",
    },
    "Warehouse": {"warehouse_id": "id", "location": "text", "capacity": "count?", "manager_id": "id?"},
    "Courier": {"courier_id": "id", "name": "text", "region": "text?", "rating": "rating?"},
    "Inventory": {
        "product_id": "id",
        "warehouse_id": "id",
        "stock_quantity": "count?",
        "last_restock_time": "time?",
    },
}
"""The fields of version 0.1.0: they have a place of their own in every order's hash, whether they are there or not."""

LAST = "updated_at"
"""The last field of an order's bytes, whatever comes: it is read and moved at its place from the end."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a document: a scalar (`kind`) or a nested document (`document`, repeated where `is_array`)."""

    name: str
    kind: Kind | None
    document: type[Struct] | None
    is_array: bool
    nullable: bool
    """May hold no value."""
    optional: bool
    """Has a default: in MongoDB the field is absent, not null, where it holds no value."""
    later: bool
    """Came after the first release: where it is absent, neither bytes nor hashes tell of it."""


@cache
def fields_of(document: type[Struct]) -> tuple[Field, ...]:
    """The fields of a document in their canonical order."""
    hints = get_type_hints(document, include_extras=True)
    first = FIRST_RELEASE.get(document.__name__, {})
    found = [_field(info, hints[info.name], info.name not in first) for info in msgspec.structs.fields(document)]
    # In Python what has a default comes last.
    return tuple(sorted(found, key=lambda field: field.name == LAST))


def _field(info: Any, hint: Any, later: bool) -> Field:
    nullable = get_origin(hint) in (Union, types.UnionType)
    if nullable:
        (hint,) = (argument for argument in get_args(hint) if argument is not type(None))
    is_array = get_origin(hint) is tuple
    if is_array:
        hint = get_args(hint)[0]
    if get_origin(hint) is Annotated:
        return Field(info.name, _kind(hint), None, is_array, nullable, not info.required, later)
    return Field(info.name, None, hint, is_array, nullable, not info.required, later)


def _kind(hint: Any) -> Kind:
    for meta in get_args(hint)[1:]:
        if meta.extra:
            kind: Kind = meta.extra["kind"]
            return kind
    raise TypeError(f"{hint} has no kind")


def in_order(field: Field, elements: Iterable[Any]) -> Iterable[Any]:
    """The elements of an array in canonical order: those of a later one by their first field, which is their id."""
    if not field.later or field.document is None:
        return elements
    identity = fields_of(field.document)[0].name
    return sorted(elements, key=attrgetter(identity))


def scalar_paths(document: type[Struct], prefix: str = "") -> Iterator[tuple[str, Field]]:
    """Dotted path and field of every scalar, in canonical order; those of arrays have the array's path before them."""
    for field in fields_of(document):
        path = prefix + field.name
        if field.document is None:
            yield path, field
        else:
            yield from scalar_paths(field.document, path + ".")
