"""CSV with a header: the delimiter is that with which its columns are known.

Excel leaves out empty cells at a row's end, and adds some: a row that is too short is filled up, surplus empty cells
are dropped. Anything else of another width is no row.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from ecommerce.importing.formats.chunks import ROW_BYTES_MAX, Chunk, Row, end_of_lines, line_chunks
from ecommerce.importing.formats.format import Format, Head
from ecommerce.importing.formats.header import ends_in_carriage_returns, lines_of, possible_headers
from ecommerce.importing.reasons import shown
from ecommerce.importing.shape import AS_TEXT, IN_CELLS, IN_RECORDS, Shape
from ecommerce.importing.sources.streams import SourceError, is_utf8, open_source

csv.field_size_limit(ROW_BYTES_MAX)


def head(start: bytes, path: Path) -> Head | None:
    """What may be the header. Any text may be CSV: SourceError where nothing is."""
    text = start.decode("utf-8", "replace")
    carriage_returns = ends_in_carriage_returns(text)
    if carriage_returns:
        text = text.replace("\r", "\n")
    headers = list(possible_headers(text))
    if not headers:
        first = next(line for line in lines_of(text) if line.strip())
        raise SourceError(f"{path}: its first line {shown(first)} is no CSV header")
    return Head(headers=headers, carriage_returns=carriage_returns)


def settle(path: Path, shape: Shape) -> Shape:
    """The shape with what only the whole file says: whether it is UTF-8 after all, and what quotes do in it."""
    if shape.encoding and not shape.encoding.lower().startswith("utf") and is_utf8(path):
        shape = replace(shape, encoding="")
    return _settle_quotes(path, shape)


def _settle_quotes(path: Path, shape: Shape) -> Shape:
    """The shape with what quotes do in a tab-separated file, which programs write in two ways.

    Amazon's reports do not quote: a title may begin with an inch mark. Where each line with quotes has all the columns,
    or closes the quotes that it opens, no cell holds a line end, and each line is a row; else quotes are those of CSV.
    """
    if shape.layout != CSV.layout or shape.delimiter != "\t" or shape.quotes != IN_RECORDS:
        return shape
    tabs = len(shape.columns) - 1
    with open_source(path, shape.encoding, carriage_returns=shape.carriage_returns) as stream:
        if all(line.count(b"\t") == tabs or line.count(b'"') % 2 == 0 for line in stream if b'"' in line):
            return replace(shape, quotes=IN_CELLS)
    return shape


def chunks(stream: BinaryIO, shape: Shape) -> Iterator[Chunk]:
    """Chunks that end where a row ends; what stands before the first row is skipped."""
    for _ in range(1, shape.first_line):
        stream.readline()
    end_of_rows = _end_outside_quotes if shape.quotes == IN_RECORDS else end_of_lines
    return line_chunks(stream, shape.first_line, end_of_rows=end_of_rows)


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
    columns, lines = len(shape.columns), lines_of(chunk.data.decode("utf-8", "surrogateescape"))
    if shape.quotes != IN_RECORDS:
        yield from _rows_of_lines(chunk.first_line, lines, shape)
        return
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
                        problem = _fit(cells, columns, complete=lines[end - 1][-1] == "\n")
                    if end != start + 1:
                        problem = problem or _joined_rows(lines[start:end], columns, shape.delimiter)
                    text = lines[start] if end == start + 1 else "".join(lines[start:end])
                    if problem and end == start + 1:
                        yield Row(chunk.first_line + start, 1, text=text, cells=cells, problem=problem)
                        problem = ""
                    elif problem:
                        break
                    else:
                        yield Row(chunk.first_line + start, end - start, text=text, cells=cells)
                start = end
            else:
                return
        except csv.Error as error:
            problem = f"not CSV: {error}"
        # A quote that was never closed swallows what follows it, so only its own line is given up.
        yield Row(chunk.first_line + start, 1, text=lines[start], problem=problem)
        start += 1


def _rows_of_lines(first_line: int, lines: Sequence[str], shape: Shape) -> Iterator[Row]:
    for number, line in enumerate(lines, first_line):
        cells = line.rstrip("\r\n").split(shape.delimiter)
        if shape.quotes != AS_TEXT and '"' in line:
            cells = [unquoted(cell) for cell in cells]
        if any(cell.strip() for cell in cells):
            problem = _fit(cells, len(shape.columns), complete=line[-1] == "\n")
            yield Row(number, 1, text=line, cells=cells, problem=problem or None)


def unquoted(cell: str) -> str:
    """A cell without the quotes around it. One with a quote at one end only, or single ones inside, is text."""
    if len(cell) > 1 and cell[0] == cell[-1] == '"':
        inner = cell[1:-1].replace('""', "\0")
        if '"' not in inner:
            return inner.replace("\0", '"')
    return cell


def _fit(cells: list[str], columns: int, *, complete: bool) -> str:
    """Bring cells to the header's number. Returns what is wrong where that may not be done."""
    width = len(cells)
    if width > columns:
        if any(cell.strip() for cell in cells[columns:]):
            return f"{width} columns, the header has {columns}"
        del cells[columns:]
    elif width < columns:
        if not complete:
            return f"{width} columns, the header has {columns}, and the file ends here: it is cut off"
        cells += [""] * (columns - width)
    return ""


def _joined_rows(lines: Sequence[str], columns: int, delimiter: str) -> str:
    """What is wrong where quotes join lines each of which would be a row: inch marks in two titles, for example."""
    if all(line.count(delimiter) == columns - 1 for line in lines):
        return f"quotes join {len(lines)} lines, each of which has the {columns} columns of a row"
    return ""


@cache
def _dialect(delimiter: str) -> Any:
    """Made once: for a single line, making it took as long as reading that."""
    name = f"ecommerce {delimiter}"
    csv.register_dialect(name, delimiter=delimiter, strict=True)
    return csv.get_dialect(name)


def cells_of_text(text: str, shape: Shape) -> list[list[str]]:
    """The cells of rows that were read before, once more. Raises csv.Error or ValueError where they are none."""
    columns = len(shape.columns)
    if shape.quotes == IN_RECORDS and ('"' in text or "\r" in text):
        rows = list(csv.reader(lines_of(text) if "\n" in text else [text], _dialect(shape.delimiter)))
    else:
        rows = [line.split(shape.delimiter) for line in text.split("\n")]
        if shape.quotes != AS_TEXT and '"' in text:
            rows = [[unquoted(cell) for cell in row] for row in rows]
    for row in rows:
        if len(row) != columns and (problem := _fit(row, columns, complete=True)):
            raise ValueError(problem)
    return rows


CSV = Format("csv", (".csv", ".tsv"), head, chunks, rows)
