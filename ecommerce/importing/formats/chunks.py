"""Cuts a stream into chunks of whole rows, about a megabyte each, without looking into the rows."""

import re
from collections.abc import Iterator
from typing import BinaryIO

from msgspec import Struct, field

from ecommerce.importing.reasons import Rejection
from ecommerce.importing.sources.streams import BLOCK_BYTES

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


def _too_large(line: int, raw: bytes, size: int) -> Rejection:
    reason = f"the row has {size >> 20} MB, more than {ROW_BYTES_MAX >> 20} MB"
    return Rejection(line, "row_too_large", reason, raw[:RAW_KEPT_BYTES], raw_complete=False)


def line_chunks(stream: BinaryIO, first_line: int = 1, *, quoted: bool = False) -> Iterator[Chunk]:
    """Chunks that end where a line ends; where `quoted`, not inside a pair of CSV quotes."""
    line = first_line
    buffer = b""
    while block := stream.read(BLOCK_BYTES):
        buffer += block
        cut = _quoted_cut(buffer) if quoted else buffer.rfind(b"\n") + 1
        if cut == 0 and len(buffer) > ROW_BYTES_MAX:
            # An open quote may have swallowed the lines that follow it: give them up to the row's own reader.
            cut = buffer.rfind(b"\n") + 1
        if cut:
            yield Chunk(line, buffer[:cut])
            line += buffer.count(b"\n", 0, cut)
            buffer = buffer[cut:]
        elif len(buffer) > ROW_BYTES_MAX:
            kept, size, buffer = buffer[:RAW_KEPT_BYTES], len(buffer), b""
            while block := stream.read(BLOCK_BYTES):
                end = block.find(b"\n") + 1
                size += end or len(block)
                if end:
                    buffer = block[end:]
                    break
            yield Chunk(line, rejections=[_too_large(line, kept, size)])
            line += 1
    if buffer:
        yield Chunk(line, buffer)


def _quoted_cut(buffer: bytes) -> int:
    """End of the last line that is not inside quotes, 0 where there is none."""
    end = buffer.rfind(b"\n") + 1
    quotes = buffer.count(b'"', 0, end)
    while quotes % 2 and end:
        before = buffer.rfind(b"\n", 0, end - 1) + 1
        quotes -= buffer.count(b'"', before, end)
        end = before
    return end


_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]]|"', re.DOTALL)
_SPACE = b" \t\r\n"
_QUOTE, _ARRAY_END = b'"]'


def value_chunks(stream: BinaryIO) -> Iterator[Chunk]:
    """Chunks of the objects of a JSON array, or of objects that follow each other, however they are laid out.

    What stands between the objects and is not a comma comes as a row too, and so does what is left at the end.
    """
    splitter = _Splitter()
    while block := stream.read(BLOCK_BYTES):
        chunk = splitter.split(block)
        if splitter.buffered > ROW_BYTES_MAX:
            # Nothing after a value without an end can be told apart: it is one row to the end of the file.
            line, start = splitter.give_up()
            size = len(start) + sum(len(rest) for rest in iter(lambda: stream.read(BLOCK_BYTES), b""))
            chunk.rejections.append(_too_large(line, start, size))
        yield chunk
    yield splitter.end()


class _Splitter:
    """Finds where objects begin and end by their brackets, over block after block."""

    def __init__(self) -> None:
        self._buffer = b""
        self._line = 1
        """Line on which the buffer starts."""
        self._parts = 0
        self._scanned = 0
        self._in_string = False
        self._depth = 0
        self._base: int | None = None
        """Depth of the objects: 1 in an array, 0 outside; None before the first character."""

    @property
    def buffered(self) -> int:
        return len(self._buffer)

    def split(self, block: bytes) -> Chunk:
        self._buffer += block
        chunk = Chunk(self._line, first_part=self._parts)
        if self._in_string and b'"' not in block:
            return chunk
        self._in_string = False
        start = 0
        if self._base is None:
            content = self._buffer.lstrip(_SPACE)
            if not content:
                return chunk
            self._base = self._depth = 1 if content.startswith(b"[") else 0
            start = self._scanned = len(self._buffer) - len(content) + self._base
            self._line += self._buffer.count(b"\n", 0, start)
        for token in _TOKEN.finditer(self._buffer, self._scanned):
            byte = self._buffer[token.start()]
            if byte == _QUOTE:
                if token.end() - token.start() == 1:  # a string that is not all here yet
                    self._scanned = token.start()
                    self._in_string = True
                    break
            elif byte in b"{[":
                if self._depth == self._base:
                    start = self._cut(chunk, start, token.start())
                self._depth += 1
            elif self._depth > self._base:
                self._depth -= 1
                if self._depth == self._base:
                    start = self._cut(chunk, start, token.end())
            elif self._base == 1 and byte == _ARRAY_END:
                self._cut(chunk, start, token.start())
                start = token.end()
                self._base = self._depth = 0
            self._scanned = token.end()
        self._parts += len(chunk.values)
        self._scanned -= start
        self._buffer = self._buffer[start:]
        return chunk

    def _cut(self, chunk: Chunk, start: int, end: int) -> int:
        """A row from `start` to `end`, if there is more than commas. Returns `end`."""
        text = self._buffer[start:end]
        row = text.strip(_SPACE + b",")
        if row:
            chunk.values.append((self._line + text.count(b"\n", 0, text.index(row)), row))
        self._line += text.count(b"\n")
        return end

    def give_up(self) -> tuple[int, bytes]:
        buffer, self._buffer, self._base = self._buffer, b"", 0
        return self._line, buffer

    def end(self) -> Chunk:
        """What is left. An array that nothing closes is a row too: the file has lost its end."""
        rest = self._buffer.strip(_SPACE + b",")
        values = [(self._line, rest)] if rest or self._base == 1 else []
        return Chunk(self._line, values=values, first_part=self._parts)
