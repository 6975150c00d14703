"""The layout of an order's canonical BSON, worked out from the definition: stretches of fixed bytes and what varies.

A stretch ends where a size depends on the document: at a text, at a value that may be null or absent, at the items.
"""

from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from msgspec import Struct

from ecommerce.documents.bson_types import SIZES, TYPE_BYTES
from ecommerce.documents.fields import Field, fields_of

Ending = Literal["end", "text", "nullable", "optional", "items", "apart"]
"""apart: a part that few documents have, such as refunds."""


@dataclass(slots=True)
class Stretch:
    """Bytes whose places are fixed: names and types that must be as expected, and values between them."""

    pattern: bytearray = field(default_factory=bytearray)
    mask: bytearray = field(default_factory=bytearray)
    """255 where the pattern must match, 0 at values."""
    values: list[tuple[str, str, int]] = field(default_factory=list)
    """(path, kind, offset) of the values; the kind "length" is a document's size."""
    ending: Ending = "end"
    """What follows. The size of a text or of the array of items is the last four bytes of the stretch."""
    path: str = ""
    """Of what follows."""
    follower: Field | None = None
    """What follows, where it is one value."""

    def expect(self, expected: bytes) -> None:
        """Bytes that every document has here."""
        self.pattern += expected
        self.mask += b"\xff" * len(expected)

    def value(self, path: str, kind: str, size: int) -> None:
        """A value of `size` bytes."""
        self.values.append((path, kind, len(self.pattern)))
        self.pattern += bytes(size)
        self.mask += bytes(size)


@cache
def layout_of(document: type[Struct], before: bytes = b"") -> tuple[Stretch, ...]:
    """The stretches of a document in canonical order; `before` are the bytes between its size and its first field.

    A nested document's size is the value "<path>." of kind "length", its end the value "<path>." of kind "close".
    """
    stretches = [Stretch()]
    stretches[-1].value("", "length", 4)
    stretches[-1].expect(before)
    if before:
        stretches[-1].value("_id", "long", 8)
    _add_fields(stretches, document, "")
    return tuple(stretches)


def _add_fields(stretches: list[Stretch], document: type[Struct], prefix: str) -> None:
    for part in fields_of(document):
        last, path, name = stretches[-1], prefix + part.name, part.name.encode() + b"\x00"
        if part.optional and part.document is not None:
            _end_with(stretches, "apart", path, part)
        elif part.is_array:
            last.expect(b"\x04" + name)
            last.value(path, "length", 4)
            _end_with(stretches, "items", path, part)
        elif part.document is not None:
            last.expect(b"\x03" + name)
            last.value(path + ".", "length", 4)
            _add_fields(stretches, part.document, path + ".")
        else:
            _add_scalar(stretches, part, path, name)
    stretches[-1].expect(b"\x00")
    stretches[-1].values.append((prefix, "close", len(stretches[-1].pattern)))


def _add_scalar(stretches: list[Stretch], part: Field, path: str, name: bytes) -> None:
    assert part.kind is not None  # noqa: S101 - callers pass scalars
    kind, last = part.kind.bson_type, stretches[-1]
    if part.optional or part.nullable:
        _end_with(stretches, "optional" if part.optional else "nullable", path, part)
        return
    last.expect(TYPE_BYTES[kind] + name)
    if kind == "string":
        last.value(path, "length", 4)
        _end_with(stretches, "text", path, part)
    else:
        last.value(path, kind, SIZES[kind])


def _end_with(stretches: list[Stretch], ending: Ending, path: str, follower: Field) -> None:
    stretches[-1].ending, stretches[-1].path, stretches[-1].follower = ending, path, follower
    stretches.append(Stretch())
