"""What the page of one order says: pure functions from what was read to the JSON texts that are drawn."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.order_amounts import amounts_of, discount_text, line_total, signed_amount
from dashboard.order_cells import NOT_THERE, customer_link, link, status_cell, text_of, time_of, titled
from dashboard.orders import OneOrder
from dashboard.state import View
from dashboard.tables import Content, column, table
from dashboard.text import NO_ARCHIVE, NOTHING, in_a_line, readable
from ecommerce.order_search.one_order import ArchivePlace, life_of, part_of
from ecommerce.readable import counted


def order_cards(one: OneOrder, view: View, currency: str, zone: ZoneInfo) -> dict[str, str]:
    """Name of each card of one order → its content as JSON."""
    order_id, found = view.orders.order, one.found
    back = [link("‹ All orders", view.with_orders(replace(view.orders, order=None)))]
    if found is None:
        head = {
            "title": f"Order #{order_id}",
            "subtitle": "There is no such order, neither in MongoDB nor archived",
            "rows": back,
        }
        return {
            "list": json.dumps(head),
            **{name: _nothing() for name in ("facts", "items", "amounts", "life", "place")},
        }
    where = "in MongoDB" if found.archive is None else "archived"
    seen = f"{counted(found.past_versions, 'other version')} came in" if found.past_versions else ""
    aside = f"set aside, in no figure: {found.set_aside}" if found.set_aside else ""
    unread = NO_ARCHIVE if found.elsewhere else found.unread
    twice = f"in the archive, too (run {found.archived_too}): counted twice" if found.archived_too else ""
    notes = [where, twice, aside, unread, seen, f"read at {one.as_of.astimezone(zone):%H:%M:%S}"]
    document = found.document
    head = {"title": f"Order {titled(order_id, document)}", "subtitle": in_a_line(*notes), "rows": back}
    return {
        "list": json.dumps(head, ensure_ascii=False),
        "facts": _facts(document, one, view, currency) if document is not None else _nothing(),
        "items": _items(document, one, view, currency) if document is not None else _nothing(),
        "amounts": _amounts(document, currency, zone) if document is not None else _nothing(),
        "life": _life(document, one.as_of, currency, zone) if document is not None else _nothing(),
        "place": _place(found.archive, zone) if found.archive is not None else _nothing(),
    }


def _nothing() -> str:
    return table("", "", [], [], "", csv=False)


def _facts(document: Mapping[str, Any], one: OneOrder, view: View, currency: str) -> str:
    order, delivery = (part_of(document, name) for name in ("order", "delivery"))
    attributes = part_of(document, "attributes")
    user, courier = order.get("user_id"), delivery.get("courier_id")
    total, paid_in = order.get("total_amount"), _currency_of(document, currency)
    name, email = one.customers.get(user, ("", "")) if isinstance(user, int) else ("", "")
    rows: list[tuple[str, object]] = [
        ("Status", status_cell(delivery.get("status"))),
        ("Total", f"{text_of(total, paid_in)} {paid_in}"),
        ("Discount", discount_text(order.get("discount"))),
        ("Payment", readable(str(order.get("payment_type", NOT_THERE)))),
        ("External id", text_of(order.get("external_id")) if "external_id" in order else NOTHING),
        ("Customer", customer_link(user, one.customers, view)),
        *([("Name", name), ("E-mail", email or NOTHING)] if name else []),
        ("To", text_of(delivery.get("location"))),
        ("Courier", one.names["courier_id"].get(courier, f"#{courier}") if isinstance(courier, int) else NOT_THERE),
        *((readable(str(key)), text_of(value)) for key, value in attributes.items()),
    ]
    return table("What", "", [column("Field"), column("Value", wide=True)], _keyed(rows), "", csv=False)


def _currency_of(document: Mapping[str, Any], shops: str) -> str:
    return str(part_of(document, "order").get("currency") or shops)


def _items(document: Mapping[str, Any], one: OneOrder, view: View, currency: str) -> str:
    paid_in = _currency_of(document, currency)
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
    return table("Items", f"{len(rows)}", columns, _keyed(rows), "It has no items", csv=False)


def _amounts(document: Mapping[str, Any], currency: str, zone: ZoneInfo) -> str:
    paid_in = _currency_of(document, currency)
    rows = [(line.what, line.more, signed_amount(line.amount, paid_in)) for line in amounts_of(document, paid_in, zone)]
    columns = [column("Amount"), column("More", wide=True), column(paid_in, number=True)]
    return table("How the total is made up", "", columns, _keyed(rows), "", csv=False)


def _life(document: Mapping[str, Any], now: datetime, currency: str, zone: ZoneInfo) -> str:
    rows = [
        (
            time_of(event.time, zone),
            event.what,
            {"text": event.detail, "tone": "bad"} if event.detail in ("late", "overdue") else event.detail,
        )
        for event in life_of(document, now, currency)
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
        ("Archived", time_of(place.archived_at, zone)),
        ("Day", f"{place.day} (UTC)"),
        *([("Directory", place.directory)] if place.directory else []),
    ]
    return table("Where it lies", "", [column("Field"), column("Value", wide=True)], _keyed(rows), "", csv=False)


def _keyed(rows: Any) -> list[Content]:
    return [{"key": str(place), "cells": list(cells)} for place, cells in enumerate(rows)]
