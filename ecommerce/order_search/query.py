"""What orders are asked for, and the MongoDB filter that says the same."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from ecommerce.documents.kinds import EARLIEST_TIME, LATEST_TIME
from ecommerce.documents.promise import match_late, match_open, match_overdue
from ecommerce.documents.statuses import UNCOUNTED, canonical, match_of, status_of
from ecommerce.kpis.catalog import UNKNOWN
from ecommerce.kpis.question import Filters, Span
from ecommerce.mongo import MongoDatabase
from ecommerce.order_search.ids import ids_of, spellings_of

State = Literal["counted", "open", "overdue", "late"]
STATES: dict[str, str] = {
    "counted": "whose money counts in revenue",
    "open": "not finished",
    "overdue": "not finished and past their promise",
    "late": "delivered late or overdue",
}
"""States that no single status tells, and what each means."""

CUSTOMERS_MAX = 1_000
"""Most customers of one name whose orders a search shows."""


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """Which orders are asked for."""

    span: Span = field(default_factory=Span)
    filters: Filters = field(default_factory=Filters)
    state: State | None = None
    product_id: int | None = None
    user_id: int | None = None
    text: str = ""
    """An order id, an external id or a customer's id; with it span and filters do not count."""
    customer_texts: bool = False
    """Whether `text` may also be a customer's name or e-mail."""

    @property
    def is_search(self) -> bool:
        """Whether it names a text or a customer, which indexes find."""
        return bool(self.text) or self.user_id is not None


def match(database: MongoDatabase, query: OrderQuery, now: datetime) -> dict[str, Any]:
    """The filter of a query's documents in `orders`. Values are compared, never read as operators."""
    # What somebody wrote past the validator and has no such id is no order, and has no place in a page.
    conditions: list[dict[str, Any]] = [{"_id": {"$type": "long"}}]
    if query.text:
        return {"$and": [*conditions, match_span(Span()), _match_text(database, query)]}
    conditions += [match_span(query.span), *_match_filters(query.filters), *_match_items(database, query)]
    if query.user_id is not None:
        conditions.append({"order.user_id": query.user_id})
    if query.state is not None:
        conditions.append(_match_state(query.state, now))
    return {"$and": conditions}


def match_span(span: Span) -> dict[str, Any]:
    """The filter of a span; an open end is that of all times an order can have, so that only times are found."""
    return {"order.order_time": {"$gte": span.start or EARLIEST_TIME, "$lt": span.end or LATEST_TIME}}


def _match_filters(filters: Filters) -> Iterable[dict[str, Any]]:
    if filters.statuses:
        yield _match_statuses(filters.statuses)
    for path, values in (
        ("order.payment_type", filters.payment_types),
        ("delivery.courier_id", filters.courier_ids),
        ("delivery.location", filters.locations),
    ):
        if values:
            yield {path: {"$in": sorted(values)}}


def _match_statuses(names: Iterable[str]) -> dict[str, Any]:
    known = sorted({canonical(name) for name in names if status_of(name)})
    unknown = sorted(name for name in names if not status_of(name))
    return {"$or": [*([match_of(known)] if known else []), {"delivery.status": {"$in": unknown}}]}


def _match_items(database: MongoDatabase, query: OrderQuery) -> Iterable[dict[str, Any]]:
    """One item has it all: the category, the warehouse and the product."""
    item: dict[str, Any] = {}
    if query.filters.warehouse_ids:
        item["warehouse_id"] = {"$in": sorted(query.filters.warehouse_ids)}
    of_product = [{"product_id": query.product_id}] if query.product_id is not None else []
    if query.filters.categories:
        of_product.append(_match_categories(database, query.filters.categories))
    if of_product:
        item["$and"] = of_product
    if item:
        yield {"order_items": {"$elemMatch": item}}


def _match_categories(database: MongoDatabase, categories: Iterable[str]) -> dict[str, Any]:
    """Products by the category that the catalog has now, as the figures have them; UNKNOWN: those without one."""
    of_them = products_of(database, set(categories) - {UNKNOWN})
    found: list[dict[str, Any]] = [{"product_id": {"$in": of_them}}]
    if UNKNOWN in categories:
        found.append({"product_id": {"$nin": products_of(database, None)}})
    return {"$or": found}


def products_of(database: MongoDatabase, categories: Iterable[str] | None) -> list[int]:
    """The ids of the products of these categories; None: of any."""
    any_category = {"$exists": True, "$nin": [None, "", UNKNOWN]}
    wanted = any_category if categories is None else {"$in": sorted(categories)}
    return [each["_id"] for each in database["products"].find({"category": wanted}, {"_id": 1})]


_CREDIT = {"order_items": {"$size": 0}, "refunds": {"$size": 1}}
"""A credit that names no order is in sales, and is none of the orders that the headline counts."""


def _match_state(state: State, now: datetime) -> dict[str, Any]:
    match state:
        case "counted":
            return {"$nor": [match_of(UNCOUNTED), _CREDIT]}
        case "open":
            return match_open()
        case "overdue":
            return match_overdue(now)
        case "late":
            return match_late(now)


def _match_text(database: MongoDatabase, query: OrderQuery) -> dict[str, Any]:
    """Each part has an index, so that a search reads only what it finds."""
    text = query.text.strip()
    either: list[dict[str, Any]] = [{"order.external_id": {"$in": [*spellings_of(text)]}}]
    for number in ids_of(text):
        either += [{"_id": number}, {"order.user_id": number}]
    if query.customer_texts and (found := users_called(database, text)):
        either.append({"order.user_id": {"$in": found}})
    return {"$or": either}


def users_called(database: MongoDatabase, text: str) -> list[int]:
    """The ids of the customers who have a name or an e-mail, at most CUSTOMERS_MAX."""
    named = {"$or": [{"email": {"$in": [text, text.lower()]}}, {"name": text}]}
    return [each["_id"] for each in database["users"].find(named, {"_id": 1}).limit(CUSTOMERS_MAX)]
