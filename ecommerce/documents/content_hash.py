"""A hash of an order's content that Python and Spark compute alike, one order at a time or in columns.

An order's content is a sequence of 64-bit integers, `updated_at` left out: its fields in canonical order, amounts
scaled, times in microseconds since 1970, texts by their own hash, -1 for no value (no value is negative), an array's
length before its elements. A field that came after the first release is in the sequence only where it has a value, and
the hash of its path before it: so an order without it has the hash that it always had. XXH64 goes over them one by one,
each with the hash so far as its seed, which is what Spark's `xxhash64` does with integers, decimals and timestamps, in
compiled code.
"""

import struct
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import xxhash
from msgspec import Struct
from msgspec.structs import replace

from ecommerce.documents.fields import Field, fields_of, in_order
from ecommerce.documents.kinds import EPOCH, to_scaled
from ecommerce.documents.order import OrderDocument
from ecommerce.documents.statuses import usual_spellings

SEED = 42
"""Of Spark's `xxhash64`."""
NO_VALUE = -1
LEFT_OUT = "updated_at"
CONTENT_HASH = "content_hash"
MICROSECONDS_PER_MILLISECOND = 1000

_INT64 = struct.Struct("<q")


def content_hash(order: OrderDocument) -> int:
    """The hash of an order's content, a signed 64-bit integer."""
    hashed = SEED
    for value in content_values(order):
        hashed = _hashed(value, hashed)
    return _signed(hashed)


def hashes_of_spellings(order: OrderDocument) -> Iterator[int]:
    """The hash of an order's content, then those that it would have if its status were spelled otherwise."""
    yield content_hash(order)
    for text in usual_spellings(order.delivery.status):
        yield content_hash(replace(order, delivery=replace(order.delivery, status=text)))


def text_hash(text: str) -> int:
    """What a text counts as: its XXH64, a signed 64-bit integer."""
    return _signed(xxhash.xxh64_intdigest(text.encode(), SEED))


def content_values(document: Struct, path: str = "") -> Iterator[int]:
    """The sequence of integers that is hashed."""
    for field in fields_of(type(document)):
        value = getattr(document, field.name)
        if field.name == LEFT_OUT or (field.later and not value and (value is None or value in ((), {}))):
            continue
        name = path + field.name
        if field.later:
            yield tag_of(name)
        if field.is_array:
            yield len(value)
            for element in in_order(field, value):
                yield from content_values(element, f"{name}[].")
        elif field.document is not None:
            yield from content_values(value, f"{name}.")
        elif isinstance(value, dict):
            yield attributes_hash(value)
        else:
            yield _scalar(value)


@cache
def tag_of(path: str) -> int:
    """What stands before a field that came after the first release: the hash of its path, as `refunds[].amount`."""
    return text_hash(path)


def attributes_hash(attributes: Mapping[str, str]) -> int:
    """What attributes count as: how many there are, then name and text of each, by name, in UTF-8, one by one."""
    hashed = _hashed(len(attributes), SEED)
    for name in sorted(attributes):
        for text in (name, attributes[name]):
            hashed = xxhash.xxh64_intdigest(text.encode(), hashed)
    return _signed(hashed)


def _hashed(value: int, seed: int) -> int:
    return xxhash.xxh64_intdigest(_INT64.pack(value), seed)


def _scalar(value: Any) -> int:
    if value is None:
        return NO_VALUE
    if isinstance(value, str):
        return text_hash(value)
    if isinstance(value, Decimal):
        return to_scaled(value)
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return (aware - EPOCH) // timedelta(milliseconds=1) * MICROSECONDS_PER_MILLISECOND
    return int(value)


def _signed(unsigned: int) -> int:
    return unsigned - 2**64 if unsigned >= 2**63 else unsigned


def content_hash_sql() -> str:
    """A Spark SQL expression over the columns of `order_ddl` that equals `content_hash`."""
    return f"xxhash64({', '.join(_sql(OrderDocument, '', ''))})"


def _sql(document: type[Struct], prefix: str, path: str) -> Iterator[str]:
    """The sequence that is hashed, as expressions. Spark leaves nulls out of it, at any depth: absent is absent."""
    for field in fields_of(document):
        column, name = f"{prefix}`{field.name}`", path + field.name
        if field.name == LEFT_OUT:
            continue
        if field.is_array:
            size = f"cast(size({column}) as bigint)"
            if field.later:
                there = f"size({column}) > 0"
                yield f"if({there}, {tag_of(name)}L, null)"
                yield f"if({there}, {size}, null)"
            else:
                yield size
            yield from _array_sql(field, column, name)
        elif field.document is not None:
            yield from _sql(field.document, f"{column}.", f"{name}.")
        elif field.later:
            yield f"if({column} is null, null, {tag_of(name)}L)"
            # The hash of a null text is not null.
            yield f"if({column} is null, null, {_scalar_sql(field, column)})"
        else:
            value = _scalar_sql(field, column)
            yield f"if({column} is null, {NO_VALUE}L, {value})" if field.nullable else value


def _array_sql(field: Field, column: str, path: str) -> Iterator[str]:
    """An array whose elements hash like their sequences. Spark hashes numbers as they are: then it is the column."""
    assert field.document is not None  # noqa: S101 - arrays hold documents
    parts = fields_of(field.document)
    later = [part.name for part in parts if part.later]
    element = f"e{path.count('[')}"
    values = _sql(field.document, f"{element}.", f"{path}[].")
    members = ", ".join(f"'v{at}', {value}" for at, value in enumerate(values))
    transformed = f"transform({column}, {element} -> named_struct({members}))"
    of_first = [part for part in parts if not part.later]
    if field.later or not all(
        part.kind and not part.nullable and part.kind.bson_type in _HASHED_AS_THEY_ARE for part in of_first
    ):
        yield transformed
    elif later:
        # Spark calls a lambda for each element, so only where one has something to add.
        nothing = " and ".join(f"array_max({column}.`{name}`) is null" for name in later)
        yield f"if({nothing}, {column}, null)"
        yield f"if({nothing}, null, {transformed})"
    else:
        yield column


_HASHED_AS_THEY_ARE = {"long", "decimal", "date"}


def _scalar_sql(field: Field, column: str) -> str:
    assert field.kind is not None  # noqa: S101 - the caller passes scalars
    match field.kind.bson_type:
        case "string":
            return f"xxhash64({column})"
        case "date":
            return f"unix_micros({column})"
        case "bool":
            return f"cast({column} as bigint)"
        case "object":
            return _attributes_sql(column)
        case _:
            return column


def _attributes_sql(column: str) -> str:
    """`attributes_hash` of a map, whose order in Spark is anybody's. No lambda: Spark would not compile the query."""
    entries = f"sort_array(map_entries({column}))"
    return f"if({column} is null, null, xxhash64(cast(size({column}) as bigint), {entries}))"
