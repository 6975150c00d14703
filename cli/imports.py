"""`ecommerce import`: files, folders and globs into the database."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.runtime import run_flow, services
from ecommerce.errors import InputError
from ecommerce.importing.loading.report import FilesFailed, ImportReport

REJECTIONS_PRINTED = 3


def import_(
    paths: Annotated[list[str] | None, typer.Argument(help="Files, folders and globs.", show_default=False)] = None,
    mapping: Annotated[
        str | None, typer.Option(help="Mapping of order lines: a shipped name or a file. Default: by the columns.")
    ] = None,
    encoding: Annotated[
        str, typer.Option(help="Of files that are not UTF-8, such as windows-1252. Default: the mapping's.")
    ] = "",
    max_rejected: Annotated[
        float, typer.Option(min=0, max=1, help="Stop a file when more than this share of its rows is rejected.")
    ] = 0.25,
    replay: Annotated[
        bool, typer.Option("--replay", help="Try the rejected rows again: all, or those of the files named.")
    ] = False,
) -> None:
    """Import orders and catalog tables from CSV, JSON and JSON Lines, also compressed, with every row accounted for."""
    if not paths and not replay:
        raise InputError("name files, folders or globs to import, or --replay to try rejected rows again")
    with services(prefect=True):
        from flows.import_files import import_files

        try:
            report = run_flow(
                import_files,
                paths=[str(Path(path).expanduser().absolute()) for path in paths or ()],
                mapping=mapping,
                encoding=encoding,
                max_rejected_share=max_rejected,
                replay=replay,
            )
        except FilesFailed as failed:
            print_report(failed.report)
            raise
    print_report(report)


def print_report(report: ImportReport) -> None:
    """The counts per file as a table, and the first rejected rows with their reasons."""
    console = Console()
    table = Table("file", "holds", box=None)
    names = ("read", "accepted", "unchanged", "changed", "rejected")
    for name in names:
        table.add_column(name, justify="right")
    for file in report.files:
        counts = [f"{getattr(file, name):,}" for name in names]
        table.add_row(Text(file.path.name), file.rows_are or "-", *counts)
    if len(report.files) > 1:
        table.add_row("all", "", *(f"{getattr(report, name):,}" for name in names))
    console.print(table)
    for file in report.files:
        shown = file.first_rejections[:REJECTIONS_PRINTED]
        for rejection in shown:
            console.print(Text(f"{file.path.name} line {rejection.line}: {rejection.code}: {rejection.reason}"))
        for note in file.notes:
            console.print(Text(f"{file.path.name}: {note}"))
        if file.unknown_statuses:
            texts = ", ".join(f"{text!r} ({rows:,})" for text, rows in file.unknown_statuses.most_common())
            console.print(Text(f"{file.path.name}: statuses that are not known and count as under way: {texts}"))
        if file.rejected:
            kept = f"{file.path.name}: {file.rejected:,} rejected, kept in rejected_rows; --replay tries them again"
            alone = f", but not {file.need_file:,} of which parts are missing: import the corrected file"
            console.print(Text(kept + (alone if file.need_file else "")))
