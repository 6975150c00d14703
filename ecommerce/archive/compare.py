"""Compares chunks of the archive with the orders that MongoDB holds, order by order and by content."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from pymongo.client_session import ClientSession

from ecommerce.archive.chunks import Chunk
from ecommerce.archive.encoded_ids import filter_of_ids
from ecommerce.archive.hot import HotOrders, hot_orders
from ecommerce.bson_reading.batches import raw_batches
from ecommerce.bson_reading.order_columns import IntArray
from ecommerce.mongo import MongoDatabase

CHANGED, GONE, DIFFERENT, ARCHIVED = "changed", "gone", "different", "archived"
"""Why an archived row is superseded: MongoDB has another version; none; this version with another content; the order is
in the archive already, by an earlier run."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of a chunk's rows."""

    same: IntArray
    """Positions in the chunk."""
    documents: IntArray
    """For each of them: the position of its document in HotOrders."""
    superseded: list[tuple[int, str]]
    """Position in the chunk, and reason."""


def read_hot(
    database: MongoDatabase, chunks: Sequence[Chunk], session: ClientSession | None = None
) -> HotOrders | None:
    """The orders of the chunks' ids that are in MongoDB, read at once (in the session's transaction, if any)."""
    ids = np.unique(np.concatenate([chunk.ids for chunk in chunks]))
    documents = [document for batch in raw_batches(database, filter_of_ids(ids), session) for document in batch]
    return hot_orders(documents) if documents else None


def compare(hot: HotOrders | None, chunk: Chunk) -> Comparison:
    """How the rows of a chunk stand to MongoDB's orders.

    A row is the same only if MongoDB holds that very version and its content has the archived hash.
    """
    if hot is None:
        none = np.empty(0, np.int64)
        return Comparison(none, none, [(at, GONE) for at in range(len(chunk.ids))])
    by_id = np.argsort(hot.ids)
    at = np.minimum(np.searchsorted(hot.ids, chunk.ids, sorter=by_id), len(by_id) - 1)
    of_row = by_id[at]
    there = hot.ids[of_row] == chunk.ids
    version = hot.versions[of_row] == chunk.versions
    same = there & version & (hot.hashes[of_row] == chunk.hashes)
    superseded = [
        (row, GONE if not there[row] else DIFFERENT if version[row] else CHANGED)
        for row in np.flatnonzero(~same).tolist()
    ]
    return Comparison(np.flatnonzero(same), of_row[same], superseded)


def without(found: Comparison, chunk: Chunk, archived: Collection[int]) -> Comparison:
    """The comparison of a chunk some of whose orders are in the archive already: their rows are superseded."""
    again = np.isin(chunk.ids[found.same], np.array([*archived], np.int64))
    rows = [(row, ARCHIVED) for row in found.same[again].tolist()]
    return Comparison(found.same[~again], found.documents[~again], sorted([*found.superseded, *rows]))
