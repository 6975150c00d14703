"""Tells what a file holds by looking into it: orders, a catalog table or order lines, and in which format."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ecommerce.documents.catalog import CATALOG, CatalogTable
from ecommerce.documents.fields import fields_of
from ecommerce.importing.files import known_suffix
from ecommerce.importing.formats.format import LOOK_BYTES
from ecommerce.importing.formats.registry import look
from ecommerce.importing.order_lines.mapping import Mapping, mapping_for
from ecommerce.importing.reasons import shown
from ecommerce.importing.shape import JOINED, LINES, ORDER_COLUMNS, ORDERS, Shape
from ecommerce.importing.sources.streams import SourceError, open_source

_EXTRA_ORDER_COLUMNS = {"_id", "updated_at"}


def recognise(path: Path, mapping: str | None = None) -> Shape | None:
    """The shape of a file; None for one without content. `mapping` is tried instead of the shipped ones.

    Raises SourceError where the file cannot be read, or its columns are those of nothing that can be imported.
    """
    with open_source(path) as stream:
        start = stream.read(LOOK_BYTES)
    if not start.strip():
        return None
    entry, head = look(start, path)
    if head.records is not None:
        return Shape(_rows_of_records(head.records), entry.layout)
    columns, delimiter = head.columns, head.delimiter
    if not set(columns) >= set(ORDER_COLUMNS):
        found = mapping_for(columns, mapping)
        if found:
            rows = LINES if found[1] is None else JOINED
            return Shape(rows, entry.layout, columns, delimiter, mapping or found[0].name, found[1])
    return Shape(rows_of_columns(columns, path), entry.layout, columns, delimiter)


def _rows_of_records(records: Sequence[Any]) -> str:
    keys: set[str] = set()
    for record in records:
        if isinstance(record, dict):
            if any(column in record for column in ORDER_COLUMNS):
                return ORDERS
            keys |= record.keys() - {"_id"}
    table = _table_of(keys)
    return table.name if table else ORDERS


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


def shape_or_none(path: Path, mapping: str | None) -> Shape | None:
    """The shape of a file; None, too, where it cannot be read or holds nothing that can be imported."""
    try:
        return recognise(path, mapping)
    except SourceError:
        return None


def joined_files(mapping: Mapping, path: Path, wanted: str | None) -> dict[str, tuple[Path, Shape]]:
    """The files in the folder of `path` that the mapping joins to it. Raises SourceError where one is missing."""
    found: dict[str, tuple[Path, Shape]] = {}
    if not mapping.tables:
        return found
    for beside in sorted(path.parent.iterdir()):
        shape = shape_or_none(beside, wanted) if beside != path and beside.is_file() and known_suffix(beside) else None
        if shape is not None and shape.table is not None and shape.rows == JOINED:
            found.setdefault(shape.table, (beside, shape))
    missing = mapping.tables.keys() - found.keys()
    if missing:
        needed = "; ".join(f"{name} (columns {', '.join(sorted(mapping.columns(name)))})" for name in sorted(missing))
        raise SourceError(f"{path}: the mapping {mapping.name} needs beside it {needed}")
    return found


def has_lines_beside(path: Path, wanted: str | None) -> bool:
    """Whether the folder of a joined file has the lines that it belongs to."""
    shapes = (shape_or_none(p, wanted) for p in path.parent.iterdir() if p.is_file() and known_suffix(p))
    return any(shape is not None and shape.rows == LINES for shape in shapes)
