"""Walks the definition: the fields of a document with kind, nullability and nesting, for everything derived from it."""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from ecommerce.documents.kinds import Kind


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


@cache
def fields_of(document: type[Struct]) -> tuple[Field, ...]:
    """The fields of a document in their canonical order."""
    hints = get_type_hints(document, include_extras=True)
    return tuple(_field(info, hints[info.name]) for info in msgspec.structs.fields(document))


def _field(info: Any, hint: Any) -> Field:
    nullable = False
    if get_origin(hint) in (Union, types.UnionType):
        nullable = True
        (hint,) = (argument for argument in get_args(hint) if argument is not type(None))
    is_array = get_origin(hint) is tuple
    if is_array:
        hint = get_args(hint)[0]
    if get_origin(hint) is Annotated:
        return Field(info.name, _kind(hint), None, is_array, nullable, not info.required)
    return Field(info.name, None, hint, is_array, nullable, not info.required)


def _kind(hint: Any) -> Kind:
    for meta in get_args(hint)[1:]:
        if meta.extra:
            kind: Kind = meta.extra["kind"]
            return kind
    raise TypeError(f"{hint} has no kind")


def scalar_paths(document: type[Struct], prefix: str = "") -> Iterator[tuple[str, Field]]:
    """Dotted path and field of every scalar, in canonical order; those of arrays have the array's path before them."""
    for field in fields_of(document):
        path = prefix + field.name
        if field.document is None:
            yield path, field
        else:
            yield from scalar_paths(field.document, path + ".")
