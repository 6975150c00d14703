"""Rows of the archive as the BSON documents that they were, byte for byte, encoded in columns: 20 times as fast as one
by one. What `encode_order` makes of an order is the definition; fields that every row has lie at fixed distances.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import bson
import numpy as np
from msgspec import Struct

from ecommerce.documents.bson_types import TYPE_BYTES, document_of
from ecommerce.documents.fields import Field, fields_of
from ecommerce.documents.fixed_elements import Bytes, IntArray, cut, elements_of_8_bytes, fixed_elements
from ecommerce.documents.order import OrderDocument

if TYPE_CHECKING:
    import pyarrow as pa


def documents_of(rows: "pa.Table") -> list[bytes]:
    """The documents of rows with the columns of the order document, `_id` first."""
    from pyarrow import compute

    columns = {name: rows[name].combine_chunks() for name in rows.column_names}
    ids = compute.struct_field(columns["order"], ["order_id"])
    return _documents(OrderDocument, columns, len(rows), [elements_of_8_bytes(b"\x12_id\x00", _int64(ids))])


def _documents(
    document: type[Struct], columns: "dict[str, pa.Array]", count: int, first: Sequence[Bytes] = ()
) -> list[bytes]:
    """A document for each row of the columns."""
    pieces: list[list[bytes]] = []
    fixed: list[Bytes] = [*first]
    for field in fields_of(document):
        element = _elements(field, columns[field.name]) if field.name in columns else [_nothing(field)] * count
        if isinstance(element, list):
            pieces += cut(fixed)
            fixed = []
            pieces.append(element)
        else:
            fixed.append(element)
    pieces += cut(fixed)
    return [document_of(b"".join(parts)) for parts in zip(*pieces, strict=True)]


def _elements(field: Field, column: "pa.Array") -> "list[bytes] | Bytes":
    """The element of each row; as an array of bytes where all are as long."""
    if field.is_array:
        assert field.document is not None  # noqa: S101 - arrays hold documents
        return _arrays(field, field.document, column)
    if field.document is not None:
        return _where(field, column, TYPE_BYTES["object"], _documents(field.document, _members(column), len(column)))
    assert field.kind is not None  # noqa: S101 - a field is a scalar or a document
    kind = field.kind.bson_type
    if kind in _ENCODED_ONE_BY_ONE:
        encode = _ENCODED_ONE_BY_ONE[kind]
        values = [b"" if value is None else encode(value) for value in column.to_pylist()]
        return _where(field, column, TYPE_BYTES[kind], values)
    fixed = fixed_elements(
        field, _int64(column) if kind == "long" else _milliseconds(column) if kind == "date" else _scaled(column)
    )
    if not column.null_count:
        return fixed
    (elements,) = cut([fixed])
    empty = _nothing(field)
    return [element if there else empty for element, there in zip(elements, column.is_valid().to_pylist(), strict=True)]


def _arrays(field: Field, document: type[Struct], column: "pa.Array") -> list[bytes]:
    items = column.flatten()
    documents = _documents(document, _members(items), len(items)) if len(items) else []
    offsets = np.concatenate(([0], np.cumsum([size or 0 for size in column.value_lengths().to_pylist()]))).tolist()
    head = TYPE_BYTES["array"] + field.name.encode() + b"\x00"
    names = [
        TYPE_BYTES["object"] + str(at).encode() + b"\x00"
        for at in range(max((b - a for a, b in pairwise(offsets)), default=0))
    ]
    return [
        b""
        if field.optional and start == end
        else head + document_of(b"".join(name + one for name, one in zip(names, documents[start:end], strict=False)))
        for start, end in pairwise(offsets)
    ]


def _where(field: Field, column: "pa.Array", kind: bytes, values: list[bytes]) -> list[bytes]:
    """The elements of values; where the column has none, what stands for that."""
    head, empty = kind + field.name.encode() + b"\x00", _nothing(field)
    if not column.null_count:
        return [head + value for value in values]
    return [
        head + value if there else empty for value, there in zip(values, column.is_valid().to_pylist(), strict=True)
    ]


def _nothing(field: Field) -> bytes:
    """What stands for no value: nothing at all, or null."""
    return b"" if field.optional else TYPE_BYTES["null"] + field.name.encode() + b"\x00"


def _text(text: str) -> bytes:
    encoded = text.encode()
    return (len(encoded) + 1).to_bytes(4, "little") + encoded + b"\x00"


_ENCODED_ONE_BY_ONE: Mapping[str, Callable[[Any], bytes]] = {
    "string": _text,
    "object": lambda entries: bson.encode(dict(sorted(entries))),
    "bool": lambda value: b"\x01" if value else b"\x00",
}


def _members(column: "pa.Array") -> "dict[str, pa.Array]":
    return {column.type.field(at).name: member for at, member in enumerate(column.flatten())}


def _int64(column: "pa.Array") -> IntArray:
    values: IntArray = column.fill_null(0).to_numpy(zero_copy_only=False)
    return values


def _milliseconds(column: "pa.Array") -> IntArray:
    import pyarrow as pa

    return _int64(column.cast(pa.int64())) // 1000


def _scaled(column: "pa.Array") -> IntArray:
    """Amounts in 10^-4 units: the lower halves of 128 bits, as they are not negative and have at most 18 digits."""
    halves = np.frombuffer(column.buffers()[1], np.int64)
    return halves[2 * column.offset : 2 * (column.offset + len(column)) : 2]
