"""Spark's view of the definition, as DDL text: importing this does not import PySpark."""

from msgspec import Struct

from ecommerce.documents.fields import Field, fields_of
from ecommerce.documents.order import OrderDocument


def _type(field: Field) -> str:
    if field.kind is not None:
        return field.kind.spark_type
    assert field.document is not None  # noqa: S101 - a field is a scalar or a document
    struct = f"struct<{_members(field.document, ': ')}>"
    return f"array<{struct}>" if field.is_array else struct


def _members(document: type[Struct], separator: str) -> str:
    return ", ".join(f"`{field.name}`{separator}{_type(field)}" for field in fields_of(document))


def order_ddl() -> str:
    """Schema of `orders` and of an archive row, without `_id` (which is `order.order_id`)."""
    return _members(OrderDocument, " ")
