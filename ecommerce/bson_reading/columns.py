"""Order documents as columns, read from their BSON in arrays, many times as fast as by decoding them.

Documents written by the pipeline have the fields of the definition in its order, so the place of each stretch of
fixed bytes is known for all documents at once. Every type, name and limit is compared on the way; a document that has
another layout, a value that the definition refuses, or parts that contradict each other, is reported as irregular and
left to `stored_order`.
"""

from collections.abc import Sequence
from typing import Any

import bson
import numpy as np
import polars as pl
from msgspec import Struct

from ecommerce.bson_reading.found import Found
from ecommerce.bson_reading.layout import Stretch, layout_of
from ecommerce.bson_reading.order_columns import ITEM, BoolArray, IntArray, OrderColumns, joined
from ecommerce.bson_reading.windows import is_text, matches, of_form, values_at, within
from ecommerce.documents.bson_types import DECIMAL_HIGH, SIZES, TYPE_BYTES
from ecommerce.documents.fields import scalar_paths
from ecommerce.documents.kinds import TEXT_LENGTH_MAX, attributes_fault
from ecommerce.documents.order import OrderDocument, OrderItem

ITEMS_READ_MAX = 32
"""Orders with more items are irregular: reading the k-th item costs a pass over the batch, however few have one."""

READ_AT_ONCE = 10_000
"""Documents read at once, about 6 MB: 100,000 leave the processor's caches between any two fields, and cost 1.1 µs
more for each document."""

_LIMITS: dict[str, tuple[int, int]] = {
    prefix + path: field.kind.limits
    for document, prefix in ((OrderDocument, ""), (OrderItem, ITEM))
    for path, field in scalar_paths(document)
    if field.kind is not None
}
"""Lowest and highest value of each column of numbers."""


SHORT_TEXT = 64
"""Bytes. Where no text is longer they are cut out of rows of one length, in a third of the time."""

EMPTY_SIZE = 5
"""Bytes of an array without elements."""

_PADDING = bytes(4096)
"""Read instead of what lies behind the buffer while an irregular document is being found out."""


def read_columns(documents: Sequence[bytes]) -> OrderColumns:
    """The columns of order documents in BSON."""
    starts = range(0, max(len(documents), 1), READ_AT_ONCE)
    return joined([_read_block(documents[start : start + READ_AT_ONCE]) for start in starts])


def _read_block(documents: Sequence[bytes]) -> OrderColumns:
    sizes = np.fromiter(map(len, documents), np.int64, len(documents))
    reader = _Reader(b"".join((*documents, _PADDING)), len(documents))
    rows, starts = np.arange(len(documents)), np.cumsum(sizes) - sizes
    end = reader.read(layout_of(OrderDocument, b"\x12_id\x00"), rows, starts, "")
    reader.found.require(rows, end == starts + sizes)
    return reader.found.finish()


class _Reader:
    """A buffer of documents, and the columns found in it so far."""

    def __init__(self, data: bytes, count: int) -> None:
        self.bytes = np.frombuffer(data, np.uint8)
        self.limit = len(data) - len(_PADDING)
        self.found = Found(count)
        self._types_at: IntArray | None = None
        self._types = self.bytes[:0]

    def windows(self, at: IntArray, size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The `size` bytes at each place, a row each, padded to whole words. One copy per row, not one per value."""
        padded = max(-(-size // 8), 1) * 8
        view: Any = np.ndarray((len(self.bytes) - padded,), f"V{padded}", self.bytes, 0, (1,))
        windows: np.ndarray[Any, np.dtype[np.uint8]] = view[at].view(np.uint8).reshape(-1, padded)
        return windows

    def read(
        self, layout: tuple[Stretch, ...], rows: IntArray, at: IntArray, prefix: str, owners: IntArray | None = None
    ) -> IntArray:
        """Read what has this layout, beginning at `at`; where it ends. `owners` are the elements that are read."""
        ends: dict[str, IntArray] = {}
        for stretch in layout:
            if stretch.pattern:  # between two fields that may be absent there is nothing
                window = self.windows(at, len(stretch.pattern))
                self.found.require(rows, matches(window, stretch.pattern, stretch.mask))
                for path, kind, offset in stretch.values:
                    if kind == "close":
                        self.found.require(rows, ends[path] == at + offset)
                    elif kind == "length":
                        size = values_at(window, offset, "<i4").astype(np.int64)
                        sound = (size > 0) & (at + offset + size <= self.limit)
                        self.found.require(rows, sound)
                        ends[path] = at + offset + np.where(sound, size, 5)
                    else:
                        self.keep(rows, prefix, path, kind, window, offset)
                at = at + len(stretch.pattern)
            match stretch.ending:
                case "text":
                    end = ends[stretch.path] + 4
                    self.found.require(rows, self.fitting(rows, at, end - at - 1))
                    if not prefix:
                        self.found.columns.texts[stretch.path] = self.text(rows, at, end - at - 1)
                    at = end
                case "items":
                    self.read_elements(OrderItem, ITEM, rows, rows, at, ends[stretch.path] - 1)
                    at = ends[stretch.path]
                case "nullable" | "optional":
                    at = self.read_optional(stretch, rows, at, prefix)
                case "apart":
                    at = self.read_apart(stretch, rows, rows if owners is None else owners, at, prefix)
        return at

    def begins_anywhere(self, at: IntArray, kind: int) -> bool:
        """Whether any field that begins at these places is of this type. Asked of one place for several fields."""
        if self._types_at is not at:
            self._types_at, self._types = at, self.bytes[at]
        return bool((self._types == kind).any())

    def read_apart(self, stretch: Stretch, rows: IntArray, owners: IntArray, at: IntArray, prefix: str) -> IntArray:
        """Read an array that may be absent; where the next field begins. A document instead of one is irregular."""
        part = stretch.follower
        assert part is not None and part.document is not None  # noqa: S101 - this ending has one
        header = TYPE_BYTES["array" if part.is_array else "object"] + part.name.encode() + b"\x00"
        if not self.begins_anywhere(at, header[0]):
            return at
        window = self.windows(at, len(header) + 4)
        has = matches(window, header, b"\xff" * len(header))
        if not has.any():
            return at
        start = at + len(header) + 4
        size = values_at(window, len(header), "<i4").astype(np.int64)
        after = start - 4 + size
        self.found.require(rows, ~has | ((size > EMPTY_SIZE) & (after <= self.limit) & part.is_array))
        found = has & self.found.columns.regular[rows]
        path = f"{prefix}{stretch.path}."
        self.read_elements(part.document, path, rows[found], owners[found], start[found], after[found] - 1)
        return np.where(found, after, at)

    def keep(
        self, rows: IntArray, prefix: str, name: str, kind: str, window: np.ndarray[Any, Any], offset: int
    ) -> None:
        """Note the values of one field."""
        path = prefix + name
        values = values_at(window, offset, "<i8")
        if kind == "decimal":
            self.found.require(rows, values_at(window, offset + 8, "<i8") == DECIMAL_HIGH)
        if limits := _LIMITS.get(path):
            self.found.require(rows, within(values, *limits))
        if prefix:
            self.found.item_parts.setdefault(path, []).append(values)
        else:
            self.found.columns.numbers[path] = values

    def read_optional(self, stretch: Stretch, rows: IntArray, at: IntArray, prefix: str) -> IntArray:
        """Read a value that may be null or absent; where the next field begins."""
        part = stretch.follower
        assert part is not None and part.kind is not None  # noqa: S101 - these endings have one
        kind, name = part.kind.bson_type, part.name.encode() + b"\x00"
        header = TYPE_BYTES[kind] + name
        if stretch.ending == "optional" and not self.begins_anywhere(at, header[0]):
            self.found.keep_absent(prefix, stretch.path, kind, len(rows))
            return at
        window = self.windows(at, len(header) + 16)
        has = matches(window, header, b"\xff" * len(header))
        value = at + len(header)
        if kind in ("string", "object"):
            size = values_at(window, len(header), "<i4").astype(np.int64)
            behind = value + size + (4 if kind == "string" else 0)
            self.found.require(rows, ~has | ((size > 0) & (behind <= self.limit)))
            if kind == "string":
                self.found.require(rows, ~has | self.fitting(rows, value + 4, np.where(has, size - 1, 1)))
            after = np.clip(behind, 0, self.limit)
        else:
            after = value + SIZES[kind]
        path = prefix + stretch.path
        if kind == "object":
            self.found.columns.has[path] = has
            self.found.columns.maps[path] = self.maps(rows, value, after, has)
        elif kind == "string":
            texts = self.text(rows, value + 4, np.where(has, size - 1, 0))
            if pattern := part.kind.bson_bounds.get("pattern"):
                self.found.require(rows, ~has | of_form(texts, pattern))
            self.found.keep_text(prefix, stretch.path, has, texts)
        elif kind == "bool":
            flags = values_at(window, len(header), "<u1").astype(np.int64)
            self.found.keep_number(prefix, stretch.path, has, np.where(has, flags, 0))
        else:
            values = values_at(window, len(header), "<i8")
            if kind == "decimal":
                high = values_at(window, len(header) + 8, "<i8")
                self.found.require(rows, ~has | (high == DECIMAL_HIGH))
            self.found.require(rows, ~has | within(values, *_LIMITS[path]))
            self.found.keep_number(prefix, stretch.path, has, np.where(has, values, 0))
        if stretch.ending == "optional":
            return np.where(has, after, at)
        null = TYPE_BYTES["null"] + name
        self.found.require(rows, has | matches(window, null, b"\xff" * len(null)))
        return np.where(has, after, value)

    def maps(self, rows: IntArray, at: IntArray, end: IntArray, has: BoolArray) -> list[dict[str, str] | None]:
        """The documents of names and texts at `at`, decoded one by one: few orders have any."""
        found: list[dict[str, str] | None] = [None] * len(rows)
        for index in np.flatnonzero(has & self.found.columns.regular[rows]).tolist():
            encoded = self.bytes[at[index] : end[index]].tobytes()
            try:
                decoded: dict[str, str] = bson.decode(encoded)
            except bson.errors.BSONError:
                decoded = {}
            found[index] = decoded
            # Not the same bytes: a name is in it twice.
            fine = attributes_fault(decoded) is None and bson.encode(decoded) == encoded
            self.found.columns.regular[rows[index]] &= fine
        return found

    def read_elements(
        self, document: type[Struct], prefix: str, rows: IntArray, owners: IntArray, at: IntArray, end: IntArray
    ) -> None:
        """Read the elements of arrays, the first ones at `at`: all first ones, then all second ones, and so on."""
        for index in range(ITEMS_READ_MAX + 1):
            more = self.found.columns.regular[rows] & (at < end)
            if not more.any():
                return
            rows, owners, at, end = rows[more], owners[more], at[more], end[more]
            if index == ITEMS_READ_MAX:
                self.found.columns.regular[rows] = False
                return
            header = b"\x03%d\x00" % index
            self.found.require(rows, matches(self.windows(at, len(header)), header, b"\xff" * len(header)))
            before = sum(map(len, self.found.owners.setdefault(prefix, [])))
            self.found.owners[prefix].append(owners)
            self.found.rows.setdefault(prefix, []).append(rows)
            elements = before + np.arange(len(rows))
            at = self.read(layout_of(document), rows, at + len(header), prefix, elements)
            self.found.require(rows, at <= end)

    def fitting(self, rows: IntArray, at: IntArray, sizes: IntArray) -> BoolArray:
        """Which texts, of `sizes` bytes at `at`, are as long as a text may be."""
        fits: BoolArray = (sizes > 0) & (sizes <= TEXT_LENGTH_MAX)
        # A character has up to four bytes.
        for index in np.flatnonzero((sizes > TEXT_LENGTH_MAX) & (sizes <= 4 * TEXT_LENGTH_MAX)).tolist():
            if self.found.columns.regular[rows[index]]:
                encoded = self.bytes[at[index] : at[index] + sizes[index]].tobytes()
                fits[index] = len(encoded.decode(errors="replace")) <= TEXT_LENGTH_MAX
        return fits

    def text(self, rows: IntArray, at: IntArray, sizes: IntArray) -> pl.Series:
        """The texts of `sizes` bytes at `at`."""
        sizes = np.where(self.found.columns.regular[rows], sizes, 0)
        ends = np.cumsum(sizes)
        if (longest := int(sizes.max())) <= SHORT_TEXT:
            window = self.windows(at, longest)
            gathered = window[np.arange(window.shape[1]) < sizes[:, None]].tobytes()
        else:
            gathered = self.bytes[np.repeat(at - (ends - sizes), sizes) + np.arange(ends[-1])].tobytes()
        if not is_text(gathered, (ends - sizes)[sizes > 0]):  # Polars would take the bytes without looking
            bounds = zip((ends - sizes).tolist(), ends.tolist(), strict=True)
            self.found.require(rows, np.fromiter((is_text(gathered[start:end]) for start, end in bounds), np.bool_))
            return self.text(rows, at, sizes)
        import pyarrow as pa  # here: 0.1 s that whoever only reads figures need not wait for

        offsets = pa.py_buffer(np.concatenate(([0], ends)).astype(np.int64))
        return pl.Series(pa.LargeStringArray.from_buffers(len(sizes), offsets, pa.py_buffer(gathered)))
