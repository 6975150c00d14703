"""Replies of MongoDB taken apart without decoding their documents or making an object for each.

PyMongo's raw documents cost 3 to 5 microseconds each, as much as folding one; slicing costs a tenth.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import bson
from pymongo.client_session import ClientSession

from ecommerce.documents.bson_codec import RAW_OPTIONS
from ecommerce.documents.bson_types import SIZES, TYPE_BYTES
from ecommerce.mongo import MongoDatabase

_INT32, _INT64 = struct.Struct("<i"), struct.Struct("<q")
_STRING, _DOCUMENT, _ARRAY = (ord(TYPE_BYTES[name]) for name in ("string", "object", "array"))
_SIZES = {ord(TYPE_BYTES[name]): size for name, size in SIZES.items()}


@dataclass(slots=True)
class CursorReply:
    """A batch of a cursor."""

    cursor_id: int = 0
    """0 where there is no more to come."""
    documents: list[bytes] = field(default_factory=list)
    token: Mapping[str, Any] | None = None
    """Of a change stream: the position after this batch."""
    size_bytes: int = 0


def read_cursor(database: MongoDatabase, command: dict[str, Any], session: ClientSession) -> CursorReply:
    """Run a command that opens or reads a cursor."""
    answer: Any = database.command(command, session=session, codec_options=RAW_OPTIONS)
    cursor = bytes(answer["cursor"].raw)
    reply = CursorReply(size_bytes=len(cursor))
    for name, kind, start, end in elements(cursor):
        if name == b"id":
            reply.cursor_id = _INT64.unpack_from(cursor, start)[0]
        elif name == b"postBatchResumeToken":
            reply.token = bson.decode(cursor[start:end])
        elif kind == _ARRAY:
            reply.documents = array_documents(cursor, start, end)
    return reply


def elements(document: bytes) -> Iterator[tuple[bytes, int, int, int]]:
    """Name, type and place of the elements of a BSON document that has only types of a cursor or a change event.

    A value is from its start to before its end: that of a batch has megabytes, which nobody needs twice.
    """
    at = 4
    while kind := document[at]:
        value = document.index(0, at + 1) + 1
        if kind in (_DOCUMENT, _ARRAY):
            end = value + _INT32.unpack_from(document, value)[0]
        elif kind == _STRING:
            end = value + 4 + _INT32.unpack_from(document, value)[0]
        else:
            end = value + _SIZES[kind]
        yield document[at + 1 : value - 1], kind, value, end
        at = end


def text(value: bytes) -> str:
    """The text of a string element."""
    return value[4:-1].decode()


def array_documents(cursor: bytes, start: int, end: int) -> list[bytes]:
    """The documents of the BSON array that is at this place."""
    documents: list[bytes] = []
    at, last, digits, more_digits, unpack = start + 4, end - 1, 1, 10, _INT32.unpack_from
    while at < last:
        if len(documents) == more_digits:
            digits, more_digits = digits + 1, more_digits * 10
        first = at + digits + 2  # behind the type, the index in decimal and a zero
        at = first + unpack(cursor, first)[0]
        documents.append(cursor[first:at])
    return documents
