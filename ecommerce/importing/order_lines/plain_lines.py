"""Order lines of a file that has the lines of an order one after the other, each on a line of its own, as most do.

It is read twice, and nothing of it is kept between: first what its texts say and how many lines each order has, which
decoding processes look at side by side; then the texts of the orders, so many lines each.
"""

from array import array
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import numpy as np

from ecommerce.importing.formats.chunks import Chunk
from ecommerce.importing.formats.registry import format_of
from ecommerce.importing.order_lines.file_readings import ReadingPass
from ecommerce.importing.order_lines.line_look import Look, lines_of_chunk
from ecommerce.importing.order_lines.seen_lines import SeenLines
from ecommerce.importing.shape import Shape
from ecommerce.importing.sources.streams import FileIdentity, SourceError, open_source

ORDERS_A_CHUNK, BYTES_A_CHUNK = 4_000, 1 << 20
"""A chunk is a transaction: with 2,000 orders in each, MongoDB took a tenth more CPU time for as many orders."""

ORDERS_MAX = 5_000_000
"""Orders of a file whose lines are counted in memory: about 150 MB."""

_LOOKED_FIRST = 10_000
"""After so many orders it is looked at whether one came twice, and each time that they are twice as many."""


class Runs:
    """How many lines the orders of a file have, one after the other."""

    def __init__(self, path: Path, shape: Shape) -> None:
        self._path, self._shape = path, shape
        self._file = FileIdentity.of(path)
        self._hashes = array("q")
        self._lengths = array("L")
        self._last = ""
        self._looked = _LOOKED_FIRST
        self.lines = 0

    def add(self, seen: SeenLines) -> None:
        """Go on with the lines of the next chunk."""
        self.lines += seen.lines
        orders, lengths = seen.orders, [end - start for start, end in pairwise((*seen.starts, seen.lines))]
        if orders[0] == self._last:
            self._lengths[-1] += lengths[0]
            orders, lengths = orders[1:], lengths[1:]
        self._hashes.extend(map(hash, orders))
        self._lengths.extend(lengths)
        self._last = seen.orders[-1]

    def may_be_orders(self) -> bool:
        """Whether it is worth going on: as often as they have doubled, whether they `are_orders` until now."""
        if len(self._hashes) < self._looked:
            return True
        self._looked = 2 * len(self._hashes)
        return len(self._hashes) <= ORDERS_MAX and self.are_orders()

    def are_orders(self) -> bool:
        """Whether no order came twice: with lines of others between its own, it would be two."""
        ordered = np.sort(np.frombuffer(self._hashes, np.int64))  # np.unique takes 15 times as long
        return not np.any(ordered[1:] == ordered[:-1])

    def chunks(self) -> Iterator[Chunk]:
        """The texts of the orders. Raises SourceError where the file is no longer the one that was looked at."""
        values: list[tuple[int, bytes]] = []
        size = 0
        for value in self._texts():
            values.append(value)
            size += len(value[1])
            if len(values) == ORDERS_A_CHUNK or size > BYTES_A_CHUNK:
                self._require_same_file()
                yield Chunk(0, values=values)
                values, size = [], 0
        self._require_same_file()
        yield Chunk(0, values=values)

    def _texts(self) -> Iterator[tuple[int, bytes]]:
        lengths, shape = iter(self._lengths), self._shape
        wanted, first = next(lengths, 0), shape.first_line
        held: list[bytes] = []
        with open_source(self._path, shape.encoding, carriage_returns=shape.carriage_returns) as stream:
            for chunk in format_of(shape.layout).chunks(stream, shape):
                held += lines_of_chunk(chunk) or ()
                start = 0
                while wanted and (end := start + wanted) <= len(held):
                    yield first, held[start] if wanted == 1 else b"\n".join(held[start:end])
                    first, start, wanted = first + wanted, end, next(lengths, 0)
                del held[:start]
        if wanted or held:
            raise self._changed()

    def _require_same_file(self) -> None:
        if FileIdentity.of(self._path) != self._file:
            raise self._changed()

    def _changed(self) -> SourceError:
        return SourceError(f"{self._path}: the file was changed while it was read")


def counted_runs(path: Path, shape: Shape, look: Look, looking: ReadingPass) -> Runs | None:
    """The orders of a file; None where its lines are not all plain, or not together."""
    runs = Runs(path, shape)
    with (
        open_source(path, shape.encoding, carriage_returns=shape.carriage_returns) as stream,
        closing(look(format_of(shape.layout).chunks(stream, shape), shape)) as seen,
    ):
        for one in seen:
            if one is None or not runs.may_be_orders():
                return None
            runs.add(one)
            looking.see(one.texts)
    return runs if runs.are_orders() else None
