"""Rows of catalog tables to records."""

from typing import Any

from ecommerce.documents.bson_codec import encode_catalog
from ecommerce.documents.catalog import CatalogTable
from ecommerce.importing.rows.lenient import read_document


def read_record(table: CatalogTable, value: Any) -> bytes:
    """The canonical BSON of a parsed catalog row. Raises Rejected with the reason."""
    if isinstance(value, dict):
        value = {name: member for name, member in value.items() if name != "_id"}
    return encode_catalog(table, table.document(**read_document(table.document, value)))
