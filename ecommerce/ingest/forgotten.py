"""People who asked to be forgotten: whoever brings their orders or their record again finds them in `forgotten`.

It holds a key and, for each user id and e-mail, the digest by that key: neither the id nor the e-mail, and nothing that
leads to an order. Whoever has the whole database can still try ids one by one, and learn that one is in it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from secrets import token_bytes
from typing import Any

from bson import Binary
from msgspec.structs import replace
from pymongo.client_session import ClientSession

from ecommerce.documents.anonymous import anonymous, new_number
from ecommerce.documents.bson_codec import decode_order, encode_order
from ecommerce.documents.canonical_bytes import user_id_of
from ecommerce.ingest.encoded_order import EncodedOrder
from ecommerce.mongo import MongoDatabase

FORGOTTEN = "forgotten"

ANONYMOUS_USER, LOCATION = "anonymous_user", "location"
"""In an archived order's entry, once its person is forgotten: the number, and the city that its row has."""

REMOVE, REWRITE = "remove", "rewrite"
"""What becomes of imported files that name a person."""

_KEY = "key"
_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class People:
    """Those who are forgotten."""

    key: bytes
    digests: frozenset[bytes]

    def knows_user(self, user_id: int) -> bool:
        return _digest(self.key, str(user_id)) in self.digests

    def knows_email(self, email: str) -> bool:
        return _digest(self.key, _plain(email)) in self.digests

    def knows_text(self, text: str) -> bool:
        """Of other texts nothing is kept."""
        return False


def forgotten_people(database: MongoDatabase, session: ClientSession | None = None) -> People | None:
    """Those who are forgotten; None where nobody is."""
    found = {one["_id"]: one for one in database[FORGOTTEN].find({}, session=session)}
    key = found.pop(_KEY, None)
    return People(bytes(key["value"]), frozenset(bytes(one) for one in found)) if key and found else None


def remember_forgotten(database: MongoDatabase, user_ids: Iterable[int], emails: Iterable[str]) -> None:
    """From now on these people are anonymous wherever they come from. Running it again changes nothing."""
    forgotten = database[FORGOTTEN]
    forgotten.update_one({"_id": _KEY}, {"$setOnInsert": {"value": Binary(token_bytes(32))}}, upsert=True)
    key = bytes((forgotten.find_one({"_id": _KEY}) or {})["value"])
    for text in (*map(str, user_ids), *map(_plain, emails)):
        digest = Binary(_digest(key, text))
        forgotten.update_one({"_id": digest}, {"$setOnInsert": {"_id": digest}}, upsert=True)


def without_people(
    people: People, order: EncodedOrder, stored: bytes | None, archived: Mapping[str, Any] | None
) -> EncodedOrder:
    """The incoming order, anonymous if its person is forgotten: as it is stored, so that the two can be compared.

    An archived order whose entry is not anonymous yet is compared as it was.
    """
    if not people.knows_user(user_id_of(order.bson)):
        return order
    if archived is not None and ANONYMOUS_USER not in archived:
        return order
    number = new_number()
    incoming = decode_order(order.bson)
    if stored is not None:
        number = decode_order(stored).order.user_id
    elif archived is not None:
        number = int(archived[ANONYMOUS_USER])
        if order.filled[:1] == b"\x01":
            # The catalog no longer knows the city of the person; the archived row has it.
            delivery = replace(incoming.delivery, location=archived[LOCATION])
            incoming = replace(incoming, delivery=delivery)
    return EncodedOrder(
        order.order_id, encode_order(anonymous(incoming, number)), order.timed, order.filled, anonymous=True
    )


def _plain(email: str) -> str:
    return email.strip().casefold()


def _digest(key: bytes, text: str) -> bytes:
    return blake2b(text.encode(), key=key, digest_size=_DIGEST_BYTES).digest()
