"""`ecommerce rejected`: the rows that imports did not take in, with their reasons."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from cli.confirm import asked
from cli.json_output import AsJson, print_json
from cli.runtime import services
from ecommerce.errors import InputError
from ecommerce.importing.reasons import REASONS, shown
from ecommerce.mongo import Document, MongoDatabase, get_database
from ecommerce.readable import counted

if TYPE_CHECKING:
    from ecommerce.importing.loading.rejected_rows import RejectedCount

ROWS_SHOWN = 20


def rejected(
    files: Annotated[
        list[str] | None,
        typer.Argument(help="Files, by name, wherever they lie now. Default: all.", show_default=False),
    ] = None,
    code: Annotated[str | None, typer.Option(metavar="CODE", help="Only rows with this reason code.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Show so many rows; 0 shows all.")] = ROWS_SHOWN,
    as_text: Annotated[
        bool, typer.Option("--text", help="Print the rows as their file had them and nothing else, to correct them.")
    ] = False,
    earlier: Annotated[
        bool, typer.Option("--earlier", help="Only rows of files that another one of their name has replaced since.")
    ] = False,
    dismissed: Annotated[
        bool,
        typer.Option("--dismiss", help="Take the rows out of `rejected_rows` for good: they were corrected elsewhere."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --dismiss: do it without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the rows that imports did not take in: how many, why, and their text."""
    from ecommerce.importing.loading.rejected_rows import (
        as_file,
        count_rejected,
        find_rejected,
        of_earlier_files,
        rejected_filter,
        text_of,
    )

    if code is not None and code not in REASONS:
        raise InputError(f"--code {code}: no such reason code; there are {', '.join(REASONS)}")
    with services():
        database = get_database()
        wanted = rejected_filter(files or (), code)
        if earlier:
            wanted = of_earlier_files(database, wanted)
        if as_text:
            for text in as_file(find_rejected(database, wanted)):
                typer.echo(text)
            return
        counts = count_rejected(database, wanted)
        if dismissed:
            _dismiss(database, wanted, counts, yes, as_json)
            return
        rows = [{**row, "text": text_of(row)} for row in find_rejected(database, wanted, limit)]
    if as_json:
        print_json(
            {"counts": [count._asdict() for count in counts], "rows": [_document(row) for row in rows]}, with_run=False
        )
        return
    if not counts:
        typer.echo("no rejected rows" + (" of these files or with this code" if files or code else ""))
        return
    console = Console(highlight=False)
    console.print(_table(counts))
    for row in rows:
        console.print(Text(f"{row['file']} line {row['line']}: {row['code']}: {row['reason']}"))
        console.print(Text(f"    {shown(row['text'])}"))
    console.print(
        f"{_shown(rows, sum(count.rows for count in counts))}; --text prints them to be corrected and imported, "
        "`ecommerce import --replay` tries them again as they are, --dismiss takes them out once they are corrected "
        "elsewhere"
    )


def _table(counts: Sequence["RejectedCount"]) -> Table:
    table = Table("file", "reason", Column("rows", justify="right"), box=None)
    for count in counts:
        table.add_row(Text(count.file), count.code, f"{count.rows:,}")
    return table


def _dismiss(
    database: MongoDatabase, wanted: Document, counts: Sequence["RejectedCount"], yes: bool, as_json: bool
) -> None:
    """Show which rows they are, ask, and take them out."""
    from ecommerce.importing.loading.rejected_rows import dismiss

    rows, agreed = sum(count.rows for count in counts), True
    if counts:
        Console(stderr=True, highlight=False).print(_table(counts))
        question = f"Take {counted(rows, 'row')} out of `rejected_rows`? Their text is kept nowhere else."
        if agreed := asked(question, yes):
            dismiss(database, wanted, counts)
    if as_json:
        taken = {"dismissed": rows if agreed else 0, "counts": [count._asdict() for count in counts]}
        print_json(taken, with_run=False)
    elif agreed:
        typer.echo(f"{counted(rows, 'row')} taken out of `rejected_rows`")


def _shown(listed: list[Document], of: int) -> str:
    rows = sum(row.get("rows", 1) for row in listed)
    return f"{rows:,} of {of:,} rows shown, --limit 0 shows all" if rows < of else f"all of {counted(of, 'row')} shown"


def _document(row: Document) -> Document:
    names = ("file", "line", "code", "reason", "raw_complete", "rows_are", "mapping", "text")
    return {name: row.get(name) for name in names} | {"rows": row.get("rows", 1)}
