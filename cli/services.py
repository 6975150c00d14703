"""`ecommerce up`, `down` and `status`."""

import json
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from cli.json_output import AsJson, print_json
from cli.runtime import close_killed
from ecommerce.errors import InputError
from ecommerce.prefect_api import embedded_api
from ecommerce.readable import counted
from ecommerce.settings import Settings, get_settings

if TYPE_CHECKING:
    from rich.console import Console

    from ecommerce.services.health import ServiceState

REASON_LONG = 60
"""A reason of several services that has more characters is said once, below their table."""


def up(
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when everything answers; `ecommerce down` stops it.")
    ] = False,
    demo: Annotated[
        bool | None,
        typer.Option(
            "--demo/--no-demo",
            help="Make a demo, a small catalog and half a year of orders, in a database that holds neither. By default "
            "in the embedded MongoDB, unless the shop was started with --no-demo, and not in a server that "
            "ECOMMERCE_MONGO_URI names.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --detach: print the state of the services as JSON.")
    ] = False,
) -> None:
    """Start MongoDB, HDFS, Prefect and the dashboard on this machine and stay until Ctrl-C."""
    from rich.console import Console

    from ecommerce.services.health import service_states
    from ecommerce.services.up import run, run_detached

    if as_json and not detach:
        raise InputError("--json: only with --detach, as `up` stays until Ctrl-C otherwise")
    settings = get_settings()
    console = Console(highlight=False)
    with console.status("starting MongoDB, HDFS, Prefect and the dashboard") as waiting:

        def started() -> None:
            waiting.stop()
            if as_json:
                states = [state.to_dict() for state in service_states(settings)]
                print_json({"services": states}, with_run=False)
                return
            _show(console, service_states(settings))
            _where_to_look(console, settings, detach)

        if detach:
            remarks = run_detached(settings, demo=demo)
            started()
            for line in remarks:
                typer.echo(line, err=as_json)
        else:
            run(settings, partial(console.print, soft_wrap=True, markup=False), started, demo=demo)


def down(as_json: AsJson = False) -> None:
    """Stop everything that `ecommerce up` started, also what it left behind when it was killed."""
    from ecommerce.services.up import stop

    stopped = stop(get_settings(), partial(typer.echo, err=as_json))
    if as_json:
        print_json({"stopped": stopped}, with_run=False)
    else:
        typer.echo("stopped" if stopped else "nothing is running")


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print the state as JSON.")] = False,
) -> None:
    """Tell how each service is, and what the last check found wrong; exit code 1 when something is down or wrong."""
    from rich.console import Console

    from ecommerce.mongo import get_database
    from ecommerce.schema import is_missing, missing_text
    from ecommerce.services.data_state import check_in_brief, found_by_check, order_counts, set_aside
    from ecommerce.services.health import notes, service_states

    settings = get_settings()
    close_killed(settings, embedded_api(settings))
    states = service_states(settings)
    counts = order_counts(settings)
    missing = missing_text(get_database(settings)) if counts and is_missing(get_database(settings)) else ""
    found = found_by_check(settings) if counts else []
    if as_json:
        document = {"services": [state.to_dict() for state in states], **counts, "check": found}
        typer.echo(json.dumps(document, indent=2))
    else:
        console = Console(highlight=False)
        _show(console, states)
        if counts and not missing:
            console.print(_orders_line(counts))
        if counts.get("aside"):
            console.print(set_aside(settings), markup=False, soft_wrap=True)
        for line in [*([check_in_brief(settings)] if found else []), *notes(settings)]:
            console.print(line, markup=False, soft_wrap=True)
    if missing:
        typer.echo(f"error: {missing}", err=True)
    if missing or found or counts.get("missing") or not all(state.healthy for state in states):
        raise typer.Exit(1)


def _orders_line(counts: dict[str, int]) -> str:
    """How many orders are where; documents that are none, or of which that is not known yet, are told apart."""
    of_them = [f"{counts['aside']:,} of them set aside"] * bool(counts["aside"])
    if newer := counts["newer"]:
        of_them.append(f"{newer:,} of them newer than the figures and not looked at yet")
    if counts["missing"]:
        of_them.append(
            f"{counted(counts['missing'], 'more was', 'more were')} counted and deleted: see `ecommerce check`"
        )
    hot = f"{counts['hot_orders']:,} hot" + (f" ({', '.join(of_them)})" if of_them else "")
    return f"orders: {hot}, {counts['archived_orders']:,} archived"


def _show(console: "Console", states: list["ServiceState"]) -> None:
    from rich.markup import escape
    from rich.table import Table

    counts = Counter(state.reason for state in states)
    below = [reason for reason, services in counts.items() if services > 1 and len(reason) > REASON_LONG]
    table = Table("service", "address", "state", box=None, pad_edge=False)
    colors = {"up": "green", "starting": "yellow", "stopping": "yellow", "down": "red"}
    for state in states:
        reason = f": {state.reason}" if state.reason and state.reason not in below else ""
        table.add_row(state.name, escape(state.address), f"[{colors[state.state]}]{state.state}[/]{escape(reason)}")
    console.print(table)
    for reason in below:
        names = ", ".join(state.name for state in states if state.reason == reason)
        console.print(f"{names}: {reason}", markup=False, soft_wrap=True)


def _where_to_look(console: "Console", settings: Settings, detached: bool) -> None:
    from ecommerce.services.dashboard import dashboard_url
    from ecommerce.services.generator_schedule import paused_line

    server = f"http://127.0.0.1:{settings.prefect_port}"
    paused = paused_line(settings)
    console.print(
        f"\nLook first at the dashboard: {dashboard_url(settings)}\n"
        f"Flows, schedules and runs:   {server} (for the prefect command: PREFECT_API_URL={server}/api)\n"
        f"Logs: {settings.home_directory / 'logs'}. "
        + ("`ecommerce down` stops everything." if detached else "Ctrl-C stops everything.")
        + (f"\n{paused}" if paused else ""),
        soft_wrap=True,
        markup=False,
    )
