"""Identities and texts that are columns as they are, of many lines at once: most columns with many different cells."""

from collections.abc import Callable, Sequence
from typing import Any

from ecommerce.documents.fields import Field
from ecommerce.importing.order_lines.column_texts import NOT_WHOLE, SEPARATOR, stable_ids
from ecommerce.importing.order_lines.column_values import number_kept
from ecommerce.importing.order_lines.mapping import Mapping, Value
from ecommerce.importing.shape import Reading

Many = Callable[[Sequence[Any]], Sequence[Any]]
"""Cells of some lines (of each a text, or a tuple of several) → their values, as `column_values` makes them."""


def identities(readings: Sequence[Reading], value: Value) -> Many | None:
    """What makes the texts of identities; None where a mapping says more than columns."""
    if value != Value(column=value.column, columns=value.columns, number=value.number, optional=value.optional):
        return None
    whole = any(reading.kind == "whole" and reading.of == value.column for reading in readings)
    match value.column, value.columns:
        case str(), ():
            return lambda texts: [text.removesuffix(NOT_WHOLE) for text in texts] if whole else texts
        case None, (_, _, *_) if len(set(value.columns)) == len(value.columns):
            return lambda several: [SEPARATOR.join(texts) if any(texts) else "" for texts in several]
    return None


def many_of(mapping: Mapping, readings: Sequence[Reading], field: Field, value: Value, where: str) -> Many | None:
    """What makes the values of a field; None where each line must be looked at."""
    found = identities(readings, value)
    if found is None or field.kind is None:
        return None
    texts_of, name, namespace = found, field.name, mapping.namespace or mapping.name
    if field.kind.name == "text" and value.column:
        return lambda texts: [text or None for text in texts]
    if field.kind.name != "id":
        return None
    if value.number:
        return (lambda texts: [number_kept(text, where) if text else None for text in texts]) if value.column else None
    return lambda texts: stable_ids(namespace, name, texts_of(texts))
