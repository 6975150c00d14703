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
from ecommerce.documents.order import Delivery, Order, OrderItem
from ecommerce.generate.model.draws import Ints
from ecommerce.generate.model.life import STATUSES
from ecommerce.generate.model.orders import GeneratedOrders
from ecommerce.generate.model.rhythm import DAY_MS

CSV_HEADER = b"order,order_items,delivery\n"
_DAY_SECONDS = 86_400
_PLACEHOLDERS = {"long": "%d", "date": "%b", "decimal": "%b", "string": "%b"}


def json_lines(columns: GeneratedOrders, payments: Sequence[str], cities: Sequence[str]) -> list[bytes]:
    """Each order as a line of JSON."""
    orders, items, deliveries = _parts(columns, payments, cities, '"')
    updated = times_text(columns.updated_at)
    return [
        b'{"order": %b, "order_items": [%b], "delivery": %b, "updated_at": "%b"}\n' % row
        for row in zip(orders, items, deliveries, updated, strict=True)
    ]


def csv_rows(columns: GeneratedOrders, payments: Sequence[str], cities: Sequence[str]) -> list[bytes]:
    """Each order as a row of CSV; quotes inside of a column are doubled."""
    return [b'"%b","[%b]","%b"\n' % row for row in zip(*_parts(columns, payments, cities, '""'), strict=True)]


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


def _names(document: type[Struct]) -> list[str]:
    return [field.name for field in fields_of(document) if not field.optional]


def _texts(codes: Ints, texts: Sequence[str], quote: str) -> list[bytes]:
    table = [json.dumps(text, ensure_ascii=False)[1:-1].replace('"', quote).encode() for text in texts]
    return [table[code] for code in codes.tolist()]


def _amounts(scaled: Ints) -> list[bytes]:
    whole, hundredths = np.divmod(scaled // 100, 100)
    return [b"%d.%02d" % amount for amount in zip(whole.tolist(), hundredths.tolist(), strict=True)]


def _parts(
    columns: GeneratedOrders, payments: Sequence[str], cities: Sequence[str], quote: str
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
        "payment_type": _texts(columns.payment, payments, quote),
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
    items = _filled(OrderItem, item, _template(OrderItem, quote))
    stops = np.cumsum(columns.items)
    if len(items) > len(columns):
        starts = (stops - columns.items).tolist()
        items = [b", ".join(items[start:stop]) for start, stop in zip(starts, stops.tolist(), strict=True)]
    orders = _filled(Order, order, _template(Order, quote))
    return orders, items, _filled(Delivery, delivery, _template(Delivery, quote, "actual_time"))


def _filled(document: type[Struct], values: dict[str, list[Any]], template: bytes) -> list[bytes]:
    return [template % row for row in zip(*(values[name] for name in _names(document)), strict=True)]
