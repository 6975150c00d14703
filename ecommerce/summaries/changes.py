"""What happened in `orders` since a moment: the change stream, read in batches without decoding the orders."""

from collections.abc import Collection, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bson import Timestamp
from pymongo.client_session import ClientSession
from pymongo.errors import OperationFailure

from ecommerce.bson_reading.replies import elements, read_cursor, text
from ecommerce.mongo import ORDERS, MongoDatabase

COUNTED_OPERATIONS = ("insert", "update", "replace")
"""Deletes are the archiver's, and it keeps what it deletes: they change no figure."""

ENDING_OPERATIONS = ("drop", "rename", "dropDatabase", "invalidate")

BATCH_EVENTS = 20_000
BATCH_BYTES = 8_000_000
"""A batch below both was not ended by its size (the server's limit is 16 MB), but by the end of the news."""

WAIT_MS = 50
"""How long the server waits for news before an empty batch says how far it has read."""

# ChangeStreamHistoryLost, ChangeStreamFatalError, InvalidResumeToken, CappedPositionLost, NoMatchingDocument, and
# BSONObjectTooLarge: a document of 9 MB that was replaced by another makes an event of more than the server's 16 MB.
# BadValue, FailedToParse, TypeMismatch, 40647, 40649: somebody wrote into the position.
LOST_CODES = {286, 280, 260, 136, 47, 10334, 2, 9, 14, 40647, 40649}


class HistoryLost(Exception):
    """The events since the stored position are not to be had, or not whole: the summaries must be rebuilt."""


@dataclass(slots=True)
class Changes:
    """A batch of events, as the documents that they added and took away, and the position after them."""

    token: Mapping[str, Any]
    cluster_time: Timestamp
    """Everything up to this time has been read. Where a batch ends within a transaction, that is the time before it."""
    reached: bool
    """Whether everything up to the time that was asked for has been read."""
    added: list[bytes] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)
    events: int = 0

    def new_orders(self, refused: Collection[int]) -> int:
        """How many documents became an order; `refused` are positions in `added` and, behind them, in `taken`."""
        no_orders = sum(1 if at < len(self.added) else -1 for at in refused)
        return len(self.added) - len(self.taken) - no_orders


def plain(error: Exception) -> str:
    """What an error says, without the server's reply that PyMongo puts behind it."""
    return str(error).partition(", full error")[0]


def latest_time(database: MongoDatabase) -> Timestamp:
    """The cluster time of the last majority-committed write: who reads up to it has seen all that is visible now."""
    latest = time_or_none(database)
    assert latest is not None  # noqa: S101 - a replica set member and mongos answer with one of them
    return latest


def time_or_none(database: MongoDatabase) -> Timestamp | None:
    """The same; None of a server that is no replica set and has no change streams."""
    with database.client.start_session(causal_consistency=False) as session:
        hello = database.client.admin.command("hello", session=session)
        written = hello.get("lastWrite", {}).get("majorityOpTime")
        return written["ts"] if written else session.operation_time


def changes_since(
    database: MongoDatabase, cluster_time: Timestamp, token: Mapping[str, Any] | None, until: Timestamp
) -> Generator[Changes]:
    """The events after a position (the token's, else right after `cluster_time`) until the cluster time `until`.

    Batches come as the server gives them, the last one may be empty and then only moves the position.
    Raises HistoryLost where the oplog no longer has them, an image is missing or the collection was dropped.
    """
    start: dict[str, Any] = {"resumeAfter": token}
    if token is None:
        start = {"startAtOperationTime": Timestamp(cluster_time.time, cluster_time.inc + 1)}
    stream = start | {"fullDocument": "whenAvailable", "fullDocumentBeforeChange": "whenAvailable"}
    command: dict[str, Any] = {
        "aggregate": ORDERS,
        "pipeline": [
            {"$changeStream": stream},
            {"$match": {"operationType": {"$in": [*COUNTED_OPERATIONS, *ENDING_OPERATIONS]}}},
            {"$project": {"operationType": 1, "fullDocument": 1, "fullDocumentBeforeChange": 1}},
        ],
        "cursor": {"batchSize": BATCH_EVENTS},
        "readConcern": {"level": "majority"},
    }
    with database.client.start_session(causal_consistency=False) as session:
        try:
            yield from _batches(database, command, session, until)
        except OperationFailure as error:
            if error.code in LOST_CODES or error.has_error_label("NonResumableChangeStreamError"):
                raise HistoryLost(f"the change stream cannot go on: {plain(error)}") from error
            raise


def _batches(
    database: MongoDatabase, command: dict[str, Any], session: ClientSession, until: Timestamp
) -> Generator[Changes]:
    cursor_id: int = 0
    try:
        while True:
            reply = read_cursor(database, command, session)
            cursor_id, token = reply.cursor_id, reply.token
            if token is None:
                raise HistoryLost("the server gives no position after a batch of changes")
            latest = token_time(token)
            # The events of a transaction share their time: a batch that the server ended may end within one.
            cut = len(reply.documents) >= BATCH_EVENTS or reply.size_bytes > BATCH_BYTES
            cluster_time = Timestamp(latest.time, latest.inc - 1) if cut and latest.inc else latest
            changes = Changes(token, cluster_time, cluster_time >= until)
            for event in reply.documents:
                _take_in(event, changes)
            yield changes
            if changes.reached or not cursor_id:
                return
            command = {"getMore": cursor_id, "collection": ORDERS, "batchSize": BATCH_EVENTS, "maxTimeMS": WAIT_MS}
    finally:
        if cursor_id:
            database.command({"killCursors": ORDERS, "cursors": [cursor_id]}, session=session)


def _take_in(event: bytes, changes: Changes) -> None:
    operation, after, before = "", b"", b""
    for name, _, start, end in elements(event):
        if name == b"operationType":
            operation = text(event[start:end])
        elif name == b"fullDocument":
            after = event[start:end]
        elif name == b"fullDocumentBeforeChange":
            before = event[start:end]
    if operation in ENDING_OPERATIONS:
        raise HistoryLost(f"the collection {ORDERS} saw a {operation}")
    if not after or not (before or operation == "insert"):
        raise HistoryLost(f"an {operation} of {ORDERS} has no image of the document before or after it")
    changes.events += 1
    changes.added.append(after)
    if before:
        changes.taken.append(before)


def token_time(token: Mapping[str, Any]) -> Timestamp:
    """The cluster time of a resume token, which is how its data begins: a type byte, seconds, ordinal, in hex."""
    data = token["_data"]
    if not isinstance(data, str) or not data.startswith("82"):
        raise HistoryLost(f"a resume token of an unknown form: {data!r}")
    return Timestamp(int(data[2:10], 16), int(data[10:18], 16))
