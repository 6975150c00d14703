"""The text that `content_hash` hashes, rendered by MongoDB itself.

So what stands in the archive is compared with what MongoDB holds by a way that has nothing in common with the way that
it came: not the connector, not Spark, not Python's codec. Measured at 10 000 orders on busy cores: 0.26 s by this
expression, 0.74 s by decoding the documents in Python.
"""

from typing import Any

from bson import Int64
from msgspec import Struct

from ecommerce.documents.content_hash import LEFT_OUT, NO_VALUE, SEPARATOR
from ecommerce.documents.fields import Field, fields_of
from ecommerce.documents.kinds import MONEY_FACTOR
from ecommerce.documents.order import OrderDocument

Expression = dict[str, Any]


def content_text_expression() -> Expression:
    """An aggregation expression over an order document that equals `content_hash.content_text`."""
    return _struct_text(OrderDocument, "$")


def _struct_text(document: type[Struct], prefix: str) -> Expression:
    parts: list[Any] = []
    for field in fields_of(document):
        if field.name == LEFT_OUT:
            continue
        path = prefix + field.name
        if parts:
            parts.append(SEPARATOR)
        if field.is_array:
            assert field.document is not None  # noqa: S101 - arrays hold documents
            element = {"$concat": ["$$value", SEPARATOR, _struct_text(field.document, "$$this.")]}
            parts.append({"$toString": {"$size": path}})
            parts.append({"$reduce": {"input": path, "initialValue": "", "in": element}})
        elif field.document is not None:
            parts.append(_struct_text(field.document, path + "."))
        else:
            parts.append(_scalar_text(field, path))
    return {"$concat": parts}


def _scalar_text(field: Field, path: str) -> Any:
    assert field.kind is not None  # noqa: S101 - the caller passes scalars
    text: Expression
    match field.kind.bson_type:
        case "decimal":
            text = {"$toString": {"$toLong": {"$multiply": [path, Int64(MONEY_FACTOR)]}}}
        case "date":
            text = {"$toString": {"$toLong": path}}
        case "string":
            text = {"$concat": [{"$toString": {"$strLenCP": path}}, ":", path]}
        case _:
            text = {"$toString": path}
    if not field.nullable:
        return text
    # `$gt` null: there is a value. `$strLenCP` fails on null, so `$ifNull` around it would come too late.
    return {"$cond": [{"$gt": [path, None]}, text, NO_VALUE]}
