"""Cells are read by columns in a fast way: of every text it gives what reading it row by row gives, or refuses both."""

import csv
import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ecommerce.importing.formats.csv import CSV, cells_of_text
from ecommerce.importing.formats.csv_columns import CellColumns, columns_of_text
from ecommerce.importing.formats.header import DELIMITERS
from ecommerce.importing.shape import AS_TEXT, IN_CELLS, IN_RECORDS, LINES, Shape

QUOTES = [IN_RECORDS, IN_CELLS, AS_TEXT]
PIECES = [
    '"',
    '"',
    '""',
    ",",
    ",",
    ";",
    "\t",
    "|",
    "\n",
    "\n",
    "\r",
    "\ufeff",
    "\0",
    " ",
    "a",
    "bé",
    "NULL",
    "😀",
    "\u2028",
]


def shape_of(columns: int, delimiter: str, quotes: str) -> Shape:
    names = tuple(f"column {at}" for at in range(columns))
    return Shape(LINES, CSV.layout, columns=names, delimiter=delimiter, quotes=quotes)


def by_rows(text: str, shape: Shape) -> list[list[str]] | None:
    try:
        return cells_of_text(text, shape)
    except (csv.Error, ValueError):
        return None


def by_columns(text: str, shape: Shape) -> list[list[str]] | None:
    places = range(len(shape.columns))
    try:
        found = columns_of_text(text, shape, places)
    except (csv.Error, ValueError):
        return None
    rows = [list(row) for row in zip(*(found.columns[at].cells() for at in places), strict=True)]
    assert found.lines == len(rows)
    return rows


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join), st.integers(1, 4), st.sampled_from(QUOTES))
@example('a,"b"c', 2, IN_RECORDS)
@example('a,"b\nc",d', 2, IN_RECORDS)
@example('"a""b",""\n"",""""', 2, IN_RECORDS)
@example('"a," b,c","', 2, IN_RECORDS)
@example('a,b"c"\nd,e', 2, IN_RECORDS)
@example("\ufeffa,b", 2, IN_RECORDS)
@example("a,b\n\nc,d\n", 2, IN_RECORDS)
@example("a\n\nb", 1, IN_RECORDS)
@example("a,b,,\nc", 2, IN_RECORDS)
def test_any_text_is_read_by_columns_as_by_rows(text: str, columns: int, quotes: str) -> None:
    for delimiter in DELIMITERS:
        shape = shape_of(columns, delimiter, quotes)
        assert by_columns(text, shape) == by_rows(text, shape)


CELLS = st.lists(st.sampled_from(["", "", '"', '""', ",", "x", " y ", "NULL", "ü", "\n", "1.50"]), max_size=4).map(
    "".join
)


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=8), st.sampled_from(list(DELIMITERS)))
def test_what_is_written_is_read(rows: list[list[str]], delimiter: str) -> None:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows(rows)
    assert by_columns(file.getvalue()[:-1], shape_of(3, delimiter, IN_RECORDS)) == rows


@pytest.mark.parametrize("cell", ["plain", '"with, comma"', '"27"" screen"', '""', ""])
def test_cells_in_whole_quotes_are_read_the_fast_way(monkeypatch: pytest.MonkeyPatch, cell: str) -> None:
    monkeypatch.delattr(CellColumns, "of_rows")
    text = f"{cell},1\na,2"
    found = columns_of_text(text, shape_of(2, ",", IN_RECORDS), [0])
    (expected,) = next(csv.reader([cell])) if cell else [""]
    assert found.columns[0].cells() == [expected, "a"]
    assert found.columns[0].cells([*map(str.upper, found.different(0))]) == [expected.upper(), "A"]


def test_a_column_has_its_different_cells_in_their_order() -> None:
    found = columns_of_text("b,1\na,2\nb,3", shape_of(2, ",", IN_RECORDS), [0])
    assert found.different(0) == ["b", "a"]
    assert found.columns[0].cells() == ["b", "a", "b"]
