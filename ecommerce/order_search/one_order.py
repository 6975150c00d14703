"""One order: its document with what happened to it, and of an archived one where it lies."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import bson
from bson import Int64, MaxKey, MinKey
from pymongo.errors import OperationFailure

from ecommerce.archive.errors import ArchiveElsewhereError
from ecommerce.archive.run import ARCHIVE_RUNS
from ecommerce.archive_location import archive_uri
from ecommerce.documents.bson_codec import as_decimal
from ecommerce.documents.indexes import EXTERNAL_ID_INDEX
from ecommerce.documents.promise import came_late, is_overdue
from ecommerce.documents.stored import ANYTHING, NotAnOrder, shown, stored_order
from ecommerce.errors import EcommerceError, InputError
from ecommerce.ingest.past_versions import PAST_VERSIONS
from ecommerce.iso_4217 import amount_text
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, Document, MongoDatabase
from ecommerce.order_search.ids import ids_of, spellings_of
from ecommerce.readable import first_of
from ecommerce.settings import Settings
from ecommerce.summaries.aside import RAW

SAME_NAMED_MAX = 10
"""Orders of one external id that are named: those of several sources may have the same."""


@dataclass(frozen=True, slots=True)
class ArchivePlace:
    """Where an archived order lies."""

    run_id: str
    """The archive run that took it out of MongoDB."""
    day: date
    """The UTC day of its order time."""
    state: str
    archived_at: datetime | None
    directory: str
    """Of the table's files of that day; empty where this process was not given the archive."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something in an order's life."""

    time: datetime
    what: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class FoundOrder:
    """An order and where it is."""

    order_id: int | str
    """The `_id`; a text where somebody wrote one that is no number."""
    document: Document | None
    """None where an archived order was not read."""
    archive: ArchivePlace | None
    past_versions: int
    """Versions that later ones replaced, or that came too late."""
    unread: str = ""
    """Why an archived order could not be read; empty where nobody tried."""
    elsewhere: bool = False
    """It could not be read because this process was not given the archive."""
    set_aside: str = ""
    """Why the document is no order, which keeps it out of all figures; empty where it is one."""
    archived_too: str = ""
    """The run that archived a hot order, where it is in both places and counts twice; empty where it is in one."""

    @property
    def place(self) -> str:
        return "hot" if self.archive is None else "archived"


def find_order(
    database: MongoDatabase, settings: Settings, text: str, *, read_archive: bool = True
) -> FoundOrder | None:
    """The order of an id, or of an external id with or without its #; None where there is none.

    Raises PyMongoError, and InputError where several hot orders have the external id.
    """
    for order_id in ids_of(text):
        if found := order_of(database, settings, order_id, read_archive=read_archive):
            return found
    _prepare_external_ids(database)
    for spelling in spellings_of(text):
        same = database[ORDERS].find({"order.external_id": spelling}, {"_id": 1}).limit(SAME_NAMED_MAX + 1)
        ids = [document["_id"] for document in same]
        if len(ids) > 1:
            raise InputError(several_orders(spelling, ids))
        if ids:
            return _hot(database, {"_id": ids[0]})
    return None


def _prepare_external_ids(database: MongoDatabase) -> None:
    """Make the index of external ids where it is missing. Where MongoDB refuses it, the search reads every order."""
    if database[ORDERS].find_one({}, {"_id": 1}) is not None:  # else MongoDB would make the collection, too
        with suppress(OperationFailure):
            database[ORDERS].create_indexes([EXTERNAL_ID_INDEX])


def several_orders(external_id: str, ids: Sequence[object]) -> str:
    """That several orders have an external id, and their own ids, by which each is found."""
    named = first_of([shown(identity) for identity in ids[:SAME_NAMED_MAX]], SAME_NAMED_MAX)
    more = " and more" if len(ids) > SAME_NAMED_MAX else ""
    return f"several orders have the external id {external_id!r}: give the id of one of them: {named}{more}"


def order_of(
    database: MongoDatabase, settings: Settings, order_id: int, *, read_archive: bool = True
) -> FoundOrder | None:
    """The order of an id, hot or archived; None where there is none. Without `read_archive` only where it lies."""
    if hot := _hot(database, {"_id": order_id}):
        return hot
    # An order that is being archived leaves one collection and enters the other in one transaction: it may have moved
    # between the two reads, but only this way.
    archived = database[ARCHIVED_ORDERS].find_one({"_id": order_id})
    if archived is None:
        return None
    place, past = _archive_place(database, settings, archived), _past_versions(database, order_id)
    if not read_archive:
        return FoundOrder(order_id, None, place, past)
    # Only who asks for an archived order waits for PyIceberg's import, half a second of processor time.
    from ecommerce.order_search.archived_order import archived_document

    try:
        return FoundOrder(order_id, archived_document(database, settings, archived), place, past)
    except EcommerceError as error:
        if elsewhere := isinstance(error, ArchiveElsewhereError):
            place = replace(place, directory="")
        return FoundOrder(order_id, None, place, past, unread=str(error), elsewhere=elsewhere)


def life_of(document: Mapping[str, Any], now: datetime, currency: str = "") -> list[Event]:
    """What happened to an order, in the order of time; of a document that is damaged, what can be read.

    `currency` is that of an order that names none."""
    order, delivery = (part_of(document, name) for name in ("order", "delivery"))
    status = str(delivery.get("status", ""))
    expected, actual = delivery.get("expected_time"), delivery.get("actual_time")
    events = [Event(time, "Ordered") for time in [order.get("order_time")] if isinstance(time, datetime)]
    if isinstance(expected, datetime):
        events.append(Event(expected, "Promised", "overdue" if is_overdue(status, expected, now) else ""))
    if isinstance(actual, datetime):
        events.append(Event(actual, "Delivered", "late" if came_late(status, expected, actual) else ""))
    currency = str(order.get("currency") or currency)
    for refund in parts_of(document, "refunds"):
        if isinstance(time := refund.get("refund_time"), datetime):
            reason = f", {refund['reason']}" if refund.get("reason") else ""
            events.append(Event(time, "Refunded", f"{_amount(refund.get('amount', ''), currency)}{reason}"))
    if isinstance(time := document.get("updated_at"), datetime):
        events.append(Event(time, "Last written", status))
    return sorted(events, key=lambda event: event.time)


def _amount(value: Any, currency: str) -> str:
    amount = as_decimal(value)
    return amount_text(amount, currency) if isinstance(amount, Decimal) else str(amount)


def part_of(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of a document, such as its delivery; empty where it is missing or somebody wrote something else there."""
    value = document.get(name)
    return value if isinstance(value, Mapping) else {}


def parts_of(document: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The records of a list in a document, such as its refunds; what somebody wrote there that is none is left out."""
    value = document.get(name)
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _hot(database: MongoDatabase, query: Mapping[str, Any]) -> FoundOrder | None:
    """The first document of `orders` that a query finds, and whether it is an order."""
    orders: Any = database.get_collection(ORDERS, codec_options=RAW)
    if (found := orders.find_one(query)) is None:
        return None
    document: Document = bson.decode(found.raw, ANYTHING)
    # Judged here as the summaries do: what they have noted is as old as their last advance.
    try:
        stored_order(found.raw)
        fault = ""
    except NotAnOrder as error:
        fault = str(error)
    identity = document["_id"]
    if not isinstance(identity, int):
        return FoundOrder(shown(identity), document, None, 0, set_aside=fault)
    past = _past_versions(database, identity)
    archived = None if fault else database[ARCHIVED_ORDERS].find_one({"_id": identity}, {"run_id": 1})
    # A purge moves an order in one transaction: it was hot a moment ago, and may be archived by now.
    if archived is not None and orders.find_one({"_id": identity}, {"_id": 1}) is None:
        archived = None
    archived_too = str(archived["run_id"]) if archived else ""
    return FoundOrder(identity, document, None, past, set_aside=fault, archived_too=archived_too)


def _past_versions(database: MongoDatabase, order_id: int) -> int:
    first, last = ({"order_id": Int64(order_id), "version": end} for end in (MinKey(), MaxKey()))
    return database[PAST_VERSIONS].count_documents({"_id": {"$gte": first, "$lte": last}})


def _archive_place(database: MongoDatabase, settings: Settings, archived: Document) -> ArchivePlace:
    run_id, day = str(archived["run_id"]), archived["order_date"].date()
    run = database[ARCHIVE_RUNS].find_one({"_id": run_id}, {"state": 1, "started_at": 1, "finished_at": 1}) or {}
    return ArchivePlace(
        run_id=run_id,
        day=day,
        state=run.get("state", "unknown"),
        archived_at=run.get("finished_at") or run.get("started_at"),
        directory=f"{archive_uri(settings)}/{database.name}/orders/data/order.order_time_day={day.isoformat()}",
    )
