"""Columns to text: lines of JSON, and rows of CSV whose three columns are JSON text.

A line is three or more templates of the definition, filled by `%`: 6 µs an order, where building dicts for a JSON
encoder takes 20. Amounts have two decimals because the generator's prices and discounts are multiples of a tenth.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
from msgspec import Struct

from ecommerce.documents.fields import fields_of
from ecommerce.documents.kinds import DAY_MS
from ecommerce.documents.order import Delivery, Order, OrderItem
from ecommerce.generate.model.charges import REFUND_ID, RETURN_REASON
from ecommerce.generate.model.draws import Ints
from ecommerce.generate.model.life import STATUSES
from ecommerce.generate.model.orders import GeneratedOrders
from ecommerce.generate.presets.shape import Preset, Shares

CSV_HEADER = b"order,order_items,delivery,refunds\n"
_DAY_SECONDS = 86_400
_PLACEHOLDERS = {"long": "%d", "date": "%b", "decimal": "%b", "string": "%b"}


def json_lines(columns: GeneratedOrders, preset: Preset, cities: Sequence[str]) -> list[bytes]:
    """Each order as a line of JSON."""
    orders, items, deliveries = _parts(columns, preset, cities, '"')
    updated = times_text(columns.updated_at)
    refunds = [b', "refunds": %b' % refund if refund else b"" for refund in _refunds(columns, preset, '"')]
    return [
        b'{"order": %b, "order_items": [%b], "delivery": %b, "updated_at": "%b"%b}\n' % row
        for row in zip(orders, items, deliveries, updated, refunds, strict=True)
    ]


def csv_rows(columns: GeneratedOrders, preset: Preset, cities: Sequence[str]) -> list[bytes]:
    """Each order as a row of CSV; quotes inside of a column are doubled."""
    refunds = [b'"%b"' % refund if refund else b"" for refund in _refunds(columns, preset, '""')]
    parts = _parts(columns, preset, cities, '""')
    return [b'"%b","[%b]","%b",%b\n' % row for row in zip(*parts, refunds, strict=True)]


def _refunds(columns: GeneratedOrders, preset: Preset, quote: str) -> list[bytes]:
    """The list of each order's refunds; empty where it has none."""
    found = [b""] * len(columns)
    charges = preset.charges
    rows = np.flatnonzero(columns.refund_amount)
    times = times_text(columns.updated_at[rows])
    amounts, taxes, shippings = (
        _amounts(column[rows]) for column in (columns.refund_amount, columns.refund_tax, columns.refund_shipping)
    )
    named = zip(rows.tolist(), times, amounts, taxes, shippings, columns.refund_item[rows].tolist(), strict=True)
    for at, time, amount, tax, shipping, item_id in named:
        parts = f'"refund_id": {REFUND_ID}, "refund_time": "{time.decode()}", "amount": {amount.decode()}'
        if charges.tax_percent and columns.refund_tax[at]:
            parts += f', "tax_amount": {tax.decode()}'
        if columns.refund_shipping[at]:
            parts += f', "shipping_amount": {shipping.decode()}'
        parts += f', "reason": {json.dumps(preset.refunds.reason if item_id else RETURN_REASON)}'
        if item_id:
            parts += f', "items": [{{"order_item_id": {item_id}, "quantity": 1}}]'
        found[at] = ("[{" + parts + "}]").replace('"', quote).encode()
    return found


def times_text(times_ms: Ints) -> list[bytes]:
    """ISO 8601 texts of times, whole seconds, UTC."""
    texts = np.empty((len(times_ms), 20), dtype=np.uint8)
    days, at = np.unique(times_ms // DAY_MS, return_inverse=True)
    dates = np.datetime_as_string(days.astype("datetime64[D]")).astype("S10")
    texts[:, :10] = np.frombuffer(dates.tobytes(), dtype=np.uint8).reshape(-1, 10)[at]
    texts[:, 10:] = _clock()[times_ms // 1000 % _DAY_SECONDS]
    return texts.reshape(-1).view("S20").tolist()


@cache
def _clock() -> Any:
    midnight = datetime(2000, 1, 1)
    texts = (f"{midnight + timedelta(seconds=second):T%H:%M:%SZ}" for second in range(_DAY_SECONDS))
    return np.frombuffer("".join(texts).encode(), dtype=np.uint8).reshape(_DAY_SECONDS, 10)


@cache
def _template(document: type[Struct], quote: str, nullable_time: str = "") -> bytes:
    parts = []
    for field in fields_of(document):
        if field.optional:
            continue
        assert field.kind is not None  # noqa: S101 - parts of an order hold scalars
        value = _PLACEHOLDERS[field.kind.bson_type]
        if field.kind.bson_type in ("date", "string") and field.name != nullable_time:
            value = f"{quote}{value}{quote}"
        parts.append(f"{quote}{field.name}{quote}: {value}")
    return ("{" + ", ".join(parts) + "}").encode()


def _texts(codes: Ints, texts: Sequence[str], quote: str) -> list[bytes]:
    table = [json.dumps(text, ensure_ascii=False)[1:-1].replace('"', quote).encode() for text in texts]
    return [table[code] for code in codes.tolist()]


def _amounts(scaled: Ints) -> list[bytes]:
    whole, hundredths = np.divmod(scaled // 100, 100)
    return [b"%d.%02d" % amount for amount in zip(whole.tolist(), hundredths.tolist(), strict=True)]


def _charges(columns: GeneratedOrders, preset: Preset, quote: str) -> list[bytes]:
    """What each order names beside what all orders have, as further members of its JSON."""
    charges = preset.charges

    def members(name: str, texts: Shares) -> list[bytes]:
        return [f', "{name}": {json.dumps(text)}'.replace('"', quote).encode() if text else b"" for text, _ in texts]

    def amounts(name: str, column: Ints) -> list[bytes]:
        before = f', "{name}": '.replace('"', quote).encode()
        return [before + amount for amount in _amounts(column)]

    parts: list[list[bytes]] = []
    currencies, channels = members("currency", charges.currencies), members("channel", charges.channels)
    if any(currencies):
        parts.append([currencies[code] for code in columns.currency.tolist()])
    if charges.tax_percent:
        parts.append(amounts("tax_amount", columns.tax_amount))
    if charges.tax_included:
        parts.append([', "tax_included": true'.replace('"', quote).encode()] * len(columns))
    if charges.shipping:
        parts.append(amounts("shipping_amount", columns.shipping_amount))
    if any(channels):
        parts.append([channels[code] for code in columns.channel.tolist()])
    return [b"".join(row) for row in zip(*parts, strict=True)] if parts else [b""] * len(columns)


def _parts(
    columns: GeneratedOrders, preset: Preset, cities: Sequence[str], quote: str
) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """JSON texts of each order's `order`, of its items without the brackets, and of its `delivery`."""
    times = times_text(columns.order_time)
    order_ids = columns.order_id.tolist()
    order: dict[str, list[Any]] = {
        "order_id": order_ids,
        "user_id": columns.user_id.tolist(),
        "order_time": times,
        "total_amount": _amounts(columns.total_amount),
        "discount": _amounts(columns.discount),
        "quantity": columns.items.tolist(),
        "payment_type": _texts(columns.payment, [name for name, _ in preset.payments], quote),
    }
    row = columns.item_order.tolist()
    item: dict[str, list[Any]] = {
        "order_item_id": columns.item_id.tolist(),
        "order_id": [order_ids[at] for at in row],
        "product_id": columns.product_id.tolist(),
        "warehouse_id": columns.warehouse_id.tolist(),
        "quantity": columns.quantity.tolist(),
        "price": _amounts(columns.price),
        "event_time": [times[at] for at in row],
    }
    delivered = (quote.encode() + time + quote.encode() for time in times_text(columns.actual_time))
    delivery: dict[str, list[Any]] = {
        "delivery_id": order_ids,
        "order_id": order_ids,
        "status": _texts(columns.status, STATUSES, quote),
        "expected_time": times_text(columns.expected_time),
        "actual_time": [
            time if at else b"null" for at, time in zip(columns.actual_time.tolist(), delivered, strict=True)
        ],
        "courier_id": columns.courier_id.tolist(),
        "location": _texts(columns.city, cities, quote),
    }
    items = _filled(OrderItem, item, quote)
    stops = np.cumsum(columns.items)
    if len(items) > len(columns):
        starts = (stops - columns.items).tolist()
        items = [b", ".join(items[start:stop]) for start, stop in zip(starts, stops.tolist(), strict=True)]
    named = _charges(columns, preset, quote)
    orders = [order[:-1] + more + b"}" for order, more in zip(_filled(Order, order, quote), named, strict=True)]
    return orders, items, _filled(Delivery, delivery, quote, "actual_time")


def _filled(document: type[Struct], values: dict[str, list[Any]], quote: str, nullable_time: str = "") -> list[bytes]:
    template = _template(document, quote, nullable_time)
    columns = (values[field.name] for field in fields_of(document) if not field.optional)
    return [template % row for row in zip(*columns, strict=True)]
