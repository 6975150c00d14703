"""Tells what a file holds by looking into it: orders or a catalog table, JSON or CSV, in which layout."""

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from ecommerce.documents.catalog import CATALOG, CatalogTable
from ecommerce.documents.fields import fields_of
from ecommerce.importing.order_lines.mapping import mapping_for
from ecommerce.importing.reasons import shown
from ecommerce.importing.shape import JOINED, LINES, ORDER_COLUMNS, ORDERS, Shape
from ecommerce.importing.sources.streams import SourceError, open_source

_EXTRA_ORDER_COLUMNS = {"_id", "updated_at"}
_LOOK_BYTES = 1 << 18
_LOOK_ROWS = 50
_DELIMITERS = ",;\t|"


def recognise(path: Path, mapping: str | None = None) -> Shape | None:
    """The shape of a file; None for one without content. `mapping` is tried instead of the shipped ones.

    Raises SourceError where the file cannot be read, or its columns are those of nothing that can be imported.
    """
    with open_source(path) as stream:
        start = stream.read(_LOOK_BYTES)
    text = start.lstrip()
    if not text:
        return None
    if text[:1] in (b"{", b"["):
        layout = _json_layout(text)
        return Shape(_rows_of_json(text, layout), layout)
    columns, delimiter = _header(start, path)
    if not set(columns) >= set(ORDER_COLUMNS):
        found = mapping_for(columns, mapping)
        if found:
            rows = LINES if found[1] is None else JOINED
            return Shape(rows, "csv", tuple(columns), delimiter, mapping or found[0].name, found[1])
    return Shape(rows_of_columns(columns, path), "csv", tuple(columns), delimiter)


def _json_layout(text: bytes) -> str:
    if text.startswith(b"["):
        return "values"
    first, _, rest = text.partition(b"\n")
    if _parsed(first) is not None or not rest:
        return "lines"
    # A damaged first line is no reason to lose the others: pretty-printed objects go on with something indented.
    return "lines" if rest.lstrip(b"\r\n").startswith(b"{") else "values"


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _rows_of_json(text: bytes, layout: str) -> str:
    keys: set[str] = set()
    for record in _first_records(text, layout):
        if isinstance(record, dict):
            if any(column in record for column in ORDER_COLUMNS):
                return ORDERS
            keys |= record.keys() - {"_id"}
    table = _table_of(keys)
    return table.name if table else ORDERS


def _first_records(text: bytes, layout: str) -> Iterable[Any]:
    if layout == "lines":
        for line in text.split(b"\n")[:_LOOK_ROWS]:
            yield _parsed(line)
        return
    decoder = json.JSONDecoder()
    decoded = text.decode("utf-8", "replace").lstrip("[ \t\r\n")
    for _ in range(_LOOK_ROWS):
        try:
            record, end = decoder.raw_decode(decoded)
        except (ValueError, RecursionError):
            return
        yield record
        decoded = decoded[end:].lstrip(", \t\r\n")


def _header(start: bytes, path: Path) -> tuple[list[str], str]:
    text = start.decode("utf-8", "replace")
    lines = text.splitlines()
    first = next(line for line in lines if line.strip())
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        columns = next(csv.reader([first], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise SourceError(f"{path}: its first line {shown(first)} is no CSV header: {error}") from None
    return [column.strip() for column in columns], delimiter


def rows_of_columns(columns: Sequence[str], path: Path) -> str:
    """What a CSV file with these columns holds."""
    names = set(columns)
    if len(names) != len(columns):
        twice = next(name for name in columns if columns.count(name) > 1)
        raise SourceError(f"{path}: the column {shown(twice)} is there twice")
    if names >= set(ORDER_COLUMNS):
        unknown = names - set(ORDER_COLUMNS) - _EXTRA_ORDER_COLUMNS
        if unknown:
            raise SourceError(f"{path}: unknown columns {shown(sorted(unknown))} beside {', '.join(ORDER_COLUMNS)}")
        return ORDERS
    table = _table_of(names - {"_id"})
    if table is None:
        raise SourceError(
            f"{path}: its columns {shown(list(columns))} are neither orders ({', '.join(ORDER_COLUMNS)}) nor a catalog"
            " table, and no mapping knows them: write one (docs/mappings.md)"
        )
    unknown = names - {"_id"} - {field.name for field in fields_of(table.document)}
    if unknown:
        raise SourceError(f"{path}: unknown columns {shown(sorted(unknown))} in a table of {table.name}")
    return table.name


def _table_of(names: set[str]) -> CatalogTable | None:
    for table in CATALOG:
        required = {field.name for field in fields_of(table.document) if not field.optional}
        if required <= names:
            return table
    return None


def open_rows(stream: BinaryIO, shape: Shape) -> int:
    """Skip what stands before the first row of a CSV file. Returns the line on which the rows start."""
    line = 1
    if shape.layout == "csv":
        while (header := stream.readline(_LOOK_BYTES)).strip() == b"" and header:
            line += 1
        line += 1
    return line
