"""Columns of a batch of order documents, and of several batches put together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import polars as pl

ITEM = "item."
"""Before the names of an item's columns."""

IntArray = np.ndarray[Any, np.dtype[np.int64]]
BoolArray = np.ndarray[Any, np.dtype[np.bool_]]

Column = TypeVar("Column")


@dataclass(slots=True)
class Elements:
    """Columns of the elements of an array that few documents have, by the names of their fields."""

    owner: IntArray
    """Of each element: the index of its document; of an array within an array, of the element that it is in."""
    row: IntArray
    """Of each element: the index of its document."""
    numbers: dict[str, IntArray] = field(default_factory=dict)
    texts: dict[str, pl.Series] = field(default_factory=dict)
    has: dict[str, BoolArray] = field(default_factory=dict)
    """For nullable fields: which elements have a value."""


@dataclass(slots=True)
class OrderColumns:
    """Columns of a batch, by dotted path. Times are milliseconds since 1970, amounts scaled, absent times are 0."""

    regular: BoolArray
    """Which documents of the batch were read; the others' values mean nothing."""
    numbers: dict[str, IntArray] = field(default_factory=dict)
    texts: dict[str, pl.Series] = field(default_factory=dict)
    has: dict[str, BoolArray] = field(default_factory=dict)
    """For nullable fields: which documents have a value."""
    maps: dict[str, list[dict[str, str] | None]] = field(default_factory=dict)
    """For attributes: those of each document."""
    items: dict[str, IntArray] = field(default_factory=dict)
    item_texts: dict[str, pl.Series] = field(default_factory=dict)
    item_has: dict[str, BoolArray] = field(default_factory=dict)
    """For nullable fields of items: which items have a value."""
    item_of: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    """For each item: the index of its document."""
    arrays: dict[str, Elements] = field(default_factory=dict)
    """By path, as `refunds.items`; those that no document has are not there."""


def no_texts(count: int) -> pl.Series:
    """So many empty texts. `pl.repeat` plans a query for them, which for a hundred orders is a tenth of all work."""
    return pl.Series([""]).new_from_index(0, count)


def joined(batches: Sequence[OrderColumns]) -> OrderColumns:
    """The columns of all batches, one after the other."""
    if len(batches) == 1:
        return batches[0]
    with_items = [batch for batch in batches if len(batch.item_of)]
    return OrderColumns(
        np.concatenate([batch.regular for batch in batches]),
        numbers=_columns([batch.numbers for batch in batches], np.concatenate),
        texts=_columns([batch.texts for batch in batches], pl.concat),
        has=_columns([batch.has for batch in batches], np.concatenate),
        maps=_columns([batch.maps for batch in batches], lambda parts: [one for part in parts for one in part]),
        items=_columns([batch.items for batch in with_items], np.concatenate),
        item_texts=_columns([batch.item_texts for batch in with_items], pl.concat),
        item_has=_columns([batch.item_has for batch in with_items], np.concatenate),
        item_of=_moved([batch.item_of for batch in batches], [len(batch.regular) for batch in batches]),
        arrays={
            path: _joined_elements(batches, path)
            for path in dict.fromkeys(path for batch in batches for path in batch.arrays)
        },
    )


def _columns(batches: Sequence[dict[str, Column]], together: Callable[[list[Column]], Column]) -> dict[str, Column]:
    return {name: together([batch[name] for batch in batches]) for name in (batches[0] if batches else ())}


def _joined_elements(batches: Sequence[OrderColumns], path: str) -> Elements:
    """The elements of an array of all batches, of which some have none."""
    around = path.rpartition(".")[0]
    documents = [len(batch.regular) for batch in batches]
    owners = [len(batch.arrays[around].row) if around in batch.arrays else 0 for batch in batches]
    nothing = Elements(np.empty(0, np.int64), np.empty(0, np.int64))
    parts = [batch.arrays.get(path, nothing) for batch in batches]
    there = [part for part in parts if len(part.row)] or parts[:1]
    return Elements(
        _moved([part.owner for part in parts], owners if around else documents),
        _moved([part.row for part in parts], documents),
        _columns([part.numbers for part in there], np.concatenate),
        _columns([part.texts for part in there], pl.concat),
        _columns([part.has for part in there], np.concatenate),
    )


def _moved(indices: Sequence[IntArray], sizes: Sequence[int]) -> IntArray:
    """Positions within each batch as positions within all of them, of which each has so many of what they count."""
    before = np.cumsum([0, *sizes[:-1]])
    return np.concatenate([part + start for part, start in zip(indices, before, strict=True)])
