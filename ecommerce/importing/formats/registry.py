"""The formats that can be imported. A new one is a module like `csv.py` with a `Format`, and an entry here.

Decoding processes import all of them, so a format's own heavy packages are imported by its functions.
"""

from pathlib import Path

from ecommerce.importing.formats.csv import CSV
from ecommerce.importing.formats.format import Format, Head
from ecommerce.importing.formats.json_lines import JSON_LINES
from ecommerce.importing.formats.json_values import JSON_VALUES
from ecommerce.importing.formats.parquet import PARQUET
from ecommerce.importing.formats.xlsx import XLSX

FORMATS: tuple[Format, ...] = (JSON_LINES, JSON_VALUES, XLSX, PARQUET, CSV)
"""In the order in which they are tried; any text may be CSV."""

SUFFIXES = tuple(suffix for entry in FORMATS for suffix in entry.suffixes)

_BY_LAYOUT = {entry.layout: entry for entry in FORMATS}


def format_of(layout: str) -> Format:
    """The format with that layout."""
    return _BY_LAYOUT[layout]


def look(start: bytes, path: Path) -> tuple[Format, Head]:
    """The format of a file that begins like this, and what it says. Raises SourceError where it is none of ours."""
    for entry in FORMATS:
        head = entry.head(start, path)
        if head is not None:
            return entry, head
    raise AssertionError(f"{path}: the last format takes any text")
