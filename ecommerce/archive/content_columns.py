"""The content hashes of order documents as they lie in MongoDB, in columns: many times as fast as one by one.

Spark computes the same hash from the columns of the archive, in SQL; so whatever went wrong between a document and the
table shows. `documents.content_hash` says what the hash is.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
from msgspec import Struct

from ecommerce.bson_reading.order_columns import ITEM, IntArray, OrderColumns
from ecommerce.documents import content_hash
from ecommerce.documents.content_hash import (
    LEFT_OUT,
    MICROSECONDS_PER_MILLISECOND,
    NO_VALUE,
    attributes_hash,
    tag_of,
    text_hash,
)
from ecommerce.documents.fields import Field, fields_of
from ecommerce.documents.order import OrderDocument

_P1, _P2, _P3, _P4, _P5 = (
    np.uint64(prime)
    for prime in (
        0x9E3779B185EBCA87,
        0xC2B2AE3D27D4EB4F,
        0x165667B19E3779F9,
        0x85EBCA77C2B2AE63,
        0x27D4EB2F165667C5,
    )
)
"""The primes of XXH64, https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md."""

SEED = np.uint64(content_hash.SEED)

UnsignedArray = np.ndarray[Any, np.dtype[np.uint64]]


def content_hashes(columns: OrderColumns) -> IntArray:
    """The content hash of each document that was read; those of irregular ones mean nothing."""
    hashes = np.full(len(columns.regular), SEED)
    _add_struct(hashes, columns, OrderDocument, "")
    return hashes.view(np.int64)


def _add_struct(hashes: UnsignedArray, columns: OrderColumns, document: type[Struct], prefix: str) -> None:
    for field in fields_of(document):
        path = prefix + field.name
        if path == LEFT_OUT:
            continue
        if field.is_array and field.later:
            _add_array(hashes, columns, field, path, path, slice(0, len(hashes)))
        elif field.is_array:
            _add_items(hashes, columns, field)
        elif field.document is not None:
            _add_struct(hashes, columns, field.document, path + ".")
        elif field.later:
            rows = np.flatnonzero(columns.has[path])
            if len(rows):
                tagged = xxh64(np.full(len(rows), tag_of(path)), hashes[rows])
                hashes[rows] = xxh64(_later_values(columns, field, path)[rows], tagged)
        else:
            values = _values(field, path, columns.numbers, columns.texts)
            hashes[:] = xxh64(np.where(columns.has[path], values, NO_VALUE) if field.nullable else values, hashes)


def _add_array(hashes: UnsignedArray, columns: OrderColumns, field: Field, path: str, tag: str, owners: slice) -> None:
    """An array that few documents have: of all of them, or of those within these elements of another array."""
    elements = columns.arrays.get(path)
    assert field.document is not None  # noqa: S101 - arrays hold documents
    if elements is None:
        return
    chosen = np.flatnonzero((elements.owner >= owners.start) & (elements.owner < owners.stop))
    if not len(chosen):
        return
    owner, at = np.unique(elements.owner[chosen], return_index=True)
    rows = elements.row[chosen][at]
    sizes = np.bincount(elements.owner[chosen] - owners.start)[owner - owners.start]
    hashes[rows] = xxh64(sizes, xxh64(np.full(len(rows), tag_of(tag)), hashes[rows]))
    for part_of, _ in _rounds(elements.owner[chosen]):
        of_round = slice(int(chosen[part_of][0]), int(chosen[part_of][-1]) + 1)
        for part in fields_of(field.document):
            name = f"{tag}[].{part.name}"
            if part.is_array:
                _add_array(hashes, columns, part, f"{path}.{part.name}", name, of_round)
                continue
            there = np.flatnonzero(elements.has[part.name]) if part.nullable else np.arange(len(elements.owner))
            there = there[(there >= of_round.start) & (there < of_round.stop)]
            if len(there):
                tagged = xxh64(np.full(len(there), tag_of(name)), hashes[elements.row[there]])
                values = _values(part, part.name, elements.numbers, elements.texts)
                hashes[elements.row[there]] = xxh64(values[there], tagged)


def _later_values(columns: OrderColumns, field: Field, path: str) -> IntArray:
    if path in columns.maps:
        found = (attributes_hash(attributes) if attributes else 0 for attributes in columns.maps[path])
        return np.fromiter(found, np.int64, len(columns.regular))
    return _values(field, path, columns.numbers, columns.texts)


def _values(field: Field, name: str, numbers: Mapping[str, IntArray], texts: Mapping[str, pl.Series]) -> IntArray:
    """What the values of a column count as."""
    if name in texts:
        return _text_hashes(texts[name])
    is_time = field.kind is not None and field.kind.bson_type == "date"
    return numbers[name] * MICROSECONDS_PER_MILLISECOND if is_time else numbers[name]


def _text_hashes(texts: pl.Series) -> IntArray:
    """Each text is hashed once, however many orders have it."""
    distinct = texts.unique()
    hashes = pl.Series([text_hash(text) for text in distinct.to_list()], dtype=pl.Int64)
    return texts.replace_strict(distinct, hashes, return_dtype=pl.Int64).to_numpy()


def _add_items(hashes: UnsignedArray, columns: OrderColumns, field: Field) -> None:
    """How many items each order has, and then their fields: the first items of all orders, the second ones, …"""
    assert field.document is not None  # noqa: S101 - arrays hold documents
    sizes = np.bincount(columns.item_of, minlength=len(hashes))
    hashes[:] = xxh64(sizes, hashes)
    if not len(columns.item_of):
        return
    numbers, texts = columns.items, columns.item_texts
    parts = [(part, _values(part, ITEM + part.name, numbers, texts)) for part in fields_of(field.document)]
    for at, rows in _rounds(columns.item_of):
        hashed = hashes[rows]
        for part, values in parts:
            if part.later:
                there = np.flatnonzero(columns.item_has[ITEM + part.name][at])
                tagged = xxh64(np.full(len(there), tag_of(f"{field.name}[].{part.name}")), hashed[there])
                hashed[there] = xxh64(values[at][there], tagged)
            else:
                hashed = xxh64(values[at], hashed)
        hashes[rows] = hashed


def _rounds(item_of: IntArray) -> Iterator[tuple[slice, IntArray]]:
    """Stretches of the columns of items in which no order comes twice: `read_columns` puts first items first."""
    starts = [0, *(np.flatnonzero(np.diff(item_of) <= 0) + 1).tolist(), len(item_of)]
    for start, end in pairwise(starts):
        if end > start:
            yield slice(start, end), item_of[start:end]


def xxh64(values: IntArray, seeds: UnsignedArray | np.uint64 = SEED) -> UnsignedArray:
    """XXH64 of each value's eight bytes with each seed."""
    hashed = _rotated(values.astype(np.int64).view(np.uint64) * _P2, 31) * _P1
    hashed = _rotated(hashed ^ (seeds + _P5 + np.uint64(8)), 27) * _P1 + _P4
    hashed = (hashed ^ (hashed >> np.uint64(33))) * _P2
    hashed = (hashed ^ (hashed >> np.uint64(29))) * _P3
    return hashed ^ (hashed >> np.uint64(32))


def _rotated(values: UnsignedArray, bits: int) -> UnsignedArray:
    return (values << np.uint64(bits)) | (values >> np.uint64(64 - bits))
