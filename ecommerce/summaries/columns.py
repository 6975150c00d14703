"""Order documents as columns, read from their BSON in arrays: 1 million a second where decoding reads 60 000.

Documents written by the pipeline have the fields of the definition in its order, so after each field the next one's
place is known for all documents at once. Every field's type and name are compared on the way; a document that has
another layout, or a number that 64 bits do not hold, is reported as irregular and left to `decode_order`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from msgspec import Struct

from ecommerce.documents.fields import Field, fields_of
from ecommerce.documents.kinds import MONEY_SCALE
from ecommerce.documents.order import OrderDocument

ITEMS_READ_MAX = 32
"""Orders with more items are irregular: reading the k-th item costs a pass over the batch, however few have one."""

ITEM = "item."
"""Before the names of an item's columns."""

_TYPE_BYTES = {"string": 0x02, "date": 0x09, "null": 0x0A, "long": 0x12, "decimal": 0x13}
_SIZES = {"date": 8, "long": 8, "decimal": 16}
_DECIMAL_HIGH = (6176 - MONEY_SCALE) << 49
"""Upper half of a Decimal128 with exponent -4, positive, its coefficient below 2^64."""

_PADDING = bytes(4096)
"""Read instead of what lies behind the buffer while an irregular document is being found out."""

IntArray = np.ndarray[Any, np.dtype[np.int64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(slots=True)
class OrderColumns:
    """Columns of a batch, by dotted path. Times are milliseconds since 1970, amounts scaled, absent times are 0."""

    regular: BoolArray
    """Which documents of the batch were read; the others' values mean nothing."""
    order: dict[str, IntArray] = field(default_factory=dict)
    texts: dict[str, pl.Series] = field(default_factory=dict)
    has: dict[str, BoolArray] = field(default_factory=dict)
    """For nullable fields: which documents have a value."""
    items: dict[str, IntArray] = field(default_factory=dict)
    item_of: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    """For each item: the index of its document."""


def read_columns(documents: Sequence[bytes]) -> OrderColumns:
    """The columns of order documents in BSON."""
    sizes = np.fromiter(map(len, documents), np.int64, len(documents))
    reader = _Reader(b"".join((*documents, _PADDING)), len(documents))
    starts = np.cumsum(sizes) - sizes
    rows = np.arange(len(documents))
    at = reader.header(rows, starts + 4, b"\x12_id\x00") + 8
    at = _read_document(reader, OrderDocument, rows, at, "")
    reader.require(rows, at + 1 == starts + sizes)
    return reader.finish()


class _Reader:
    """A buffer of documents with loads at any byte, and what was found in it so far."""

    def __init__(self, data: bytes, count: int) -> None:
        self.bytes = np.frombuffer(data, np.uint8)
        self.longs: IntArray = np.ndarray((len(data) - 7,), "<i8", data, 0, (1,))
        self.ints = np.ndarray((len(data) - 3,), "<i4", data, 0, (1,))
        self.columns = OrderColumns(np.ones(count, np.bool_))
        self.item_parts: dict[str, list[IntArray]] = {}
        self.item_rows: list[IntArray] = []

    def require(self, rows: IntArray, holds: BoolArray) -> None:
        """Documents for which this does not hold are irregular."""
        if not holds.all():
            self.columns.regular[rows[~holds]] = False

    def matches(self, at: IntArray, expected: bytes) -> BoolArray:
        """Where the bytes at `at` are the expected ones."""
        result = np.ones(len(at), np.bool_)
        for offset in range(0, len(expected), 8):
            part = expected[offset : offset + 8]
            mask = np.int64(-1 if len(part) == 8 else (1 << 8 * len(part)) - 1)
            result &= (self.longs[at + offset] & mask) == int.from_bytes(part, "little", signed=len(part) == 8)
        return result

    def header(self, rows: IntArray, at: IntArray, expected: bytes) -> IntArray:
        """Require the header at `at`; where its value begins."""
        self.require(rows, self.matches(at, expected))
        return at + len(expected)

    def length(self, rows: IntArray, at: IntArray) -> IntArray:
        """The int32 at `at`, which is how far something reaches; kept inside the buffer for irregular documents."""
        length = self.ints[at].astype(np.int64)
        sound = (length > 0) & (at + length <= len(self.bytes) - len(_PADDING))
        self.require(rows, sound)
        return length if sound.all() else np.where(sound, length, 1)

    def text(self, at: IntArray, sizes: IntArray) -> pl.Series:
        """The texts of `sizes` bytes at `at`."""
        ends = np.cumsum(sizes)
        total = int(ends[-1]) if len(ends) else 0
        gathered = self.bytes[np.repeat(at - (ends - sizes), sizes) + np.arange(total)].tobytes()
        gathered.decode()  # raises UnicodeDecodeError: Polars takes the bytes without looking
        offsets = pa.py_buffer(np.concatenate(([0], ends)).astype(np.int64))
        return pl.Series(pa.LargeStringArray.from_buffers(len(sizes), offsets, pa.py_buffer(gathered)))

    def finish(self) -> OrderColumns:
        """The columns, those of items put together."""
        self.columns.items = {name: np.concatenate(parts) for name, parts in self.item_parts.items()}
        if self.item_rows:
            self.columns.item_of = np.concatenate(self.item_rows)
        return self.columns


def _read_document(reader: _Reader, document: type[Struct], rows: IntArray, at: IntArray, prefix: str) -> IntArray:
    """Read the fields of a document (or of an item) of `rows`, the first one at `at`; where the last one ends."""
    for part in fields_of(document):
        path = prefix + part.name
        name = part.name.encode() + b"\x00"
        if part.document is None:
            at = _read_scalar(reader, part, rows, at, path)
        elif part.is_array:
            start = reader.header(rows, at, b"\x04" + name)
            end = start + reader.length(rows, start)
            _read_items(reader, part.document, rows, start + 4, end - 1)
            at = end
        else:
            start = reader.header(rows, at, b"\x03" + name)
            end = _read_document(reader, part.document, rows, start + 4, path + ".")
            at = end + 1
            reader.require(rows, at == start + reader.length(rows, start))
    return at


def _read_items(reader: _Reader, document: type[Struct], rows: IntArray, at: IntArray, end: IntArray) -> None:
    for index in range(ITEMS_READ_MAX + 1):
        more = reader.columns.regular[rows] & (at < end)
        if not more.any():
            return
        rows, at, end = rows[more], at[more], end[more]
        if index == ITEMS_READ_MAX:
            reader.columns.regular[rows] = False
            return
        start = reader.header(rows, at, b"\x03%d\x00" % index)
        reader.item_rows.append(rows)
        at = _read_document(reader, document, rows, start + 4, ITEM) + 1
        reader.require(rows, (at == start + reader.length(rows, start)) & (at <= end))


def _read_scalar(reader: _Reader, part: Field, rows: IntArray, at: IntArray, path: str) -> IntArray:
    assert part.kind is not None  # noqa: S101 - callers pass scalars
    kind, name = part.kind.bson_type, part.name.encode() + b"\x00"
    header = bytes([_TYPE_BYTES[kind]]) + name
    if part.optional:  # nothing that is summed is optional: step over it
        there = reader.matches(at, header)
        value = at + len(header)
        return np.where(there, value + _size(reader, kind, np.where(there, value, 0)), at)
    value = at + len(header)
    if part.nullable:
        has = reader.matches(at, header)
        reader.require(rows, has | reader.matches(at, b"\x0a" + name))
        reader.columns.has[path] = has
        if not path.startswith(ITEM):
            reader.columns.order[path] = np.where(has, reader.longs[value], 0)
        return np.where(has, value + 8, value)
    reader.require(rows, reader.matches(at, header))
    if kind == "string":
        size = reader.length(rows, value)
        if not path.startswith(ITEM):
            reader.columns.texts[path] = reader.text(value + 4, np.where(reader.columns.regular[rows], size - 1, 0))
        return value + 4 + size
    values = reader.longs[value]
    if kind == "decimal":
        reader.require(rows, (reader.longs[value + 8] == _DECIMAL_HIGH) & (values >= 0))
    if path.startswith(ITEM):
        reader.item_parts.setdefault(path, []).append(values)
    else:
        reader.columns.order[path] = values
    return value + _SIZES[kind]


def _size(reader: _Reader, kind: str, value: IntArray) -> IntArray:
    if kind == "string":
        return np.clip(4 + reader.ints[value].astype(np.int64), 0, len(reader.bytes) - len(_PADDING) - value)
    return np.full(len(value), _SIZES[kind])
