"""Parquet: order documents with their nesting, or a table of any columns. Rows are kept as JSON or CSV text."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from ecommerce.importing.formats import csv, json_lines
from ecommerce.importing.formats.chunks import Chunk, Row
from ecommerce.importing.formats.format import LOOK_ROWS, Format, Head
from ecommerce.importing.formats.header import Header
from ecommerce.importing.formats.typed_cells import csv_chunks
from ecommerce.importing.shape import Shape
from ecommerce.importing.sources.streams import SourceError

_MAGIC = b"PAR1"
ROWS_A_BATCH = 2_000

_encode = msgspec.json.Encoder(enc_hook=str, decimal_format="string").encode


def head(start: bytes, path: Path) -> Head | None:
    """The columns, or of nested ones the first records. None where the file is not Parquet."""
    if not start.startswith(_MAGIC):
        return None
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            if not any(pa.types.is_nested(field.type) for field in schema):
                return Head(headers=[Header(tuple(schema.names), ",", 1)])
            batch = next(file.iter_batches(batch_size=LOOK_ROWS), None)
            return Head(records=[] if batch is None else batch.to_pylist())
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"{path} cannot be read as Parquet: {error}") from None


def chunks(stream: BinaryIO, shape: Shape) -> Iterator[Chunk]:
    """The rows as text: of nested ones as JSON, of others as CSV."""
    if shape.columns:
        return csv_chunks((line, tuple(row.values())) for line, row in _rows(stream))
    return _json_chunks(stream)


def _rows(stream: BinaryIO) -> Iterator[tuple[int, dict[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    line = 0
    try:
        with pq.ParquetFile(stream) as file:
            for batch in file.iter_batches(batch_size=ROWS_A_BATCH):
                for row in batch.to_pylist():
                    line += 1
                    yield line, row
    except (pa.ArrowException, OSError) as error:
        raise SourceError(f"the file is damaged after row {line}: {error}") from None


def _json_chunks(stream: BinaryIO) -> Iterator[Chunk]:
    first, lines = 1, []
    for line, row in _rows(stream):
        lines.append(_encode({name: value for name, value in row.items() if value is not None}) + b"\n")
        if len(lines) >= ROWS_A_BATCH:
            yield Chunk(first, b"".join(lines))
            first, lines = line + 1, []
    if lines:
        yield Chunk(first, b"".join(lines))


def rows(chunk: Chunk, shape: Shape) -> Iterator[Row]:
    """The rows of a chunk."""
    return csv.rows(chunk, shape) if shape.columns else json_lines.rows(chunk, shape)


PARQUET = Format("parquet", (".parquet",), head, chunks, rows, is_text=False)
