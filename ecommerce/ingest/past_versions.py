"""Which of two versions of an order stays, and the versions that lost: an older file imported again stays old."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import xxhash
from bson import Int64
from pymongo.client_session import ClientSession

from ecommerce.documents.bson_codec import content_bytes, decode_order
from ecommerce.documents.statuses import status_rank
from ecommerce.mongo import MongoDatabase

PAST_VERSIONS = "past_versions"
"""Versions that were replaced or came too late: {_id: {order_id, version}}."""

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
    versions: Any = database[PAST_VERSIONS]
    past: set[tuple[int, int]] = set()
    if remember:
        keys = [
            _version_key(pair.order_id, bson) for pair in differing for bson in (pair.stored, pair.incoming) if bson
        ]
        past = {_plain_key(found["_id"]) for found in versions.find({"_id": {"$in": keys}}, session=session)}
    later: list[Differing] = []
    lost: dict[tuple[int, int], dict[str, Int64]] = {}
    for pair in differing:
        came_before = _plain_key(_version_key(pair.order_id, pair.incoming)) in past if past else False
        came_before |= pair.anonymous and not pair.timed and not _goes_on(pair)
        wins = (pair.timed or not came_before) and is_news(pair.stored, pair.incoming)
        if wins:
            later.append(pair)
        loser = pair.stored if wins else pair.incoming
        if remember and loser:
            key = _version_key(pair.order_id, loser)
            lost[_plain_key(key)] = key
    unknown = [{"_id": key} for plain, key in lost.items() if plain not in past]
    if unknown:
        versions.insert_many(unknown, ordered=False, session=session)
    return later


def _goes_on(pair: Differing) -> bool:
    """Whether the incoming version is further than the stored one: by its status, or with more refunds."""
    if not pair.stored:
        return True
    before, now = decode_order(pair.stored), decode_order(pair.incoming)
    ranks = [status_rank(one.delivery.status) for one in (before, now)]
    return ranks[1] > ranks[0] or len(now.refunds) > len(before.refunds)


def _version_key(order_id: int, bson: bytes) -> dict[str, Int64]:
    hashed = xxhash.xxh3_64_intdigest(content_bytes(bson))
    return {"order_id": Int64(order_id), "version": Int64(hashed - 2**63)}


def _plain_key(key: dict[str, Any]) -> tuple[int, int]:
    return int(key["order_id"]), int(key["version"])
