"""Keeps what the definition does not know: scalars of a row become attributes, under the names that they had."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

from ecommerce.documents.fields import fields_of
from ecommerce.documents.order import OrderDocument
from ecommerce.importing.reasons import Rejected, shown

ATTRIBUTES = "attributes"
PLAIN = ("order",)
"""Parts whose fields keep their own names; others have the part's before them, as `delivery_carrier`."""


def unknown_kept(row: Any) -> Any:
    """A parsed row whose unknown scalars are attributes. Objects and lists that are not known stay, to be refused."""
    if not isinstance(row, Mapping) or not isinstance(row.get(ATTRIBUTES) or {}, Mapping):
        return row
    attributes = dict(row.get(ATTRIBUTES) or {})
    kept = _kept(OrderDocument, row, (), attributes)
    return kept | {ATTRIBUTES: attributes} if attributes else kept


def _kept(document: type[Struct], value: Mapping[str, Any], path: tuple[str, ...], found: dict[str, Any]) -> Any:
    fields = {field.name: field for field in fields_of(document)}
    kept: dict[str, Any] = {}
    for key, member in value.items():
        field = fields.get(key)
        nested = field.document if field else None
        if nested is None:
            if field is None and _is_scalar(member):
                _keep("_".join((*path, key)), member, found)
            else:
                kept[key] = member
        elif isinstance(member, Mapping):
            kept[key] = _kept(nested, member, path if key in PLAIN else (*path, key), found)
        elif isinstance(member, list):
            kept[key] = [
                _kept(nested, one, (*path, key, str(at)), found) if isinstance(one, Mapping) else one
                for at, one in enumerate(member, 1)
            ]
        else:
            kept[key] = member
    return kept


def _keep(name: str, value: Any, found: dict[str, Any]) -> None:
    texts = list(_text(value))
    if not texts:
        return
    if found.get(name, texts[0]) != texts[0]:
        raise Rejected("bad_attribute", f"two unknown fields would be the attribute {shown(name)}")
    found[name] = texts[0]


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | bool | int | Decimal)


def _text(value: Any) -> Iterator[str]:
    """The text of a scalar, as JSON writes it; nothing where there is no value."""
    if isinstance(value, bool):
        yield "true" if value else "false"
    elif value is not None:
        yield str(value)
