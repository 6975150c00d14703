"""`ecommerce doctor` and `ecommerce metrics`: what is wrong, and how much of everything there is."""

from dataclasses import asdict
from typing import Annotated

import typer

from cli.json_output import AsJson, print_json
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
            metadata = recover(settings)
        if as_json:
            print_json({"metadata": metadata}, with_run=False)
        else:
            typer.echo(f"the catalog has the table as {metadata} describes it")
        return
    from rich.console import Console
    from rich.markup import escape

    from ecommerce.doctor.checkup import checkup
    from ecommerce.doctor.findings import PROBLEM

    findings = checkup(get_settings())
    if as_json:
        print_json([finding.to_dict() for finding in findings], with_run=False)
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
    as_json: AsJson = False,
) -> None:
    """Print the pipeline's metrics in Prometheus' text form, or serve them."""
    from ecommerce.metrics import METRICS, metrics_text, read_samples, serve_metrics
    from ecommerce.mongo import get_database
    from ecommerce.schema import require_database

    if serve and as_json:
        raise InputError("--json: not with --serve, which answers in Prometheus' text form")
    database = get_database(get_settings())
    if serve is None:
        require_database(database)
        if as_json:
            samples = [{**asdict(sample), "help": METRICS[sample.name]} for sample in read_samples(database)]
            print_json({"metrics": samples}, with_run=False)
        else:
            typer.echo(metrics_text(database), nl=False)
        return
    host, _, port = serve.rpartition(":")
    if not host or not port.isdigit():
        raise InputError(f"--serve {serve}: give an address such as 127.0.0.1:9108")
    serve_metrics(database, host, int(port))
