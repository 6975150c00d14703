"""The bytes of values that come again and again: texts, amounts, attributes."""

import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import bson

from ecommerce.documents.bson_types import DECIMAL_HIGH_BYTES, TYPE_BYTES
from ecommerce.documents.fields import Field
from ecommerce.documents.kinds import Kind, attribute_fault
from ecommerce.importing.rows.inputs import exact_scaled

AMOUNTS_KEPT = 50_000
"""Amounts of one field of a document that are kept: about 10 MB."""

TEXTS_KEPT, TEXT_KEPT_CHARACTERS = 5_000, 100
"""Texts of one field that are kept: at most a megabyte."""

int32, int64 = struct.Struct("<i").pack, struct.Struct("<q").pack
"""Integers as BSON has them."""


def element_bytes(kind: bytes, name: str) -> bytes:
    """What begins an element: its type and its name."""
    return kind + name.encode() + b"\0"


def text_bytes(value: str) -> bytes:
    """A text in UTF-8. Raises ValueError where NUL is in it, which some readers of BSON take for its end."""
    if "\0" in value:
        raise ValueError("NUL character")
    return value.encode()


def attribute_bytes(attributes: dict[str, str]) -> bytes:
    """The document of attributes, by name. Raises ValueError where one cannot be kept."""
    if any(attribute_fault(name, text) for name, text in attributes.items()):
        raise ValueError("attributes")
    return bson.encode({name: attributes[name] for name in sorted(attributes)})


class Scaled(dict[Decimal, int]):
    """Amounts as scaled integers, worked out once: prices come again and again, and looking one up is ten times faster.

    Raises what `exact_scaled` raises.
    """

    def __init__(self, limit: int, inclusive: bool) -> None:
        super().__init__()
        self._limit, self._inclusive = limit, inclusive

    def __missing__(self, amount: Decimal) -> int:
        scaled = exact_scaled(amount, self._limit, self._inclusive)
        if len(self) >= AMOUNTS_KEPT:
            self.clear()
        self[amount] = scaled
        return scaled


def scaled_of(kind: Kind) -> Scaled:
    """Amounts of a kind as scaled integers."""
    return Scaled(int(kind.bson_bounds["maximum"]), "exclusiveMaximum" not in kind.bson_bounds)


class Texts(dict[str, bytes]):
    """Texts of one field as elements, made once: statuses, payment types and cities come again and again."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._element = element_bytes(TYPE_BYTES["string"], name)

    def __missing__(self, text: str) -> bytes:
        encoded = text_bytes(text)
        element = self._element + int32(len(encoded) + 1) + encoded + b"\0"
        if len(text) <= TEXT_KEPT_CHARACTERS:
            if len(self) >= TEXTS_KEPT:
                self.clear()
            self[text] = element
        return element


def element_of(field: Field) -> Callable[[Any], bytes]:
    """What makes the element of a scalar of a document: of an amount as a scaled integer, of a time in milliseconds.

    Raises an exception where a value has no place in it.
    """
    assert field.kind is not None  # noqa: S101 - only scalars are asked for
    kind = field.kind.bson_type
    start, end = element_bytes(TYPE_BYTES[kind], field.name), DECIMAL_HIGH_BYTES if kind == "decimal" else b""
    if kind == "string":
        return lambda text: start + int32(len(encoded := text_bytes(text)) + 1) + encoded + b"\0"
    if kind == "bool":
        return lambda value: start + bytes((value,))
    return lambda value: start + int64(value) + end
