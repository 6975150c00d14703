"""Chunks of whole rows, about two megabytes each, cut without looking into the rows, and the rows of a chunk."""

from collections.abc import Callable, Iterator
from typing import BinaryIO

from msgspec import Struct, field

from ecommerce.importing.reasons import Rejection

CHUNK_BYTES = 2 << 20
"""Read at a time. A chunk is a transaction: with half as much an import took 3 % more processor time."""

ROW_BYTES_MAX = 16 << 20
"""Largest row: MongoDB's largest document. The largest real order, 5 000 items, has 1 MB."""

RAW_KEPT_BYTES = 1 << 16
"""How much of a row that is too large is kept with its rejection."""


class Chunk(Struct, array_like=True):
    """Some rows of a file. `data` holds lines; of JSON that is not a value a line, and of the orders of order lines,
    `values` holds (line, text)."""

    first_line: int
    data: bytes = b""
    values: list[tuple[int, bytes]] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    """Rows that are known to be bad already."""
    first_part: int = 0
    """How many values came before, which tells apart those on one line."""


class Row(Struct, gc=False):
    """One row of a chunk: where it is, and its text or its cells, or what is wrong with it as CSV."""

    line: int
    span: int
    """Lines it takes; of JSON values, -1 - its index."""
    raw: bytes = b""
    text: str = ""
    """The text of a CSV record."""
    cells: list[str] | None = None
    problem: str | None = None


def too_large(line: int, raw: bytes, size: int) -> Rejection:
    reason = f"the row has {size >> 20} MB, more than {ROW_BYTES_MAX >> 20} MB"
    return Rejection(line, "row_too_large", reason, raw[:RAW_KEPT_BYTES], raw_complete=False)


def end_of_lines(buffer: bytes) -> int:
    """Where the last whole line ends, 0 where there is none."""
    return buffer.rfind(b"\n") + 1


def line_chunks(
    stream: BinaryIO, first_line: int = 1, *, end_of_rows: Callable[[bytes], int] = end_of_lines
) -> Iterator[Chunk]:
    """Chunks that end where a line ends, at that one which `end_of_rows` finds in a buffer."""
    line = first_line
    buffer = b""
    while block := stream.read(CHUNK_BYTES):
        buffer += block
        cut = end_of_rows(buffer)
        if cut == 0 and len(buffer) > ROW_BYTES_MAX:
            # An open quote may have swallowed the lines that follow it: give them up to the row's own reader.
            cut = end_of_lines(buffer)
        if cut:
            yield Chunk(line, buffer[:cut])
            line += buffer.count(b"\n", 0, cut)
            buffer = buffer[cut:]
        elif len(buffer) > ROW_BYTES_MAX:
            kept, size, buffer = buffer[:RAW_KEPT_BYTES], len(buffer), b""
            while block := stream.read(CHUNK_BYTES):
                end = block.find(b"\n") + 1
                size += end or len(block)
                if end:
                    buffer = block[end:]
                    break
            yield Chunk(line, rejections=[too_large(line, kept, size)])
            line += 1
    if buffer:
        yield Chunk(line, buffer)
