"""Archived orders by customer or external id: the days of the archive are looked through from the latest on, in pieces,
so that a viewer sees what was found so far and how much is left, and can go on from there.

Each archived order is seen once: in `main`, or in an open run's branch where it has left MongoDB; with the latest of
its versions that wait for a run.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from itertools import islice
from typing import TYPE_CHECKING, Any

import bson
from bson import Int64

from ecommerce.archive.errors import ArchiveElsewhereError, ArchiveError, failures_explained
from ecommerce.archive.identity import table_known
from ecommerce.archive.rows import HASH_COLUMN, RUN_COLUMN
from ecommerce.archive.view import ArchiveView, open_view
from ecommerce.documents.bson_codec import CODEC_OPTIONS
from ecommerce.kpis.question import Span
from ecommerce.mongo import ARCHIVED_CHANGES, ARCHIVED_ORDERS, Document, MongoDatabase
from ecommerce.order_search.ids import spellings_of
from ecommerce.order_search.looked import CountOfDays, Looked
from ecommerce.order_search.matching import condition_of, needs_items
from ecommerce.order_search.paging import FIRST_ID, PAGE_ROWS
from ecommerce.order_search.query import OrderQuery
from ecommerce.order_search.sorting import Position, Sort, row_position
from ecommerce.order_search.wanted import Wanted, wanted_of
from ecommerce.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

    from ecommerce.archive.days import Damage
    from ecommerce.order_search.archived_rows import DayFiles, DayRows

SECONDS = 1.5
"""How long a page looks through the archive before it shows what was found."""
MOMENT = timedelta(milliseconds=1)
ROWS_AT_ONCE = 1_000
THREADS = 4
DAYS_AHEAD = 8
"""Days whose files are read at a time; what was found in them is in memory."""

LISTED = ("order", "delivery", HASH_COLUMN, RUN_COLUMN)
"""The columns that a list shows."""

_readers = ThreadPoolExecutor(THREADS, thread_name_prefix="archive-search")
"""One for the process, so that many viewers do not take all of it from the ticks."""


@dataclass(frozen=True, slots=True)
class Step:
    """What a search found next."""

    rows: Sequence[Document]
    """Orders as documents, the latest first; without items where the query does not ask for them."""
    until: Position
    """All before it, from the latest order on, was looked through."""
    looked: Looked
    damage: "Damage | None" = None


@dataclass(frozen=True, slots=True)
class ArchivedPage:
    """Some archived orders."""

    rows: tuple[Document, ...] = ()
    after: Position | None = None
    """Behind it the search goes on; None: all was looked through."""
    looked: Looked = field(default_factory=Looked)
    damaged: "tuple[Damage, ...]" = ()
    problem: str = ""
    """Why the archive could not be looked through."""
    elsewhere: bool = False
    """It could not because this process was not given the archive."""


def archived_page(  # noqa: PLR0913 - what a page is asked by
    database: MongoDatabase,
    settings: Settings,
    query: OrderQuery,
    now: datetime,
    *,
    after: Position | None = None,
    rows: int = PAGE_ROWS,
    seconds: float = SECONDS,
) -> ArchivedPage | None:
    """The archived orders of a query that are found within some seconds; None where it names no text and no customer.

    The archive is not opened where the database has none. Raises PyMongoError.
    """
    if not query.is_search:
        return None
    deadline = time.monotonic() + seconds
    found: list[Document] = []
    damaged: list[Damage] = []
    looked, behind, problem = Looked(), None, None
    try:
        for step in archived_orders_of(database, settings, query, now, after=after):
            looked = step.looked
            damaged += [step.damage] if step.damage else []
            found += step.rows
            if len(found) > rows:
                behind = row_position(found[rows - 1], Sort())
                break
            if time.monotonic() >= deadline and looked.days < looked.all_days:
                behind = step.until
                break
    except ArchiveError as error:
        problem = error
    elsewhere = isinstance(problem, ArchiveElsewhereError)
    return ArchivedPage(tuple(found[:rows]), behind, looked, tuple(damaged), str(problem or ""), elsewhere)


def archived_orders_of(
    database: MongoDatabase, settings: Settings, query: OrderQuery, now: datetime, *, after: Position | None = None
) -> Iterator[Step]:
    """All archived orders of a query that names a text or a customer, the latest first, as they are found.

    `after`: a search that was left goes on behind that. Raises ArchiveError where the archive cannot be read; a file
    that is damaged is named, and the others are read.
    """
    if (wanted := wanted_of(database, query)) is None:
        return
    is_wanted = condition_of(database, query, now)
    span, columns = Span() if query.text else query.span, None if needs_items(query) else LISTED
    for step in _search(database, settings, wanted, span, columns, after):
        yield replace(step, rows=[row for row in step.rows if is_wanted(row)])


def orders_of_users(database: MongoDatabase, settings: Settings, users: Sequence[int]) -> Iterator[Step]:
    """All archived orders of customers, without their items; else as `archived_orders_of`."""
    yield from _search(database, settings, Wanted(frozenset(users)), Span(), LISTED, None)


def orders_with_external_id(database: MongoDatabase, settings: Settings, text: str) -> Iterator[Step]:
    """All archived orders that have an external id, with or without #, no items; else as `archived_orders_of`."""
    yield from _search(database, settings, Wanted(external_ids=frozenset(spellings_of(text))), Span(), LISTED, None)


def _search(
    database: MongoDatabase,
    settings: Settings,
    wanted: Wanted,
    span: Span,
    columns: Sequence[str] | None,
    after: Position | None,
) -> Iterator[Step]:
    """The archive is not opened where the database has none."""
    if table_known(database) is None:
        return
    with failures_explained("looking through the archive", "The archive was only read; try again."):
        yield from _steps(open_view(settings), wanted, span, columns, after)


def _steps(
    view: ArchiveView, wanted: Wanted, span: Span, columns: Sequence[str] | None, after: Position | None
) -> Iterator[Step]:
    from ecommerce.order_search.archived_rows import before, within

    held = _orders_held(view, span)
    files = _files(view, span, wanted, after)
    looked = CountOfDays(held)
    for found in _read_ahead(view, files, wanted, columns):
        end = Position(datetime.combine(found.day, clock(), UTC), FIRST_ID)
        if found.rows is not None:
            rows = within(found.rows, span.start, span.end)
            rows = rows if after is None else before(rows, after)
            for at in range(0, len(rows), ROWS_AT_ONCE):
                if documents := _documents(view, rows.slice(at, ROWS_AT_ONCE)):
                    yield Step(documents, row_position(documents[-1], Sort()), looked.before(found.day))
        yield Step((), end, looked.until(found.day), found.damage)
    first = datetime.combine(min(held, default=date.max), clock(), UTC)
    yield Step((), Position(first, FIRST_ID), looked.all())


def _orders_held(view: ArchiveView, span: Span) -> dict[date, int]:
    """How many orders the archive holds of each day of a span, by the records of its runs."""
    start, end = _days_of(span)
    held: dict[date, int] = {}
    of_open_run = view.open_run.per_day if view.open_run else ()
    for day in (*view.days.values(), *of_open_run):
        if (start is None or day.order_date >= start) and (end is None or day.order_date <= end):
            held[day.order_date] = held.get(day.order_date, 0) + day.orders
    return held


def _days_of(span: Span) -> tuple[date | None, date | None]:
    """The first and the last UTC day of a span."""
    start = span.start.astimezone(UTC).date() if span.start else None
    return start, (span.end.astimezone(UTC) - timedelta(microseconds=1)).date() if span.end else None


def _files(view: ArchiveView, span: Span, wanted: Wanted, after: Position | None) -> "list[DayFiles]":
    """The files that may hold what is wanted, of the latest day first; the table's bounds leave the others out."""
    from ecommerce.order_search.archived_rows import DayFiles

    start, end = _days_of(span)
    if after is not None:
        # A day that was looked through ends at its first moment, before which the next one begins.
        moment = after.value - MOMENT if after.order_id == FIRST_ID else after.value
        last = moment.astimezone(UTC).date()
        end = min(last, end) if end else last
    if start is not None and end is not None and start > end:
        return []
    main = view.files(start, end, also=wanted.expression())
    of_open_run = view.files(start, end, of_open_run=True, also=wanted.expression())
    days = sorted({*main, *of_open_run}, reverse=True)
    return [DayFiles(day, main.get(day, ()), of_open_run.get(day, ())) for day in days]


def _read_ahead(
    view: ArchiveView, files: "Sequence[DayFiles]", wanted: Wanted, columns: Sequence[str] | None
) -> "Iterator[DayRows]":
    """What was found in each day, in their order; the next ones are read meanwhile."""
    from ecommerce.order_search.archived_rows import rows_of_day

    waiting = iter(files)
    ahead: deque[Future[DayRows]] = deque(
        _readers.submit(rows_of_day, view, each, wanted, columns) for each in islice(waiting, DAYS_AHEAD)
    )
    try:
        while ahead:
            yield ahead.popleft().result()
            ahead += (_readers.submit(rows_of_day, view, each, wanted, columns) for each in islice(waiting, 1))
    finally:
        for future in ahead:
            future.cancel()


def _documents(view: ArchiveView, rows: "pa.Table") -> list[Document]:
    """Rows as documents, with the latest of their versions that wait for a run; not those that are hot."""
    from ecommerce.archive.encoded_orders import documents_of

    documents = [bson.decode(document, CODEC_OPTIONS) for document in documents_of(rows)]
    ids = [Int64(document["_id"]) for document in documents]
    purged = _purged(view, ids) if view.open_run else {}
    later = _waiting(view.database, ids)
    runs, hashes = rows[RUN_COLUMN].to_pylist(), rows[HASH_COLUMN].to_pylist()
    open_run = view.open_run.run_id if view.open_run else None
    return [
        later.get(document["_id"], document)
        for document, run, content in zip(documents, runs, hashes, strict=True)
        if run != open_run or purged.get(document["_id"]) == content
    ]


def _purged(view: ArchiveView, ids: Sequence[Int64]) -> dict[int, int]:
    """The content hashes of the orders that the open run has taken out of MongoDB."""
    assert view.open_run is not None  # noqa: S101 - the caller looked
    entries = view.database[ARCHIVED_ORDERS].find({"_id": {"$in": [*ids]}}, {"run_id": 1, HASH_COLUMN: 1})
    return {entry["_id"]: entry[HASH_COLUMN] for entry in entries if entry["run_id"] == view.open_run.run_id}


def _waiting(database: MongoDatabase, ids: Sequence[Int64]) -> dict[int, Any]:
    """The latest versions of archived orders that are not in their rows yet."""
    found = database[ARCHIVED_CHANGES].find({"order_id": {"$in": [*ids]}}, {"order_id": 1, "document": 1})
    return {change["order_id"]: change["document"] for change in found.sort([("order_id", 1), ("number", 1)])}
