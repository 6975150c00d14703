"""A hash of an order's content that Python and Spark compute alike, one order at a time or in columns.

An order's content is a sequence of 64-bit integers, `updated_at` left out: its fields in canonical order, amounts
scaled, times in microseconds since 1970, texts by their own hash, -1 for no value (no value is negative), an array's
length before its elements. XXH64 goes over them one by one, each with the hash so far as its seed, which is what
Spark's `xxhash64` does with integers, decimals and timestamps, in compiled code.
"""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import xxhash
from msgspec import Struct
from msgspec.structs import replace

from ecommerce.documents.fields import Field, fields_of
from ecommerce.documents.kinds import to_scaled
from ecommerce.documents.order import OrderDocument
from ecommerce.documents.statuses import usual_spellings

SEED = 42
"""Of Spark's `xxhash64`."""
NO_VALUE = -1
LEFT_OUT = "updated_at"
MICROSECONDS_PER_MILLISECOND = 1000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_INT64 = struct.Struct("<q")


def content_hash(order: OrderDocument) -> int:
    """The hash of an order's content, a signed 64-bit integer."""
    hashed = SEED
    for value in content_values(order):
        hashed = xxhash.xxh64_intdigest(_INT64.pack(value), hashed)
    return _signed(hashed)


def hashes_of_spellings(order: OrderDocument) -> Iterator[int]:
    """The hash of an order's content, then those that it would have if its status were spelled otherwise."""
    yield content_hash(order)
    for text in usual_spellings(order.delivery.status):
        yield content_hash(replace(order, delivery=replace(order.delivery, status=text)))


def text_hash(text: str) -> int:
    """What a text counts as: its XXH64, a signed 64-bit integer."""
    return _signed(xxhash.xxh64_intdigest(text.encode(), SEED))


def content_values(document: Struct) -> Iterator[int]:
    """The sequence of integers that is hashed."""
    for field in fields_of(type(document)):
        value = getattr(document, field.name)
        if field.name == LEFT_OUT:
            continue
        if field.is_array:
            yield len(value)
            for element in value:
                yield from content_values(element)
        elif field.document is not None:
            yield from content_values(value)
        else:
            yield _scalar(value)


def _scalar(value: Any) -> int:
    if value is None:
        return NO_VALUE
    if isinstance(value, str):
        return text_hash(value)
    if isinstance(value, Decimal):
        return to_scaled(value)
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return (aware - _EPOCH) // timedelta(milliseconds=1) * MICROSECONDS_PER_MILLISECOND
    return int(value)


def _signed(unsigned: int) -> int:
    return unsigned - 2**64 if unsigned >= 2**63 else unsigned


def content_hash_sql() -> str:
    """A Spark SQL expression over the columns of `order_ddl` that equals `content_hash`."""
    return f"xxhash64({', '.join(_struct_sql(OrderDocument, ''))})"


def _struct_sql(document: type[Struct], prefix: str) -> Iterator[str]:
    for field in fields_of(document):
        column = f"{prefix}`{field.name}`"
        if field.name == LEFT_OUT:
            continue
        if field.is_array:
            _require_plain_numbers(field)
            yield f"cast(size({column}) as bigint)"
            yield column
        elif field.document is not None:
            yield from _struct_sql(field.document, f"{column}.")
        else:
            yield _scalar_sql(field, column)


def _scalar_sql(field: Field, column: str) -> str:
    assert field.kind is not None  # noqa: S101 - the caller passes scalars
    match field.kind.bson_type:
        case "string":
            value = f"xxhash64({column})"
        case "date":
            value = f"unix_micros({column})"
        case _:
            value = column
    # Spark leaves a null out of the sequence, so each of them gets its place.
    return f"if({column} is null, {NO_VALUE}L, {value})" if field.nullable else value


def _require_plain_numbers(array: Field) -> None:
    """Spark hashes an array as a whole, so its elements must be what hashes natively: numbers that are always there."""
    assert array.document is not None  # noqa: S101 - arrays hold documents
    for field in fields_of(array.document):
        if field.kind is None or field.nullable or field.kind.bson_type == "string":
            raise TypeError(f"{array.name}.{field.name}: the content hash has no rule for texts or nulls in arrays")
