"""Whether a document of `orders` is an order: what the definition says of types, ranges and what must agree, exactly.

MongoDB's validator refuses the same, but a user may bypass it, and documents may be older than it. A document that is
none is set aside with the reason that is found here.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import bson
from bson import Binary, Decimal128, Int64, ObjectId, Regex, Timestamp, json_util
from bson.datetime_ms import DatetimeMS
from bson.errors import BSONError
from msgspec import Struct

from ecommerce.documents.agreement import Disagreement, require_stored_agreement
from ecommerce.documents.bson_codec import CODEC_OPTIONS, encode_order
from ecommerce.documents.fields import Field, fields_of, in_order
from ecommerce.documents.kinds import EARLIEST_TIME, LATEST_TIME, attributes_fault, to_scaled
from ecommerce.documents.order import ITEMS_MAX, OrderDocument

ANYTHING = CODEC_OPTIONS.with_options(unicode_decode_error_handler="replace")
"""Decodes whatever somebody may have written."""

_NO_ARRAY: Mapping[str, Any] = {"$not": {"$type": "array"}}
"""A comparison is true of an array, too, where it is true of an element."""


def has_time_in(start: datetime, end: datetime) -> dict[str, Any]:
    """Query of the documents whose order_time is a time in [start, end); whatever else is in them, it can be truncated.

    Times are compared with times alone. An expression of its type instead took a fifth of a plan of a million orders.
    """
    times = {"$gte": max(start, EARLIEST_TIME), "$lt": min(end, LATEST_TIME)}
    return {"order": _NO_ARRAY, "order.order_time": {**times, **_NO_ARRAY}}


HAS_TIME: Mapping[str, Any] = has_time_in(EARLIEST_TIME, LATEST_TIME)
"""Query of the documents whose order_time is a time that an order may have."""

SHOWN_LENGTH = 60

_TYPES = {
    str: "string", Int64: "long", int: "int", float: "double", bool: "bool", type(None): "null", dict: "object",
    list: "array", Decimal128: "decimal", datetime: "date", DatetimeMS: "date", ObjectId: "objectId", bytes: "binData",
    Binary: "binData", Timestamp: "timestamp", Regex: "regex",
}  # fmt: skip
"""What PyMongo makes of a value → its type as MongoDB names it."""

_SIZES = {0x01: 8, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16, 0x7F: 0, 0xFF: 0}
"""Bytes of a value by the type's byte, where all values of the type have as many."""

_BEFORE_SIZE = {0x02: 4, 0x03: 0, 0x05: 5, 0x0D: 4, 0x0E: 4, 0x0F: 0}
"""Of the other types: how many bytes a value has beside those that its size counts."""

DocumentType = TypeVar("DocumentType", bound=Struct)


class NotAnOrder(ValueError):
    """A document is no order; the text names the field and its value, or what contradicts each other."""


def stored_order(document: bytes) -> OrderDocument:
    """The order of a document in BSON, its fields in any order. Raises NotAnOrder where the definition refuses it."""
    order = readable_order(document)
    try:
        require_stored_agreement(order)
    except Disagreement as error:
        raise NotAnOrder(str(error)) from None
    return order


def readable_order(document: bytes) -> OrderDocument:
    """The same of an archived order, whose parts may contradict each other: nobody corrects it where it lies."""
    try:
        mapping = bson.decode(document, CODEC_OPTIONS)
    except (BSONError, ValueError, OverflowError, RecursionError) as error:
        raise NotAnOrder(f"its BSON cannot be read: {shown(error)}") from None
    identity = mapping.pop("_id", None)
    if type(identity) is not Int64:
        raise NotAnOrder(f"_id: {shown(identity)} is of type {type_name(identity)}, not long")
    order = _struct(OrderDocument, mapping, "")
    if order.order.order_id != identity:
        raise NotAnOrder(f"order.order_id: {order.order.order_id} is not the document's _id")
    # All values are of the types that they have in canonical BSON, so it is as long, unless something is in it twice.
    if len(encode_order(order)) != len(document):
        raise NotAnOrder("a field is in it twice")
    return order


def identity_element(document: bytes) -> bytes:
    """The type's byte and the bytes of the value of `_id`, which MongoDB keeps as a document's first element."""
    kind, start = document[4], 9  # behind the size, the type and "_id\0"
    if document[5:start] != b"_id\x00":
        raise ValueError(f"a document without _id first: {document[:40]!r}")
    if kind in _SIZES:
        return document[4:5] + document[start : start + _SIZES[kind]]
    size = int.from_bytes(document[start : start + 4], "little") + _BEFORE_SIZE[kind]
    return document[4:5] + document[start : start + size]


def shown(value: object) -> str:
    """A value in a sentence: short, on one line and printable whatever it holds."""
    text = value if isinstance(value, str) else str(value)
    printable = ascii(text)[1:-1] if not text.isprintable() else text
    return printable if len(printable) <= SHOWN_LENGTH else f"{printable[:SHOWN_LENGTH]}…"


def identity_text(identity: object) -> str:
    """An `_id` as a shell takes it in db.orders.find({_id: …}); a long one is cut."""
    if isinstance(identity, ObjectId):
        return f'ObjectId("{identity}")'
    return shown(json_util.dumps(identity, ensure_ascii=True))


def type_name(value: object) -> str:
    """The BSON type of a decoded value, as MongoDB names it."""
    return _TYPES.get(type(value), type(value).__name__)


def _struct(document: type[DocumentType], value: Any, path: str) -> DocumentType:
    if not isinstance(value, Mapping):
        raise NotAnOrder(f"{path.rstrip('.')}: {shown(value)} is of type {type_name(value)}, not object")
    values: dict[str, Any] = {}
    for field in fields_of(document):
        if field.name in value:
            values[field.name] = _value(field, value[field.name], path + field.name)
        elif not field.optional:
            raise NotAnOrder(f"{path}{field.name} is missing")
    if unknown := [name for name in value if name not in values]:
        raise NotAnOrder(f"{path}{shown(unknown[0])} is no field of an order")
    return document(**values)


def _value(field: Field, value: Any, path: str) -> Any:
    if field.is_array:
        if type(value) is not list:
            raise NotAnOrder(f"{path}: {shown(value)} is of type {type_name(value)}, not array")
        assert field.document is not None  # noqa: S101 - arrays hold documents
        if field.optional and not value:
            raise NotAnOrder(f"{path}: an array of 0 elements: leave it out")
        elements = [_struct(field.document, element, f"{path}.{at}.") for at, element in enumerate(value)]
        if len(elements) > ITEMS_MAX:
            raise NotAnOrder(f"{path}: {len(elements)} elements are more than {ITEMS_MAX}")
        return tuple(in_order(field, elements))
    if field.document is not None:
        return _struct(field.document, value, f"{path}.")
    if value is None and field.nullable and not field.optional:
        return None
    return _scalar(field, value, path)


def _scalar(field: Field, value: Any, path: str) -> Any:
    assert field.kind is not None  # noqa: S101 - callers pass scalars
    if type_name(value) == field.kind.bson_type == "object":
        if fault := attributes_fault(value):
            raise NotAnOrder(f"{path}: {fault}")
        return value
    if type_name(value) != field.kind.bson_type:
        raise NotAnOrder(f"{path}: {shown(value)} is of type {type_name(value)}, not {field.kind.bson_type}")
    lowest, highest = field.kind.limits
    match value:
        case bool():
            return value
        case str():
            return _text(field, value, path)
        case Decimal128():
            amount = value.to_decimal()
            try:
                inside = amount.is_finite() and amount < highest + 1 and lowest <= to_scaled(amount) <= highest
            except ValueError as error:
                raise NotAnOrder(f"{path}: {error}") from None
            found: Any = amount
        case datetime():
            inside = 0 <= (value - EARLIEST_TIME) // timedelta(milliseconds=1) <= highest
            found = value
        case DatetimeMS():
            inside, found = False, value
        case _:
            inside, found = lowest <= value <= highest, int(value)
    if not inside:
        what = f"{int(value)} ms since 1970" if isinstance(value, DatetimeMS) else shown(value)
        raise NotAnOrder(f"{path}: {what} is out of range")
    return found


def _text(field: Field, value: str, path: str) -> str:
    assert field.kind is not None  # noqa: S101 - the caller passes scalars
    lowest, highest = field.kind.limits
    if not lowest <= len(value) <= highest:
        raise NotAnOrder(f"{path}: a text of {len(value)} characters, not of {lowest} to {highest}")
    if (pattern := field.kind.bson_bounds.get("pattern")) and not re.fullmatch(pattern, value):
        raise NotAnOrder(f"{path}: {shown(value)} is not of the form {pattern}")
    return value
