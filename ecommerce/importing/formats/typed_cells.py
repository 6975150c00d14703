"""Cells that have a type, of spreadsheets and of Parquet, as lines of CSV whose texts have one meaning.

A number is not a text of unknown notation: 22.368 is written 22.3680, which can be no thousands.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from ecommerce.importing.formats.chunks import Chunk

ROWS_A_CHUNK = 2_000
_EXACT_DIGITS = 15
"""A float holds as many decimal digits: what is behind them is noise, and a larger whole number has lost its end."""


def text_of(value: Any) -> str:
    """The text of a cell, empty where it holds nothing."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return _float_text(value)
        case Decimal():
            return _decimal_text(format(value, "f"))
        case datetime() | date() | time():
            return value.isoformat()
        case bytes():
            return value.decode("utf-8", "surrogateescape")
        case _:
            return str(value)


def _float_text(value: float) -> str:
    if value != value:  # NaN is how pandas writes an empty cell
        return ""
    if abs(value) >= 10**_EXACT_DIGITS:
        return f"{value:.{_EXACT_DIGITS}E}"  # as which it is no identity, and no amount
    text = f"{value:.{_EXACT_DIGITS}g}"
    return _decimal_text(format(Decimal(text), "f") if "e" in text else text)


def _decimal_text(text: str) -> str:
    return text + "0" if len(text.partition(".")[2]) == 3 else text


def csv_chunks(rows: Iterable[tuple[int, Sequence[Any]]]) -> Iterator[Chunk]:
    """Rows with their lines as chunks of CSV text, a physical line each that holds no line end in a cell."""
    first, lines = 0, io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    at = 0
    for line, cells in rows:
        if at and line != at:  # so that a row's line is its place in the chunk
            yield Chunk(first, lines.getvalue().encode("utf-8", "surrogateescape"))
            lines.seek(0)
            lines.truncate()
            at = 0
        first = first if at else line
        writer.writerow([text_of(cell).replace("\r\n", " ").replace("\n", " ").replace("\r", " ") for cell in cells])
        at = line + 1
        if at - first >= ROWS_A_CHUNK:
            yield Chunk(first, lines.getvalue().encode("utf-8", "surrogateescape"))
            lines.seek(0)
            lines.truncate()
            at = 0
    if at:
        yield Chunk(first, lines.getvalue().encode("utf-8", "surrogateescape"))
