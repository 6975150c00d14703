"""Columns to canonical BSON, the same bytes as `bson_codec.encode_order` makes of each order.

An order is four slices: its head up to the items, the length of their array, the items, and its tail. Heads, items and
tails are rows of byte matrices, made from templates of the definition into which the columns are written; the texts
that end a head or a tail come from small tables. 1.6 µs an order, where `encode_order` takes 25.
"""

import struct
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import bson
import numpy as np
import numpy.typing as npt
from bson import Decimal128, Int64
from msgspec import Struct

from ecommerce.documents.bson_types import DECIMAL_HIGH_BYTES, TYPE_BYTES, document_of
from ecommerce.documents.fields import fields_of
from ecommerce.documents.kinds import from_scaled
from ecommerce.documents.order import Delivery, Order, OrderItem
from ecommerce.generate.model.charges import REFUND_ID, RETURN_REASON
from ecommerce.generate.model.draws import Ints
from ecommerce.generate.model.life import DELIVERED, STATUSES
from ecommerce.generate.model.orders import GeneratedOrders
from ecommerce.generate.model.rhythm import from_ms
from ecommerce.generate.presets.shape import Preset
from ecommerce.ingest.encoded_order import EncodedOrder

Bytes = npt.NDArray[np.uint8]
Slots = dict[str, int]
"""Offset of each scalar's value in a template."""

_UPDATED_AT = b"\x09updated_at\x00"


def encode_orders(columns: GeneratedOrders, preset: Preset, cities: Sequence[str]) -> list[EncodedOrder]:
    """Each order of the columns as canonical BSON."""
    if not len(columns):
        return []
    heads, head_lengths = _heads(columns, preset)
    tails, tail_lengths = _tails(columns, cities)
    items, item_sizes = _items(columns)
    stops = np.cumsum(np.add.reduceat(item_sizes, np.cumsum(columns.items) - columns.items))
    starts = np.concatenate([[0], stops[:-1]])
    array_lengths = stops - starts + 5
    _put(heads, 0, (head_lengths + array_lengths - 1 + tail_lengths).astype(np.int32))
    head_bytes, item_bytes, tail_bytes = heads.tobytes(), items.tobytes(), tails.tobytes()
    length_bytes = {length: struct.pack("<i", length) for length in np.unique(array_lengths).tolist()}
    head_starts = np.arange(len(columns)) * heads.shape[1]
    tail_starts = np.arange(len(columns)) * tails.shape[1]
    rows = zip(
        columns.order_id.tolist(),
        head_starts.tolist(),
        (head_starts + head_lengths).tolist(),
        array_lengths.tolist(),
        starts.tolist(),
        stops.tolist(),
        tail_starts.tolist(),
        (tail_starts + tail_lengths).tolist(),
        strict=True,
    )
    orders = [
        EncodedOrder(order_id, head_bytes[a:b] + length_bytes[length] + item_bytes[c:d] + tail_bytes[e:f])
        for order_id, a, b, length, c, d, e, f in rows
    ]
    for at, refund in refund_documents(columns, preset):
        orders[at] = EncodedOrder(orders[at].order_id, _with_refund(orders[at].bson, refund))
    return orders


def refund_documents(columns: GeneratedOrders, preset: Preset) -> Iterator[tuple[int, dict[str, Any]]]:
    """Row and refund of each order that got money back."""
    for at in np.flatnonzero(columns.refund_amount).tolist():
        parts = (columns.refund_amount, columns.refund_tax, columns.refund_shipping)
        amounts, item_id = (int(part[at]) for part in parts), int(columns.refund_item[at])
        yield at, refund_document(preset, from_ms(columns.updated_at[at]), *amounts, item_id=item_id)


def refund_document(
    preset: Preset, time: datetime, amount: int, tax: int, shipping: int, *, item_id: int
) -> dict[str, Any]:
    """A refund as MongoDB stores it."""
    parts = {"tax_amount": tax if preset.charges.tax_percent else 0, "shipping_amount": shipping}
    return {
        "refund_id": Int64(REFUND_ID),
        "refund_time": time,
        "amount": Decimal128(from_scaled(amount)),
        **{name: Decimal128(from_scaled(part)) for name, part in parts.items() if part},
        "reason": preset.refunds.reason if item_id else RETURN_REASON,
        **({"items": [{"order_item_id": Int64(item_id), "quantity": Int64(1)}]} if item_id else {}),
    }


def _with_refund(order: bytes, refund: dict[str, Any]) -> bytes:
    """The order with a refund, which stands before its last element, `updated_at`."""
    element, last = bson.encode({"refunds": [refund]})[4:-1], len(_UPDATED_AT) + 9
    return struct.pack("<i", len(order) + len(element)) + order[4:-last] + element + order[-last:]


def _template(
    start: bytes, document: type[Struct], texts: dict[str, str], nulls: Collection[str] = ()
) -> tuple[bytes, Slots]:
    """A start and the elements of a document up to its last text, which is left open; zeros where the columns go."""
    template, slots = start, Slots()
    for field in (field for field in fields_of(document) if not field.optional):
        assert field.kind is not None  # noqa: S101 - parts of an order hold scalars
        kind = field.kind.bson_type
        template += TYPE_BYTES["null" if field.name in nulls else kind] + field.name.encode() + b"\x00"
        if kind == "string":
            template += _text(texts[field.name]) if field.name in texts else b""
        elif field.name not in nulls:
            slots[field.name] = len(template)
            template += bytes(8) + (DECIMAL_HIGH_BYTES if kind == "decimal" else b"")
    return template, slots


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("<i", len(encoded) + 1) + encoded + b"\x00"


def _table(entries: Sequence[bytes]) -> tuple[Bytes, Ints]:
    """Entries as rows of one width, and their lengths."""
    width = max(map(len, entries))
    rows = np.frombuffer(b"".join(entry.ljust(width, b"\x00") for entry in entries), dtype=np.uint8)
    return rows.reshape(len(entries), width), np.array([len(entry) for entry in entries])


def _put(rows: Bytes, offset: int, values: npt.NDArray[np.generic]) -> None:
    rows[:, offset : offset + values.itemsize] = np.ascontiguousarray(values).view(np.uint8).reshape(len(rows), -1)


def _put_at(rows: Bytes, offsets: Ints, values: Ints) -> None:
    """Write a number of 64 bits into each row, at an offset of its own."""
    numbers = np.ascontiguousarray(values).view(np.uint8).reshape(-1, 8)
    rows[np.arange(len(rows))[:, None], offsets[:, None] + np.arange(8)] = numbers


def _filled(template: bytes, count: int, extra: int = 0) -> Bytes:
    rows = np.empty((count, len(template) + extra), dtype=np.uint8)
    rows[:, : len(template)] = np.frombuffer(template, dtype=np.uint8)
    return rows


@cache
def _head_template() -> tuple[bytes, Slots, int]:
    start = bytes(4) + b"\x12_id\x00" + bytes(8) + b"\x03order\x00" + bytes(4)
    return *_template(start, Order, {}), len(start) - 4


def _endings(preset: Preset) -> Iterator[tuple[bytes, Slots]]:
    """How the head of an order ends (its texts, what not every preset names) and the places of the amounts in it.

    For each payment type, currency and channel, in the order of `_ending_of`.
    """
    charges = preset.charges
    amounts = [
        name for name, has in (("tax_amount", charges.tax_percent), ("shipping_amount", charges.shipping)) if has
    ]
    for payment, _ in preset.payments:
        for currency, _ in charges.currencies:
            for channel, _ in charges.channels:
                texts = {"currency": currency, "channel": channel}
                ending, slots = _text(payment), {}
                for field in (field for field in fields_of(Order) if field.optional):
                    assert field.kind is not None  # noqa: S101 - parts of an order hold scalars
                    element = TYPE_BYTES[field.kind.bson_type] + field.name.encode() + b"\x00"
                    if text := texts.get(field.name):
                        ending += element + _text(text)
                    elif field.name in amounts:
                        slots[field.name] = len(ending) + len(element)
                        ending += element + bytes(8) + DECIMAL_HIGH_BYTES
                    elif field.name == "tax_included" and charges.tax_included:
                        ending += element + b"\x01"
                yield ending + b"\x00\x04order_items\x00", slots


def _ending_of(columns: GeneratedOrders, preset: Preset) -> Ints:
    currencies, channels = len(preset.charges.currencies), len(preset.charges.channels)
    return (columns.payment * currencies + columns.currency) * channels + columns.channel


def _heads(columns: GeneratedOrders, preset: Preset) -> tuple[Bytes, Ints]:
    template, slots, order_at = _head_template()
    (endings, amounts), chosen = zip(*_endings(preset), strict=True), _ending_of(columns, preset)
    texts, sizes = _table(endings)
    rows = _filled(template, len(columns), texts.shape[1])
    rows[:, len(template) :] = texts[chosen]
    _put(rows, 4 + len(b"\x12_id\x00"), columns.order_id)
    for name, at in slots.items():
        _put(rows, at, columns.items if name == "quantity" else getattr(columns, name))
    for name in amounts[0]:
        starts = len(template) + np.array([places[name] for places in amounts])[chosen]
        _put_at(rows, starts, getattr(columns, name))
    lengths = len(template) + sizes[chosen]
    _put(rows, order_at, (lengths - order_at - len(b"\x04order_items\x00")).astype(np.int32))
    return rows, lengths


@cache
def _item_template(digits: int) -> tuple[bytes, Slots]:
    key = b"\x03" + b"0" * digits + b"\x00"
    template, slots = _template(key + bytes(4), OrderItem, {})
    elements = template[len(key) + 4 :]
    return key + document_of(elements), slots


def _items(columns: GeneratedOrders) -> tuple[Bytes, Ints]:
    """The elements of all arrays of items, one after another, and the size of each."""
    digits = 2 if columns.items.max() > 10 else 1
    template, slots = _item_template(digits)
    rows = _filled(template, len(columns.item_id))
    line = columns.item_id % 128
    rows[:, digits] += (line % 10).astype(np.uint8)
    for name, at in slots.items():
        match name:
            case "order_item_id":
                values = columns.item_id
            case "order_id":
                values = columns.order_id[columns.item_order]
            case "event_time":
                values = columns.order_time[columns.item_order]
            case _:
                values = getattr(columns, name)
        _put(rows, at, values)
    sizes = np.full(len(rows), len(template))
    if digits == 1:
        return rows, sizes
    # Lines 0 to 9 have one digit: the first of the two is taken out again.
    rows[:, 1] += (line // 10).astype(np.uint8)
    kept = np.ones(rows.shape, dtype=np.bool_)
    kept[:, 1] = line > 9
    return rows[kept], sizes - (line < 10)


@cache
def _tail_template(status: int) -> tuple[bytes, Slots, int]:
    start = b"\x00\x03delivery\x00" + bytes(4)
    nulls = () if status == DELIVERED else ("actual_time",)
    return *_template(start, Delivery, {"status": STATUSES[status]}, nulls), len(start) - 4


def _tails(columns: GeneratedOrders, cities: Sequence[str]) -> tuple[Bytes, Ints]:
    texts, sizes = _table([_text(city) + b"\x00" + _UPDATED_AT + bytes(9) for city in cities])
    widest = max(len(_tail_template(status)[0]) for status in range(len(STATUSES)))
    tails = np.empty((len(columns), widest + texts.shape[1]), dtype=np.uint8)
    lengths = np.empty(len(columns), dtype=np.int64)
    for status in np.unique(columns.status).tolist():
        template, slots, delivery_at = _tail_template(status)
        of_status = np.nonzero(columns.status == status)[0]
        city = columns.city[of_status]
        rows = _filled(template, len(of_status), texts.shape[1])
        rows[:, len(template) :] = texts[city]
        for name, at in slots.items():
            # A delivery has its order's id.
            values = columns.order_id if name == "delivery_id" else getattr(columns, name)
            _put(rows, at, values[of_status])
        ends = len(template) + sizes[city]
        _put(rows, delivery_at, (ends - len(_UPDATED_AT) - 9 - delivery_at).astype(np.int32))
        _put_at(rows, ends - 9, columns.updated_at[of_status])
        tails[of_status, : rows.shape[1]] = rows
        lengths[of_status] = ends
    return tails, lengths
