"""CSV with a header, its delimiter found by looking at that."""

import csv
import io
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from ecommerce.importing.formats.chunks import ROW_BYTES_MAX, Chunk, Row, line_chunks
from ecommerce.importing.formats.format import LOOK_BYTES, Format, Head
from ecommerce.importing.reasons import shown
from ecommerce.importing.shape import Shape
from ecommerce.importing.sources.streams import SourceError

csv.field_size_limit(ROW_BYTES_MAX)

DELIMITERS = ",;\t|"


def head(start: bytes, path: Path) -> Head | None:
    """The columns of the header. Any text may be CSV: SourceError where it is none."""
    text = start.decode("utf-8", "replace")
    first = next(line for line in text.splitlines() if line.strip())
    delimiter = max(DELIMITERS, key=first.count)
    try:
        columns = next(csv.reader([first], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise SourceError(f"{path}: its first line {shown(first)} is no CSV header: {error}") from None
    return Head(columns=tuple(column.strip() for column in columns), delimiter=delimiter)


def chunks(stream: BinaryIO, shape: Shape) -> Iterator[Chunk]:
    """Chunks that end where a line ends, but not inside a pair of quotes; the header is skipped."""
    line = 1
    while (header := stream.readline(LOOK_BYTES)).strip() == b"" and header:
        line += 1
    return line_chunks(stream, line + 1, end_of_rows=_end_outside_quotes)


def _end_outside_quotes(buffer: bytes) -> int:
    """End of the last line that is not inside quotes, 0 where there is none."""
    end = buffer.rfind(b"\n") + 1
    quotes = buffer.count(b'"', 0, end)
    while quotes % 2 and end:
        before = buffer.rfind(b"\n", 0, end - 1) + 1
        quotes -= buffer.count(b'"', before, end)
        end = before
    return end


def rows(chunk: Chunk, shape: Shape) -> Iterator[Row]:
    """The records of a chunk. After a broken one that took several lines, the line after its first is tried next."""
    columns = len(shape.columns)
    lines = list(io.StringIO(chunk.data.decode("utf-8", "surrogateescape"), newline="\n"))
    start = 0
    while start < len(lines):
        base = start
        problem = ""
        reader = csv.reader(islice(lines, base, None), delimiter=shape.delimiter, strict=True)
        try:
            for cells in reader:
                end = base + reader.line_num
                if cells and (cells[0].strip() or any(cell.strip() for cell in cells)):
                    if len(cells) != columns:
                        problem = f"{len(cells)} columns, the header has {columns}"
                        break
                    text = lines[start] if end == start + 1 else "".join(lines[start:end])
                    yield Row(chunk.first_line + start, end - start, text=text, cells=cells)
                start = end
            else:
                return
        except csv.Error as error:
            problem = f"not CSV: {error}"
        # A quote that was never closed swallows what follows it, so only its own line is given up.
        yield Row(chunk.first_line + start, 1, text=lines[start], problem=problem)
        start += 1


CSV = Format("csv", (".csv", ".tsv"), head, chunks, rows)
