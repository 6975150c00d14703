"""What stands at fixed places of canonical documents, read and written without decoding them."""

import struct

from ecommerce.documents.bson_types import TYPE_BYTES

_REFUNDS = TYPE_BYTES["array"] + b"refunds\x00"
"""No text may hold the NUL in it."""
_TIME = struct.Struct("<q")
_ID = struct.Struct("<9xq")
"""The document's size, the element's type and name, and `_id` itself."""
_ORDER_TIME = struct.Struct("<4x5x8x7x4x10x8x9x8x12xq")
"""size, `_id`: 8, `order`: size, `order_id`: 8, `user_id`: 8, and the name of `order_time` before its value."""

_USER_ID = struct.Struct("<4x5x8x7x4x10x8x9xq")


def order_id_of(bson: bytes) -> int:
    """`_id` of a canonical order (its first element), or of another document whose `_id` is one integer."""
    order_id: int = _ID.unpack_from(bson)[0]
    return order_id


def order_time_of(bson: bytes) -> int:
    """`order.order_time` of a canonical order, behind its two ids, in milliseconds since 1970."""
    milliseconds: int = _ORDER_TIME.unpack_from(bson)[0]
    return milliseconds


def user_id_of(bson: bytes) -> int:
    """`order.user_id` of a canonical order."""
    user_id: int = _USER_ID.unpack_from(bson)[0]
    return user_id


def version_time(bson: bytes) -> int:
    """`updated_at` of a canonical order (its last element), in milliseconds since 1970."""
    milliseconds: int = _TIME.unpack_from(bson, len(bson) - 1 - _TIME.size)[0]
    return milliseconds


def moved_forward(stored: bytes, incoming: bytes) -> bytes:
    """The incoming document with an `updated_at` later than the stored one's."""
    end = len(incoming) - 1
    moved = max(version_time(incoming), version_time(stored) + 1)
    return incoming[: end - _TIME.size] + _TIME.pack(moved) + incoming[end:]


def has_refunds(bson: bytes) -> bool:
    """Whether an order names refunds."""
    return _REFUNDS in bson
