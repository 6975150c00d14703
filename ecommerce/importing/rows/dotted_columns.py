"""Orders in CSV whose columns are paths, as mongoexport and Compass write them: order.user_id, order_items.0.price."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ecommerce.documents.fields import fields_of, scalar_paths
from ecommerce.documents.order import OrderDocument
from ecommerce.importing.reasons import Rejected, shown
from ecommerce.importing.rows.inputs import LEFT_OPEN
from ecommerce.importing.shape import ORDER_COLUMNS

_INDEX = re.compile(r"\[(\d+)\]|\.(\d+)(?=\.|$)")


def _steps(column: str) -> list[str]:
    """order_items[0].price, as Compass has it, and order_items.0.price are order_items, 0, price."""
    return _INDEX.sub(r".\1\2", column).split(".")


def is_dotted(columns: Sequence[str]) -> bool:
    """Whether some of the columns are paths into an order document."""
    return any("." in column and _steps(column)[0] in ORDER_COLUMNS for column in columns)


def problems(columns: Sequence[str]) -> str:
    """What is wrong with paths as the columns of orders; empty where nothing is."""
    given = {".".join(step for step in _steps(column) if not step.isdigit()) for column in columns}
    known = dict(scalar_paths(OrderDocument))
    whole = {path for path in known if path.rpartition(".")[0] in given or path in given}
    unknown = sorted(given - known.keys() - set(ORDER_COLUMNS) - {"_id", "updated_at"})
    open_fields = {
        f"{part.name}.{name}"
        for part in fields_of(OrderDocument)
        for name in (LEFT_OPEN.get(part.document, ()) if part.document else ())
    }
    # What an order may lack as a whole, such as its refunds, is not missed where nothing of it is there.
    given_parts = {path.partition(".")[0] for path in given}
    lacked = {part.name for part in fields_of(OrderDocument) if part.optional} - given_parts
    needed = {
        path
        for path, field in known.items()
        if not (field.nullable or field.optional) and path.partition(".")[0] not in lacked
    }
    missing = sorted(needed - open_fields - {"updated_at"} - whole)
    wanted = f"or export --fields {','.join(ORDER_COLUMNS)}, or JSON"
    if missing:
        return f"its columns are paths into orders, but {', '.join(missing)} are not among them; add them, {wanted}"
    return f"its columns {', '.join(unknown)} are no fields of an order; leave them out, {wanted}" if unknown else ""


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """A row by its paths as a document. Raises Rejected where two of them contradict each other."""
    document: dict[str, Any] = {}
    for column, value in values.items():
        *path, last = _steps(column)
        at: Any = document
        for step in path:
            at = at.setdefault(step, {}) if isinstance(at, dict) else None
        if not isinstance(at, dict) or last in at:
            raise Rejected("duplicate_field", f"{shown(column)} is there twice")
        at[last] = value
    return {name: _with_lists(value) for name, value in document.items()}


def _with_lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_with_lists(value[key]) for key in sorted(value, key=int)]
    return {key: _with_lists(member) for key, member in value.items()}
