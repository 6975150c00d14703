"""Order documents as columns, read from their BSON in arrays, many times as fast as by decoding them.

Documents written by the pipeline have the fields of the definition in its order, so the place of each stretch of
fixed bytes is known for all documents at once. Every type, name and limit is compared on the way; a document that has
another layout, a value that the definition refuses, or parts that contradict each other, is reported as irregular and
left to `stored_order`.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import bson
import numpy as np
import polars as pl
from msgspec import Struct

from ecommerce.bson_reading.agreement import agreeing
from ecommerce.bson_reading.layout import Stretch, layout_of
from ecommerce.bson_reading.order_columns import (
    ITEM,
    BoolArray,
    Elements,
    IntArray,
    OrderColumns,
    joined,
    no_texts,
)
from ecommerce.documents.bson_types import DECIMAL_HIGH, SIZES, TYPE_BYTES
from ecommerce.documents.fields import fields_of, scalar_paths
from ecommerce.documents.kinds import TEXT_LENGTH_MAX, attributes_fault
from ecommerce.documents.order import OrderDocument, OrderItem

ITEMS_READ_MAX = 32
"""Orders with more items are irregular: reading the k-th item costs a pass over the batch, however few have one."""

READ_AT_ONCE = 10_000
"""Documents read at once, about 6 MB: 100,000 leave the processor's caches between any two fields, and cost 1.1 µs
more for each document."""

_SAME_IDS = ("order.order_id", "delivery.order_id")
"""Fields that hold the document's `_id`, as each item's `order_id` does."""

_LIMITS: dict[str, tuple[int, int]] = {
    prefix + path: field.kind.limits
    for document, prefix in ((OrderDocument, ""), (OrderItem, ITEM))
    for path, field in scalar_paths(document)
    if field.kind is not None
}
"""Lowest and highest value of each column of numbers."""


def _identities(document: type[Struct], prefix: str) -> Iterator[tuple[str, str]]:
    for part in fields_of(document):
        if part.document is not None and part.is_array:
            yield prefix + part.name, fields_of(part.document)[0].name
            yield from _identities(part.document, f"{prefix}{part.name}.")


_IDENTITY = dict(_identities(OrderDocument, ""))
"""Path of an array → the field that its elements are sorted by."""

MANY_ROWS = 1_000
"""So many are first compared all at once."""
ROWS_AS_ONE = 64

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
        self.owners: dict[str, list[IntArray]] = {}
        self.rows: dict[str, list[IntArray]] = {}
        self._types_at: IntArray | None = None
        self._types = self.bytes[:0]

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

    def read(
        self, layout: tuple[Stretch, ...], rows: IntArray, at: IntArray, prefix: str, owners: IntArray | None = None
    ) -> IntArray:
        """Read what has this layout, beginning at `at`; where it ends. `owners` are the elements that are read."""
        ends: dict[str, IntArray] = {}
        for stretch in layout:
            if stretch.pattern:  # between two fields that may be absent there is nothing
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
                        self.keep(rows, prefix, path, kind, window, offset)
                at = at + len(stretch.pattern)
            match stretch.ending:
                case "text":
                    end = ends[stretch.path] + 4
                    self.require(rows, self.fitting(rows, at, end - at - 1))
                    if not prefix:
                        self.columns.texts[stretch.path] = self.text(rows, at, end - at - 1)
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
        has = _matches(window, header, b"\xff" * len(header))
        if not has.any():
            return at
        start = at + len(header) + 4
        size = _values(window, len(header), "<i4").astype(np.int64)
        after = start - 4 + size
        self.require(rows, ~has | ((size > EMPTY_SIZE) & (after <= self.limit) & part.is_array))
        found = has & self.columns.regular[rows]
        path = f"{prefix}{stretch.path}."
        self.read_elements(part.document, path, rows[found], owners[found], start[found], after[found] - 1)
        return np.where(found, after, at)

    def keep(
        self, rows: IntArray, prefix: str, name: str, kind: str, window: np.ndarray[Any, Any], offset: int
    ) -> None:
        """Note the values of one field."""
        path = prefix + name
        values = _values(window, offset, "<i8")
        if kind == "decimal":
            self.require(rows, _values(window, offset + 8, "<i8") == DECIMAL_HIGH)
        if limits := _LIMITS.get(path):
            self.require(rows, _within(values, *limits))
        if prefix:
            self.item_parts.setdefault(path, []).append(values)
        else:
            self.columns.numbers[path] = values

    def read_optional(self, stretch: Stretch, rows: IntArray, at: IntArray, prefix: str) -> IntArray:
        """Read a value that may be null or absent; where the next field begins."""
        part = stretch.follower
        assert part is not None and part.kind is not None  # noqa: S101 - these endings have one
        kind, name = part.kind.bson_type, part.name.encode() + b"\x00"
        header = TYPE_BYTES[kind] + name
        if stretch.ending == "optional" and not self.begins_anywhere(at, header[0]):
            self.keep_absent(prefix, stretch.path, kind, len(rows))
            return at
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
            texts = self.text(rows, value + 4, np.where(has, size - 1, 0))
            if pattern := part.kind.bson_bounds.get("pattern"):
                self.require(rows, ~has | _of_form(texts, pattern))
            self.keep_text(prefix, stretch.path, has, texts)
        elif kind == "bool":
            flags = _values(window, len(header), "<u1").astype(np.int64)
            self.keep_number(prefix, stretch.path, has, np.where(has, flags, 0))
        else:
            values = _values(window, len(header), "<i8")
            if kind == "decimal":
                high = _values(window, len(header) + 8, "<i8")
                self.require(rows, ~has | (high == DECIMAL_HIGH))
            self.require(rows, ~has | _within(values, *_LIMITS[path]))
            self.keep_number(prefix, stretch.path, has, np.where(has, values, 0))
        if stretch.ending == "optional":
            return np.where(has, after, at)
        null = TYPE_BYTES["null"] + name
        self.require(rows, has | _matches(window, null, b"\xff" * len(null)))
        return np.where(has, after, value)

    def keep_absent(self, prefix: str, name: str, kind: str, count: int) -> None:
        """Note that no document has a field, which a look at one byte tells: most fields are in few files."""
        has = np.zeros(count, np.bool_)
        if kind == "object":
            self.columns.has[name], self.columns.maps[name] = has, [None] * count
        elif kind == "string":
            self.keep_text(prefix, name, has, no_texts(count))
        else:
            self.keep_number(prefix, name, has, np.zeros(count, np.int64))

    def keep_number(self, prefix: str, name: str, has: BoolArray, values: IntArray) -> None:
        """Note the values of a field that may be absent."""
        path = prefix + name
        if prefix:
            self.item_parts.setdefault(path, []).append(values)
            self.item_has_parts.setdefault(path, []).append(has)
        else:
            self.columns.numbers[path], self.columns.has[path] = values, has

    def keep_text(self, prefix: str, name: str, has: BoolArray, texts: pl.Series) -> None:
        """Note the texts of a field that may be absent."""
        path = prefix + name
        if prefix:
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

    def read_elements(
        self, document: type[Struct], prefix: str, rows: IntArray, owners: IntArray, at: IntArray, end: IntArray
    ) -> None:
        """Read the elements of arrays, the first ones at `at`: all first ones, then all second ones, and so on."""
        for index in range(ITEMS_READ_MAX + 1):
            more = self.columns.regular[rows] & (at < end)
            if not more.any():
                return
            rows, owners, at, end = rows[more], owners[more], at[more], end[more]
            if index == ITEMS_READ_MAX:
                self.columns.regular[rows] = False
                return
            header = b"\x03%d\x00" % index
            self.require(rows, _matches(self.windows(at, len(header)), header, b"\xff" * len(header)))
            before = sum(map(len, self.owners.setdefault(prefix, [])))
            self.owners[prefix].append(owners)
            self.rows.setdefault(prefix, []).append(rows)
            elements = before + np.arange(len(rows))
            at = self.read(layout_of(document), rows, at + len(header), prefix, elements)
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
        if (longest := int(sizes.max())) <= SHORT_TEXT:
            window = self.windows(at, longest)
            gathered = window[np.arange(window.shape[1]) < sizes[:, None]].tobytes()
        else:
            gathered = self.bytes[np.repeat(at - (ends - sizes), sizes) + np.arange(ends[-1])].tobytes()
        if not _is_text(gathered, (ends - sizes)[sizes > 0]):  # Polars would take the bytes without looking
            bounds = zip((ends - sizes).tolist(), ends.tolist(), strict=True)
            self.require(rows, np.fromiter((_is_text(gathered[start:end]) for start, end in bounds), np.bool_))
            return self.text(rows, at, sizes)
        import pyarrow as pa  # here: 0.1 s that whoever only reads figures need not wait for

        offsets = pa.py_buffer(np.concatenate(([0], ends)).astype(np.int64))
        return pl.Series(pa.LargeStringArray.from_buffers(len(sizes), offsets, pa.py_buffer(gathered)))

    def finish(self) -> OrderColumns:
        """The columns, those of items put together."""
        columns = self.columns
        of_items = self.elements(ITEM)
        columns.items = {ITEM + name: values for name, values in of_items.numbers.items()}
        columns.item_texts = {ITEM + name: texts for name, texts in of_items.texts.items()}
        columns.item_has = {ITEM + name: has for name, has in of_items.has.items()}
        columns.arrays = {prefix[:-1]: self.elements(prefix) for prefix in self.owners if prefix != ITEM}
        for path, elements in columns.arrays.items():
            together = np.argsort(elements.owner, kind="stable")
            identity, owner = elements.numbers[_IDENTITY[path]][together], elements.owner[together]
            later = (np.diff(owner) != 0) | (np.diff(identity) > 0)
            self.require(elements.row[together[1:]], later)  # canonical is by their ids, each once
        if len(of_items.owner):
            columns.item_of = of_items.owner
            own = columns.items[f"{ITEM}order_id"] == columns.numbers["_id"][columns.item_of]
            self.require(columns.item_of, own)
        rows = np.arange(len(columns.regular))
        for path in _SAME_IDS:
            self.require(rows, columns.numbers[path] == columns.numbers["_id"])
        self.require(rows, agreeing(columns))
        return columns

    def elements(self, prefix: str) -> Elements:
        """The elements with this prefix, put together."""
        if prefix not in self.owners:
            return Elements(np.empty(0, np.int64), np.empty(0, np.int64))
        own = [path for path in (*self.item_parts, *self.item_text_parts) if path.rpartition(".")[0] + "." == prefix]
        names = {path: path.removeprefix(prefix) for path in own}
        return Elements(
            np.concatenate(self.owners[prefix]),
            np.concatenate(self.rows[prefix]),
            {names[path]: np.concatenate(self.item_parts[path]) for path in own if path in self.item_parts},
            {names[path]: pl.concat(self.item_text_parts[path]) for path in own if path in self.item_text_parts},
            {names[path]: np.concatenate(self.item_has_parts[path]) for path in own if path in self.item_has_parts},
        )


def _of_form(texts: pl.Series, pattern: str) -> BoolArray:
    """Which texts have this form."""
    fitting = [text for text in texts.unique().to_list() if re.fullmatch(pattern, text)]
    found: BoolArray = texts.is_in(fitting).to_numpy()
    return found


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
    words = window.view(np.int64)
    if len(words) >= MANY_ROWS:
        # Mostly all rows match: then each bit is as expected both in the rows' AND and in their OR.
        in_all, in_any = _reduced(np.bitwise_and, words), _reduced(np.bitwise_or, words)
        if not (((in_all ^ expected) | (in_any ^ expected)) & masked).any():
            return np.ones(len(words), np.bool_)
    same: BoolArray = (((words ^ expected) & masked) == 0).all(axis=1)
    return same


def _reduced(how: np.ufunc, words: IntArray) -> IntArray:
    """All rows put together bit by bit. Many rows as one: NumPy's loop over three words costs more than their bits."""
    width = words.shape[1]
    whole = len(words) - len(words) % ROWS_AS_ONE
    wide = how.reduce(words[:whole].reshape(-1, ROWS_AS_ONE * width), axis=0).reshape(-1, width)
    reduced: IntArray = how.reduce(np.concatenate((wide, words[whole:])), axis=0)
    return reduced


def _values(window: np.ndarray[Any, Any], offset: int, dtype: str) -> Any:
    """The numbers at one offset of every row, 64 bits wide where the type is."""
    return np.ndarray(len(window), dtype, window, offset, window.strides[:1]).copy()
