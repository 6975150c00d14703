"""What a file format is: how its start looks, where rows begin and end, and what is in each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ecommerce.importing.formats.chunks import Chunk, Row
from ecommerce.importing.formats.header import Header
from ecommerce.importing.shape import Shape

LOOK_BYTES = 1 << 18
LOOK_ROWS = 50
"""How much of a file is looked at to tell what it holds."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the start of a file says: what the columns of a table may be, or the first records of JSON."""

    headers: Sequence[Header] = ()
    """Of a table: what may be its header, the likeliest first."""
    carriage_returns: bool = False
    """Whether its lines end in CR alone."""
    records: list[Any] | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """A file format; `formats/registry.py` lists them."""

    layout: str
    """Its name, as `Shape.layout` and `rejected_rows` have it."""
    suffixes: tuple[str, ...]
    """How names of such files end, without what says that they are compressed."""
    head: Callable[[bytes, Path], Head | None]
    """(first LOOK_BYTES of the file, its path) → what they say, or None where they are not of this format."""
    chunks: Callable[[BinaryIO, Shape], Iterator[Chunk]]
    """The file's rows, some at a time, not looked into: this runs in one process, at the speed of the disk."""
    rows: Callable[[Chunk, Shape], Iterator[Row]]
    """The rows of a chunk. This runs in the decoding processes."""
    is_text: bool = True
    """Whether its files have an encoding."""
