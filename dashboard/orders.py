"""What the orders page reads: a page of orders, or one order, with the names that the catalog has."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.customers import customers_of
from dashboard.state import View
from ecommerce.catalog_names import names_of
from ecommerce.kpis.catalog import product_names
from ecommerce.mongo import Document, MongoDatabase
from ecommerce.order_search.archived_search import ArchivedPage, archived_page
from ecommerce.order_search.ids import ids_of
from ecommerce.order_search.one_order import FoundOrder, order_of, part_of, parts_of
from ecommerce.order_search.paging import Page, TooManyToSort, count_of, page_of, prepare_search
from ecommerce.order_search.query import OrderQuery
from ecommerce.order_search.sorting import Sort
from ecommerce.settings import Settings


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of orders."""

    page: Page
    sort: Sort
    """As it is sorted, which is by time where what was asked for cannot be done."""
    problem: str
    """Why it is sorted otherwise than asked for; empty where it is not."""
    count: int | None
    """How many orders there are; None: not counted, as they are too many or as this is not their first page."""
    archived: FoundOrder | None
    """The archived order whose id is searched for."""
    customers: Mapping[int, tuple[str, str]]
    as_of: datetime
    product: str = ""
    """The name of the product that the orders have in common."""
    in_archive: ArchivedPage | None = None
    """The archived orders of a text or a customer; None: no such thing is asked for, or not on this page."""
    by_name: bool = False
    """Whether a text was looked for among the names and e-mails of customers, too."""
    currency: str = ""
    """The shop's, which amounts are in that name none."""


@dataclass(frozen=True, slots=True)
class OneOrder:
    """An order with the names of what it refers to."""

    found: FoundOrder | None
    customers: Mapping[int, tuple[str, str]]
    as_of: datetime
    names: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    """Of products, warehouses and couriers, by id."""


def query_of(view: View, now: datetime, zone: ZoneInfo, *, customers: bool) -> OrderQuery:
    """The orders that a view is about. `customers`: its viewer may see, and so search for, names and e-mails."""
    orders = view.orders
    return OrderQuery(
        span=view.span(now, zone),
        filters=view.filters,
        state=orders.state,  # type: ignore[arg-type]
        product_id=orders.product,
        user_id=orders.customer,
        text=orders.text,
        customer_texts=customers,
    )


def read_listing(
    database: MongoDatabase, settings: Settings, view: View, zone: ZoneInfo, *, customers: bool
) -> Listing:
    """The page of orders that a view shows. Raises PyMongoError."""
    now, orders = datetime.now(UTC), view.orders
    query = query_of(view, now, zone, customers=customers)
    if query.is_search:
        prepare_search(database)
    sort, problem = orders.sort, ""
    try:
        page = page_of(database, query, sort, now, after=orders.after, before=orders.before)
    except TooManyToSort as error:
        sort, problem = Sort(), str(error)
        page = page_of(database, query, sort, now)
    first = orders.after is None and orders.before is None
    archived, in_archive = None, None
    if first:
        found = (order_of(database, settings, order_id) for order_id in ids_of(query.text))
        archived = next((each for each in found if each and each.archive), None)
        in_archive = archived_page(database, settings, query, now, after=orders.archive)
    if in_archive:
        # An order may have been archived since the hot ones were read.
        seen = {row["_id"] for row in page.rows} | ({archived.order_id} if archived else set())
        in_archive = replace(in_archive, rows=tuple(row for row in in_archive.rows if row["_id"] not in seen))
    shown = [*page.rows, *(in_archive.rows if in_archive else ())]
    if archived and archived.document:
        shown.append(archived.document)
    product = orders.product
    return Listing(
        page=page,
        sort=sort,
        problem=problem,
        count=count_of(database, query, now) if first else None,
        archived=archived,
        customers=customers_of(database, _users(shown)) if customers else {},
        as_of=now,
        in_archive=in_archive,
        by_name=customers,
        product="" if product is None else product_names(database, [product])[product],
    )


def read_order(database: MongoDatabase, settings: Settings, order_id: int, *, customers: bool) -> OneOrder:
    """One order. Raises PyMongoError."""
    found = order_of(database, settings, order_id)
    document: Document = (found.document if found else None) or {}
    items = parts_of(document, "order_items")
    couriers = _ids([part_of(document, "delivery")], "courier_id")
    return OneOrder(
        found=found,
        customers=customers_of(database, _users([document])) if customers else {},
        as_of=datetime.now(UTC),
        names={
            "product_id": names_of(database, "products", _ids(items, "product_id")),
            "warehouse_id": names_of(database, "warehouses", _ids(items, "warehouse_id")),
            "courier_id": names_of(database, "couriers", couriers),
        },
    )


def _users(documents: Iterable[Document]) -> list[int]:
    return _ids([part_of(document, "order") for document in documents], "user_id")


def _ids(records: Iterable[Mapping[str, Any]], name: str) -> list[int]:
    return sorted({record[name] for record in records if isinstance(record.get(name), int)})
