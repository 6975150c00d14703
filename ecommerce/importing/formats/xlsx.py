"""Excel workbooks: every sheet with the same header is read, one after the other. Rows are kept as CSV text."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ecommerce.importing.formats import csv
from ecommerce.importing.formats.chunks import Chunk
from ecommerce.importing.formats.format import Format, Head
from ecommerce.importing.formats.header import LINES_LOOKED_AT, Header
from ecommerce.importing.formats.typed_cells import csv_chunks, text_of
from ecommerce.importing.shape import Shape
from ecommerce.importing.sources.streams import BOMB_BYTES, BOMB_RATIO, SourceError

_ZIP = b"PK\x03\x04"
_WORKBOOK = "xl/workbook.xml"


def head(start: bytes, path: Path) -> Head | None:
    """What may be the header: of the first rows of each sheet. None where the file is no workbook."""
    if not start.startswith(_ZIP) or not _is_workbook(path):
        return None
    headers = []
    with path.open("rb") as stream:
        for rows in _sheets(stream, path):
            for line, cells in zip(range(LINES_LOOKED_AT), rows, strict=False):
                names = _names(cells)
                if len(names) > 1:
                    headers.append(Header(names, ",", line + 2))
    if not headers:
        raise SourceError(f"{path}: no sheet of the workbook has a table")
    return Head(headers=headers)


def _is_workbook(path: Path) -> bool:
    import zipfile  # here: decoding processes import this module, and this one takes a twentieth of their start

    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError):
        return False
    unpacked, packed = (sum(getattr(entry, name) for entry in entries) for name in ("file_size", "compress_size"))
    if unpacked > BOMB_BYTES and unpacked > BOMB_RATIO * packed:
        raise SourceError(f"{path} grows to over {BOMB_RATIO} times its size, like a bomb: save it as CSV first")
    return any(entry.filename == _WORKBOOK for entry in entries)


def _sheets(stream: BinaryIO, path: Path | None = None) -> Iterator[Iterator[tuple[Any, ...]]]:
    import zipfile

    import openpyxl

    try:
        workbook = openpyxl.load_workbook(stream, read_only=True, data_only=True)
        for sheet in workbook.worksheets:
            sheet.reset_dimensions()  # some programs write a wrong size
            yield sheet.iter_rows(values_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError) as error:
        raise SourceError(f"{path or 'the workbook'} cannot be read as a workbook: {error}") from None


def _names(cells: tuple[Any, ...]) -> tuple[str, ...]:
    names = [text_of(cell).strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    return tuple(names)


def chunks(stream: BinaryIO, shape: Shape) -> Iterator[Chunk]:
    """The rows below the header, of each sheet that has it. Lines count on from sheet to sheet."""
    return csv_chunks(_rows(stream, shape))


def _rows(stream: BinaryIO, shape: Shape) -> Iterator[tuple[int, tuple[Any, ...]]]:
    before = 0
    for rows in _sheets(stream):
        line, below = 0, False
        for line, cells in enumerate(rows, 1):
            if below:
                yield before + line, cells
            else:
                below = _names(cells) == shape.columns
        before += line


XLSX = Format("xlsx", (".xlsx", ".xlsm"), head, chunks, csv.rows, is_text=False)
