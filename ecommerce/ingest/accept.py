"""The one way by which orders come into `orders`, whoever brings them.

A batch is one transaction: it looks for the ids among the hot orders and among the archived ones, inserts what is new
and replaces what has news. Where none of the first ids is stored it inserts all without looking for each; if one is
stored after all that fails, and the batch is looked at as a whole. Under snapshot isolation an order that the archiver
deletes meanwhile cannot come back: its `_id` is either seen, or inserting it is a duplicate or a write conflict and the
batch is tried again, and then finds it archived.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakSet

from bson.raw_bson import RawBSONDocument
from msgspec.structs import replace
from pymongo import MongoClient, ReplaceOne
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError, OperationFailure

from ecommerce.documents.agreement import Disagreement
from ecommerce.documents.bson_codec import RAW_OPTIONS, decode_order, encode_order, same_content
from ecommerce.documents.canonical_bytes import moved_forward
from ecommerce.documents.content_hash import CONTENT_HASH, content_hash, hashes_of_spellings
from ecommerce.documents.statuses import canonical
from ecommerce.ingest.archived_changes import (
    ArchivedChange,
    archived_refunds,
    change_of,
    put_changes,
    waiting_versions,
    with_refunds,
)
from ecommerce.ingest.encoded_order import EncodedOrder
from ecommerce.ingest.expired import expired_among
from ecommerce.ingest.forgotten import forgotten_people, without_people
from ecommerce.ingest.past_versions import (
    Differing,
    News,
    later_versions,
    past_versions,
    remember_versions,
    version_of,
)
from ecommerce.ingest.stored_orders import any_between, any_of, canonical_documents, stored_orders
from ecommerce.mongo import (
    ARCHIVED_ORDERS,
    ORDERS,
    UNAUTHORIZED,
    Document,
    MongoDatabase,
    in_transaction,
    is_replica_set,
)

_SOME = 20
"""Orders of a batch that are looked for first. Where none is stored, mostly all are new, and looking for each took the
server 4 of 30 µs."""

_VALIDATED: WeakSet[MongoClient[Document]] = WeakSet()
"""Clients whose user may not bypass validation (built into dbAdmin, not into readWrite): the server looks again."""


Adapt = Callable[[bytes, EncodedOrder], bytes]
"""(stored, incoming) → the incoming order's canonical BSON in view of the stored version. Raises Disagreement where the
two together are no order."""

Another = Callable[[bytes, EncodedOrder], bool]
"""(stored, incoming) → whether it is no version of the stored order, but another one under a number used again."""


@dataclass(slots=True)
class Accepted:
    """What became of a batch; the first seven add up to the batch's size."""

    accepted: int = 0
    unchanged: int = 0
    changed: int = 0
    already_archived: list[int] = field(default_factory=list)
    """Ids that are in the archive with a content that is no later version. Nothing was written for them."""
    other_orders: list[int] = field(default_factory=list)
    """Ids under which another order is stored, as `is_another` says. Nothing was written for them."""
    contradicting: dict[int, Disagreement] = field(default_factory=dict)
    """Ids of orders that contradict what they keep of the stored version, and how. Nothing was written for them."""
    expired: list[int] = field(default_factory=list)
    """Ids of orders that are older than archived orders are kept. Nothing was written for them."""
    anonymous: int = 0
    """Those of the batch whose person was forgotten."""


@dataclass(frozen=True, slots=True)
class _Rules:
    is_news: News
    adapt: Adapt | None
    is_another: Another | None
    remember: bool


def accept_orders(
    database: MongoDatabase,
    batch: Sequence[EncodedOrder],
    *,
    is_news: News,
    adapt: Adapt | None = None,
    is_another: Another | None = None,
    remember: bool = False,
) -> Accepted:
    """Bring a batch of orders in, all or nothing. Calling it again with the same batch changes nothing.

    `batch` holds each id once. Batches of 1 000 to 10 000 orders are fast and stay far below the server's limits.
    With `remember`, versions that lost are written down, and one of them that comes again is unchanged, unless its
    source names an `updated_at`, which `is_news` then judges. `adapt` sees the orders whose content differs from the
    stored one before they are judged, and `is_another` refuses those that are no versions of it. Raises PyMongoError
    where the server refuses or cannot be reached; then nothing of the batch was written, or, where the reply to the
    commit was lost, all of it.
    """
    if not batch:
        return Accepted()
    rules = _Rules(is_news, adapt, is_another, remember)
    if database.client not in _VALIDATED:
        try:
            return _in_transaction(database, batch, rules, bypass=True)
        except OperationFailure as error:
            if error.code != UNAUTHORIZED:
                raise
            _VALIDATED.add(database.client)
    return _in_transaction(database, batch, rules, bypass=False)


def _in_transaction(database: MongoDatabase, batch: Sequence[EncodedOrder], rules: _Rules, *, bypass: bool) -> Accepted:
    if not is_replica_set(database):
        return _accept(database, batch, rules, bypass, None)
    with suppress(BulkWriteError):  # an order was stored after all; where it is something else it comes again
        return in_transaction(database, lambda session: _accept(database, batch, rules, bypass, session, look=_SOME))
    return in_transaction(database, lambda session: _accept(database, batch, rules, bypass, session))


def _accept(
    database: MongoDatabase,
    batch: Sequence[EncodedOrder],
    rules: _Rules,
    bypass: bool,
    session: ClientSession | None,
    *,
    look: int | None = None,
) -> Accepted:
    """With `look`, all orders count as new where none of so many is stored: in a transaction, inserting one that is
    stored fails and undoes all. What is not to be inserted is looked for."""
    orders: Any = database.get_collection(ORDERS, codec_options=RAW_OPTIONS)
    ids = [order.order_id for order in batch]
    may_be_stored = any_between(orders, ids, session) and (look is None or any_of(orders, ids[:look], session))
    hot = stored_orders(database, ids, session) if may_be_stored else {}
    absent = [order_id for order_id in ids if order_id not in hot] if hot else ids
    archived = _archived_among(database, absent, session)
    given = batch
    if people := forgotten_people(database, session):
        batch = [without_people(people, one, hot.get(one.order_id), archived.get(one.order_id)) for one in batch]
    result = Accepted(anonymous=sum(order.anonymous for order in batch))
    absentees: list[EncodedOrder] = []
    known: list[tuple[EncodedOrder, bytes]] = []
    later_of_archived: list[EncodedOrder] = []
    for order in batch:
        stored = hot.get(order.order_id)
        if stored is not None:
            if same_content(stored, order.bson):
                result.unchanged += 1
            else:
                known.append((order, stored))
        elif order.order_id in archived:
            entry = archived[order.order_id]
            if _is_content(entry[CONTENT_HASH], with_refunds(order, archived_refunds(entry))):
                result.unchanged += 1
            else:
                later_of_archived.append(order)
        else:
            absentees.append(order)
    result.expired += expired_among(database, absentees, session)
    if look and not hot and (archived or result.expired):
        return _accept(database, given, rules, bypass, session)
    expired = set(result.expired)
    new = [RawBSONDocument(order.bson) for order in absentees if order.order_id not in expired]
    result.accepted = len(new)
    if new:
        # The bytes are canonical by construction. The server's own look at them would be 11 of 28 µs for each order.
        orders.insert_many(new, ordered=False, bypass_document_validation=bypass, session=session)
    if later_of_archived:
        _change_archived(database, later_of_archived, archived, rules, result, session)
    if differing := _differing(known, rules, result):
        later = later_versions(database, differing, rules.is_news, remember=rules.remember, session=session)
        result.changed += len(later)
        result.unchanged += len(differing) - len(later)
        if later:
            replacements: list[ReplaceOne[Any]] = [
                ReplaceOne({"_id": pair.order_id}, RawBSONDocument(_after(pair))) for pair in later
            ]
            orders.bulk_write(replacements, ordered=False, session=session)
    return result


def _archived_among(
    database: MongoDatabase, ids: Sequence[int], session: ClientSession | None
) -> dict[int, Mapping[str, Any]]:
    """The entries of those of these orders that are in the archive."""
    archive = database[ARCHIVED_ORDERS]
    if not ids or not any_between(archive, ids, session):
        return {}
    return {entry["_id"]: entry for entry in archive.find({"_id": {"$in": ids}}, session=session)}


def _change_archived(
    database: MongoDatabase,
    orders: Sequence[EncodedOrder],
    archived: Mapping[int, Mapping[str, Any]],
    rules: _Rules,
    result: Accepted,
    session: ClientSession | None,
) -> None:
    """Keep later versions of archived orders; others are counted as what they are.

    One that was replaced before is unchanged, as for an order that is hot.
    """
    waiting = waiting_versions(database, [order.order_id for order in orders], session)
    changes: list[ArchivedChange] = []
    others: list[EncodedOrder] = []
    for order in orders:
        entry, last = archived[order.order_id], waiting.get(order.order_id)
        complete = with_refunds(order, last.order.refunds if last else archived_refunds(entry))
        if last is not None and _is_content(content_hash(last.order), complete):
            result.unchanged += 1
        elif change := change_of(entry, complete, last, rules.is_news):
            changes.append(change)
        else:
            others.append(complete)
    replaced = [(change.order_id, change.before) for change in changes]
    past = past_versions(database, [*replaced, *((order.order_id, order.bson) for order in others)], session)
    for order in others:
        if version_of(order.order_id, order.bson) in past:
            result.unchanged += 1
        else:
            result.already_archived.append(order.order_id)
    if changes:
        put_changes(database, changes, session)
        if rules.remember:
            remember_versions(database, replaced, past, session)
        result.changed += len(changes)


def _is_content(known: int, order: EncodedOrder) -> bool:
    """Whether a content hash is that of an order as it comes, in any spelling of its status."""
    return known in hashes_of_spellings(decode_order(order.bson))


def _differing(known: Sequence[tuple[EncodedOrder, bytes]], rules: _Rules, result: Accepted) -> list[Differing]:
    """The orders whose stored version has another content; the others are counted."""
    differing: list[Differing] = []
    for (order, _), stored in zip(known, canonical_documents([stored for _, stored in known]), strict=True):
        if not stored:
            differing.append(Differing(order.order_id, stored, order.bson, order.timed, order.anonymous))
            continue
        try:
            incoming = rules.adapt(stored, order) if rules.adapt else order.bson
        except Disagreement as error:
            if rules.is_another and rules.is_another(stored, order):
                result.other_orders.append(order.order_id)
            else:
                result.contradicting[order.order_id] = error
            continue
        if same_content(stored, incoming) or _same_but_spelling(stored, incoming):
            result.unchanged += 1
        elif rules.is_another and rules.is_another(stored, order):
            result.other_orders.append(order.order_id)
        else:
            differing.append(Differing(order.order_id, stored, incoming, order.timed, order.anonymous))
    return differing


def _after(pair: Differing) -> bytes:
    """What replaces the stored document."""
    return moved_forward(pair.stored, pair.incoming) if pair.stored else pair.incoming


def _same_but_spelling(stored: bytes, incoming: bytes) -> bool:
    """Whether two versions differ only in how they spell one status: nothing happened, and what is stored stays."""
    before, now = (RawBSONDocument(bson)["delivery"]["status"] for bson in (stored, incoming))
    if before == now or canonical(before) != canonical(now):
        return False
    order = decode_order(incoming)
    delivery = replace(order.delivery, status=before)
    return same_content(stored, encode_order(replace(order, delivery=delivery)))
