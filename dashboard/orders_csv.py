"""`/orders.csv`: all orders of a view, streamed, however many. For `panel serve --plugins dashboard.orders_csv`.

It is behind the same login as the page, and has names and e-mails for the same viewers; such downloads are logged.
"""

import asyncio
import csv
import io
import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from bokeh.server.views.auth_request_handler import AuthRequestHandler
from pymongo.errors import PyMongoError
from tornado.iostream import StreamClosedError
from tornado.web import authenticated

from dashboard.customers import customers_of, may_see_customers, record_download
from dashboard.downloads import BYTE_ORDER_MARK
from dashboard.live import the_feed
from dashboard.orders import query_of
from dashboard.state import view_of_query
from ecommerce.mongo import Document, MongoDatabase, get_database
from ecommerce.order_search.one_order import part_of
from ecommerce.order_search.paging import every_order, prepare_search
from ecommerce.order_search.query import OrderQuery
from ecommerce.settings import get_settings
from ecommerce.spreadsheet import spreadsheet_cell

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
CUSTOMER = ("customer_name", "customer_email")


def csv_parts(database: MongoDatabase, query: OrderQuery, now: datetime, *, customers: bool) -> Iterator[str]:
    """The lines of a download, many at a time, the latest order first. Raises PyMongoError."""
    if query.text or query.user_id is not None:
        prepare_search(database)
    yield BYTE_ORDER_MARK + _lines([[*FIELDS, *(CUSTOMER if customers else ())]])
    # Half the time of whole documents.
    documents = every_order(database, query, now, map(".".join, FIELDS.values()))
    while chunk := list(islice(documents, ROWS_AT_ONCE)):
        users = {user for document in chunk if isinstance(user := _value(document, "order", "user_id"), int)}
        names = customers_of(database, users) if customers else {}
        yield _lines(_row(document, names, customers=customers) for document in chunk)


def _row(document: Document, names: Mapping[int, tuple[str, str]], *, customers: bool) -> list[object]:
    cells = [_value(document, *path) for path in FIELDS.values()]
    cells = [cell.isoformat() if isinstance(cell, datetime) else cell for cell in cells]
    return cells + (list(names.get(_value(document, "order", "user_id"), ("", ""))) if customers else [])


def _value(document: Document, part: str, name: str) -> Any:
    return part_of(document, part).get(name)


def _lines(rows: Iterable[Iterable[object]]) -> str:
    target = io.StringIO()
    # A number is a number: only texts can be taken for a formula.
    csv.writer(target, lineterminator="\r\n").writerows([spreadsheet_cell(cell) for cell in row] for row in rows)
    return target.getvalue()


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
        query = query_of(view_of_query("?" + self.request.query), now, zone, customers=customers)
        if customers:
            record_download(user, self.request.remote_ip, self.request.query)
        parts = csv_parts(get_database(settings), query, now, customers=customers)
        try:
            first = await asyncio.to_thread(next, parts)
            self.set_header("Content-Type", "text/csv; charset=utf-8")
            self.set_header("Content-Disposition", "attachment; filename=orders.csv")
            self.set_header("Cache-Control", "no-store")
            self.set_header("X-Content-Type-Options", "nosniff")
            part: str | None = first
            while part is not None:
                self.write(part)
                await self.flush()  # waits for the browser: a slow one does not fill the server's memory
                part = await asyncio.to_thread(next, parts, None)
        except StreamClosedError:
            return  # the viewer stopped it
        except PyMongoError as error:
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
