"""`ecommerce import`: files, folders and globs into the database."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from cli.json_output import AsJson, import_document, print_json
from cli.runtime import given, run_flow, services
from ecommerce.errors import InputError
from ecommerce.importing.left_out import left_out_text
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
    max_rejected_share: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Stop a file when more than this share of its rows is rejected. Default: the setting "
            "import_max_rejected_share, 0.25.",
        ),
    ] = None,
    keep_unknown: Annotated[
        bool, typer.Option("--keep-unknown", help="Keep unknown scalars of JSON orders as attributes, not refuse them.")
    ] = False,
    replay: Annotated[
        bool, typer.Option("--replay", help="Try the rejected rows again: all, or those of the files named.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing: say what the files are and what would become of them.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Import orders and catalog tables from CSV, JSON, Excel and Parquet, with every row accounted for."""
    if not paths and not replay:
        raise InputError("name files, folders or globs to import, or --replay to try rejected rows again")
    if check:
        from cli.checked_files import check_files

        check_files([str(path) for path in paths or ()], mapping, encoding)
        return
    named = [str(Path(path).expanduser().absolute()) for path in paths or ()]
    from ecommerce.importing.files import find_files
    from ecommerce.importing.loading.workers import processes_ahead

    # A name that was mistyped starts no service and leaves no failed run behind.
    files = [] if replay else find_files(named)
    with services(prefect=True, creates=True), processes_ahead(files):
        from flows.import_files import import_files

        try:
            report = run_flow(
                import_files,
                paths=named,
                mapping=mapping,
                encoding=encoding,
                **given(max_rejected_share=max_rejected_share),
                keep_unknown=keep_unknown,
                replay=replay,
            )
        except FilesFailed as failed:
            _print(failed.report, as_json)
            raise
    _print(report, as_json)


def _print(report: ImportReport, as_json: bool) -> None:
    if as_json:
        print_json(import_document(report))
    else:
        print_report(report)


def print_report(report: ImportReport) -> None:
    """The counts per file as a table, and the first rejected rows with their reasons."""
    console = Console()
    names = ("read", "accepted", "unchanged", "changed", "rejected")
    texts = (Column(name, overflow="fold") for name in ("file", "holds"))  # a name that is cut may be several files'
    numbers = (Column(name, justify="right", no_wrap=True, min_width=len(name)) for name in names)
    table = Table(*texts, *numbers, box=None)
    for file in report.files:
        counts = [f"{getattr(file, name):,}" for name in names]
        table.add_row(Text(file.path.name), file.holds or "-", *counts)
    if len(report.files) > 1:
        table.add_row("all", "", *(f"{getattr(report, name):,}" for name in names))
    console.print(table)
    for file in report.files:
        shown = file.first_rejections[:REJECTIONS_PRINTED]
        for rejection in shown:
            console.print(Text(f"{file.path.name} line {rejection.line}: {rejection.code}: {rejection.reason}"))
        if shown and (more := file.rejected - sum(rejection.rows for rejection in shown)):
            console.print(Text(f"{file.path.name}: and {more:,} more"))
        for note in file.notes:
            console.print(Text(f"{file.path.name}: {note}"))
        if unknown := file.statuses_not_known:
            console.print(Text(f"{file.path.name}: {unknown}"))
        if file.rejected:
            kept = f"{file.path.name}: {file.rejected:,} rejected: `ecommerce rejected` shows them, --replay tries them"
            alone = f", but not {file.need_file:,} of which parts are missing: import the corrected file"
            console.print(Text(kept + (alone if file.need_file else "")))
    for note in report.notes:
        console.print(Text(f"warning: {note}"))
    if report.left:
        console.print(Text(f"left: {left_out_text(report.left)}"))
