"""`/orders.csv`: all orders of a view, streamed, however many. For `panel serve --plugins dashboard.orders_csv`.

It is behind the same login as the page, and has names and e-mails for the same viewers; such downloads are logged.
"""

import asyncio
import logging
from array import array
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import numpy as np
from bokeh.server.views.auth_request_handler import AuthRequestHandler
from pymongo.errors import PyMongoError
from tornado.iostream import StreamClosedError
from tornado.web import authenticated

from dashboard.customers import customers_of, may_see_customers, record_download
from dashboard.downloads import csv_lines, csv_text
from dashboard.live import the_feed
from dashboard.orders import query_of
from dashboard.state import view_of_query
from ecommerce.archive.errors import ArchiveError
from ecommerce.errors import EcommerceError
from ecommerce.mongo import Document, MongoDatabase, get_database
from ecommerce.order_search.archived_search import archived_orders_of
from ecommerce.order_search.ids import ID_MAX, ids_of
from ecommerce.order_search.one_order import order_of, part_of
from ecommerce.order_search.paging import every_order, prepare_search
from ecommerce.order_search.query import OrderQuery
from ecommerce.order_search.sorting import Sort
from ecommerce.settings import Settings, get_settings

log = logging.getLogger(__name__)

ROWS_AT_ONCE = 1_000

FIELDS = {
    "order_id": ("order", "order_id"), "external_id": ("order", "external_id"), "order_time": ("order", "order_time"),
    "user_id": ("order", "user_id"), "status": ("delivery", "status"), "total_amount": ("order", "total_amount"),
    "currency": ("order", "currency"), "discount": ("order", "discount"), "items": ("order", "quantity"),
    "payment_type": ("order", "payment_type"), "courier_id": ("delivery", "courier_id"),
    "location": ("delivery", "location"), "expected_time": ("delivery", "expected_time"),
    "actual_time": ("delivery", "actual_time"),
}  # fmt: skip
PLACE = "place"
CUSTOMER = ("customer_name", "customer_email")


def csv_parts(
    database: MongoDatabase, settings: Settings, query: OrderQuery, sort: Sort, now: datetime, *, customers: bool
) -> Iterator[str]:
    """The lines of a download, many at a time: hot orders as they are sorted, then the archived ones of a text or a
    customer, the latest first. Raises PyMongoError; ArchiveError, at its end, where archived ones could not all be
    read.
    """
    if query.is_search:
        prepare_search(database)
    yield csv_text([*FIELDS, PLACE, *(CUSTOMER if customers else ())], ())
    # Half the time of whole documents.
    documents = every_order(database, query, now, map(".".join, FIELDS.values()), sort)
    hot = array("q")
    while chunk := list(islice(documents, ROWS_AT_ONCE)):
        if query.is_search:
            hot.extend(document["_id"] for document in chunk)
        yield _part(database, chunk, "hot", customers=customers)
    for chunk in _archived(database, settings, query, now, hot):
        yield _part(database, chunk, "archived", customers=customers)


def _archived(
    database: MongoDatabase, settings: Settings, query: OrderQuery, now: datetime, hot: "array[int]"
) -> Iterator[list[Document]]:
    """Archived orders, without those that were hot when the download began."""
    seen = np.sort(np.frombuffer(hot, np.int64))
    damaged = []
    if archived := _archived_by_id(database, settings, query):
        yield [archived]
        seen = np.sort(np.append(seen, archived["_id"]))
    for step in archived_orders_of(database, settings, query, now):
        damaged += [step.damage] if step.damage else []
        at = np.searchsorted(seen, ids := np.array([row["_id"] for row in step.rows], np.int64))
        is_new = np.append(seen, ID_MAX)[at] != ids
        if rows := [row for row, new in zip(step.rows, is_new, strict=True) if new]:
            yield rows
    if damaged:
        from ecommerce.archive.days import require_sound

        require_sound(damaged)


def _archived_by_id(database: MongoDatabase, settings: Settings, query: OrderQuery) -> Document | None:
    for order_id in ids_of(query.text):
        if (found := order_of(database, settings, order_id)) and found.archive:
            if found.document is None:
                raise ArchiveError(found.unread)
            return found.document
    return None


def _part(database: MongoDatabase, chunk: Sequence[Document], place: str, *, customers: bool) -> str:
    users = {user for document in chunk if isinstance(user := _value(document, "order", "user_id"), int)}
    names = customers_of(database, users) if customers else {}
    return csv_lines(_row(document, place, names, customers=customers) for document in chunk)


def _row(document: Document, place: str, names: Mapping[int, tuple[str, str]], *, customers: bool) -> list[object]:
    cells = [_value(document, *path) for path in FIELDS.values()]
    cells = [cell.isoformat() if isinstance(cell, datetime) else cell for cell in cells] + [place]
    user = _value(document, "order", "user_id")
    name = names.get(user, ("", "")) if isinstance(user, int) else ("", "")
    return cells + (list(name) if customers else [])


def _value(document: Document, part: str, name: str) -> Any:
    return part_of(document, part).get(name)


class OrdersCsv(AuthRequestHandler):
    """Streams the orders that the query of the page's link is about."""

    @authenticated
    async def get(self) -> None:
        settings = get_settings()
        provider = self.application.auth_provider
        has_login = provider.get_user is not None or provider.get_user_async is not None
        user = _text(self.current_user) if has_login else None
        customers = may_see_customers(settings, user, self.request.remote_ip)
        zone, now = the_feed().zone, datetime.now(UTC)
        view = view_of_query("?" + self.request.query)
        query = query_of(view, now, zone, customers=customers)
        if customers:
            record_download(user, self.request.remote_ip, self.request.query)
        parts = csv_parts(get_database(settings), settings, query, view.orders.sort, now, customers=customers)
        try:
            part = await asyncio.to_thread(next, parts, None)
            self.set_header("Content-Type", "text/csv; charset=utf-8")
            self.set_header("Content-Disposition", "attachment; filename=orders.csv")
            self.set_header("Cache-Control", "no-store")
            self.set_header("X-Content-Type-Options", "nosniff")
            while part is not None:
                self.write(part)
                await self.flush()  # waits for the browser: a slow one does not fill the server's memory
                part = await asyncio.to_thread(next, parts, None)
        except StreamClosedError:
            return  # the viewer stopped it
        except (PyMongoError, EcommerceError) as error:
            log.warning("a download of orders ended early: %s", error)
            if self._headers_written:
                # A cut download must not look whole: without the last chunk the browser says that it failed.
                self.request.connection.stream.close()
                return
            self.set_status(503)
            self.finish("MongoDB does not answer\n")


def _text(user: object) -> str | None:
    return user.decode(errors="replace") if isinstance(user, bytes) else user if isinstance(user, str) else None


ROUTES: list[tuple[str, type[AuthRequestHandler], dict[str, Any]]] = [("/orders.csv", OrdersCsv, {})]
