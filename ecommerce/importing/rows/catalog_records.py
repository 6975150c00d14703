"""Rows of catalog tables to records, and values of order lines, which have their types."""

import struct
from typing import Any

from ecommerce.documents.bson_codec import encode_catalog
from ecommerce.documents.catalog import CATALOG, CatalogTable
from ecommerce.importing.rows.fast import encoder_of
from ecommerce.importing.rows.inputs import variant_of
from ecommerce.importing.rows.lenient import read_document

_HEAD = struct.Struct("<i5sq").pack
_ID = b"\x12_id\x00"


def read_record(table: CatalogTable, value: Any) -> bytes:
    """The canonical BSON of a parsed catalog row. Raises Rejected with the reason."""
    if isinstance(value, dict):
        value = {name: member for name, member in value.items() if name != "_id"}
    return encode_catalog(table, table.document(**read_document(table.document, value)))


def record_of_values(table: CatalogTable, values: dict[str, Any]) -> bytes:
    """The canonical BSON of a record whose values have their types. Raises any exception where they make none."""
    return _record(table, _INPUTS[table.name](**values), values)


def _record(table: CatalogTable, value: Any, values: dict[str, Any]) -> bytes:
    document = _ENCODERS[table.name](value)
    return _HEAD(len(document) + 13, _ID, values[table.key[0]]) + document[4:]


_TABLES = [table for table in CATALOG if len(table.key) == 1]
_INPUTS = {table.name: variant_of(table.document) for table in _TABLES}
_ENCODERS = {table.name: encoder_of(table.document) for table in _TABLES}
