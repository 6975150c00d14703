"""What the orders page says: pure functions from what was read to the JSON texts that are drawn."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from bson import Decimal128
from pymongo.errors import PyMongoError

from dashboard.orders import Listing, OneOrder
from dashboard.state import DIMENSIONS, Choices, View
from dashboard.tables import Content, column, table
from dashboard.text import NOTHING, exact, readable, span_text
from ecommerce.documents.statuses import canonical, is_finished
from ecommerce.order_search.one_order import ArchivePlace, life_of
from ecommerce.order_search.query import STATES

SORTED_COLUMNS = {"Order": "id", "Time": "time", "Customer": "customer", "Status": "status", "Total": "total",
                  "Promised": "promised"}  # fmt: skip
MONEY_DIGITS_MAX = 20
NOT_THERE = "?"
"""What a document that is no order does not have."""


def listing_cards(
    listing: Listing, view: View, choices: Choices, all_orders: int | None, zone: ZoneInfo
) -> dict[str, str]:
    """Name of each card of the list → its content as JSON. `all_orders`: how many the figures count in all."""
    return {
        "list": json.dumps(_head(listing, view, choices, all_orders, zone), ensure_ascii=False),
        "orders": _rows(listing, view, zone),
        "pager": json.dumps(_pager(listing, view, zone), ensure_ascii=False),
    }


def _head(listing: Listing, view: View, choices: Choices, all_orders: int | None, zone: ZoneInfo) -> Content:
    orders = view.orders
    days = "any day" if orders.text else span_text(view.span(listing.as_of, zone), zone)
    notes = [days, _counted(listing), f"read at {listing.as_of.astimezone(zone):%H:%M:%S}"]
    if all_orders is not None and listing.count is not None and all_orders > listing.count:
        notes.insert(2, f"the figures count {exact(all_orders - listing.count)} more, which are archived")
    if listing.problem:
        notes.append(listing.problem)
    begun = orders.first_page()
    links = []
    if orders.state is not None:
        name = f"{orders.state}: {STATES[orders.state]}"
        links.append(_link(f"× {name}", view.with_orders(replace(begun, state=None)), f"Without {name}"))
    if orders.product is not None:
        links.append(_link(f"× product {listing.product}", view.with_orders(replace(begun, product=None))))
    if orders.customer is not None:
        links.append(_link(f"× customer #{orders.customer}", view.with_orders(replace(begun, customer=None))))
    if orders.text:
        links.append(_link(f"× “{orders.text}”", view.with_orders(orders.with_text("")), "Without the search"))
    else:
        links += [
            _link(f"× {_called(choices, dimension, value)}", view.toggled(dimension, frozenset({value})),
                  f"Without {dimension} {_called(choices, dimension, value)}")
            for dimension in DIMENSIONS
            for value in sorted(view.chosen(dimension), key=str)
        ]  # fmt: skip
    # Without the dot a browser takes it for a page of ours.
    links.append({"key": "csv", "text": "CSV of all these orders", "href": f"./orders.csv{view.query()}", "title": ""})
    return {"title": "Orders", "subtitle": " · ".join(note for note in notes if note), "rows": links}


def _counted(listing: Listing) -> str:
    if listing.count is not None:
        return f"{exact(listing.count)} hot {'order' if listing.count == 1 else 'orders'}"
    return "hot orders"


def _called(choices: Choices, dimension: str, value: str | int) -> str:
    return choices.get(dimension, {}).get(value, str(value))


def _link(text: str, view: View, title: str = "") -> Content:
    return {"key": text, "text": text, "go": view.query(), "title": title}


def _rows(listing: Listing, view: View, zone: ZoneInfo) -> str:
    columns = [
        _sorted(column(name, number=name in ("Total", "Items")), listing, view)
        for name in (
            "Order", "Time", "Customer", "Status", "Total", "Items", "Payment", "To", "Promised", "Delivered"
        )
    ]  # fmt: skip
    rows = [
        {"key": str(document["_id"]), "cells": _cells(document, listing, view, zone)} for document in listing.page.rows
    ]
    if (found := listing.archived) and found.archive:
        cells = [_order_link(found.order_id, view), NOTHING, NOTHING, {"text": "archived", "tone": "plain"}]
        rows.insert(0, {"key": str(found.order_id), "cells": cells + [NOTHING] * (len(columns) - 4)})
    empty = "No hot order is like this"
    if listing.page.looked_until is not None:
        empty = "None so far"
    return table("Orders found", "", columns, rows, empty, csv=False)


def _sorted(made: Content, listing: Listing, view: View) -> Content:
    """A column's head, which sorts by it where the database can."""
    by = SORTED_COLUMNS.get(made["name"])
    if by is None:
        return made
    state = ("descending" if listing.sort.descending else "ascending") if listing.sort.by == by else "none"
    return made | {"sort": state, "go": view.with_orders(view.orders.sorted_by(by)).query()}


def _cells(document: Mapping[str, Any], listing: Listing, view: View, zone: ZoneInfo) -> list[object]:
    order, delivery = (_part(document, name) for name in ("order", "delivery"))
    expected, actual, status = delivery.get("expected_time"), delivery.get("actual_time"), delivery.get("status")
    user = order.get("user_id")
    is_open = isinstance(status, str) and not is_finished(status)
    overdue = is_open and isinstance(expected, datetime) and expected < listing.as_of
    late = isinstance(actual, datetime) and isinstance(expected, datetime) and actual > expected
    return [
        _order_link(int(document["_id"]), view, str(order.get("external_id") or "")),
        _time(order.get("order_time"), zone),
        _customer_link(user, listing.customers, view),
        _status(status),
        _text(order.get("total_amount")),
        _text(order.get("quantity")),
        readable(str(order.get("payment_type", NOT_THERE))),
        _text(delivery.get("location")),
        {"text": f"{_time(expected, zone)}, overdue", "tone": "bad"} if overdue else _time(expected, zone),
        {"text": f"{_time(actual, zone)}, late", "tone": "bad"} if late else _time(actual, zone),
    ]


def _order_link(order_id: int, view: View, external: str = "") -> Content:
    text = f"{external} (#{order_id})" if external else f"#{order_id}"
    return {"text": text, "go": view.with_orders(replace(view.orders.first_page(), order=order_id)).query()}


def _customer_link(user: object, customers: Mapping[int, tuple[str, str]], view: View) -> object:
    if not isinstance(user, int):
        return NOT_THERE
    name, email = customers.get(user, ("", ""))
    orders = replace(view.orders.with_text(""), customer=user)
    text = f"{name} (#{user})" if name else f"#{user}"
    return {"text": text, "title": email or text, "go": view.with_preset("all").with_orders(orders).query()}


def _status(status: object) -> object:
    if not isinstance(status, str):
        return NOT_THERE
    tone = {"Delivered": "good", "Cancelled": "bad", "Returned": "bad"}.get(canonical(status), "plain")
    return {"text": status, "tone": tone}


def _pager(listing: Listing, view: View, zone: ZoneInfo) -> Content:
    page, orders = listing.page, replace(view.orders.first_page(), sort=listing.sort)
    links = []
    if page.before is not None:
        links += [
            _link("First page", view.with_orders(orders)),
            _link("Previous page", view.with_orders(replace(orders, before=page.before))),
        ]
    if page.after is not None:
        text = "Next page"
        if page.looked_until is not None:
            text = f"Nothing more down to {_time(page.looked_until, zone)} so far: go on looking"
        links.append(_link(text, view.with_orders(replace(orders, after=page.after))))
    return {"title": "", "subtitle": "", "rows": links}


def failed_cards(error: Exception) -> dict[str, str]:
    """What is said where orders could not be read."""
    text = (
        "MongoDB does not answer: load the page again when it does" if isinstance(error, PyMongoError) else str(error)
    )
    head = {"title": "Orders", "subtitle": text, "rows": []}
    return {"list": json.dumps(head, ensure_ascii=False)}


def order_cards(one: OneOrder, view: View, currency: str, zone: ZoneInfo) -> dict[str, str]:
    """Name of each card of one order → its content as JSON."""
    order_id, found = view.orders.order, one.found
    back = [_link("‹ All orders", view.with_orders(replace(view.orders, order=None)))]
    if found is None:
        head = {
            "title": f"Order #{order_id}",
            "subtitle": "There is no such order, neither hot nor archived",
            "rows": back,
        }
        return {"list": json.dumps(head), **{name: _nothing() for name in ("facts", "items", "life", "place")}}
    where = "hot: a document in MongoDB" if found.document is not None else "archived"
    seen = f"{found.past_versions} other versions came in" if found.past_versions else ""
    notes = [where, seen, f"read at {one.as_of.astimezone(zone):%H:%M:%S}"]
    head = {"title": f"Order #{order_id}", "subtitle": " · ".join(note for note in notes if note), "rows": back}
    document = found.document
    return {
        "list": json.dumps(head, ensure_ascii=False),
        "facts": _facts(document, one, view, currency) if document is not None else _nothing(),
        "items": _items(document, one, view) if document is not None else _nothing(),
        "life": _life(document, one.as_of, zone) if document is not None else _nothing(),
        "place": _place(found.archive, zone) if found.archive is not None else _nothing(),
    }


def _nothing() -> str:
    return table("", "", [], [], "", csv=False)


def _facts(document: Mapping[str, Any], one: OneOrder, view: View, currency: str) -> str:
    order, delivery = (_part(document, name) for name in ("order", "delivery"))
    attributes = _part(document, "attributes")
    user, courier = order.get("user_id"), delivery.get("courier_id")
    total = order.get("total_amount")
    paid_in = str(order.get("currency") or currency)
    name, email = one.customers.get(user, ("", "")) if isinstance(user, int) else ("", "")
    rows: list[tuple[str, object]] = [
        ("Status", _status(delivery.get("status"))),
        ("Total", f"{_text(total)} {paid_in}"),
        ("Discount", _text(order.get("discount"))),
        ("Payment", readable(str(order.get("payment_type", NOT_THERE)))),
        ("External id", _text(order.get("external_id")) if "external_id" in order else NOTHING),
        ("Customer", _customer_link(user, one.customers, view)),
        *([("Name", name), ("E-mail", email or NOTHING)] if name else []),
        ("To", _text(delivery.get("location"))),
        ("Courier", one.names["courier_id"].get(courier, f"#{courier}") if isinstance(courier, int) else NOT_THERE),
        *((readable(str(key)), _text(value)) for key, value in attributes.items()),
    ]
    return table("What", "", [column("Field"), column("Value", wide=True)], _keyed(rows), "", csv=False)


def _items(document: Mapping[str, Any], one: OneOrder, view: View) -> str:
    columns = [
        column("Product", wide=True),
        column("Warehouse"),
        column("Quantity", number=True),
        column("Price", number=True),
    ]
    rows = []
    items = document.get("order_items")
    for item in items if isinstance(items, list) else []:
        item = item if isinstance(item, Mapping) else {}
        product, warehouse = item.get("product_id"), item.get("warehouse_id")
        orders = replace(view.orders.with_text(""), product=product, customer=None, state=None)
        name = one.names["product_id"].get(product, "") if isinstance(product, int) else ""
        rows.append(
            (
                {"text": name or f"#{product}", "title": f"Orders with product #{product}",
                 "go": view.with_orders(orders).query()} if isinstance(product, int) else NOT_THERE,
                one.names["warehouse_id"].get(warehouse, f"#{warehouse}") if isinstance(warehouse, int) else NOT_THERE,
                _text(item.get("quantity")),
                _text(item.get("price")),
            )
        )  # fmt: skip
    return table("Items", f"{len(rows)}", columns, _keyed(rows), "It has no items", csv=False)


def _life(document: Mapping[str, Any], now: datetime, zone: ZoneInfo) -> str:
    rows = [
        (
            _time(event.time, zone),
            event.what,
            {"text": event.detail, "tone": "bad"} if event.detail in ("late", "overdue") else event.detail,
        )
        for event in life_of(document, now)
    ]
    return table(
        "Life",
        "",
        [column("Time"), column("What"), column("More", wide=True)],
        _keyed(rows),
        "Nothing can be read",
        csv=False,
    )


def _place(place: ArchivePlace, zone: ZoneInfo) -> str:
    rows: list[tuple[str, object]] = [
        ("Archive run", place.run_id),
        ("State", place.state),
        ("Archived", _time(place.archived_at, zone)),
        ("Day", f"{place.day} (UTC)"),
        ("Directory", place.directory),
    ]
    return table("Where it lies", "", [column("Field"), column("Value", wide=True)], _keyed(rows), "", csv=False)


def _keyed(rows: Any) -> list[Content]:
    return [{"key": str(place), "cells": list(cells)} for place, cells in enumerate(rows)]


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    return value if isinstance(value, Mapping) else {}


def _decimal(value: Decimal128 | Decimal) -> Decimal:
    return value.to_decimal() if isinstance(value, Decimal128) else value


def _text(value: object) -> str:
    if value is None:
        return NOT_THERE
    if isinstance(value, Decimal128 | Decimal):
        number = _decimal(value)
        # Money has at most four decimals; what somebody wrote past the validator is shown as it is.
        if not number.is_finite() or abs(number.adjusted()) > MONEY_DIGITS_MAX:
            return str(number)
        return exact(number.quantize(Decimal("0.01"))) if number == round(number, 2) else exact(number)
    return str(value)


def _time(value: object, zone: ZoneInfo) -> str:
    if value is None:
        return NOTHING
    return value.astimezone(zone).strftime("%Y-%m-%d %H:%M") if isinstance(value, datetime) else NOT_THERE
