"""Order lines looked at for the first time: what their texts say, and where those of an order begin and end."""

import csv
from collections.abc import Callable, Generator, Iterable
from itertools import pairwise

from ecommerce.importing.formats.chunks import Chunk
from ecommerce.importing.formats.csv_columns import columns_of_text
from ecommerce.importing.order_lines.file_readings import ReadingPass
from ecommerce.importing.order_lines.mappings import load_mapping
from ecommerce.importing.order_lines.seen_lines import SeenLines
from ecommerce.importing.shape import IN_RECORDS, Shape

Look = Callable[[Iterable[Chunk], Shape], Generator[SeenLines | None]]
"""What looks at the chunks of a file, in their order; None of one whose lines want to be looked at one by one."""


class LineLook:
    """Looks at the lines of a file, a chunk at a time."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._mapping = load_mapping(shape.mapping or "")
        self._looking = ReadingPass(self._mapping, shape.columns)
        self._order_at = shape.columns.index(self._mapping.line_key)
        self._needed_at = [at for at, name in enumerate(shape.columns) if name in self._mapping.line_columns]
        self._places = sorted({self._order_at, *self._needed_at, *self._looking.places})

    def at(self, chunk: Chunk) -> SeenLines | None:
        """None where a line is no row of an order, or may be none: of some strange ones only the thorough way tells."""
        raws = lines_of_chunk(chunk)
        if raws is None:
            return None
        try:
            columns = columns_of_text(b"\n".join(raws).decode(), self._shape, self._places)
        except (csv.Error, ValueError):
            return None
        stripped = [*map(str.strip, columns.different(self._order_at))]
        nothings = {"", *self._mapping.nothings_among(set(stripped))}
        if columns.lines != len(raws) or not nothings.isdisjoint(stripped):
            return None
        if not chunk.data.endswith(b"\n") and not self._is_whole(raws[-1].decode()):
            return None
        if not any(all(map(str.strip, columns.different(at))) for at in self._needed_at):
            return None
        orders = columns.columns[self._order_at].cells(stripped)
        starts = [0, *(at for at, (before, order) in enumerate(pairwise(orders), 1) if before != order)]
        return SeenLines(columns.lines, [orders[at] for at in starts], starts, self._looking.texts_of(columns))

    def _is_whole(self, line: str) -> bool:
        """Whether a line without an end, as a file may have at its own, has all of its cells."""
        delimiter, columns = self._shape.delimiter, len(self._shape.columns)
        if self._shape.quotes != IN_RECORDS:
            return line.count(delimiter) == columns - 1
        return len(next(csv.reader([line], delimiter=delimiter, strict=True))) == columns


def look_here(chunks: Iterable[Chunk], shape: Shape) -> Generator[SeenLines | None]:
    """Look at chunks in this process."""
    yield from map(LineLook(shape).at, chunks)


def lines_of_chunk(chunk: Chunk) -> list[bytes] | None:
    """The lines of a chunk without their ends; None where it is more than lines, or one has another end."""
    data = chunk.data.replace(b"\r\n", b"\n")
    if not data or chunk.rejections or b"\r" in data:
        return None
    return data.removesuffix(b"\n").split(b"\n")
