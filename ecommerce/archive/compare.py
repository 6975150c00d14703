"""Compares chunks of the archive with the orders that MongoDB holds, order by order and by content."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import Int64
from pymongo.client_session import ClientSession

from ecommerce.archive.chunks import Chunk
from ecommerce.archive.content_expression import content_text_expression
from ecommerce.documents.content_hash import hash_of_text
from ecommerce.mongo import ORDERS, MongoDatabase

CHANGED, GONE, DIFFERENT = "changed", "gone", "different"
"""Why an archived row is superseded: MongoDB has another version; none; this version with another content."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Comparison:
    """What became of a chunk's rows; positions are those in the chunk."""

    same: list[int] = field(default_factory=list)
    superseded: list[tuple[int, str]] = field(default_factory=list)
    """Position and reason."""


def compare(database: MongoDatabase, chunks: Sequence[Chunk], session: ClientSession | None = None) -> list[Comparison]:
    """How the rows of each chunk stand to MongoDB's orders, read at once (in the session's transaction, if any).

    A row is the same only if MongoDB holds that very version and renders the same content from it.
    """
    ids = [Int64(order_id) for chunk in chunks for order_id in chunk.ids]
    project: dict[str, Any] = {"version": {"$toLong": "$updated_at"}, "text": content_text_expression()}
    pipeline: list[dict[str, Any]] = [{"$match": {"_id": {"$in": ids}}}, {"$project": project}]
    hot = {
        row["_id"]: (row["version"], hash_of_text(row["text"]))
        for row in database[ORDERS].aggregate(pipeline, session=session, batchSize=len(ids) + 1)
    }
    return [_compared(chunk, hot) for chunk in chunks]


def _compared(chunk: Chunk, hot: dict[int, tuple[int, int]]) -> Comparison:
    comparison = Comparison()
    for position, (order_id, version, content) in enumerate(zip(chunk.ids, chunk.versions, chunk.hashes, strict=True)):
        stored = hot.get(order_id)
        if stored == (version, content):
            comparison.same.append(position)
        elif stored is None:
            comparison.superseded.append((position, GONE))
        else:
            comparison.superseded.append((position, CHANGED if stored[0] != version else DIFFERENT))
    return comparison


def time_of_version(version: int) -> datetime:
    """An updated_at from its milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=version)
