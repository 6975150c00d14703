"""What the list of orders says: pure functions from what was read to the JSON texts that are drawn."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from pymongo.errors import ConnectionFailure

from dashboard.order_cells import NOT_THERE, customer_link, link, status_cell, text_of, time_of, titled
from dashboard.orders import Listing
from dashboard.reasons import why
from dashboard.spans import running_hour
from dashboard.state import DIMENSIONS, Choices, View
from dashboard.tables import NO_TABLE, Content, column, head, table
from dashboard.text import NO_ARCHIVE, NOTHING, in_a_line, readable, span_so_far
from ecommerce.documents.promise import came_late, is_overdue
from ecommerce.order_search.archived_search import ArchivedPage
from ecommerce.order_search.ids import ids_of
from ecommerce.order_search.one_order import part_of
from ecommerce.order_search.query import STATES
from ecommerce.readable import counted, exact

SORTED_COLUMNS = {"Order": "id", "Time": "time", "Customer": "customer", "Status": "status", "Total": "total",
                  "Promised": "promised"}  # fmt: skip


NOT_BY_NAME = (
    "names and e-mails of customers are looked through only where a login, or ECOMMERCE_CUSTOMERS_ON_LOOPBACK, lets "
    "them be seen; in a terminal `ecommerce order --customer NAME` finds their orders"
)


def listing_cards(
    listing: Listing, view: View, choices: Choices, all_orders: int | None, zone: ZoneInfo
) -> dict[str, str]:
    """Name of each card of the list → its content as JSON. `all_orders`: how many the figures count in all."""
    return {
        "list": _head(listing, view, choices, all_orders, zone),
        "orders": _rows(listing, view, zone),
        "pager": json.dumps(_pager(listing, view, zone), ensure_ascii=False),
        "archived": _archived(listing, view, zone),
        "archived_pager": json.dumps(_archived_pager(listing, view), ensure_ascii=False),
    }


def _head(listing: Listing, view: View, choices: Choices, all_orders: int | None, zone: ZoneInfo) -> str:
    orders = view.orders
    span = view.span(listing.as_of, zone)
    days = "any day" if orders.text else span_so_far(span, running_hour(span, listing.as_of, zone), zone)
    notes = [
        days,
        counted(listing.count, "hot order") if listing.count is not None else "hot orders",
        "" if listing.in_archive else _of_archived(listing.count, all_orders),
        f"read at {listing.as_of.astimezone(zone):%H:%M:%S}",
    ]
    if listing.problem:
        notes.append(listing.problem)
    if orders.text and not listing.by_name and not ids_of(orders.text):
        notes.append(NOT_BY_NAME)
    begun = orders.first_page()
    links = []
    if orders.state is not None:
        name = f"{orders.state}: {STATES[orders.state]}"
        links.append(link(f"× {name}", view.with_orders(replace(begun, state=None)), f"Without {name}"))
    if orders.product is not None:
        links.append(link(f"× product {listing.product}", view.with_orders(replace(begun, product=None))))
    if orders.customer is not None:
        links.append(link(f"× customer #{orders.customer}", view.with_orders(replace(begun, customer=None))))
    if orders.text:
        links.append(link(f"× “{orders.text}”", view.with_orders(orders.with_text("")), "Without the search"))
    else:
        links += [
            link(f"× {_called(choices, dimension, value)}", view.toggled(dimension, frozenset({value})),
                  f"Without {dimension} {_called(choices, dimension, value)}")
            for dimension in DIMENSIONS
            for value in sorted(view.chosen(dimension), key=str)
        ]  # fmt: skip
    # Without the dot a browser takes it for a page of ours.
    text = "CSV of all these orders" if listing.in_archive else "CSV of all these hot orders"
    links.append({"key": "csv", "text": text, "href": f"./orders.csv{view.query()}", "title": ""})
    return head("Orders", in_a_line(*notes), links)


def _of_archived(hot: int | None, all_orders: int | None) -> str:
    """That archived orders are not in the list, and how many as far as that is known."""
    if all_orders is None:
        return "archived ones, where there are any, are not listed"
    if hot is None:
        return f"the figures count {exact(all_orders)}, archived ones too; where there are any, they are not listed"
    return f"the figures count {exact(all_orders - hot)} more, which are archived" if all_orders > hot else ""


def _called(choices: Choices, dimension: str, value: str | int) -> str:
    return choices.get(dimension, {}).get(value, str(value))


COLUMNS = ("Order", "Time", "Customer", "Status", "Total", "Items", "Payment", "To", "Promised", "Delivered")


def _rows(listing: Listing, view: View, zone: ZoneInfo) -> str:
    columns = [_sorted(each, listing, view) for each in _columns()]
    rows = [
        {"key": str(document["_id"]), "cells": _cells(document, listing, view, zone)} for document in listing.page.rows
    ]
    in_archive = listing.in_archive and (listing.in_archive.rows or listing.archived)
    if not rows and in_archive:  # what was looked for is in the card below
        return NO_TABLE
    empty = "No order in MongoDB is like this" if listing.page.looked_until is None else "None so far"
    return table("Orders found", "", columns, rows, empty, csv=False)


def _columns() -> list[Content]:
    return [column(name, number=name in ("Total", "Items")) for name in COLUMNS]


def _archived(listing: Listing, view: View, zone: ZoneInfo) -> str:
    """The archived orders of a text or a customer, the latest first; nothing where none are looked for."""
    found = listing.in_archive
    if found is None:
        return NO_TABLE
    columns = _columns()
    columns.insert(1, column("Where"))
    where = {"text": "archived", "tone": "plain"}
    orders = [(document["_id"], _cells(document, listing, view, zone)) for document in found.rows]
    if (one := listing.archived) and one.archive and view.orders.archive is None:
        unread: list[object] = [
            _order_link(int(one.order_id), view, f"#{one.order_id}"),
            *[NOTHING] * (len(COLUMNS) - 1),
        ]
        orders.insert(0, (one.order_id, _cells(one.document, listing, view, zone) if one.document else unread))
    rows = [{"key": str(order_id), "cells": [first, where, *cells]} for order_id, (first, *cells) in orders]
    empty = "No archived order is like this" if found.after is None and not found.problem else "None so far"
    return table("Archived orders", _looked_note(found), columns, rows, empty, csv=False)


def _looked_note(found: ArchivedPage) -> str:
    """How far the archive was looked through, and what of it could not be read."""
    looked, notes = found.looked, []
    if looked.all_days:
        what = f"{counted(looked.all_days, 'day')} with {counted(looked.all_orders, 'order')}"
        notes.append(
            f"all of {what} looked through"
            if found.after is None and not found.problem
            else f"{counted(looked.days, 'day')} with {counted(looked.orders, 'order')} of {what} looked through, "
            "the latest first"
        )
    if found.problem:
        notes.append(NO_ARCHIVE if found.elsewhere else f"the archive cannot be read: {found.problem}")
    if found.damaged:
        from ecommerce.archive.days import named_days  # PyIceberg's import takes half a second

        notes.append(named_days(found.damaged))
    return in_a_line(*notes)


def _archived_pager(listing: Listing, view: View) -> Content:
    found, orders = listing.in_archive, view.orders
    links = []
    if found and orders.archive is not None:
        links.append(link("Archived orders from the latest", view.with_orders(replace(orders, archive=None))))
    if found and found.after is not None:
        left = found.looked.all_days - found.looked.days
        text = f"Go on looking in the archive: {counted(left, 'day is', 'days are')} left"
        links.append(link(text, view.with_orders(replace(orders, archive=found.after))))
    return {"title": "", "subtitle": "", "label": "Pages of archived orders", "rows": links}


def _sorted(made: Content, listing: Listing, view: View) -> Content:
    """A column's head, which sorts by it where the database can."""
    by = SORTED_COLUMNS.get(made["name"])
    if by is None:
        return made
    state = ("descending" if listing.sort.descending else "ascending") if listing.sort.by == by else "none"
    return made | {"sort": state, "go": view.with_orders(view.orders.sorted_by(by)).query()}


def _cells(document: Mapping[str, Any], listing: Listing, view: View, zone: ZoneInfo) -> list[object]:
    order, delivery = (part_of(document, name) for name in ("order", "delivery"))
    expected, actual, status = delivery.get("expected_time"), delivery.get("actual_time"), delivery.get("status")
    user, paid_in = order.get("user_id"), str(order.get("currency") or listing.currency)
    overdue, late = is_overdue(status, expected, listing.as_of), came_late(status, expected, actual)
    return [
        _order_link(int(document["_id"]), view, titled(document["_id"], document)),
        time_of(order.get("order_time"), zone),
        customer_link(user, listing.customers, view),
        status_cell(status),
        f"{text_of(order.get('total_amount'), paid_in)} {order.get('currency') or ''}".rstrip(),
        text_of(order.get("quantity")),
        readable(str(order.get("payment_type", NOT_THERE))),
        text_of(delivery.get("location")),
        {"text": f"{time_of(expected, zone)}, overdue", "tone": "bad"} if overdue else time_of(expected, zone),
        {"text": f"{time_of(actual, zone)}, late", "tone": "bad"} if late else time_of(actual, zone),
    ]


def _order_link(order_id: int, view: View, text: str) -> Content:
    return {"text": text, "go": view.with_orders(replace(view.orders.first_page(), order=order_id)).query()}


def _pager(listing: Listing, view: View, zone: ZoneInfo) -> Content:
    page, orders = listing.page, replace(view.orders.first_page(), sort=listing.sort)
    links = []
    if page.before is not None:
        links += [
            link("First page", view.with_orders(orders)),
            link("Previous page", view.with_orders(replace(orders, before=page.before))),
        ]
    if page.after is not None:
        text = "Next page"
        if page.looked_until is not None:
            text = f"Nothing more down to {time_of(page.looked_until, zone)} so far: go on looking"
        links.append(link(text, view.with_orders(replace(orders, after=page.after))))
    return {"title": "", "subtitle": "", "label": "Pages of orders", "rows": links}


def failed_cards(error: Exception) -> dict[str, str]:
    """What is said where orders could not be read."""
    is_away = isinstance(error, ConnectionFailure)
    text = "MongoDB does not answer: load the page again when it does" if is_away else why(error, "Reading them failed")
    return {"list": head("Orders", text)}
