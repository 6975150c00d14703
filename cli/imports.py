"""`ecommerce import`: files, folders and globs into the database."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.json_output import AsJson, import_document, print_json
from cli.runtime import given, run_flow, services
from ecommerce.errors import InputError
from ecommerce.importing.left_out import left_out_text
from ecommerce.importing.loading.report import FilesFailed, ImportReport
from ecommerce.importing.reasons import NO_ROWS
from ecommerce.readable import counted

if TYPE_CHECKING:
    from ecommerce.importing.check_file import FileCheck

REJECTIONS_PRINTED = 3
DATABASE_SECONDS = 1.0
"""A look at files waits so long for a database to say the shop's zone."""


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
        check_files([str(path) for path in paths or ()], mapping, encoding)
        return
    named = [str(Path(path).expanduser().absolute()) for path in paths or ()]
    if not replay:
        from ecommerce.importing.files import find_files

        find_files(named)  # a name that was mistyped starts no service and leaves no failed run behind
    with services(prefect=True, creates=True):
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


def check_files(paths: list[str], mapping: str | None, encoding: str) -> None:
    """What an import would do with the files, each by itself. Needs no database; one that answers says the zone."""
    from ecommerce.importing.check_file import check_file
    from ecommerce.importing.files import find_files, left_beside
    from ecommerce.importing.loading.file_import import ImportOptions
    from ecommerce.importing.naive_times import use_zone

    options = ImportOptions(mapping=mapping, encoding=encoding)
    use_zone(_zone_of_shop())
    given_paths = [Path(path).expanduser() for path in paths]
    checks = [check_file(path, options) for path in find_files(given_paths)]
    for checked in checks:
        typer.echo(checked_text(checked))
    if left := left_beside(given_paths):
        typer.echo(f"left: {left_out_text(left)}")
    errors = [checked.error for checked in checks if checked.error]
    if errors:
        raise InputError("; ".join(errors))


def _zone_of_shop() -> str:
    """The zone in which an import would read times that name none."""
    from pymongo import timeout
    from pymongo.errors import PyMongoError

    from ecommerce.mongo import get_database
    from ecommerce.settings import get_settings
    from ecommerce.shop import read_shop, shop_of_settings

    try:
        with timeout(DATABASE_SECONDS):
            return read_shop(get_database()).time_zone
    except PyMongoError:
        zone = shop_of_settings(get_settings()).time_zone
        typer.echo(f"no database answers, so ECOMMERCE_TIMEZONE says where times without a zone are: {zone}", err=True)
        return zone


def checked_text(checked: "FileCheck") -> str:
    """What a file is, how it is read, and the first orders as they would become."""
    import yaml

    shape, lines = checked.shape, [f"{checked.path}:"]
    if shape is None:
        return f"{checked.error or f'{checked.path}: {NO_ROWS}'}"
    lines.append(f"  holds {shape.rows}, as {shape.layout}{checked.encoding and f', {checked.encoding}'}")
    if shape.columns:
        where = f", header in line {shape.first_line - 1}" if shape.first_line > 2 else ""
        lines.append(f"  delimiter {shape.delimiter!r}, {len(shape.columns)} columns{where}, quotes: {shape.quotes}")
    from ecommerce.importing.naive_times import shop_zone
    from ecommerce.importing.order_lines.mappings import load_mapping
    from ecommerce.importing.shape import JOINED

    zone = load_mapping(shape.mapping).naive_zone if shape.mapping else shop_zone()
    lines.append(f"  times that name no zone are in {zone}")
    if shape.mapping:
        lines.append(f"  mapping {shape.mapping}" + (f", table {shape.table}" if shape.table else ""))
    lines += [f"  {sentence}" for sentence in checked.notes]
    made = f" made of {counted(checked.lines, 'line')}" if checked.lines else ""
    valid = f"{counted(checked.rows, 'row')}{made}, {checked.rows - checked.rejected:,} of them valid"
    lines.append(f"  {valid if checked.rows or shape.rows == JOINED else NO_ROWS}")
    if checked.reasons:
        lines.append("  rejected: " + ", ".join(f"{code} {rows:,}" for code, rows in checked.reasons.most_common()))
    lines += [f"  line {one.line}: {one.code}: {one.reason}" for one in checked.first_rejections]
    if more := checked.rejected - sum(one.rows for one in checked.first_rejections):
        lines.append(f"  and {more:,} more")
    for number, order in enumerate(checked.first_orders, 1):
        text = yaml.safe_dump(_plain(order), sort_keys=False, allow_unicode=True)
        lines += [f"  {number}.", *(f"    {line}" for line in text.splitlines())]
    return "\n".join(lines)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_plain(member) for member in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, str) else int(value) if isinstance(value, int) else str(value)


def print_report(report: ImportReport) -> None:
    """The counts per file as a table, and the first rejected rows with their reasons."""
    console = Console()
    table = Table(box=None)
    table.add_column("file", overflow="fold")  # a name that is cut may be that of several files
    table.add_column("holds", overflow="fold")
    names = ("read", "accepted", "unchanged", "changed", "rejected")
    for name in names:
        table.add_column(name, justify="right", no_wrap=True, min_width=len(name))
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
        if file.unknown_statuses:
            texts = ", ".join(f"{text!r} ({rows:,})" for text, rows in file.unknown_statuses.most_common())
            console.print(Text(f"{file.path.name}: statuses that are not known and count as under way: {texts}"))
        if file.rejected:
            kept = f"{file.path.name}: {file.rejected:,} rejected: `ecommerce rejected` shows them, --replay tries them"
            alone = f", but not {file.need_file:,} of which parts are missing: import the corrected file"
            console.print(Text(kept + (alone if file.need_file else "")))
    for note in report.notes:
        console.print(Text(f"warning: {note}"))
    if report.left:
        console.print(Text(f"left: {left_out_text(report.left)}"))
