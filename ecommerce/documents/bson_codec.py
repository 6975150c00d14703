"""Canonical BSON: the same order is always the same bytes, up to `updated_at`, which comes last."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import bson
from bson import Decimal128, Int64
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument
from msgspec import Struct

from ecommerce.documents.catalog import CatalogTable
from ecommerce.documents.fields import fields_of, in_order
from ecommerce.documents.kinds import from_scaled, to_scaled
from ecommerce.documents.order import OrderDocument

CODEC_OPTIONS: CodecOptions[Any] = CodecOptions(
    tz_aware=True, tzinfo=UTC, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)
"""A time after the year 9999, which a shell can write, is a DatetimeMS: else PyMongo raises for the whole reply."""

RAW_OPTIONS: CodecOptions[Any] = CodecOptions(document_class=RawBSONDocument)
"""Documents as their bytes, decoded where they are asked for a field."""

DocumentType = TypeVar("DocumentType", bound=Struct)

_UPDATED_AT_BYTES = len(b"\x09updated_at\x00") + 8 + len(b"\x00")
"""Size of the last element of an order document and of the document's end, in bytes."""


def as_decimal(value: Any) -> Any:
    """MongoDB's decimal as Python's; any other value as it is."""
    return value.to_decimal() if isinstance(value, Decimal128) else value


def finite_number(value: Any) -> int | float | Decimal | None:
    """A number of any of BSON's types; None for NaN, an infinity, one of more than 64 bits, and what is none."""
    number = as_decimal(value)
    if isinstance(number, Decimal):
        return number if number.is_finite() and abs(number) < 2**63 else None
    return number if isinstance(number, int | float) and abs(number) < 2**63 else None


def to_bson_value(value: Any) -> Any:
    """A scalar of the definition as what PyMongo encodes for it."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, dict):
        return {name: value[name] for name in sorted(value)}
    if isinstance(value, int):
        return Int64(value)
    if isinstance(value, Decimal):
        return Decimal128(from_scaled(to_scaled(value)))
    if isinstance(value, datetime):
        time = value if value.tzinfo else value.replace(tzinfo=UTC)
        return time.replace(microsecond=time.microsecond // 1000 * 1000)
    raise TypeError(f"no BSON type for {value!r}")


def to_document(struct: Struct) -> dict[str, Any]:
    """A document of the definition as a dict for PyMongo, in canonical field order, absent where optional and None."""
    document: dict[str, Any] = {}
    for field in fields_of(type(struct)):
        value = getattr(struct, field.name)
        if field.optional and (value is None or value in ((), {})):
            continue
        if field.is_array:
            document[field.name] = [to_document(element) for element in in_order(field, value)]
        elif field.document is not None:
            document[field.name] = to_document(value)
        else:
            document[field.name] = to_bson_value(value)
    return document


def encode_order(order: OrderDocument) -> bytes:
    """The canonical BSON of an order, `_id` first."""
    return bson.encode({"_id": Int64(order.order.order_id), **to_document(order)})


def encode_catalog(table: CatalogTable, record: Struct) -> bytes:
    """The canonical BSON of a catalog record, `_id` first."""
    key = [to_bson_value(getattr(record, name)) for name in table.key]
    identity = key[0] if len(key) == 1 else dict(zip(table.key, key, strict=True))
    return bson.encode({"_id": identity, **to_document(record)})


def decode_order(document: bytes | Mapping[str, Any]) -> OrderDocument:
    """The order of a BSON document or of its decoded mapping; times come back aware, in UTC."""
    mapping = bson.decode(document, CODEC_OPTIONS) if isinstance(document, bytes) else document
    return from_mapping(OrderDocument, mapping)


def from_mapping(document: type[DocumentType], mapping: Mapping[str, Any]) -> DocumentType:
    """A part of an order, or a record, of its decoded document."""
    values: dict[str, Any] = {}
    for field in fields_of(document):
        value = mapping.get(field.name)
        if value is None and field.optional:
            continue
        if field.document is not None:
            nested = field.document
            values[field.name] = (
                tuple(in_order(field, (from_mapping(nested, element) for element in value or ())))
                if field.is_array
                else from_mapping(nested, value or {})
            )
        else:
            values[field.name] = int(value) if isinstance(value, Int64) else as_decimal(value)
    return document(**values)


def content_bytes(document: bytes) -> bytes:
    """A canonical order document without its `updated_at`."""
    return document[:-_UPDATED_AT_BYTES]


def same_content(left: bytes, right: bytes) -> bool:
    """Whether two canonical order documents are equal but for `updated_at`."""
    return len(left) == len(right) and content_bytes(left) == content_bytes(right)
