"""Tells what a file holds by looking into it: orders, a catalog table or order lines, and in which format."""

import codecs
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ecommerce.documents.catalog import CATALOG, CatalogTable
from ecommerce.documents.fields import fields_of
from ecommerce.importing.files import known_suffix, natural
from ecommerce.importing.formats.csv import CSV, settle
from ecommerce.importing.formats.format import LOOK_BYTES, Head
from ecommerce.importing.formats.header import Header
from ecommerce.importing.formats.json_lines import no_json
from ecommerce.importing.formats.registry import look
from ecommerce.importing.order_lines.mapping import Mapping
from ecommerce.importing.order_lines.mappings import load_mapping, mapping_for, nearest_mapping
from ecommerce.importing.reasons import shown
from ecommerce.importing.rows.dotted_columns import is_dotted, problems
from ecommerce.importing.shape import AS_TEXT, IN_RECORDS, JOINED, LINES, ORDER_COLUMNS, ORDERS, Shape
from ecommerce.importing.sources.streams import SourceError, open_source

_EXTRA_ORDER_COLUMNS = {"_id", "updated_at", "attributes", "refunds"}


class UnknownColumns(SourceError):
    """A table that is neither orders nor of the catalog, and that no mapping knows."""


def recognise(path: Path, mapping: str | None = None, encoding: str = "") -> Shape | None:
    """The shape of a file; None for one without content. `mapping` is tried instead of the shipped ones.

    `encoding` is that of a file that is not UTF-8; without it, the mapping's. Raises SourceError where the file cannot
    be read, or its columns are those of nothing that can be imported.
    """
    encoding = encoding or (load_mapping(mapping).encoding if mapping else "")
    start = _start(path, encoding)
    if not start.strip():
        return None
    entry, head = look(start, path)
    if head.records is not None:
        return Shape(_rows_of_records(head.records), entry.layout, encoding=encoding if entry.is_text else "")
    try:
        shape = _with_columns(head, entry.layout, path, mapping)
    except UnknownColumns:
        if entry is CSV and (problem := no_json(start, path)):
            raise UnknownColumns(problem) from None
        raise
    if not entry.is_text:
        return shape
    return replace(shape, encoding=encoding or (load_mapping(shape.mapping).encoding if shape.mapping else ""))


def _start(path: Path, encoding: str) -> bytes:
    """The start of a file as UTF-8. `encoding` counts where it is not UTF-8 already."""
    with open_source(path) as stream:
        start = stream.read(LOOK_BYTES)
    if not encoding:
        return start
    with suppress(UnicodeDecodeError):
        codecs.getincrementaldecoder("utf-8")("strict").decode(start)
        if not encoding.lower().startswith("utf"):
            return start
    with open_source(path, encoding) as stream:
        return stream.read(LOOK_BYTES)


def _with_columns(head: Head, layout: str, path: Path, wanted: str | None) -> Shape:
    delimiter = load_mapping(wanted).delimiter if wanted else None
    headers = [header for header in head.headers if delimiter in (None, header.delimiter)] or head.headers
    for header in headers:
        columns = header.columns
        shape = Shape(
            "", layout, columns, header.delimiter, first_line=header.first_line, carriage_returns=head.carriage_returns
        )
        orders = set(columns) >= set(ORDER_COLUMNS)
        if not orders and not wanted and is_dotted(columns):
            if problem := problems(columns):
                raise SourceError(f"{path}: {problem}")
            return replace(shape, rows=ORDERS)
        found = None if orders else mapping_for(columns, wanted)
        if found:
            mapping, table = found
            _check_unique(columns, mapping, table, path)
            return replace(
                shape,
                rows=LINES if table is None else JOINED,
                mapping=wanted or mapping.name,
                table=table,
                quotes=IN_RECORDS if mapping.quotes else AS_TEXT,
            )
        if orders or _table_of(set(columns) - {"_id"}):
            return replace(shape, rows=rows_of_columns(columns, path))
    if wanted:
        raise SourceError(f"{path}: {_missing(load_mapping(wanted), headers)}{_unreadable(headers[0].columns)}")
    return Shape(rows_of_columns(headers[0].columns, path), layout)


def _unreadable(columns: Sequence[str]) -> str:
    strange = any("\ufffd" in column or "\0" in column for column in columns)
    return "; it is not UTF-8 text: say what it is with --encoding, such as windows-1252 or utf-16" if strange else ""


def _nearest(columns: Sequence[str]) -> str:
    """What to do about a table that no mapping knows."""
    write = "write one (docs/mappings.md), from what `ecommerce mapping draft` proposes"
    if (found := nearest_mapping(columns)) is None:
        return write
    mapping, missing = found
    names = ", ".join(" or ".join(f"`{name}`" for name in choice) for choice in missing)
    copy = f"`ecommerce mapping show {mapping.name}` that does without"
    return f"nearest: {mapping.name}, which needs also {names}; export that, too, or import with a copy of {copy}"


def _check_unique(columns: Sequence[str], mapping: Mapping, table: str | None, path: Path) -> None:
    for name in columns:
        if columns.count(name) > 1 and mapping.uses(name, table):
            raise SourceError(
                f"{path}: the column {shown(name)}, which the mapping {mapping.name} uses, is there"
                f" {columns.count(name)} times: rename all but one"
            )


def _missing(mapping: Mapping, headers: Sequence[Header]) -> str:
    """What a mapping needs and the likeliest of the headers does not have."""
    needed = mapping.columns()
    best = max(headers, key=lambda header: len(needed & set(header.columns)))
    lacking = ", ".join(map(" or ".join, mapping.missing(best.columns)))
    return (
        f"the mapping {mapping.name} needs the columns {lacking}, which are not there; line {best.first_line - 1} has"
        f" {shown(list(best.columns))}"
    )


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
        raise UnknownColumns(
            f"{path}: its columns {shown(list(columns))} are neither orders ({', '.join(ORDER_COLUMNS)}) nor a catalog"
            f" table, and no mapping knows them: {_nearest(columns)}{_unreadable(columns)}"
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


def shape_or_none(path: Path, mapping: str | None, encoding: str = "") -> Shape | None:
    """The shape of a file; None, too, where it cannot be read or holds nothing that can be imported."""
    try:
        return recognise(path, mapping, encoding)
    except SourceError:
        return None


def joined_files(mapping: Mapping, path: Path, wanted: str | None, encoding: str = "") -> dict[str, tuple[Path, Shape]]:
    """The files in the folder of `path` that the mapping joins to it. Raises SourceError where one is missing."""
    found: dict[str, tuple[Path, Shape]] = {}
    if not mapping.tables:
        return found
    for beside in sorted(path.parent.iterdir(), key=natural):
        if beside == path or not beside.is_file() or not known_suffix(beside):
            continue
        shape = shape_or_none(beside, wanted, encoding)
        if shape is not None and shape.table is not None and shape.rows == JOINED:
            found.setdefault(shape.table, (beside, settle(beside, shape)))
    missing = mapping.tables.keys() - found.keys()
    if missing:
        needed = "; ".join(f"{name} (columns {', '.join(sorted(mapping.columns(name)))})" for name in sorted(missing))
        raise SourceError(f"{path}: the mapping {mapping.name} needs beside it {needed}")
    return found


def beside_a_complete_set(path: Path) -> str | None:
    """The mapping of whose files a complete set lies beside `path`, if so: Olist's download has nine tables."""
    for beside in sorted(path.parent.iterdir(), key=natural):
        shape = shape_or_none(beside, None) if beside.is_file() and known_suffix(beside) else None
        if shape is not None and shape.rows == LINES and (mapping := load_mapping(shape.mapping or "")).tables:
            with suppress(SourceError):
                joined_files(mapping, beside, None)
                return mapping.name
    return None


def has_lines_beside(path: Path, wanted: str | None) -> bool:
    """Whether the folder of a joined file has the lines that it belongs to."""
    shapes = (shape_or_none(p, wanted) for p in path.parent.iterdir() if p.is_file() and known_suffix(p))
    return any(shape is not None and shape.rows == LINES for shape in shapes)
