"""Frames of cells: rows put together, and summed by their dimensions."""

from collections.abc import Mapping, Sequence
from functools import cache, reduce
from operator import or_
from typing import Any

import polars as pl

from ecommerce.bson_reading.order_columns import no_texts

AS_WRITTEN = pl.QueryOptFlags.none()
"""How plans are run: each is short and in its best order, and to a tick looking for a better one is half its cost."""


def present(frame: pl.DataFrame, types: Mapping[str, Any]) -> dict[str, Any]:
    """The measures that a frame has."""
    columns = set(frame.columns)
    return {name: dtype for name, dtype in types.items() if name in columns}


def together(frames: Sequence[pl.DataFrame], dimensions: Mapping[str, Any], types: Mapping[str, Any]) -> pl.DataFrame:
    """The rows of all frames, their columns in any order, with the measures that each of those with rows has."""
    filled = [frame for frame in frames if frame.height]
    schema: dict[str, Any] = {**dimensions, **types}
    if any(frame.columns != list(schema) for frame in filled):
        known = set.intersection(*(set(frame.columns) for frame in filled))
        schema = {name: dtype for name, dtype in schema.items() if name in known}
        filled = [frame.select(list(schema)) for frame in filled]
    return pl.concat(filled) if filled else pl.DataFrame(schema=schema)


def summed(frame: pl.DataFrame, dimensions: Mapping[str, Any], types: Mapping[str, Any]) -> pl.DataFrame:
    """The frame grouped by its dimensions, the measures that it has summed, rows of zeros left out."""
    return summed_all([(frame, dimensions, types)])[0]


def summed_all(
    frames: Sequence[tuple[pl.DataFrame, Mapping[str, Any], Mapping[str, Any]]],
) -> list[pl.DataFrame]:
    """Each frame `summed` by its dimensions and measures. At once: each plan that runs alone costs a tick 0.3 ms."""
    plans, left_out = [], []
    for frame, dimensions, types in frames:
        known = types if frame.width == len(dimensions) + len(types) else present(frame, types)
        # Most shops have one currency and one channel: each text to group by costs half as much again.
        empty = [name for name in list(dimensions)[1:] if dimensions[name] == pl.String and not frame[name].max()]
        sums, has_any = _sums(tuple(known.items()))
        varying = [name for name in dimensions if name not in empty]
        plans.append(frame.lazy().group_by(varying).agg(sums).filter(has_any))
        left_out.append([(list(dimensions).index(name), name) for name in empty])
    found = pl.collect_all(plans, optimizations=AS_WRITTEN)
    for frame, names in zip(found, left_out, strict=True):
        for index, name in names:
            frame.insert_column(index, no_texts(frame.height).alias(name))
    return found


@cache
def _sums(types: tuple[tuple[str, Any], ...]) -> tuple[list[pl.Expr], pl.Expr]:
    """The sum of each measure, and whether any is not zero. Building them anew would be a fifth of a tick."""
    sums = [pl.col(name).cast(dtype).sum() for name, dtype in types]
    return sums, reduce(or_, (pl.col(name) != 0 for name, _ in types))
