"""The documents of a query as they lie in MongoDB, batch after batch, not decoded."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from pymongo.client_session import ClientSession

from ecommerce.bson_reading.replies import read_cursor
from ecommerce.mongo import ORDERS, MongoDatabase

BATCH_DOCUMENTS = 5_000
"""About 3 MB a reply. With 12 MB the kernel gave and cleared new memory for each reply and each copy of it, which took
as long as all the rest of reading."""

COLUMN_DOCUMENTS = 10_000
"""Documents that are read into columns at a time: with half as many it takes half as long again."""


def gathered(batches: Iterable[list[bytes]], documents: int = COLUMN_DOCUMENTS) -> Iterator[list[bytes]]:
    """The documents of batches in larger ones, of at least so many but for the last."""
    waiting: list[bytes] = []
    for batch in batches:
        waiting += batch
        if len(waiting) >= documents:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def raw_batches(
    database: MongoDatabase,
    match: Mapping[str, Any],
    session: ClientSession | None = None,
    *,
    collection: str = ORDERS,
    read_concern: Mapping[str, Any] | None = None,
    sort: Mapping[str, int] | None = None,
) -> Iterator[list[bytes]]:
    """The documents of a query as BSON, in batches.

    Commands rather than PyMongo's cursors, because those neither pass `atClusterTime` nor leave documents unread.
    """
    command: dict[str, Any] = {"find": collection, "filter": match, "batchSize": BATCH_DOCUMENTS}
    if read_concern:
        command["readConcern"] = read_concern
    if sort:
        command["sort"] = sort
    given: AbstractContextManager[ClientSession] | None = nullcontext(session) if session else None
    with given or database.client.start_session(causal_consistency=False) as running:
        reply = read_cursor(database, command, running)
        try:
            yield reply.documents
            while reply.cursor_id:
                more = {"getMore": reply.cursor_id, "collection": collection, "batchSize": BATCH_DOCUMENTS}
                reply = read_cursor(database, more, running)
                yield reply.documents
        finally:
            if reply.cursor_id and not running.in_transaction:
                database.command({"killCursors": collection, "cursors": [reply.cursor_id]}, session=running)
