"""Later versions of archived orders: a refund, or a status further on, that comes when the order is in the archive.

`archived_changes` keeps each until the next archive run has put it into the order's row:

    {_id, order_id, number, order_date, before, document, received_at, counted, run?}

`before` is the version that it replaces, so that figures can be moved by the difference (`summaries.archived_changes`).
`number` counts the versions of an order that wait: the index refuses a second one that would replace the same, so two
imports of one refund at a time count it once. `run` is the archive run that puts it into the row (`archive.changes`).
The archive is not read for it: the entry of an archived order has the hash of its content, and the incoming version
without what it can have got since is the archived one where it has that hash, and else is refused. The entry has the
refunds, too, where there are any: they stay where a row names none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from bson import Int64
from bson.raw_bson import RawBSONDocument
from msgspec.structs import replace
from pymongo.client_session import ClientSession

from ecommerce.documents.bson_codec import decode_order, encode_order, from_mapping, to_document
from ecommerce.documents.canonical_bytes import has_refunds
from ecommerce.documents.content_hash import CONTENT_HASH, content_hash
from ecommerce.documents.order import MAPPED_REFUND, OrderDocument, Refund
from ecommerce.documents.statuses import STATUSES, canonical, status_rank
from ecommerce.ingest.encoded_order import EncodedOrder
from ecommerce.ingest.past_versions import News
from ecommerce.mongo import ARCHIVED_CHANGES, MongoDatabase

MOMENT = timedelta(milliseconds=1)

REFUNDS = "refunds"
"""Field of an archived order's entry that has the order's refunds, where it has any."""


@dataclass(frozen=True, slots=True)
class ArchivedChange:
    """A version of an archived order and the one that it replaces, as canonical BSON."""

    order_id: int
    order_date: datetime
    """The UTC day of its order time."""
    before: bytes
    document: bytes
    number: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """The latest version of an archived order that is not in its row yet."""

    order: OrderDocument
    number: int


def waiting_versions(database: MongoDatabase, ids: Sequence[int], session: ClientSession | None) -> dict[int, Waiting]:
    """The latest versions of archived orders that are not in their rows yet, by the order's id."""
    query = {"order_id": {"$in": [Int64(one) for one in ids]}}
    found = database[ARCHIVED_CHANGES].find(query, {"document": 1, "order_id": 1, "number": 1}, session=session)
    return {
        change["order_id"]: Waiting(decode_order(change["document"]), change["number"])
        for change in found.sort([("order_id", 1), ("number", 1)])
    }


def entry_content(order: OrderDocument) -> dict[str, Any]:
    """What an archived order's entry says of its content: {content_hash, refunds?}."""
    refunds = {REFUNDS: [to_document(refund) for refund in order.refunds]} if order.refunds else {}
    return {CONTENT_HASH: Int64(content_hash(order))} | refunds


def archived_refunds(entry: Mapping[str, Any]) -> tuple[Refund, ...]:
    """The refunds of an archived order, by its entry."""
    return tuple(from_mapping(Refund, refund) for refund in entry.get(REFUNDS, ()))


def with_refunds(order: EncodedOrder, refunds: tuple[Refund, ...]) -> EncodedOrder:
    """The order with these refunds where its row names none; and as of after the last, where the row says no time."""
    if not refunds or has_refunds(order.bson):
        return order
    version = decode_order(order.bson)
    after = max(refund.refund_time for refund in refunds) + MOMENT
    updated_at = version.updated_at if order.timed else max(version.updated_at, after)
    return replace(order, bson=encode_order(replace(version, refunds=refunds, updated_at=updated_at)))


def archived_version(entry: Mapping[str, Any], incoming: OrderDocument) -> OrderDocument | None:
    """The archived version that an incoming one follows; None where it is no later version of it."""
    stored = archived_refunds(entry)
    enlarged = [stored] if _go_on(stored, incoming.refunds) else []
    for refunds in (*_earlier_refunds(incoming.refunds), *enlarged):
        for delivery in _earlier_deliveries(incoming):
            earlier = replace(incoming, refunds=refunds, delivery=delivery, updated_at=incoming.updated_at - MOMENT)
            if content_hash(earlier) == entry["content_hash"]:
                return earlier
    return None


def is_later(before: OrderDocument, incoming: OrderDocument) -> bool:
    """Whether a version only adds to refunds, or goes further on with the status, beside another one."""
    kept = _go_on(before.refunds, incoming.refunds)
    same = replace(incoming, refunds=before.refunds, delivery=before.delivery, updated_at=before.updated_at) == before
    return kept and same and any(before.delivery == one for one in _earlier_deliveries(incoming))


def _earlier_refunds(refunds: Sequence[Refund]) -> Iterator[tuple[Refund, ...]]:
    """What an order may have had of its refunds: the first so many, or all but one."""
    ordered = sorted(refunds, key=lambda refund: (refund.refund_time, refund.refund_id))
    for count in range(len(ordered), -1, -1):
        yield tuple(ordered[:count])
    for left_out in range(len(ordered) - 1):
        yield tuple(ordered[:left_out] + ordered[left_out + 1 :])


def _go_on(before: Sequence[Refund], after: Sequence[Refund]) -> bool:
    """Whether refunds have all of those before as they were; the one that a mapping makes may have become larger.

    Exports tell in a column what was paid back of an order in all, so each later one may say more.
    """
    by_id = {refund.refund_id: refund for refund in after}
    return all(
        (now := by_id.get(was.refund_id)) is not None
        and (now == was or (was.refund_id == MAPPED_REFUND and _is_larger(was, now)))
        for was in before
    )


def _is_larger(was: Refund, now: Refund) -> bool:
    """Whether a refund is of more money, and of no less tax, shipping or pieces."""
    parts = [(was.tax_amount, now.tax_amount), (was.shipping_amount, now.shipping_amount)]
    pieces = {item.order_item_id: item.quantity for item in now.items}
    return (
        now.amount > was.amount
        and all((new or 0) >= (old or 0) for old, new in parts)
        and all(pieces.get(item.order_item_id, 0) >= item.quantity for item in was.items)
    )


def _earlier_deliveries(incoming: OrderDocument) -> Iterator[Any]:
    """The delivery as it is, then with each status that comes before its own, and as long as it had no time."""
    delivery = incoming.delivery
    yield delivery
    own = canonical(delivery.status)
    for status in STATUSES:
        if status.name != own and status.rank >= status_rank(delivery.status):
            continue
        for text in (status.name, *status.aliases, *(alias.capitalize() for alias in status.aliases)):
            yield replace(delivery, status=text)
            if delivery.actual_time is not None:
                yield replace(delivery, status=text, actual_time=None)


def put_changes(database: MongoDatabase, changes: Sequence[ArchivedChange], session: ClientSession | None) -> None:
    """Keep versions for the next archive run. Figures follow at the next advance."""
    now = datetime.now(UTC)
    documents = [
        {
            "order_id": Int64(change.order_id),
            "number": change.number,
            "order_date": change.order_date,
            "before": RawBSONDocument(change.before),
            "document": RawBSONDocument(change.document),
            "received_at": now,
            "counted": False,
        }
        for change in changes
    ]
    database[ARCHIVED_CHANGES].insert_many(documents, session=session)


def change_of(
    entry: Mapping[str, Any], order: EncodedOrder, waiting: Waiting | None, is_news: News
) -> ArchivedChange | None:
    """What an incoming version of an archived order changes; None where it is no later version of it.

    `waiting` is the version that came last, where some wait for the archive run.
    """
    incoming = decode_order(order.bson)
    if waiting is None:
        before = archived_version(entry, incoming)
    else:
        before = waiting.order if is_later(waiting.order, incoming) else None
    if before is None or not is_news(encode_order(before), order.bson):
        return None
    day = datetime.combine(incoming.order.order_time.astimezone(UTC).date(), time.min, UTC)
    number = waiting.number + 1 if waiting else 1
    return ArchivedChange(order.order_id, day, encode_order(before), order.bson, number)
