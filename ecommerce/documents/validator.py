"""MongoDB validators: `$jsonSchema` of a document, strict (unknown fields are refused)."""

from typing import Any

from bson import Decimal128
from msgspec import Struct

from ecommerce.documents.catalog import CatalogTable
from ecommerce.documents.fields import Field, fields_of
from ecommerce.documents.kinds import ATTRIBUTE_LENGTH_MAX
from ecommerce.documents.order import ITEMS_MAX, OrderDocument


def _scalar_schema(field: Field) -> dict[str, Any]:
    assert field.kind is not None  # noqa: S101 - callers pass scalars
    types = [field.kind.bson_type, "null"] if field.nullable and not field.optional else field.kind.bson_type
    bounds = {
        # A decimal is compared with a decimal bound, or the server would round it to a double first.
        name: Decimal128(str(bound)) if field.kind.bson_type == "decimal" and not isinstance(bound, bool) else bound
        for name, bound in field.kind.bson_bounds.items()
    }
    if field.kind.bson_type == "object":
        texts = {"bsonType": "string", "maxLength": ATTRIBUTE_LENGTH_MAX}
        return {"bsonType": "object", **bounds, "additionalProperties": texts}
    return {"bsonType": types, **bounds}


def _document_schema(document: type[Struct], identity: dict[str, Any] | None = None) -> dict[str, Any]:
    properties: dict[str, Any] = {"_id": identity} if identity else {}
    for field in fields_of(document):
        if field.document is None:
            properties[field.name] = _scalar_schema(field)
            continue
        nested = _document_schema(field.document)
        properties[field.name] = (
            {"bsonType": "array", "maxItems": ITEMS_MAX, "items": nested} if field.is_array else nested
        )
    required = [field.name for field in fields_of(document) if not field.optional]
    return {
        "bsonType": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
    }


def order_validator() -> dict[str, Any]:
    """Validator of `orders`: the schema, and the ids of the parts equal to `_id`."""
    schema = _document_schema(OrderDocument, identity={"bsonType": "long"})
    same_ids = {"$and": [{"$eq": ["$_id", "$order.order_id"]}, {"$eq": ["$_id", "$delivery.order_id"]}]}
    return {"$jsonSchema": schema, "$expr": same_ids}


def catalog_validator(table: CatalogTable) -> dict[str, Any]:
    """Validator of one catalog collection."""
    identity = {"bsonType": "long" if len(table.key) == 1 else "object"}
    return {"$jsonSchema": _document_schema(table.document, identity)}
