"""Frames of cells as BSON: a document per column, its values in the narrowest integers that hold them, under zstd.

The 128-bit sums shrink to the few bytes that they need, and Arrow IPC's schema, 2 kB for a tick's delta, is not there.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import polars as pl
import zstandard

from ecommerce.bson_reading.order_columns import IntArray
from ecommerce.hours import HOUR_SECONDS

CELLS_VERSION = 3
"""By which cells are made. 1, which left no mark: that of 0.1.0, which knew five texts as statuses and no others. In 1
and 2 an hour is one of UTC, in hours since 1970."""

HOUR = "hour"

FEW_ROWS = 500
"""Polars takes 0.1 ms to find the different texts of a column, however few rows it has; most tables have few."""

_WIDE = 10**12
"""A sum beyond 64 bits is kept as two integers, `high * _WIDE + low`."""

_TYPES = tuple((name, int(np.iinfo(name).min), int(np.iinfo(name).max)) for name in ("<i1", "<i2", "<i4", "<i8"))


def encode_frame(frame: pl.DataFrame) -> dict[str, Any]:
    """The frame as a document. Rows come back in the order of the first column, which is what makes it small.

    By all columns they would be 1 % smaller and take half as long again.
    """
    ordered = frame.sort(frame.columns[0])
    compressor = zstandard.ZstdCompressor(level=3)
    return {
        "version": CELLS_VERSION,
        "rows": ordered.height,
        "columns": {name: _encode_column(ordered[name], compressor) for name in ordered.columns},
    }


def decode_frame(document: Mapping[str, Any], dimensions: dict[str, Any], measures: dict[str, Any]) -> pl.DataFrame:
    """The frame of a document that `encode_frame` made, with the measures that it has; without rows it lacks none."""
    decompressor = zstandard.ZstdDecompressor()
    columns, rows = document["columns"], int(document["rows"])
    if not rows:
        return pl.DataFrame(schema={**dimensions, **measures})
    schema = {name: dtype for name, dtype in (dimensions | measures).items() if name in columns}
    frame = pl.DataFrame(
        [_decode_column(columns[name], rows, decompressor).alias(name).cast(dtype) for name, dtype in schema.items()]
    )
    if lacking := dimensions.keys() - schema.keys():
        # A dimension that came later was one and the same for all cells before it: none.
        frame = frame.with_columns(pl.lit("").alias(name) for name in lacking)
        frame = frame.select(*dimensions, *(name for name in measures if name in schema))
    return (
        frame.with_columns(pl.col(HOUR) * HOUR_SECONDS) if document.get("version", 1) < 3 and HOUR in schema else frame
    )


def texts_of(document: Mapping[str, Any], column: str) -> list[str]:
    """The different texts of a column of a document that `encode_frame` made."""
    return msgspec.json.decode(document["columns"][column]["texts"], type=list[str])


def _encode_column(column: pl.Series, compressor: zstandard.ZstdCompressor) -> dict[str, Any]:
    if column.dtype == pl.String:
        codes, texts = _coded(column)
        return _pack(codes, compressor) | {"texts": msgspec.json.encode(texts)}
    try:
        return _pack(column.cast(pl.Int64).to_numpy(), compressor)
    except pl.exceptions.InvalidOperationError:  # beyond 64 bits
        parts = column.to_frame("v").select(high=pl.col("v") // _WIDE)
        parts = parts.with_columns(low=column - parts["high"].cast(pl.Int128) * pl.Series([_WIDE], dtype=pl.Int128))
        high, low = (_pack(parts[name].cast(pl.Int64).to_numpy(), compressor) for name in ("high", "low"))
        return high | {"low": low}


def _coded(column: pl.Series) -> tuple[IntArray, list[str]]:
    """For each row the place of its text among the different ones, and these in order."""
    if len(column) <= FEW_ROWS:
        found = column.to_list()
        places = {text: place for place, text in enumerate(sorted(set(found)))}
        return np.array([places[text] for text in found], np.int64), list(places)
    if (column == column[0]).all():
        return np.zeros(len(column), np.int64), [column[0]]
    texts = column.unique().sort()
    return column.cast(pl.Enum(texts)).to_physical().cast(pl.Int64).to_numpy(), texts.to_list()


def _pack(values: IntArray, compressor: zstandard.ZstdCompressor) -> dict[str, Any]:
    lowest, highest = (int(values.min()), int(values.max())) if len(values) else (0, 0)
    # Signed ones only: NumPy finds that what holds an int64 and an uint64 is a float.
    narrow = next(name for name, least, most in _TYPES if least <= lowest and highest <= most)
    packed = values.astype(narrow)
    return {"type": packed.dtype.str, "data": compressor.compress(packed.tobytes())}


def _decode_column(document: Mapping[str, Any], rows: int, decompressor: zstandard.ZstdDecompressor) -> pl.Series:
    if "texts" in document:
        texts = pl.Series(msgspec.json.decode(document["texts"], type=list[str]), dtype=pl.String)
        # Of a shop with one currency and one channel these are a third of all texts.
        one = len(texts) == 1
        # By brackets, as `gather` makes a plan: four times as long for the few rows of a tick.
        return texts.new_from_index(0, rows) if one else texts[_unpack(document, rows, decompressor)]
    values = _unpack(document, rows, decompressor)
    if "low" in document:
        low = _unpack(document["low"], rows, decompressor).cast(pl.Int128)
        return values.cast(pl.Int128) * pl.Series([_WIDE], dtype=pl.Int128) + low
    return values


def _unpack(document: Mapping[str, Any], rows: int, decompressor: zstandard.ZstdDecompressor) -> pl.Series:
    dtype = np.dtype(document["type"])
    data = decompressor.decompress(bytes(document["data"]), max_output_size=rows * dtype.itemsize)
    return pl.Series(np.frombuffer(data, dtype=dtype))
