"""Order documents as columns, read from their BSON in arrays, many times as fast as by decoding them.

Documents written by the pipeline have the fields of the definition in its order, so the place of each stretch of
fixed bytes is known for all documents at once. Every type, name and limit is compared on the way; a document that has
another layout, or a value that the definition refuses, is reported as irregular and left to `stored_order`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import bson
import numpy as np
import polars as pl
import pyarrow as pa

from ecommerce.bson_reading.layout import Stretch, layout_of
from ecommerce.documents.bson_types import DECIMAL_HIGH, SIZES, TYPE_BYTES
from ecommerce.documents.fields import scalar_paths
from ecommerce.documents.kinds import TEXT_LENGTH_MAX, attributes_fault
from ecommerce.documents.order import OrderDocument, OrderItem

ITEMS_READ_MAX = 32
"""Orders with more items are irregular: reading the k-th item costs a pass over the batch, however few have one."""

ITEM = "item."
"""Before the names of an item's columns."""

_SAME_IDS = ("order.order_id", "delivery.order_id")
"""Fields that hold the document's `_id`, as each item's `order_id` does."""

_LIMITS: dict[str, tuple[int, int]] = {
    prefix + path: field.kind.limits
    for document, prefix in ((OrderDocument, ""), (OrderItem, ITEM))
    for path, field in scalar_paths(document)
    if field.kind is not None
}
"""Lowest and highest value of each column of numbers."""

_PADDING = bytes(4096)
"""Read instead of what lies behind the buffer while an irregular document is being found out."""

IntArray = np.ndarray[Any, np.dtype[np.int64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(slots=True)
class OrderColumns:
    """Columns of a batch, by dotted path. Times are milliseconds since 1970, amounts scaled, absent times are 0."""

    regular: BoolArray
    """Which documents of the batch were read; the others' values mean nothing."""
    numbers: dict[str, IntArray] = field(default_factory=dict)
    texts: dict[str, pl.Series] = field(default_factory=dict)
    has: dict[str, BoolArray] = field(default_factory=dict)
    """For nullable fields: which documents have a value."""
    maps: dict[str, list[dict[str, str] | None]] = field(default_factory=dict)
    """For attributes: those of each document."""
    items: dict[str, IntArray] = field(default_factory=dict)
    item_texts: dict[str, pl.Series] = field(default_factory=dict)
    item_has: dict[str, BoolArray] = field(default_factory=dict)
    """For nullable fields of items: which items have a value."""
    item_of: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    """For each item: the index of its document."""


def read_columns(documents: Sequence[bytes]) -> OrderColumns:
    """The columns of order documents in BSON."""
    sizes = np.fromiter(map(len, documents), np.int64, len(documents))
    reader = _Reader(b"".join((*documents, _PADDING)), len(documents))
    rows, starts = np.arange(len(documents)), np.cumsum(sizes) - sizes
    end = reader.read(layout_of(OrderDocument, b"\x12_id\x00"), rows, starts, "")
    reader.require(rows, end == starts + sizes)
    return reader.finish()


class _Reader:
    """A buffer of documents, and the columns found in it so far."""

    def __init__(self, data: bytes, count: int) -> None:
        self.bytes = np.frombuffer(data, np.uint8)
        self.limit = len(data) - len(_PADDING)
        self.columns = OrderColumns(np.ones(count, np.bool_))
        self.item_parts: dict[str, list[IntArray]] = {}
        self.item_text_parts: dict[str, list[pl.Series]] = {}
        self.item_has_parts: dict[str, list[BoolArray]] = {}
        self.item_rows: list[IntArray] = []

    def require(self, rows: IntArray, holds: BoolArray) -> None:
        """Documents for which this does not hold are irregular."""
        if not holds.all():
            self.columns.regular[rows[~holds]] = False

    def windows(self, at: IntArray, size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The `size` bytes at each place, a row each, padded to whole words. One copy per row, not one per value."""
        padded = max(-(-size // 8), 1) * 8
        view: Any = np.ndarray((len(self.bytes) - padded,), f"V{padded}", self.bytes, 0, (1,))
        windows: np.ndarray[Any, np.dtype[np.uint8]] = view[at].view(np.uint8).reshape(-1, padded)
        return windows

    def read(self, layout: tuple[Stretch, ...], rows: IntArray, at: IntArray, prefix: str) -> IntArray:
        """Read what has this layout, beginning at `at`; where it ends."""
        ends: dict[str, IntArray] = {}
        for stretch in layout:
            window = self.windows(at, len(stretch.pattern))
            self.require(rows, _matches(window, stretch.pattern, stretch.mask))
            for path, kind, offset in stretch.values:
                if kind == "close":
                    self.require(rows, ends[path] == at + offset)
                elif kind == "length":
                    size = _values(window, offset, "<i4").astype(np.int64)
                    sound = (size > 0) & (at + offset + size <= self.limit)
                    self.require(rows, sound)
                    ends[path] = at + offset + np.where(sound, size, 5)
                else:
                    self.keep(rows, prefix + path, kind, window, offset)
            at = at + len(stretch.pattern)
            match stretch.ending:
                case "text":
                    end = ends[stretch.path] + 4
                    self.require(rows, self.fitting(rows, at, end - at - 1))
                    if prefix != ITEM:
                        self.columns.texts[stretch.path] = self.text(rows, at, end - at - 1)
                    at = end
                case "items":
                    self.read_items(rows, at, ends[stretch.path] - 1)
                    at = ends[stretch.path]
                case "nullable" | "optional":
                    at = self.read_optional(stretch, rows, at, prefix)
                case "apart":
                    part = stretch.follower
                    assert part is not None  # noqa: S101 - this ending has one
                    header = TYPE_BYTES["array" if part.is_array else "object"] + part.name.encode() + b"\x00"
                    self.require(rows, ~_matches(self.windows(at, len(header)), header, b"\xff" * len(header)))
        return at

    def keep(self, rows: IntArray, path: str, kind: str, window: np.ndarray[Any, Any], offset: int) -> None:
        """Note the values of one field."""
        values = _values(window, offset, "<i8")
        if kind == "decimal":
            self.require(rows, _values(window, offset + 8, "<i8") == DECIMAL_HIGH)
        if limits := _LIMITS.get(path):
            self.require(rows, _within(values, *limits))
        if path.startswith(ITEM):
            self.item_parts.setdefault(path, []).append(values)
        else:
            self.columns.numbers[path] = values

    def read_optional(self, stretch: Stretch, rows: IntArray, at: IntArray, prefix: str) -> IntArray:
        """Read a value that may be null or absent; where the next field begins."""
        part = stretch.follower
        assert part is not None and part.kind is not None  # noqa: S101 - these endings have one
        kind, name = part.kind.bson_type, part.name.encode() + b"\x00"
        header = TYPE_BYTES[kind] + name
        window = self.windows(at, len(header) + 16)
        has = _matches(window, header, b"\xff" * len(header))
        value = at + len(header)
        if kind in ("string", "object"):
            size = _values(window, len(header), "<i4").astype(np.int64)
            behind = value + size + (4 if kind == "string" else 0)
            self.require(rows, ~has | ((size > 0) & (behind <= self.limit)))
            if kind == "string":
                self.require(rows, ~has | self.fitting(rows, value + 4, np.where(has, size - 1, 1)))
            after = np.clip(behind, 0, self.limit)
        else:
            after = value + SIZES[kind]
        path = prefix + stretch.path
        if kind == "object":
            self.columns.has[path] = has
            self.columns.maps[path] = self.maps(rows, value, after, has)
        elif kind == "string":
            self.keep_text(path, has, self.text(rows, value + 4, np.where(has, size - 1, 0)))
        else:
            values = _values(window, len(header), "<i8")
            if kind == "decimal":
                high = _values(window, len(header) + 8, "<i8")
                self.require(rows, ~has | (high == DECIMAL_HIGH))
            self.require(rows, ~has | _within(values, *_LIMITS[path]))
            self.keep_number(path, has, np.where(has, values, 0))
        if stretch.ending == "optional":
            return np.where(has, after, at)
        null = TYPE_BYTES["null"] + name
        self.require(rows, has | _matches(window, null, b"\xff" * len(null)))
        return np.where(has, after, value)

    def keep_number(self, path: str, has: BoolArray, values: IntArray) -> None:
        """Note the values of a field that may be absent."""
        if path.startswith(ITEM):
            self.item_parts.setdefault(path, []).append(values)
            self.item_has_parts.setdefault(path, []).append(has)
        else:
            self.columns.numbers[path], self.columns.has[path] = values, has

    def keep_text(self, path: str, has: BoolArray, texts: pl.Series) -> None:
        """Note the texts of a field that may be absent."""
        if path.startswith(ITEM):
            self.item_text_parts.setdefault(path, []).append(texts)
            self.item_has_parts.setdefault(path, []).append(has)
        else:
            self.columns.texts[path], self.columns.has[path] = texts, has

    def maps(self, rows: IntArray, at: IntArray, end: IntArray, has: BoolArray) -> list[dict[str, str] | None]:
        """The documents of names and texts at `at`, decoded one by one: few orders have any."""
        found: list[dict[str, str] | None] = [None] * len(rows)
        for index in np.flatnonzero(has & self.columns.regular[rows]).tolist():
            encoded = self.bytes[at[index] : end[index]].tobytes()
            try:
                decoded: dict[str, str] = bson.decode(encoded)
            except bson.errors.BSONError:
                decoded = {}
            found[index] = decoded
            # Not the same bytes: a name is in it twice.
            fine = attributes_fault(decoded) is None and bson.encode(decoded) == encoded
            self.columns.regular[rows[index]] &= fine
        return found

    def read_items(self, rows: IntArray, at: IntArray, end: IntArray) -> None:
        """Read the elements of arrays, the first ones at `at`."""
        for index in range(ITEMS_READ_MAX + 1):
            more = self.columns.regular[rows] & (at < end)
            if not more.any():
                return
            rows, at, end = rows[more], at[more], end[more]
            if index == ITEMS_READ_MAX:
                self.columns.regular[rows] = False
                return
            header = b"\x03%d\x00" % index
            self.require(rows, _matches(self.windows(at, len(header)), header, b"\xff" * len(header)))
            self.item_rows.append(rows)
            at = self.read(layout_of(OrderItem), rows, at + len(header), ITEM)
            self.require(rows, at <= end)

    def fitting(self, rows: IntArray, at: IntArray, sizes: IntArray) -> BoolArray:
        """Which texts, of `sizes` bytes at `at`, are as long as a text may be."""
        fits: BoolArray = (sizes > 0) & (sizes <= TEXT_LENGTH_MAX)
        # A character has up to four bytes.
        for index in np.flatnonzero((sizes > TEXT_LENGTH_MAX) & (sizes <= 4 * TEXT_LENGTH_MAX)).tolist():
            if self.columns.regular[rows[index]]:
                encoded = self.bytes[at[index] : at[index] + sizes[index]].tobytes()
                fits[index] = len(encoded.decode(errors="replace")) <= TEXT_LENGTH_MAX
        return fits

    def text(self, rows: IntArray, at: IntArray, sizes: IntArray) -> pl.Series:
        """The texts of `sizes` bytes at `at`."""
        sizes = np.where(self.columns.regular[rows], sizes, 0)
        ends = np.cumsum(sizes)
        gathered = self.bytes[np.repeat(at - (ends - sizes), sizes) + np.arange(ends[-1])].tobytes()
        if not _is_text(gathered, (ends - sizes)[sizes > 0]):  # Polars would take the bytes without looking
            bounds = zip((ends - sizes).tolist(), ends.tolist(), strict=True)
            self.require(rows, np.fromiter((_is_text(gathered[start:end]) for start, end in bounds), np.bool_))
            return self.text(rows, at, sizes)
        offsets = pa.py_buffer(np.concatenate(([0], ends)).astype(np.int64))
        return pl.Series(pa.LargeStringArray.from_buffers(len(sizes), offsets, pa.py_buffer(gathered)))

    def finish(self) -> OrderColumns:
        """The columns, those of items put together."""
        columns = self.columns
        columns.items = {name: np.concatenate(parts) for name, parts in self.item_parts.items()}
        columns.item_texts = {name: pl.concat(parts) for name, parts in self.item_text_parts.items()}
        columns.item_has = {name: np.concatenate(parts) for name, parts in self.item_has_parts.items()}
        if self.item_rows:
            columns.item_of = np.concatenate(self.item_rows)
            own = columns.items[f"{ITEM}order_id"] == columns.numbers["_id"][columns.item_of]
            self.require(columns.item_of, own)
        rows = np.arange(len(columns.regular))
        for path in _SAME_IDS:
            self.require(rows, columns.numbers[path] == columns.numbers["_id"])
        return columns


def _within(values: IntArray, lowest: int, highest: int) -> BoolArray:
    """Which values are in [lowest, highest]."""
    inside: BoolArray = (values >= lowest) & (values <= highest)
    return inside


def _is_text(gathered: bytes, starts: IntArray | None = None) -> bool:
    """Whether bytes are UTF-8, and no text that begins in them does so within a character."""
    try:
        gathered.decode()
    except UnicodeDecodeError:
        return False
    if starts is None:
        return True
    first = np.frombuffer(gathered, np.uint8)[starts]
    return not ((first & 0xC0) == 0x80).any()


def _matches(window: np.ndarray[Any, Any], pattern: bytes | bytearray, mask: bytes | bytearray) -> BoolArray:
    """Which rows of the window begin with the pattern, where the mask is set."""
    size = window.shape[1]
    expected = np.frombuffer(bytes(pattern).ljust(size, b"\0")[:size], np.int64)
    masked = np.frombuffer(bytes(mask).ljust(size, b"\0")[:size], np.int64)
    same: BoolArray = (((window.view(np.int64) ^ expected) & masked) == 0).all(axis=1)
    return same


def _values(window: np.ndarray[Any, Any], offset: int, dtype: str) -> Any:
    """The numbers at one offset of every row, 64 bits wide where the type is."""
    width = np.dtype(dtype).itemsize
    return np.ascontiguousarray(window[:, offset : offset + width]).view(dtype)[:, 0]
