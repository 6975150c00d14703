"""Cells of CSV lines by their columns, read by Arrow where it reads just what `cells_of_text` does.

Arrow takes what follows a closed quote into the cell and reads a CR as the end of a line, so what has either is left
to `cells_of_text`. Most cells come again: a column has its different texts once.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import csv

from ecommerce.importing.formats.chunks import ROW_BYTES_MAX
from ecommerce.importing.formats.csv import cells_of_text
from ecommerce.importing.formats.header import DELIMITERS
from ecommerce.importing.shape import IN_RECORDS, Shape

_TEXTS = pa.dictionary(pa.int32(), pa.string())


class CellColumn(NamedTuple):
    """The cells of a column as they stand in the file."""

    different: list[str]
    """In the order in which they come."""
    at: "np.ndarray[Any, np.dtype[np.int32]]"
    """Which of them each line has."""

    def cells(self, meanings: Sequence[str] | None = None) -> Sequence[str]:
        """The cell of each line; with `meanings`, what stands for each of the different ones."""
        texts = self.different if meanings is None else meanings
        if len(texts) == len(self.at):
            return texts
        cells: list[str] = np.array(texts, object)[self.at].tolist()
        return cells


class CellColumns(NamedTuple):
    """The cells of some columns of lines; columns are known by their places in the file."""

    lines: int
    columns: dict[int, CellColumn]

    @classmethod
    def of_rows(cls, rows: Sequence[Sequence[str]], places: Iterable[int]) -> "CellColumns":
        """Those of rows that are complete."""
        columns = {}
        for place in places:
            cells = [row[place] for row in rows]
            numbers = {cell: number for number, cell in enumerate(dict.fromkeys(cells))}
            columns[place] = CellColumn([*numbers], np.array([*map(numbers.__getitem__, cells)], np.int32))
        return cls(len(rows), columns)

    def different(self, place: int) -> list[str]:
        """The different cells of a column."""
        return self.columns[place].different


def columns_of_text(text: str, shape: Shape, places: Collection[int]) -> CellColumns:
    """The columns at these places. Raises csv.Error or ValueError where the text has lines that are no rows."""
    if (columns := _read_by_arrow(text, shape, places)) is not None:
        return columns
    return CellColumns.of_rows(cells_of_text(text, shape), places)


def _read_by_arrow(text: str, shape: Shape, places: Collection[int]) -> CellColumns | None:
    """None where it may read something else, or finds lines that are no rows."""
    if shape.delimiter not in DELIMITERS or "\r" in text or text.startswith("\ufeff") or len(text) > ROW_BYTES_MAX:
        return None
    if '"' in text and (shape.quotes != IN_RECORDS or '"' in _quoted_cells(shape.delimiter).sub("", text)):
        return None
    data = text.encode()
    names = [*map(str, range(len(shape.columns)))]
    wanted = [names[at] for at in places]
    try:
        table = csv.read_csv(
            pa.py_buffer(data),
            csv.ReadOptions(use_threads=False, column_names=names, block_size=len(data) + 1),
            csv.ParseOptions(delimiter=shape.delimiter, ignore_empty_lines=False),
            csv.ConvertOptions(include_columns=wanted, column_types=dict.fromkeys(wanted, _TEXTS)),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != text.count("\n") + 1:
        return None
    return CellColumns(
        table.num_rows, {at: _column(table[name].chunk(0)) for at, name in zip(places, wanted, strict=True)}
    )


def _column(array: pa.DictionaryArray) -> CellColumn:
    at = np.frombuffer(array.indices.buffers()[1], np.int32, len(array))  # to_numpy would import pandas
    return CellColumn(array.dictionary.to_pylist(), at)


@cache
def _quoted_cells(delimiter: str) -> re.Pattern[str]:
    """Whole cells in quotes that hold no line end. Where they are taken away and no quote is left, quotes mean the same
    to every reader."""
    end = f"(?![^{delimiter}\n])"
    return re.compile(rf'"(?<![^{delimiter}\n]")[^"\n]*+(?:""[^"\n]*+)*+"{end}')
