"""Documents of `orders` that are no orders: set aside by `_id` with the reason, while everything else goes on.

`orders_aside` belongs to the summaries: what is in it for the epoch of their state is in no figure, what is not is in
all of them. It is written in the transaction that writes the delta and the position, and by a rebuild, which has an
epoch of its own, beside the buckets:

    {_id: {epoch, id: <_id of the document>}, reason, noticed_at}

A document that is corrected leaves it with the change; one that is deleted is looked up, as deletes are not followed.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bson import MaxKey
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import DeleteOne, ReplaceOne
from pymongo.client_session import ClientSession

from ecommerce.documents.bson_types import TYPE_BYTES, document_of
from ecommerce.documents.stored import ANYTHING, identity_element, identity_text
from ecommerce.mongo import ORDERS, Document, MongoDatabase
from ecommerce.summaries.state import ASIDE, load_state

RAW: CodecOptions[Any] = ANYTHING.with_options(document_class=RawBSONDocument)

LOOKED_UP = 1_000
"""Most documents that an advance looks up to see whether they are still there."""

WRITTEN_AT_ONCE = 1_000

_STRING, _OBJECT, _ARRAY = (TYPE_BYTES[name] for name in ("string", "object", "array"))
_EPOCH = _STRING + b"epoch\x00"
_EPOCH_START = 4 + len(_EPOCH) + 4
"""Where the text of the epoch begins in the `_id` of an entry, behind the sizes and the name."""

NAMED = 5
"""Documents that a line names; `ecommerce check` lists the others."""

REMEDY = (
    "correct or delete them in MongoDB (db.orders); the next `ecommerce summarize` takes in what was corrected and "
    "takes what was deleted off this list; "
    "`ecommerce check --repair` counts everything anew"
)


@dataclass(frozen=True, slots=True)
class SetAside:
    """A document that is no order."""

    identity: str
    """Its `_id` as a text."""
    reason: str
    noticed_at: datetime

    def __str__(self) -> str:
        return f"_id {self.identity} ({self.reason})"


def of_epoch(epoch: str) -> Document:
    """The query for what is set aside in an epoch."""
    return {"_id": {"$gte": {"epoch": epoch}, "$lte": {"epoch": epoch, "id": MaxKey()}}}


def note_changes(
    database: MongoDatabase,
    epoch: str,
    added: Sequence[bytes],
    refused: Mapping[int, str],
    session: ClientSession | None = None,
) -> None:
    """Set aside what is no order in its last version of a batch of changes, and take back what has become one.

    `refused` are positions in `added`, with the reason; later ones may be of other documents.
    """
    last: dict[bytes, tuple[bytes, str]] = {}
    for position, reason in refused.items():
        if position < len(added):
            last[identity_element(added[position])] = added[position], reason
    anything_aside = database[ASIDE].find_one(of_epoch(epoch), {"_id": 0, "reason": 1}, session=session) is not None
    if not (last or anything_aside):
        return
    versions = {identity_element(document): document for document in added}
    put_aside(database, epoch, [one for identity, one in last.items() if versions[identity] is one[0]], session)
    if anything_aside:
        fine = [identity for identity, document in versions.items() if last.get(identity, (b"", ""))[0] is not document]
        _remove(database, epoch, fine, session)


def put_aside(
    database: MongoDatabase,
    epoch: str,
    documents: Iterable[tuple[bytes, str]],
    session: ClientSession | None = None,
) -> None:
    """Set documents aside, each with its reason; one that is aside gets the new reason."""
    now = datetime.now(UTC)
    keyed = ((_key(epoch, identity_element(document)), reason) for document, reason in documents)
    writes: list[ReplaceOne[Any]] = [
        ReplaceOne({"_id": key}, {"_id": key, "reason": reason, "noticed_at": now}, upsert=True)
        for key, reason in keyed
    ]
    collection = database.get_collection(ASIDE, codec_options=ANYTHING)  # the reply to an upsert has the new ids
    for start in range(0, len(writes), WRITTEN_AT_ONCE):
        collection.bulk_write(writes[start : start + WRITTEN_AT_ONCE], ordered=False, session=session)


def forget_deleted(database: MongoDatabase, epoch: str) -> int:
    """Take those off the list whose document is gone: all of them up to LOOKED_UP, of more some that chance picks.

    Returns how many are left.
    """
    count = count_aside(database, epoch)
    if not count:
        return 0
    aside: Any = database.get_collection(ASIDE, codec_options=RAW)
    orders: Any = database.get_collection(ORDERS, codec_options=RAW)
    # By the client: $lookup took 5 s for 1 000 of 10 000 deleted documents, this takes 0.02.
    skipped = random.randrange(max(1, count - LOOKED_UP + 1))
    entries = list(aside.find(of_epoch(epoch), {"noticed_at": 1}).skip(skipped).limit(LOOKED_UP))
    identities = [_identity(entry) for entry in entries]
    there = {identity_element(found.raw) for found in orders.find(_any_of(identities), {"_id": 1})}
    # Whoever set one aside again meanwhile saw a document that came after this look, and the time is another.
    removals: list[DeleteOne] = [
        DeleteOne({"_id": entry["_id"], "noticed_at": entry["noticed_at"]})
        for entry, identity in zip(entries, identities, strict=True)
        if identity not in there
    ]
    if removals:
        count -= aside.bulk_write(removals, ordered=False).deleted_count
    return count


def count_aside(database: MongoDatabase, epoch: str, session: ClientSession | None = None) -> int:
    """How many documents are set aside."""
    return database[ASIDE].count_documents(of_epoch(epoch), session=session)


def all_aside(database: MongoDatabase, *, limit: int = NAMED) -> tuple[int, list[SetAside]]:
    """How many documents are set aside now, and the first of them, in the order of their `_id`."""
    state = load_state(database)
    if state is None:
        return 0, []
    return count_aside(database, state.epoch), [
        SetAside(identity_text(entry["_id"]["id"]), entry["reason"], entry["noticed_at"])
        for entry in _first_aside(database, state.epoch, limit)
    ]


def identities_aside(database: MongoDatabase, epoch: str, limit: int, session: ClientSession) -> list[Any]:
    """The `_id`s of documents that are set aside, at most so many."""
    return [entry["_id"]["id"] for entry in _first_aside(database, epoch, limit, session)]


def _first_aside(
    database: MongoDatabase, epoch: str, limit: int, session: ClientSession | None = None
) -> Iterable[Document]:
    found = database.get_collection(ASIDE, codec_options=ANYTHING).find(of_epoch(epoch), session=session)
    return found.sort("_id", 1).limit(limit)


def remove_epoch(database: MongoDatabase, epoch: str) -> None:
    """Forget what an epoch had set aside."""
    database[ASIDE].delete_many(of_epoch(epoch))


def aside_sentence(count: int, named: Sequence[SetAside]) -> str:
    """One line that names them, and what to do."""
    return f"{named_aside(count, named)}. {REMEDY}"


def named_aside(count: int, named: Sequence[SetAside]) -> str:
    """One line that names them."""
    more = f" and {count - len(named):,} more" if count > len(named) else ""
    are = "document of `orders` is no order and is" if count == 1 else "documents of `orders` are no orders and are"
    return f"{count:,} {are} set aside, in no figure: {'; '.join(map(str, named))}{more}"


def _remove(database: MongoDatabase, epoch: str, identities: Sequence[bytes], session: ClientSession | None) -> None:
    for start in range(0, len(identities), WRITTEN_AT_ONCE):
        keys = [_key(epoch, identity) for identity in identities[start : start + WRITTEN_AT_ONCE]]
        database[ASIDE].delete_many({"_id": {"$in": keys}}, session=session)


def _identity(entry: RawBSONDocument) -> bytes:
    """The `_id` of the document that an entry is of, as `identity_element` gives it."""
    key: bytes = entry["_id"].raw
    kind = _EPOCH_START + int.from_bytes(key[_EPOCH_START - 4 : _EPOCH_START], "little")
    return key[kind : kind + 1] + key[kind + len(b"\x00id\x00") : -1]


def _any_of(identities: Sequence[bytes]) -> RawBSONDocument:
    """The query for the documents with one of these `_id`s."""
    elements = [b"%c%d\x00%b" % (one[0], at, one[1:]) for at, one in enumerate(identities)]
    array = document_of(b"".join(elements))
    return RawBSONDocument(document_of(_OBJECT + b"_id\x00" + document_of(_ARRAY + b"$in\x00" + array)))


def _key(epoch: str, identity: bytes) -> RawBSONDocument:
    """`_id` of an entry: the document's own `_id` goes in as it lies there, whatever it is."""
    elements = _EPOCH + (len(epoch) + 1).to_bytes(4, "little") + epoch.encode() + b"\x00"
    return RawBSONDocument(document_of(elements + identity[:1] + b"id\x00" + identity[1:]))
