"""`ecommerce query`: SQL over hot and archived orders together."""

import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO, Literal

import typer
from pydantic_core import to_jsonable_python

from cli.json_output import json_text
from cli.runtime import services
from ecommerce.errors import InputError
from ecommerce.spreadsheet import spreadsheet_cell
from ecommerce.whole_file import whole_file

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console

    from ecommerce.query import Answer

SHOWN_ROWS = 200
"""Of an answer on the terminal; files and pipes get all."""
WIDEST = 1_000_000
"""Characters: no table is as wide."""


def query(
    sql: Annotated[
        str,
        typer.Argument(
            metavar="SQL",
            help="One SELECT over orders, order_items, refunds, archived and the catalog's tables, in DuckDB's SQL.",
        ),
    ],
    output_format: Annotated[
        Literal["table", "csv", "json", "parquet"], typer.Option("--format", help="How rows are written.")
    ] = "table",
    output: Annotated[
        Path | None, typer.Option("--output", help="Write to this file, not to standard output.", dir_okay=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show how DuckDB would find the answer.")] = False,
) -> None:
    """Ask hot and archived orders together, each once, as of one moment, in SQL. Only reads."""
    from ecommerce.query import ask

    if output_format == "parquet" and output is None:
        raise InputError("--format parquet: name the file with --output")
    with services(hdfs=True) as settings, ask(settings, sql, explain=explain) as answer:
        if explain and not as_json:
            typer.echo("\n".join(row["explain_value"] for row in _rows(answer)))
        elif output_format == "table" and not as_json and output is None:
            _print_table(answer)
        else:
            write = WRITERS["json" if as_json else "csv" if output_format == "table" else output_format]
            if output is None:
                write(answer, sys.stdout.buffer)
                return
            try:
                with whole_file(output) as file:
                    write(answer, file)
            except OSError as error:
                raise InputError(f"--output {output}: {error.strerror}") from None


def _rows(answer: "Answer") -> Iterator[dict[str, Any]]:
    for batch in answer.batches:
        yield from batch.to_pylist()


def _print_table(answer: "Answer") -> None:
    from rich.console import Console

    rows = _rows(answer)
    shown = [[_text(value) for value in row.values()] for row in islice(rows, SHOWN_ROWS)]
    console = Console(highlight=False, markup=False)
    print_rows(console, [(field.name, _is_number(field.type)) for field in answer.schema], shown)
    if next(rows, None) is not None:
        console.print(f"the first {SHOWN_ROWS} rows; --format csv, json or parquet gives all")


def print_rows(console: "Console", columns: Sequence[tuple[str, bool]], rows: Sequence[Sequence[str]]) -> None:
    """Rows as a table; where it is wider than the console, each as a block with a line for every column.

    `columns` are names, each with whether its values are numbers. A table that is made to fit breaks words apart: of 20
    columns on 80 characters it shows one letter a line.
    """
    from rich.cells import cell_len
    from rich.measure import Measurement
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for name, is_number in columns:
        table.add_column(Text(name), justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    wide = console.options.update(width=WIDEST)
    if Measurement.get(console, wide, table).maximum <= console.width:
        console.print(table)
        return
    if not rows:
        console.print(Text(f"no rows; columns: {', '.join(name for name, _ in columns)}"))
    longest = max(cell_len(name) for name, _ in columns)
    for number, row in enumerate(rows, start=1):
        console.rule(f"row {number}", align="left", style="")
        block = Table.grid(padding=(0, 2))
        block.add_column(overflow="fold", width=min(longest, console.width // 2))
        block.add_column(overflow="fold")
        for (name, _), value in zip(columns, row, strict=True):
            block.add_row(Text(name), Text(value))
        console.print(block)


def _is_number(kind: "pa.DataType") -> bool:
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_decimal(kind) or types.is_floating(kind))


def _text(value: Any) -> str:
    if value is None:
        return ""
    plain = to_jsonable_python(value, serialize_unknown=True)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def _write_csv(answer: "Answer", file: BinaryIO) -> None:
    text = TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(spreadsheet_cell(field.name) for field in answer.schema)
    lines.writerows([_text(spreadsheet_cell(value)) for value in row.values()] for row in _rows(answer))
    text.detach()


def _write_json(answer: "Answer", file: BinaryIO) -> None:
    file.write(b"[")
    for number, row in enumerate(_rows(answer)):
        file.write(b",\n" if number else b"\n")
        file.write(json_text(to_jsonable_python(row, serialize_unknown=True)).encode())
    file.write(b"\n]\n")


def _write_parquet(answer: "Answer", file: BinaryIO) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetWriter(file, answer.schema, compression="zstd") as writer:
        for batch in answer.batches:
            writer.write_batch(batch)


WRITERS: Mapping[str, Callable[["Answer", BinaryIO], None]] = {
    "csv": _write_csv,
    "json": _write_json,
    "parquet": _write_parquet,
}
