"""A hash of an order's content that Python and Spark compute alike.

The text that is hashed renders every scalar in canonical order, `updated_at` left out: integers and scaled amounts in
decimal, times as milliseconds since 1970, texts with their length in code points before them, an array's length before
its elements, `~` for no value. The hash is XXH64 with seed 42 over its UTF-8, as a signed 64-bit integer, which is what
Spark's `xxhash64` gives for a string.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import xxhash
from msgspec import Struct

from ecommerce.documents.fields import Field, fields_of
from ecommerce.documents.kinds import MONEY_FACTOR, to_scaled
from ecommerce.documents.order import OrderDocument

SEED = 42
SEPARATOR = "|"
NO_VALUE = "~"
LEFT_OUT = "updated_at"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def content_hash(order: OrderDocument) -> int:
    """The hash of an order's content, a signed 64-bit integer."""
    return hash_of_text(content_text(order))


def hash_of_text(text: str) -> int:
    """The content hash of an order's content text, a signed 64-bit integer."""
    unsigned = xxhash.xxh64_intdigest(text.encode(), seed=SEED)
    return unsigned - 2**64 if unsigned >= 2**63 else unsigned


def content_text(struct: Struct) -> str:
    """The text that `content_hash` hashes."""
    parts: list[str] = []
    for field in fields_of(type(struct)):
        value = getattr(struct, field.name)
        if field.name == LEFT_OUT:
            continue
        if field.is_array:
            parts.append(str(len(value)))
            parts.extend(content_text(element) for element in value)
        elif field.document is not None:
            parts.append(content_text(value))
        else:
            parts.append(_scalar_text(value))
    return SEPARATOR.join(parts)


def _scalar_text(value: Any) -> str:
    if value is None:
        return NO_VALUE
    if isinstance(value, str):
        return f"{len(value)}:{value}"
    if isinstance(value, Decimal):
        return str(to_scaled(value))
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return str((aware - _EPOCH) // timedelta(milliseconds=1))
    return str(value)


def content_hash_sql() -> str:
    """A Spark SQL expression over the columns of `order_ddl` that equals `content_hash`."""
    return f"xxhash64({_struct_sql(OrderDocument, '')})"


def _struct_sql(document: type[Struct], prefix: str) -> str:
    parts = [_field_sql(field, prefix + f"`{field.name}`") for field in fields_of(document) if field.name != LEFT_OUT]
    return f"concat_ws('{SEPARATOR}', {', '.join(parts)})"


def _field_sql(field: Field, column: str) -> str:
    if field.document is not None:
        if not field.is_array:
            return _struct_sql(field.document, column + ".")
        element = _struct_sql(field.document, "element.")
        return f"cast(size({column}) as string), transform({column}, element -> {element})"
    assert field.kind is not None  # noqa: S101 - a field is a scalar or a document
    match field.kind.bson_type:
        case "decimal":
            text = f"cast(cast({column} * {MONEY_FACTOR} as decimal(24,0)) as string)"
        case "date":
            text = f"cast(unix_millis({column}) as string)"
        case "string":
            text = f"concat(length({column}), ':', {column})"
        case _:
            text = f"cast({column} as string)"
    return f"coalesce({text}, '{NO_VALUE}')"
