"""What the columns of a file are for, as a mapping uses them: amounts, times or identities."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from ecommerce.documents.catalog import CATALOG
from ecommerce.documents.fields import fields_of
from ecommerce.documents.order import Delivery, Order, OrderItem, Refund
from ecommerce.importing.order_lines.mapping import Mapping, Value


@dataclass
class ColumnRoles:
    """Columns by what they hold; one column may be several things."""

    amounts: set[str] = field(default_factory=set)
    identities: set[str] = field(default_factory=set)
    times: dict[tuple[str, ...], set[tuple[str, ...]]] = field(default_factory=dict)
    """By their formats: the columns of a time, which are one or several together."""


@lru_cache(maxsize=8)
def column_roles(mapping: Mapping) -> ColumnRoles:
    """The roles of all columns that the mapping uses."""
    roles = ColumnRoles()
    parts = [(Order, mapping.order), (OrderItem, mapping.item), (Delivery, mapping.delivery), (Refund, mapping.refund)]
    parts += [(table.document, mapping.catalog.get(table.name, {})) for table in CATALOG]
    for document, values in parts:
        for field_ in fields_of(document):
            assert field_.kind is not None or field_.name not in values  # noqa: S101 - mapped parts are flat
            if field_.name in values and field_.kind is not None:
                for value in _plain_values(values[field_.name]):
                    _note(roles, mapping, value, field_.kind.name, field_.kind.bson_type)
    return roles


def _plain_values(value: Value) -> Iterator[Value]:
    """The values that are texts of columns, and not made up by the mapping."""
    if value.map or value.present is not None or value.constant is not None:
        return
    yield value
    for candidate in value.first:
        yield from _plain_values(candidate)
    if isinstance(value.plus_days, Value):
        yield from _plain_values(value.plus_days)


def _note(roles: ColumnRoles, mapping: Mapping, value: Value, kind: str, bson_type: str) -> None:
    together = value.columns or ((value.column,) if value.column else ())
    if kind == "time":
        if together:
            roles.times.setdefault(value.dates or mapping.dates, set()).add(together)
    elif value.equals is not None:
        roles.amounts.update((*value.sum, *value.minus, value.equals))
    elif kind == "id":
        roles.identities.update(together)
    elif bson_type in ("decimal", "long"):
        amounts = (value.column, value.line_total, value.quantity, value.discount, value.part, value.rest, value.whole)
        roles.amounts.update(name for name in (*amounts, *value.sum, *value.minus) if name)
