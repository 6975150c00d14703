"""Finds the header of a file with columns: behind which lines, with which delimiter, ended by what.

The header is the first line whose columns are known. So the delimiter is the one with which they are found, and what
stands before it is a title, or Excel's `sep=;`.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

DELIMITERS = ",;\t|"
LINES_LOOKED_AT = 40
"""eBay puts three lines before the header, banks up to twenty."""

_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class Header:
    """A line that may be the header."""

    columns: tuple[str, ...]
    delimiter: str
    first_line: int
    """The line on which the rows begin."""


def ends_in_carriage_returns(text: str) -> bool:
    """Whether the first line ends in CR alone, as Excel for Mac writes CSV."""
    at = text.find("\r")
    return at >= 0 and text[at + 1 : at + 2] != "\n" and "\n" not in text[:at]


def lines_of(text: str) -> list[str]:
    """The lines with their ends. Only LF ends one: a cell may hold U+2028 and what else `splitlines` cuts at."""
    return list(io.StringIO(text, newline="\n"))


def possible_headers(text: str) -> Iterator[Header]:
    """The headers that the start of a file may have, the likeliest first."""
    lines = lines_of(text)[: 2 * LINES_LOOKED_AT]
    start = next((at for at, line in enumerate(lines) if line.strip()), len(lines))
    said = _SEPARATOR_LINE.fullmatch(lines[start].lstrip(_BYTE_ORDER_MARK)) if start < len(lines) else None
    if said:
        start += 1
    for at in range(start, min(len(lines), start + LINES_LOOKED_AT)):
        if lines[at].strip():
            found = [header for sign in (said[1] if said else DELIMITERS) if (header := _at(lines, at, sign))]
            yield from sorted(found, key=lambda header: -len(header.columns))


def _at(lines: Sequence[str], at: int, delimiter: str) -> Header | None:
    try:
        reader = csv.reader(lines[at:], delimiter=delimiter, strict=True)
        columns = next(reader)
    except (csv.Error, StopIteration):
        return None
    names = tuple(column.strip().strip(_BYTE_ORDER_MARK) for column in columns)
    return Header(names, delimiter, at + reader.line_num + 1)
