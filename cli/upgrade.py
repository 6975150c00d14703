"""`ecommerce upgrade`: bring the database and the archive of an older version forward."""

import json
from typing import Annotated

import typer

from cli.runtime import services
from cli.terminal import terminal_progress
from ecommerce.mongo import get_database


def upgrade(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is due and change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Bring an older database and archive forward. It can be stopped anywhere and run again; `up` runs it by itself."""
    from ecommerce.upgrade import UpgradeReport, needs_archive, steps_due, upgrade_database

    with services() as settings:
        database = get_database(settings)
        due = steps_due(database)
        if dry_run or not due:
            report = UpgradeReport(tuple(due), (), 0.0)
        else:
            with services(hdfs=needs_archive(database)), terminal_progress("upgrade") as progress:
                report = upgrade_database(database, settings, progress)
    if as_json:
        typer.echo(json.dumps({"dry_run": dry_run, **report.to_json_dict()}, indent=2))
        return
    if not report.steps:
        typer.echo("nothing to do: the database is of this version")
    for step in report.steps:
        typer.echo(f"{'due' if dry_run else 'done'}: {step}")
    if report.moved:
        typer.echo("figures that are defined otherwise now:")
    for line in report.moved:
        typer.echo(f"  {line}")
