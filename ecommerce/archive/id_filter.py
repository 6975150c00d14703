"""`{_id: {$in: [...]}}` for many ids, encoded in one go: PyMongo takes 2 microseconds for each id, each time."""

from typing import Any

import numpy as np
from bson.raw_bson import RawBSONDocument

from ecommerce.summaries.columns import IntArray

_INT64, _ARRAY = b"\x12", b"\x04"


def filter_of_ids(ids: IntArray) -> RawBSONDocument:
    """The query filter of the documents that have one of these int64 ids."""
    array = _document(_elements(ids))
    return RawBSONDocument(_document(b"\x03_id\x00" + _document(_ARRAY + b"$in\x00" + array)))


def _elements(ids: IntArray) -> bytes:
    """BSON elements named 0, 1, 2, …: those whose names have as many digits are as long, so they are one array."""
    parts = []
    start, digits = 0, 1
    while start < len(ids):
        end = min(10**digits, len(ids))
        element: Any = np.dtype([("type", "S1"), ("name", f"S{digits}"), ("zero", "u1"), ("value", "<i8")])
        part = np.zeros(end - start, element)
        part["type"], part["name"], part["value"] = _INT64, np.arange(start, end).astype(f"S{digits}"), ids[start:end]
        parts.append(part.tobytes())
        start, digits = end, digits + 1
    return b"".join(parts)


def _document(elements: bytes) -> bytes:
    return (len(elements) + 5).to_bytes(4, "little") + elements + b"\x00"
