"""BSON's bytes, for those who write and read documents without a driver: https://bsonspec.org/spec.html."""

from ecommerce.documents.kinds import MONEY_SCALE

TYPE_BYTES = {
    "string": b"\x02",
    "object": b"\x03",
    "array": b"\x04",
    "bool": b"\x08",
    "date": b"\x09",
    "null": b"\x0a",
    "timestamp": b"\x11",
    "long": b"\x12",
    "decimal": b"\x13",
}
"""By the names that `$jsonSchema` has for types."""

SIZES = {"bool": 1, "date": 8, "null": 0, "timestamp": 8, "long": 8, "decimal": 16}
"""Bytes of values whose size is fixed."""

DECIMAL_HIGH = (6176 - MONEY_SCALE) << 49
"""Upper half of a Decimal128 of four decimals, positive, its coefficient below 2^64: that is the lower half."""

DECIMAL_HIGH_BYTES = DECIMAL_HIGH.to_bytes(8, "little")


def document_of(elements: bytes) -> bytes:
    """The document, or the array, that has these elements."""
    return (len(elements) + 5).to_bytes(4, "little") + elements + b"\x00"
