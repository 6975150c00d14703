"""Pages of orders, sorted and filtered by MongoDB, each found from the row before it: a late page costs no more than
the first.

By order time, which is how all are sorted that are too many to be sorted otherwise, a page is looked for in pieces of
the time's index, and what was found within SECONDS is shown: a filter that lets one order in a million through does not
keep the viewer waiting, and whoever wants to know goes on from there.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pymongo.errors import ExecutionTimeout

from ecommerce.documents.indexes import CUSTOMER_INDEX, EXTERNAL_ID_INDEX
from ecommerce.errors import InputError
from ecommerce.kpis.question import Span
from ecommerce.mongo import ORDERS, Document, MongoDatabase
from ecommerce.order_search.query import OrderQuery, match, match_span
from ecommerce.order_search.sorting import ID, TIME, Position, Sort, behind, row_position

PAGE_ROWS = 50
SORTED_MAX = 100_000
"""Most orders of a span that are sorted by something else than time or id."""
COUNTED_MAX = 100_000
SECONDS = 0.6
COUNT_SECONDS = 0.2
FIRST_PIECE, LAST_PIECE = 1_000, 16_000
"""Orders in a piece of the time's index; each is four times the one before, as most filters let many through."""
FIRST_ID, LAST_ID = -(2**63), 2**63 - 1


class TooManyToSort(InputError):
    """A span has too many orders to be sorted by anything but time or id."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some orders, as documents."""

    rows: tuple[Document, ...]
    after: Position | None
    """Behind it the next page begins; None: there is none."""
    before: Position | None
    """Before it the previous page ends; None: this is the first."""
    looked_until: datetime | None = None
    """The time for a page was over here, and there may be more behind it; None: the page is full, or all was seen."""


def page_of(  # noqa: PLR0913 - what a page is asked by
    database: MongoDatabase,
    query: OrderQuery,
    sort: Sort,
    now: datetime,
    *,
    after: Position | None = None,
    before: Position | None = None,
    rows: int = PAGE_ROWS,
) -> Page:
    """The page behind `after` or before `before`, else the first. Raises TooManyToSort, PyMongoError."""
    found = match(database, query, now)
    if before is None:
        page = _looked(database, query, found, sort, after, rows)
        if after is None:
            return page
        return replace(page, before=row_position(page.rows[0], sort) if page.rows else after)
    back = _looked(database, query, found, sort.reversed(), before, rows)
    if back.after is None:  # less than a page before it: the first page, filled up
        return page_of(database, query, sort, now, rows=rows)
    kept = tuple(reversed(back.rows))
    last = row_position(kept[-1], sort) if kept else before
    return Page(kept, last, row_position(kept[0], sort) if kept else back.after, back.looked_until)


def count_of(database: MongoDatabase, query: OrderQuery, now: datetime) -> int | None:
    """How many orders a query finds; None where they are more than COUNTED_MAX or counting takes too long."""
    try:
        counted = database[ORDERS].count_documents(
            match(database, query, now), limit=COUNTED_MAX + 1, maxTimeMS=round(1000 * COUNT_SECONDS)
        )
    except ExecutionTimeout:
        return None
    return counted if counted <= COUNTED_MAX else None


def every_order(
    database: MongoDatabase, query: OrderQuery, now: datetime, fields: Iterable[str], sort: Sort
) -> Iterator[Document]:
    """All orders of a query, as they are sorted; streamed, however many. `fields`: only these, by their paths."""
    found = database[ORDERS].find(match(database, query, now), list(fields) or None, batch_size=1_000)
    # By time as its index has them: with the id behind it, all would have to be sorted first.
    keys = sort.keys()[:1] if sort.path == TIME else sort.keys()
    yield from found.sort(keys).allow_disk_use(True)


def every_order_of(database: MongoDatabase, users: Sequence[int]) -> Iterator[Document]:
    """All hot orders of customers, the latest first, without their items; found by an index where there is one."""
    query = {"_id": {"$type": "long"}, "order.user_id": {"$in": [*users]}}
    yield from database[ORDERS].find(query, {"order": 1, "delivery": 1}).sort(TIME, -1).allow_disk_use(True)


def _looked(
    database: MongoDatabase, query: OrderQuery, found: Document, sort: Sort, after: Position | None, rows: int
) -> Page:
    if sort.path == TIME and not query.is_search:
        return _by_time(database, query.span, found, sort, after, rows)
    if sort.path != ID and not query.is_search:
        _require_few(database, query.span)
    conditions = [found, *([behind(sort, after)] if after else [])]
    documents = list(database[ORDERS].find({"$and": conditions}).sort(sort.keys()).limit(rows + 1))
    return _page(documents, sort, rows)


def _by_time(
    database: MongoDatabase, span: Span, found: Document, sort: Sort, after: Position | None, rows: int
) -> Page:
    deadline = time.monotonic() + SECONDS
    documents: list[Document] = []
    at, piece = after, FIRST_PIECE
    while True:
        end = _piece_end(database, span, sort, at, piece)
        conditions = [found, *([behind(sort, at)] if at else [])]
        if end is not None:
            conditions.append({TIME: {"$gte" if sort.descending else "$lte": end}})
        piece_of = database[ORDERS].find({"$and": conditions}, hint="order_time").sort(sort.keys())
        documents += piece_of.limit(rows + 1 - len(documents))
        if len(documents) > rows or end is None:
            return _page(documents, sort, rows)
        # All orders of that instant were in the piece.
        at, piece = Position(end, FIRST_ID if sort.descending else LAST_ID), min(LAST_PIECE, 4 * piece)
        if time.monotonic() >= deadline:
            return Page(tuple(documents), at, None, looked_until=end)


def _piece_end(database: MongoDatabase, span: Span, sort: Sort, at: Position | None, piece: int) -> datetime | None:
    """The time of the order so many behind a position, from the index alone; None where there are fewer."""
    beyond = {TIME: {"$lt" if sort.descending else "$gt": at.value}} if at else {}
    found = (
        database[ORDERS]
        .find({"$and": [match_span(span), beyond]}, {TIME: 1, ID: 0}, hint="order_time")
        .sort(TIME, sort.step)
        .skip(piece)
        .limit(1)
    )
    return next((document["order"]["order_time"] for document in found), None)


def _require_few(database: MongoDatabase, span: Span) -> None:
    if database[ORDERS].count_documents(match_span(span), limit=SORTED_MAX + 1, hint="order_time") > SORTED_MAX:
        raise TooManyToSort(
            f"this span has more than {SORTED_MAX:,} hot orders, which are sorted by time or by id only: "
            "choose a shorter span to sort them otherwise"
        )


def _page(documents: list[Document], sort: Sort, rows: int) -> Page:
    shown = tuple(documents[:rows])
    return Page(shown, row_position(shown[-1], sort) if len(documents) > rows else None, None)


def prepare_search(database: MongoDatabase) -> None:
    """Make the indexes of searches where they are missing: 3 to 10 s per million orders, once. Raises PyMongoError."""
    database[ORDERS].create_indexes([CUSTOMER_INDEX, EXTERNAL_ID_INDEX])
