"""`ecommerce doctor` and `ecommerce metrics`: what is wrong, and how much of everything there is."""

import json
from typing import Annotated

import typer

from cli.runtime import services
from ecommerce.errors import InputError
from ecommerce.settings import get_settings


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    recover_catalog: Annotated[
        bool,
        typer.Option(
            "--recover-catalog",
            help="Enter the archive's table in its catalog again, where that was lost, damaged or is an old one.",
        ),
    ] = False,
) -> None:
    """Look at everything and say what is wrong and how to mend it; exit code 1 then. Changes nothing by itself."""
    if recover_catalog:
        from ecommerce.archive.recover import recover_catalog as recover

        with services(hdfs=True) as settings:
            typer.echo(f"the catalog has the table as {recover(settings)} describes it")
        return
    from rich.console import Console
    from rich.markup import escape

    from ecommerce.doctor.checkup import checkup
    from ecommerce.doctor.findings import PROBLEM

    findings = checkup(get_settings())
    if as_json:
        typer.echo(json.dumps([finding.to_dict() for finding in findings], indent=2))
    else:
        console = Console(highlight=False, soft_wrap=True)
        colors = {"ok": "green", PROBLEM: "red", "skipped": "yellow"}
        for finding in findings:
            console.print(f"[{colors[finding.state]}]{finding.state:8}[/]{finding.check:16}{escape(finding.says)}")
            if finding.remedy:
                console.print(f"{'':24}[bold]→[/] {escape(finding.remedy)}")
    if any(finding.state == PROBLEM for finding in findings):
        raise typer.Exit(1)


def metrics(
    serve: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Answer scrapes there until interrupted.")
    ] = None,
) -> None:
    """Print the pipeline's metrics in Prometheus' text form, or serve them."""
    from ecommerce.metrics import metrics_text, serve_metrics
    from ecommerce.mongo import get_database
    from ecommerce.schema import require_database

    database = get_database(get_settings())
    if serve is None:
        require_database(database)
        typer.echo(metrics_text(database), nl=False)
        return
    host, _, port = serve.rpartition(":")
    if not host or not port.isdigit():
        raise InputError(f"--serve {serve}: give an address such as 127.0.0.1:9108")
    serve_metrics(database, host, int(port))
