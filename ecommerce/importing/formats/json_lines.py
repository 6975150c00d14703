"""JSON Lines: a JSON value a line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from ecommerce.importing.formats.chunks import Chunk, Row, line_chunks
from ecommerce.importing.formats.format import LOOK_ROWS, Format, Head
from ecommerce.importing.reasons import shown
from ecommerce.importing.shape import Shape


def head(start: bytes, path: Path) -> Head | None:
    """The first records, where the file is JSON with a value a line."""
    text = start.lstrip()
    if not text.startswith(b"{") or not starts_with_lines(text):
        return None
    return Head(records=[_parsed(line) for line in text.split(b"\n")[:LOOK_ROWS]])


def starts_with_lines(text: bytes) -> bool:
    """Whether JSON that begins like this has a value a line."""
    if text.startswith(b"["):
        return False
    first, _, rest = text.partition(b"\n")
    if _parsed(first) is not None or not rest:
        return True
    # A damaged first line is no reason to lose the others: pretty-printed objects go on with something indented.
    return rest.lstrip(b"\r\n").startswith(b"{")


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def no_json(start: bytes, path: Path) -> str | None:
    """What is wrong with a file whose name says JSON and that begins like this; None where its name says other."""
    if not {*path.suffixes} & {*JSON_LINES.suffixes}:
        return None
    lines = start.decode("utf-8", "replace").split("\n")
    line, text = next((line, text) for line, text in enumerate(lines, 1) if text.strip())
    return (
        f"{path} is no JSON, which its name says: line {line} is {shown(text.strip())}, where an object in {{}} is "
        "expected: correct the file, or name it as what it is, such as .csv"
    )


def chunks(stream: BinaryIO, shape: Shape) -> Iterator[Chunk]:
    """Chunks that end where a line ends."""
    return line_chunks(stream)


def rows(chunk: Chunk, shape: Shape) -> Iterator[Row]:
    """The lines of a chunk that are not blank."""
    for line, text in enumerate(chunk.data.split(b"\n"), chunk.first_line):
        if text and not text.isspace():
            yield Row(line, 1, text)


JSON_LINES = Format("lines", (".json", ".jsonl", ".ndjson"), head, chunks, rows)
