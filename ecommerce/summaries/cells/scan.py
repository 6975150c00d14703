"""Reads order documents as they lie in MongoDB, without decoding them, and folds them into cells."""

from collections.abc import Mapping
from typing import Any

from pymongo.client_session import ClientSession

from ecommerce.bson_reading.batches import raw_batches
from ecommerce.hours import UTC_HOURS, Hours
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.summaries.cells.fold import fold_documents
from ecommerce.summaries.cells.table import CellTable

FOLD_DOCUMENTS = 100_000
"""Documents folded at once, about 60 MB: large enough that grouping costs little, small enough for flat memory."""


def aggregate_cells(
    database: MongoDatabase,
    match: Mapping[str, Any],
    session: ClientSession | None = None,
    *,
    hours: Hours = UTC_HOURS,
    collection: str = ORDERS,
    read_concern: Mapping[str, Any] | None = None,
) -> CellTable:
    """The cells of the orders that match a query; other documents count in none. In a transaction, pass its session."""
    tables: list[CellTable] = []
    documents: list[bytes] = []
    for batch in raw_batches(database, match, session, collection=collection, read_concern=read_concern):
        documents += batch
        if len(documents) >= FOLD_DOCUMENTS:
            tables = [CellTable.sum_of((*tables, fold_documents(documents, hours=hours).cells))]
            documents = []
    return CellTable.sum_of((*tables, fold_documents(documents, hours=hours).cells))
