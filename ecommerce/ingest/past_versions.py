"""Which of two versions of an order stays, and the versions that lost: an older file imported again stays old."""

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass

import xxhash
from bson import Int64
from pymongo.client_session import ClientSession

from ecommerce.documents.bson_codec import content_bytes, decode_order
from ecommerce.documents.statuses import status_rank
from ecommerce.mongo import MongoDatabase

PAST_VERSIONS = "past_versions"
"""Versions that were replaced or came too late: {_id: {order_id, version}}."""

Version = tuple[int, int]
"""An order's id, and a hash of its canonical BSON without `updated_at`."""

News = Callable[[bytes, bytes], bool]
"""(stored, incoming) canonical BSON of one order with different content → whether the incoming one replaces it.

`stored` is empty where the document that MongoDB has under the order's id is no order.
"""


@dataclass(frozen=True, slots=True)
class Differing:
    """A stored order and an incoming version of it with different content."""

    order_id: int
    stored: bytes
    incoming: bytes
    timed: bool
    """The source of the incoming one named its `updated_at`."""
    anonymous: bool = False
    """Its person was forgotten, and with them which versions came before: it only goes forward from then on."""


def later_versions(
    database: MongoDatabase,
    differing: Sequence[Differing],
    is_news: News,
    *,
    remember: bool,
    session: ClientSession | None,
) -> list[Differing]:
    """Those whose incoming version replaces the stored one. With `remember`, what loses is written down."""
    past: set[Version] = set()
    if remember:
        stored_and_incoming = [(pair.order_id, bson) for pair in differing for bson in (pair.stored, pair.incoming)]
        past = past_versions(database, stored_and_incoming, session)
    later: list[Differing] = []
    lost: list[tuple[int, bytes]] = []
    for pair in differing:
        came_before = version_of(pair.order_id, pair.incoming) in past if past else False
        came_before |= pair.anonymous and not pair.timed and not _goes_on(pair)
        wins = (pair.timed or not came_before) and is_news(pair.stored, pair.incoming)
        if wins:
            later.append(pair)
        lost.append((pair.order_id, pair.stored if wins else pair.incoming))
    if remember:
        remember_versions(database, lost, past, session)
    return later


def past_versions(
    database: MongoDatabase, orders: Iterable[tuple[int, bytes]], session: ClientSession | None
) -> set[Version]:
    """Those of the orders, as ids and canonical BSON, that were replaced or came too late."""
    keys = [_key(version_of(*order)) for order in orders if order[1]]
    if not keys:
        return set()
    found = database[PAST_VERSIONS].find({"_id": {"$in": keys}}, session=session)
    return {(int(one["_id"]["order_id"]), int(one["_id"]["version"])) for one in found}


def remember_versions(
    database: MongoDatabase, orders: Iterable[tuple[int, bytes]], past: Set[Version], session: ClientSession | None
) -> None:
    """Write down versions that lost, but for those of the past that are known."""
    lost = {version_of(*order) for order in orders if order[1]} - past
    if lost:
        documents = [{"_id": _key(version)} for version in sorted(lost)]
        database[PAST_VERSIONS].insert_many(documents, ordered=False, session=session)


def _goes_on(pair: Differing) -> bool:
    """Whether the incoming version is further than the stored one: by its status, or with more refunds."""
    if not pair.stored:
        return True
    before, now = decode_order(pair.stored), decode_order(pair.incoming)
    ranks = [status_rank(one.delivery.status) for one in (before, now)]
    return ranks[1] > ranks[0] or len(now.refunds) > len(before.refunds)


def version_of(order_id: int, bson: bytes) -> Version:
    """What a version of an order is known by."""
    return order_id, xxhash.xxh3_64_intdigest(content_bytes(bson)) - 2**63


def _key(version: Version) -> dict[str, Int64]:
    return {"order_id": Int64(version[0]), "version": Int64(version[1])}
