"""Imported files that name a person: rewritten without those rows, or removed."""

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import IO, Any

import zstandard

from ecommerce.importing.files import DONE, FAILED
from ecommerce.importing.formats.csv import CSV
from ecommerce.importing.formats.json_lines import JSON_LINES
from ecommerce.importing.formats.registry import format_of
from ecommerce.importing.mentions import Wanted, mentions
from ecommerce.importing.recognise import recognise
from ecommerce.importing.shape import LINES, Shape
from ecommerce.importing.sources.streams import SourceError, encoding_of, open_source
from ecommerce.ingest.forgotten import REWRITE

REWRITABLE = (CSV.layout, JSON_LINES.layout)
"""Formats whose rows are lines. Of others the whole file goes."""

_GZIP, _ZSTD = "gzip", "zstd"


def imported_files(inbox: Path) -> Iterator[Path]:
    """The files that were imported from the inbox."""
    for folder in (inbox / DONE, inbox / FAILED):
        if folder.is_dir():
            yield from sorted(path for path in folder.rglob("*") if path.is_file())


def files_that_mention(inbox: Path, wanted: Wanted) -> Iterator[Path]:
    """Those of them that name the person."""
    return (path for path in imported_files(inbox) if mentions_in_file(path, wanted))


def mentions_in_file(path: Path, wanted: Wanted) -> bool:
    """Whether any row of a file names the person."""
    return next(_lines_that_mention(path, wanted), None) is not None


def forget_in_file(path: Path, wanted: Wanted, files: str) -> bool:
    """Rewrite a file without the rows that name the person, or remove it; whether it named them.

    It is removed, too, where it cannot be rewritten: its rows are not lines of UTF-8, or some are only parts of orders.
    """
    lines = [*_lines_that_mention(path, wanted)]
    if not lines:
        return False
    if files == REWRITE and all(line > 0 for line, _ in lines) and _is_plain(path):
        _rewrite(path, {line + at for line, span in lines for at in range(span)})
    else:
        path.unlink()
    return True


def _lines_that_mention(path: Path, wanted: Wanted) -> Iterator[tuple[int, int]]:
    """(line, lines that the row takes) of each row that names the person; line 0 where rows cannot be told apart."""
    try:
        shape = recognise(path)
    except SourceError:
        shape = None
    if shape is None or shape.layout not in REWRITABLE or shape.rows == LINES:
        if _mentions_anywhere(path, shape, wanted):
            yield 0, 0
        return
    try:
        with open_source(path, shape.encoding, carriage_returns=shape.carriage_returns) as stream:
            format_ = format_of(shape.layout)
            for chunk in format_.chunks(stream, shape):
                for rejection in chunk.rejections:
                    if mentions(rejection.raw, shape, wanted):
                        yield 0, 0
                for row in format_.rows(chunk, shape):
                    if mentions(row.raw or row.text.encode("utf-8", "surrogateescape"), shape, wanted):
                        yield row.line, row.span
    except SourceError:
        if _mentions_anywhere(path, shape, wanted):
            yield 0, 0


def _mentions_anywhere(path: Path, shape: Shape | None, wanted: Wanted) -> bool:
    shape = shape or Shape("", JSON_LINES.layout)
    try:
        with open_source(path, shape.encoding, carriage_returns=shape.carriage_returns) as stream:
            if shape.layout in REWRITABLE:
                return any(mentions(line, shape, wanted) for line in stream)
            format_ = format_of(shape.layout)
            for chunk in format_.chunks(stream, shape):
                texts = [row.raw or row.text.encode("utf-8", "surrogateescape") for row in format_.rows(chunk, shape)]
                if any(mentions(text, shape, wanted) for text in (*texts, *(raw for _, raw in chunk.values))):
                    return True
    except SourceError:
        return mentions(_what_can_be_read(path), Shape("", JSON_LINES.layout), wanted)
    return False


def _what_can_be_read(path: Path) -> bytes:
    """The content of a damaged file as far as it can be unpacked."""
    content = path.read_bytes()
    encoding = encoding_of(path)
    with suppress(zlib.error, zstandard.ZstdError):
        if _GZIP in encoding:
            return zlib.decompressobj(wbits=31).decompress(content)
        if _ZSTD in encoding:
            return zstandard.ZstdDecompressor().decompressobj().decompress(content)
    return content


def _is_plain(path: Path) -> bool:
    """Whether its lines are UTF-8 with LF, and so can be left out one by one."""
    shape = recognise(path)
    return shape is not None and not shape.encoding and not shape.carriage_returns and "16" not in encoding_of(path)


def _rewrite(path: Path, gone: set[int]) -> None:
    """Write the file anew without these lines, in one rename, compressed as it was."""
    new = path.with_name(f".{path.name}.new")
    with open_source(path) as stream, new.open("wb") as raw:
        with _compressed(raw, encoding_of(path)) as out:
            for number, line in enumerate(stream, 1):
                if number not in gone:
                    out.write(line)
        raw.flush()
        os.fsync(raw.fileno())
    new.replace(path)


def _compressed(raw: IO[bytes], encoding: str) -> Any:
    if _GZIP in encoding:
        return gzip.GzipFile(fileobj=raw, mode="wb")
    if _ZSTD in encoding:
        return zstandard.ZstdCompressor().stream_writer(raw, closefd=False)
    return nullcontext(raw)
