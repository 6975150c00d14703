"""JSON whose values may take several lines: an array of objects, or objects that follow each other."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ecommerce.importing.formats.chunks import ROW_BYTES_MAX, Chunk, Row, too_large
from ecommerce.importing.formats.format import LOOK_ROWS, Format, Head
from ecommerce.importing.formats.json_lines import starts_with_lines
from ecommerce.importing.shape import Shape
from ecommerce.importing.sources.streams import BLOCK_BYTES


def head(start: bytes, path: Path) -> Head | None:
    """The first records, where the file is JSON but not a value a line."""
    text = start.lstrip()
    if text[:1] not in (b"{", b"[") or starts_with_lines(text):
        return None
    return Head(records=list(_first_records(text)))


def _first_records(text: bytes) -> Iterable[Any]:
    decoder = json.JSONDecoder()
    decoded = text.decode("utf-8", "replace").lstrip("[ \t\r\n")
    for _ in range(LOOK_ROWS):
        try:
            record, end = decoder.raw_decode(decoded)
        except (ValueError, RecursionError):
            return
        yield record
        decoded = decoded[end:].lstrip(", \t\r\n")


def rows(chunk: Chunk, shape: Shape) -> Iterator[Row]:
    """The values of a chunk."""
    for index, (line, text) in enumerate(chunk.values):
        yield Row(line, -1 - index, text)


_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]]|"', re.DOTALL)
_SPACE = b" \t\r\n"
_QUOTE, _ARRAY_END = b'"]'


def chunks(stream: BinaryIO, shape: Shape) -> Iterator[Chunk]:
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
            chunk.rejections.append(too_large(line, start, size))
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


JSON_VALUES = Format("values", (), head, chunks, rows)
