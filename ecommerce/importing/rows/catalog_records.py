"""Rows of catalog tables to records, and elements of order lines to them."""

import struct
from typing import Any

from ecommerce.documents.bson_codec import encode_catalog
from ecommerce.documents.catalog import CatalogTable
from ecommerce.importing.rows.lenient import read_document

_HEAD = struct.Struct("<i5sq").pack
_ID = b"\x12_id\x00"
_SIZE = struct.calcsize("<i5sq") + 1


def read_record(table: CatalogTable, value: Any) -> bytes:
    """The canonical BSON of a parsed catalog row. Raises Rejected with the reason."""
    if isinstance(value, dict):
        value = {name: member for name, member in value.items() if name != "_id"}
    return encode_catalog(table, table.document(**read_document(table.document, value)))


def record_of_elements(identity: int, elements: bytes) -> bytes:
    """The canonical BSON of a record whose key is one number, of the elements of its fields."""
    return _HEAD(_SIZE + len(elements), _ID, identity) + elements + b"\0"
