"""The one door through which orders come into `orders`, whoever brings them.

A batch is one transaction: it looks for the ids among the hot orders and among the archived ones, inserts what is new
and replaces what has news. Under snapshot isolation an order that the archiver deletes meanwhile cannot come back: its
`_id` is either seen, or inserting it is a write conflict and the batch is tried again, and then finds it archived.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from ecommerce.documents.bson_codec import decode_order, same_content
from ecommerce.documents.content_hash import content_hash
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, MongoDatabase, is_replica_set

_RAW_OPTIONS = CodecOptions(document_class=RawBSONDocument)

News = Callable[[bytes, bytes], bool]
"""(stored, incoming) canonical BSON of one order with different content → whether the incoming one replaces it."""


@dataclass(frozen=True, slots=True)
class EncodedOrder:
    """An order as canonical BSON (`bson_codec.encode_order`) and its id."""

    order_id: int
    bson: bytes


@dataclass(slots=True)
class Accepted:
    """What became of a batch; the four add up to the batch's size."""

    accepted: int = 0
    unchanged: int = 0
    changed: int = 0
    already_archived: list[int] = field(default_factory=list)
    """Ids that are in the archive with another content. Nothing was written for them."""


def accept_orders(database: MongoDatabase, batch: Sequence[EncodedOrder], *, is_news: News) -> Accepted:
    """Bring a batch of orders in, all or nothing. Calling it again with the same batch changes nothing.

    `batch` holds each id once. Batches of 1 000 to 10 000 orders are fast and stay far below the server's limits.
    Raises PyMongoError where the server refuses or cannot be reached; then nothing of the batch was written.
    """
    if not batch:
        return Accepted()
    if not is_replica_set(database):
        return _accept(database, batch, is_news, None)
    with database.client.start_session() as session:
        return session.with_transaction(
            lambda running: _accept(database, batch, is_news, running),
            read_concern=ReadConcern("snapshot"),
            write_concern=WriteConcern(w="majority"),
        )


def _accept(
    database: MongoDatabase, batch: Sequence[EncodedOrder], is_news: News, session: ClientSession | None
) -> Accepted:
    orders: Any = database.get_collection(ORDERS, codec_options=_RAW_OPTIONS)
    ids = [order.order_id for order in batch]
    hot = {document["_id"]: document.raw for document in orders.find({"_id": {"$in": ids}}, session=session)}
    absent = [order_id for order_id in ids if order_id not in hot] if hot else ids
    archived = {
        document["_id"]: document["content_hash"]
        for document in database[ARCHIVED_ORDERS].find({"_id": {"$in": absent}}, session=session)
    }
    result = Accepted()
    new: list[RawBSONDocument] = []
    replacements: list[ReplaceOne[Any]] = []
    for order in batch:
        stored = hot.get(order.order_id)
        if stored is not None:
            if same_content(stored, order.bson) or not is_news(stored, order.bson):
                result.unchanged += 1
            else:
                replacement = RawBSONDocument(_moved_forward(stored, order.bson))
                replacements.append(ReplaceOne({"_id": order.order_id}, replacement))
                result.changed += 1
        elif order.order_id in archived:
            if content_hash(decode_order(order.bson)) == archived[order.order_id]:
                result.unchanged += 1
            else:
                result.already_archived.append(order.order_id)
        else:
            new.append(RawBSONDocument(order.bson))
            result.accepted += 1
    if new:
        orders.insert_many(new, ordered=False, session=session)
    if replacements:
        orders.bulk_write(replacements, ordered=False, session=session)
    return result


_TIME = struct.Struct("<q")


def _moved_forward(stored: bytes, incoming: bytes) -> bytes:
    """The incoming document with an `updated_at` (its last element) later than the stored one's."""
    end = len(incoming) - 1
    before = _TIME.unpack_from(stored, len(stored) - 1 - _TIME.size)[0]
    now = _TIME.unpack_from(incoming, end - _TIME.size)[0]
    return incoming[: end - _TIME.size] + _TIME.pack(max(now, before + 1)) + incoming[end:]
