"""What the page of one order says: pure functions from what was read to the JSON texts that are drawn."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.order_amounts import amounts_of, discount_text, line_total, signed_amount
from dashboard.order_cells import NOT_THERE, customer_link, link, status_cell, text_of, time_of, titled
from dashboard.orders import OneOrder
from dashboard.state import View
from dashboard.tables import NO_TABLE, Content, column, head, table
from dashboard.text import NO_ARCHIVE, NOTHING, in_a_line, readable
from ecommerce.order_search.one_order import ArchivePlace, life_of, part_of
from ecommerce.readable import counted

FIELDS = [column("Field"), column("Value", wide=True)]


def order_cards(one: OneOrder, view: View, currency: str, zone: ZoneInfo) -> dict[str, str]:
    """Name of each card of one order → its content as JSON."""
    order_id, found = view.orders.order, one.found
    back = [link("‹ All orders", view.with_orders(replace(view.orders, order=None)))]
    cards = dict.fromkeys(("facts", "items", "amounts", "life", "place"), NO_TABLE)
    if found is None:
        missing = "There is no such order, neither in MongoDB nor archived"
        return {"list": head(f"Order #{order_id}", missing, back)} | cards
    where = "in MongoDB" if found.archive is None else "archived"
    seen = f"{counted(found.past_versions, 'other version')} came in" if found.past_versions else ""
    aside = f"set aside, in no figure: {found.set_aside}" if found.set_aside else ""
    unread = NO_ARCHIVE if found.elsewhere else found.unread
    twice = f"in the archive, too (run {found.archived_too}): counted twice" if found.archived_too else ""
    notes = [where, twice, aside, unread, seen, f"read at {one.as_of.astimezone(zone):%H:%M:%S}"]
    document = found.document
    if document is not None:
        paid_in = str(part_of(document, "order").get("currency") or currency)
        cards |= {
            "facts": _facts(document, one, view, paid_in),
            "items": _items(document, one, view, paid_in),
            "amounts": _amounts(document, paid_in, zone),
            "life": _life(document, one.as_of, paid_in, zone),
        }
    if found.archive is not None:
        cards["place"] = _place(found.archive, zone)
    return {"list": head(f"Order {titled(order_id, document)}", in_a_line(*notes), back)} | cards


def _facts(document: Mapping[str, Any], one: OneOrder, view: View, paid_in: str) -> str:
    order, delivery = (part_of(document, name) for name in ("order", "delivery"))
    attributes = part_of(document, "attributes")
    user, courier = order.get("user_id"), delivery.get("courier_id")
    name, email = one.customers.get(user, ("", "")) if isinstance(user, int) else ("", "")
    rows: list[tuple[str, object]] = [
        ("Status", status_cell(delivery.get("status"))),
        ("Total", f"{text_of(order.get('total_amount'), paid_in)} {paid_in}"),
        ("Discount", discount_text(order.get("discount"))),
        ("Payment", readable(str(order.get("payment_type", NOT_THERE)))),
        ("External id", text_of(order.get("external_id")) if "external_id" in order else NOTHING),
        ("Customer", customer_link(user, one.customers, view)),
        *([("Name", name), ("E-mail", email or NOTHING)] if name else []),
        ("To", text_of(delivery.get("location"))),
        ("Courier", one.names["courier_id"].get(courier, f"#{courier}") if isinstance(courier, int) else NOT_THERE),
        *((readable(str(key)), text_of(value)) for key, value in attributes.items()),
    ]
    return _table("What", FIELDS, rows)


def _items(document: Mapping[str, Any], one: OneOrder, view: View, paid_in: str) -> str:
    columns = [
        column("Product", wide=True),
        column("Warehouse"),
        column("Quantity", number=True),
        column(f"Price, {paid_in}", number=True),
        column(f"Line total, {paid_in}", number=True),
    ]
    rows = []
    items = document.get("order_items")
    for item in items if isinstance(items, list) else []:
        item = item if isinstance(item, Mapping) else {}
        product, warehouse = item.get("product_id"), item.get("warehouse_id")
        orders = replace(view.orders.with_text(""), product=product, customer=None, state=None)
        name = one.names["product_id"].get(product, "") if isinstance(product, int) else ""
        gift = ", gift card" if item.get("gift_card") is True else ""
        rows.append(
            (
                {"text": (name or f"#{product}") + gift, "title": f"Orders with product #{product}",
                 "go": view.with_orders(orders).query()} if isinstance(product, int) else NOT_THERE,
                one.names["warehouse_id"].get(warehouse, f"#{warehouse}") if isinstance(warehouse, int) else NOT_THERE,
                text_of(item.get("quantity")),
                text_of(item.get("price"), paid_in),
                text_of(line_total(item), paid_in),
            )
        )  # fmt: skip
    return _table("Items", columns, rows, f"{len(rows)}", "It has no items")


def _amounts(document: Mapping[str, Any], paid_in: str, zone: ZoneInfo) -> str:
    rows = [(line.what, line.more, signed_amount(line.amount, paid_in)) for line in amounts_of(document, paid_in, zone)]
    columns = [column("Amount"), column("More", wide=True), column(paid_in, number=True)]
    return _table("How the total is made up", columns, rows)


def _life(document: Mapping[str, Any], now: datetime, paid_in: str, zone: ZoneInfo) -> str:
    rows = [
        (
            time_of(event.time, zone),
            event.what,
            {"text": event.detail, "tone": "bad"} if event.detail in ("late", "overdue") else event.detail,
        )
        for event in life_of(document, now, paid_in)
    ]
    columns = [column("Time"), column("What"), column("More", wide=True)]
    return _table("Life", columns, rows, empty="Nothing can be read")


def _place(place: ArchivePlace, zone: ZoneInfo) -> str:
    rows: list[tuple[str, object]] = [
        ("Archive run", place.run_id),
        ("State", place.state),
        ("Archived", time_of(place.archived_at, zone)),
        ("Day", f"{place.day} (UTC)"),
        *([("Directory", place.directory)] if place.directory else []),
    ]
    return _table("Where it lies", FIELDS, rows)


def _table(
    title: str, columns: list[Content], rows: Iterable[Iterable[object]], note: str = "", empty: str = ""
) -> str:
    keyed = [{"key": str(place), "cells": list(cells)} for place, cells in enumerate(rows)]
    return table(title, note, columns, keyed, empty, csv=False)
