"""What MongoDB holds under the ids of a batch, as bytes."""

from collections.abc import Sequence
from typing import Any

import bson
from bson import Decimal128
from pymongo.client_session import ClientSession

from ecommerce.bson_reading.batches import raw_batches
from ecommerce.documents.bson_codec import encode_order
from ecommerce.documents.bson_types import TYPE_BYTES
from ecommerce.documents.canonical_bytes import order_id_of
from ecommerce.documents.stored import ANYTHING, NotAnOrder, stored_order
from ecommerce.mongo import MongoDatabase

_INT64 = ord(TYPE_BYTES["long"])


def canonical_documents(documents: Sequence[bytes]) -> list[bytes]:
    """The documents in canonical BSON; an empty one for a document that is no order."""
    if not documents:
        return []
    from ecommerce.bson_reading.columns import read_columns  # here: 0.2 s of imports that most imports do without

    regular = read_columns(documents).regular
    return [one if fine else _canonical_of(one) for one, fine in zip(documents, regular.tolist(), strict=True)]


def _canonical_of(document: bytes) -> bytes:
    try:
        return encode_order(stored_order(document))
    except NotAnOrder:
        return b""


def any_between(collection: Any, ids: Sequence[int], session: ClientSession | None) -> bool:
    """Whether the collection has any order from the lowest to the highest of these ids.

    Where ids grow with time, new orders lie behind all that are there: one look at the index spares one for each.
    """
    span = {"_id": {"$gte": min(ids), "$lte": max(ids)}}
    return collection.find_one(span, {"_id": 1}, session=session) is not None


def any_of(collection: Any, ids: Sequence[int], session: ClientSession | None) -> bool:
    """Whether the collection has any of these orders."""
    return collection.find_one({"_id": {"$in": ids}}, {"_id": 1}, session=session) is not None


def stored_orders(database: MongoDatabase, ids: Sequence[int], session: ClientSession | None) -> dict[int, bytes]:
    """The hot orders among these ids, as bytes: a document object for each would double the cost of comparing them."""
    hot: dict[int, bytes] = {}
    for batch in raw_batches(database, {"_id": {"$in": ids}}, session):
        hot.update((order_id_of(raw) if raw[4] == _INT64 else _whole_number(raw), raw) for raw in batch)
    return hot


def _whole_number(document: bytes) -> int:
    """`_id` of a document that MongoDB found by an order's id, which may lie there as another type of number."""
    identity = bson.decode(document, ANYTHING)["_id"]
    return int(identity.to_decimal() if isinstance(identity, Decimal128) else identity)
