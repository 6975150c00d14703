"""The documents of a query as they lie in MongoDB, batch after batch, not decoded."""

from collections.abc import Iterator, Mapping
from typing import Any

from pymongo.client_session import ClientSession

from ecommerce.bson_reading.replies import read_cursor
from ecommerce.mongo import ORDERS, MongoDatabase

BATCH_DOCUMENTS = 5_000
"""About 3 MB a reply. With 12 MB the kernel gave and cleared new memory for each reply and each copy of it, which took
as long as all the rest of reading."""


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
    if session is None:
        with database.client.start_session(causal_consistency=False) as own:
            yield from _batches(database, command, own, collection)
    else:
        yield from _batches(database, command, session, collection)


def _batches(
    database: MongoDatabase, command: dict[str, Any], session: ClientSession, collection: str
) -> Iterator[list[bytes]]:
    cursor_id, documents = _read(database, command, session)
    try:
        yield documents
        while cursor_id:
            more = {"getMore": cursor_id, "collection": collection, "batchSize": BATCH_DOCUMENTS}
            cursor_id, documents = _read(database, more, session)
            yield documents
    finally:
        if cursor_id and not session.in_transaction:
            database.command({"killCursors": collection, "cursors": [cursor_id]}, session=session)


def _read(database: MongoDatabase, command: dict[str, Any], session: ClientSession) -> tuple[Any, list[bytes]]:
    reply = read_cursor(database, command, session)
    return reply.cursor_id, reply.documents
