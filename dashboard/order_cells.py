"""What the pages of orders write of a document's values, whatever somebody put there: texts and links."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.state import View
from dashboard.tables import Content
from dashboard.text import moment
from ecommerce.documents.bson_codec import as_decimal
from ecommerce.documents.statuses import canonical
from ecommerce.iso_4217 import amount_text
from ecommerce.order_search.one_order import part_of

NOT_THERE = "?"
"""What a document that is no order does not have."""


def link(text: str, view: View, title: str = "") -> Content:
    """A link of the page to a view."""
    return {"key": text, "text": text, "go": view.query(), "title": title}


def customer_link(user: object, customers: Mapping[int, tuple[str, str]], view: View) -> object:
    """A customer by name where the viewer may see it, as a link to all their orders."""
    if not isinstance(user, int):
        return NOT_THERE
    name, email = customers.get(user, ("", ""))
    orders = replace(view.orders.with_text(""), customer=user)
    text = f"{name} (#{user})" if name else f"#{user}"
    return {"text": text, "title": email or text, "go": view.with_preset("all").with_orders(orders).query()}


def status_cell(status: object) -> object:
    """A status as it is stored, coloured by what it means."""
    if not isinstance(status, str):
        return NOT_THERE
    tone = {"Delivered": "good", "Cancelled": "bad", "Returned": "bad"}.get(canonical(status), "plain")
    return {"text": status, "tone": tone}


def text_of(value: object, currency: str = "") -> str:
    """A value as text; a number as money of a currency."""
    if value is None:
        return NOT_THERE
    if isinstance(number := as_decimal(value), Decimal):
        return amount_text(number, currency, grouped=True)
    return str(value)


def titled(order_id: object, document: Mapping[str, Any] | None) -> str:
    """What an order is called: by the shop's own number where it has one, ours after it."""
    external = part_of(document or {}, "order").get("external_id")
    return f"{external} (#{order_id})" if external else f"#{order_id}"


def time_of(value: object, zone: ZoneInfo) -> str:
    """A time by the shop's clock."""
    return moment(value, zone) if value is None or isinstance(value, datetime) else NOT_THERE
