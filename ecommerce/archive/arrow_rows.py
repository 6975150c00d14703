"""Order documents as Arrow record batches of archive rows, without an object for each order or value."""

from collections.abc import Iterator
from typing import Any

import bson
import numpy as np
import polars as pl
import pyarrow as pa
from msgspec import Struct

from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.hot import HotOrders, hot_orders
from ecommerce.archive.rows import HASH_COLUMN, RUN_COLUMN
from ecommerce.bson_reading.order_columns import ITEM, BoolArray, IntArray, OrderColumns
from ecommerce.documents.bson_codec import CODEC_OPTIONS, decode_order
from ecommerce.documents.content_hash import content_hash
from ecommerce.documents.fields import Field, fields_of
from ecommerce.documents.kinds import MONEY_SCALE
from ecommerce.documents.order import OrderDocument

_MONEY = pa.decimal128(18, MONEY_SCALE)
_TYPES = {
    "long": pa.int64(),
    "date": pa.timestamp("us", tz="UTC"),
    "string": pa.string(),
    "decimal": _MONEY,
    "bool": pa.bool_(),
    "object": pa.map_(pa.string(), pa.string()),
}
"""By type of BSON; what Spark makes of them is `Kind.spark_type`."""


def row_batches(hot: HotOrders) -> Iterator[pa.RecordBatch]:
    """The archive rows of orders, with the columns of `read_ddl`; those of documents of an unusual layout last.

    Raises ArchiveError where a document is not an order.
    """
    regular = hot.columns.regular
    if regular.all():
        yield _batch(hot)
        return
    if regular.any():
        yield _batch(hot_orders([hot.documents[at] for at in np.flatnonzero(regular).tolist()]))
    irregular = [hot.documents[at] for at in np.flatnonzero(~regular).tolist()]
    yield pa.RecordBatch.from_pylist([_row(document) for document in irregular], schema=arrow_schema())


def _batch(hot: HotOrders) -> pa.RecordBatch:
    arrays = [*_struct_arrays(OrderDocument, hot.columns, ""), pa.array(hot.hashes)]
    return pa.RecordBatch.from_arrays(arrays, schema=arrow_schema())


def _row(document: bytes) -> dict[str, Any]:
    mapping = bson.decode(document, CODEC_OPTIONS)
    try:
        order = decode_order(mapping)
        row = _plain(order)
        return row | {HASH_COLUMN: content_hash(order)}
    except (TypeError, ValueError) as error:
        raise ArchiveError(f"the document with _id {mapping.get('_id')!r} is not an order: {error}") from None


def _plain(struct: Struct) -> dict[str, Any]:
    values = ((field, getattr(struct, field.name)) for field in fields_of(type(struct)))
    return {field.name: _value(value) if value != () or not field.optional else None for field, value in values}


def _value(value: Any) -> Any:
    if isinstance(value, Struct):
        return _plain(value)
    if isinstance(value, dict):
        return list(value.items())
    return [_value(element) for element in value] if isinstance(value, tuple) else value


def arrow_schema(document: type[Struct] | None = None) -> pa.Schema:
    """The columns of `row_batches`; of another document its fields."""
    if document is not None:
        return pa.schema(_members(document))
    return pa.schema([*_members(OrderDocument), pa.field(HASH_COLUMN, pa.int64())])


def archived_schema() -> pa.Schema:
    """The columns of the table's rows: those of `row_batches`, and the run that archived each."""
    return arrow_schema().append(pa.field(RUN_COLUMN, pa.string()))


def in_schema(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """The rows with the columns of a schema; null are those that the table has not gained yet."""
    columns = [
        rows[field.name].cast(field.type) if field.name in rows.column_names else pa.nulls(len(rows), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _members(document: type[Struct]) -> list[pa.Field]:
    return [pa.field(field.name, _type(field)) for field in fields_of(document)]


def _type(field: Field) -> pa.DataType:
    if field.document is None:
        assert field.kind is not None  # noqa: S101 - a field is a scalar or a document
        return _TYPES[field.kind.bson_type]
    struct = pa.struct(_members(field.document))
    return pa.list_(struct) if field.is_array else struct


def _struct_arrays(document: type[Struct], columns: OrderColumns, prefix: str) -> list[pa.Array]:
    return [_array(field, columns, prefix + field.name) for field in fields_of(document)]


def _array(field: Field, columns: OrderColumns, path: str) -> pa.Array:
    if field.is_array and field.optional:
        return _optional_lists(field, columns, path, len(columns.regular))
    if field.is_array:
        return _item_lists(field, columns)
    if field.document is not None:
        members = _struct_arrays(field.document, columns, path + ".")
        return pa.StructArray.from_arrays(members, fields=_members(field.document))
    if path in columns.maps:
        maps = columns.maps[path]
        found = [attributes and list(attributes.items()) for attributes in maps] if any(maps) else None
        return pa.nulls(len(maps), _type(field)) if found is None else pa.array(found, _type(field))
    absent = ~columns.has[path] if field.nullable else None
    texts = columns.texts.get(path)
    return _scalars(field, columns.numbers[path], absent) if texts is None else _text_array(texts, absent)


def _text_array(texts: pl.Series, absent: BoolArray | None) -> pa.Array:
    values = texts.to_arrow().cast(pa.string())
    return values if absent is None else pa.compute.if_else(pa.array(absent), pa.scalar(None, pa.string()), values)


def _scalars(field: Field, values: IntArray, absent: BoolArray | None) -> pa.Array:
    kind = _type(field)
    if kind is _MONEY:
        halves = np.zeros((len(values), 2), np.int64)  # little-endian; amounts are not negative
        halves[:, 0] = values
        valid = None if absent is None else pa.py_buffer(np.packbits(~absent, bitorder="little"))
        return pa.Array.from_buffers(_MONEY, len(values), [valid, pa.py_buffer(halves)])
    if pa.types.is_timestamp(kind):
        values = values * 1000
    return pa.array(values, pa.int64(), mask=absent).cast(kind)


def _item_lists(field: Field, columns: OrderColumns) -> pa.Array:
    assert field.document is not None  # noqa: S101 - arrays hold documents
    together = np.argsort(columns.item_of, kind="stable")
    sizes = np.bincount(columns.item_of, minlength=len(columns.regular))
    starts = np.concatenate(([0], np.cumsum(sizes))).astype(np.int32)
    parts = fields_of(field.document)
    members = (
        [_item_array(part, columns, together) for part in parts]
        if len(together)
        else [pa.array([], _type(part)) for part in parts]
    )
    items = pa.StructArray.from_arrays(members, fields=_members(field.document))
    return pa.ListArray.from_arrays(pa.array(starts), items)


def _optional_lists(field: Field, columns: OrderColumns, path: str, owners: int) -> pa.Array:
    """The lists of an array that few documents have, null where an owner has none."""
    elements = columns.arrays.get(path)
    if elements is None or not len(elements.owner):
        return pa.nulls(owners, _type(field))
    assert field.document is not None  # noqa: S101 - arrays hold documents
    sizes = np.bincount(elements.owner, minlength=owners)
    starts = np.concatenate(([0], np.cumsum(sizes))).astype(np.int32)
    together = np.argsort(elements.owner, kind="stable")
    members = []
    for part in fields_of(field.document):
        if part.is_array:
            whole = _optional_lists(part, columns, f"{path}.{part.name}", len(elements.owner))
            members.append(whole.take(pa.array(together)))
            continue
        absent = ~elements.has[part.name][together] if part.nullable else None
        if part.name in elements.texts:
            members.append(_text_array(elements.texts[part.name][together], absent))
        else:
            members.append(_scalars(part, elements.numbers[part.name][together], absent))
    structs = pa.StructArray.from_arrays(members, fields=_members(field.document))
    return pa.ListArray.from_arrays(pa.array(starts), structs, mask=pa.array(sizes == 0))


def _item_array(part: Field, columns: OrderColumns, together: IntArray) -> pa.Array:
    path = ITEM + part.name
    absent = ~columns.item_has[path][together] if part.nullable else None
    if path in columns.item_texts:
        return _text_array(columns.item_texts[path][together], absent)
    return _scalars(part, columns.items[path][together], absent)
