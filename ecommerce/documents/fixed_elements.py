"""Elements of BSON whose size is fixed, of many documents at once: arrays of bytes with a row for each document."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ecommerce.documents.bson_types import DECIMAL_HIGH, TYPE_BYTES
from ecommerce.documents.fields import Field

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
IntArray = np.ndarray[Any, np.dtype[np.int64]]

OF_INTEGERS = ("long", "date", "decimal")
"""Types of BSON whose values are encoded from integers: themselves, milliseconds, amounts in 10^-4 units."""


def fixed_elements(field: Field, values: IntArray) -> Bytes:
    """The elements of a field of one of the types OF_INTEGERS."""
    assert field.kind is not None  # noqa: S101 - documents and arrays have no fixed size
    kind = field.kind.bson_type
    upper_halves = [np.full(len(values), DECIMAL_HIGH)] if kind == "decimal" else []
    return elements_of_8_bytes(TYPE_BYTES[kind] + field.name.encode() + b"\x00", values, *upper_halves)


def elements_of_8_bytes(head: bytes, *values: IntArray) -> Bytes:
    """Elements whose values have 8 bytes or a multiple."""
    count = len(values[0])
    heads = np.broadcast_to(np.frombuffer(head, np.uint8), (count, len(head)))
    return np.concatenate([heads, *(value.astype("<i8").view(np.uint8).reshape(count, 8) for value in values)], axis=1)


def cut(fixed: Sequence[Bytes]) -> Iterator[list[bytes]]:
    """The rows of arrays that lie side by side, as bytes; nothing where there are no arrays."""
    if fixed:
        together = np.concatenate(fixed, axis=1)
        width, data = together.shape[1], together.tobytes()
        yield [data[at : at + width] for at in range(0, len(data), width)]
