"""Whether an order is one that is asked for, told from its document: what `query.match` says to MongoDB, for orders
that are in no collection. A text or a customer chooses among archived orders before this does.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from ecommerce.documents.promise import came_late, is_overdue
from ecommerce.documents.statuses import canonical, is_counted, is_finished
from ecommerce.kpis.catalog import UNKNOWN
from ecommerce.kpis.question import Filters
from ecommerce.mongo import MongoDatabase
from ecommerce.order_search.query import OrderQuery, State, products_of

Condition = Callable[[Mapping[str, Any]], bool]
"""Whether a document is wanted."""


def needs_items(query: OrderQuery) -> bool:
    """Whether a query asks for more of an order than itself and its delivery."""
    filters = query.filters
    of_items = filters.warehouse_ids or filters.categories or query.product_id is not None or query.state == "counted"
    return bool(of_items) and not query.text


def condition_of(database: MongoDatabase, query: OrderQuery, now: datetime) -> Condition:
    """What a query's filters and state ask of a document. Its span, text and customer are not looked at."""
    conditions: list[Condition] = []
    if not query.text:
        conditions += [*_of_filters(query.filters), *_of_items(database, query)]
        if query.state is not None:
            conditions.append(_of_state(query.state, now))
    return lambda document: all(condition(document) for condition in conditions)


def _of_filters(filters: Filters) -> Iterator[Condition]:
    if filters.statuses:
        names = {canonical(name) for name in filters.statuses}
        yield lambda document: canonical(document["delivery"]["status"]) in names
    for part, name, values in (
        ("order", "payment_type", filters.payment_types),
        ("delivery", "courier_id", filters.courier_ids),
        ("delivery", "location", filters.locations),
    ):
        if values:
            yield _is_among(part, name, values)


def _is_among(part: str, name: str, values: Collection[Any]) -> Condition:
    return lambda document: document[part].get(name) in values


def _of_items(database: MongoDatabase, query: OrderQuery) -> Iterator[Condition]:
    """One item has it all: the category, the warehouse and the product."""
    warehouses, categories, product = query.filters.warehouse_ids, query.filters.categories, query.product_id
    if not (warehouses or categories or product is not None):
        return
    of_categories = frozenset(products_of(database, set(categories) - {UNKNOWN}))
    with_category = frozenset(products_of(database, None)) if UNKNOWN in categories else frozenset()

    def has_category(product_id: int) -> bool:
        return product_id in of_categories or (UNKNOWN in categories and product_id not in with_category)

    def is_wanted(item: Mapping[str, Any]) -> bool:
        return (
            (not warehouses or item["warehouse_id"] in warehouses)
            and product in (None, item["product_id"])
            and (not categories or has_category(item["product_id"]))
        )

    yield lambda document: any(map(is_wanted, document["order_items"]))


def _of_state(state: State, now: datetime) -> Condition:
    def is_wanted(document: Mapping[str, Any]) -> bool:
        delivery = document["delivery"]
        status, expected, actual = delivery["status"], delivery["expected_time"], delivery.get("actual_time")
        match state:
            case "counted":
                is_credit = not document["order_items"] and len(document.get("refunds") or ()) == 1
                return is_counted(status) and not is_credit
            case "open":
                return not is_finished(status)
            case "overdue":
                return is_overdue(status, expected, now)
            case "late":
                return bool(expected < now) and (came_late(status, expected, actual) or not is_finished(status))

    return is_wanted
