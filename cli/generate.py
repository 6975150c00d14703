"""`ecommerce generate`: orders into MongoDB or files, or live."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.json_output import AsJson, print_json
from cli.prefect_server import finds_prefect
from cli.runtime import given, run_flow, services
from cli.terminal import terminal_progress
from ecommerce.generate.presets import PRESETS
from ecommerce.generate.request import Request
from ecommerce.readable import counted, duration
from ecommerce.settings import get_settings

DAYS = 30
_DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def generate(
    orders: Annotated[int | None, typer.Option(help="How many orders; live mode stops after them.")] = None,
    seed: Annotated[int | None, typer.Option(help="The same seed makes the same orders.")] = None,
    start: Annotated[datetime | None, typer.Option(formats=_DATES, help="First moment, UTC.")] = None,
    end: Annotated[datetime | None, typer.Option(formats=_DATES, help="End, UTC; itself not in the span.")] = None,
    rate: Annotated[float | None, typer.Option(help="Live: orders a second, until Ctrl-C.")] = None,
    speed: Annotated[
        float | None, typer.Option(help="Live: how much faster than in life orders are shipped and delivered.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="Write files: a directory, or a name like orders.json.zst or orders.csv.gz.")
    ] = None,
    format: Annotated[str | None, typer.Option(help="json or csv, where --to is a directory.")] = None,
    preset: Annotated[str | None, typer.Option(help=f"Kind of shop: {', '.join(PRESETS)}.")] = None,
    locale: Annotated[str | None, typer.Option(help="Language of the catalog's names, as Faker calls it.")] = None,
    users: Annotated[
        int | None, typer.Option(help="Users in the catalog, at least; default: as many as orders, 20 000 to 100 000.")
    ] = None,
    products: Annotated[
        int | None,
        typer.Option(help="Products in the catalog, at least; default: a tenth of the orders, 500 to 10 000."),
    ] = None,
    processes: Annotated[int | None, typer.Option(help="Files: processes that make them.")] = None,
    bad_rows: Annotated[float | None, typer.Option(help="Files: share of malformed, late and repeated rows.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make orders that look real: into MongoDB, into files (--to), or live (--rate).

    Without --start and --end they lie in the 30 days before today. The same options make the same orders, so running
    it again adds nothing; another --seed adds other orders.
    """
    options: dict[str, Any] = {name: value for name, value in locals().items() if name != "as_json"}
    if rate is None and start is None and end is None:
        options["end"] = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        options["start"] = options["end"] - timedelta(days=DAYS)
    options["to"] = str(to.absolute()) if to else None
    asked = given(**options)
    request = Request(**asked)
    request.check(datetime.now(UTC))
    # Live orders are a run of Prefect only where a server shows it while it lasts.
    alone = rate is not None and not finds_prefect(get_settings())
    with services(mongo=not to, prefect=not alone, creates=True) as settings:
        if rate is not None:
            typer.echo(announcement(request, settings.database), err=True)
        if alone:
            counts = _live(request)
        else:
            from flows.generate_on_demand import backfill_orders, generate_files, generate_live_orders

            flow = generate_live_orders if rate is not None else generate_files if to else backfill_orders
            counts = run_flow(flow, **asked)
    if as_json:
        print_json(counts)
        return
    for line in count_lines(counts) if rate is None else live_lines(counts):
        typer.echo(line)


def count_lines(counts: Mapping[str, Any]) -> list[str]:
    """What was made. Other counts than the accepted ones are there where they are not zero.

    "delivered: 0" is about what became of orders of before; it reads as if none of the new ones were delivered.
    """
    return [
        f"{name}: {', '.join(value) if isinstance(value, list) else value}"
        for name, value in counts.items()
        if value or name == "accepted"
    ]


def announcement(request: Request, database: str) -> str:
    """What live mode is about to do: it says little for as long as it works, and it works until somebody stops it."""
    until = "Ctrl-C stops it" if request.orders is None else f"until there are {request.orders:,}, or Ctrl-C"
    return f"live orders: {request.rate:g} a second into the database {database!r}; {until}"


def live_lines(counts: Mapping[str, Any]) -> list[str]:
    """What live mode made, in how long, and why it ended."""
    ended = "stopped by Ctrl-C" if counts["stopped"] else "as many as were asked for"
    made = f"{counted(counts['accepted'], 'order')} made in {duration(counts['seconds'])}; {ended}"
    moved = f"{counted(counts['steps'], 'step')} of open orders meanwhile: shipped, delivered, cancelled or returned"
    return [made, moved] if counts["steps"] else [made]


def _live(request: Request) -> dict[str, Any]:
    from ecommerce.generate.into_mongodb.catalog_store import ensure_catalog
    from ecommerce.generate.live import generate_live
    from ecommerce.mongo import get_database
    from ecommerce.schema import prepare_database

    database = get_database()
    prepare_database(database)
    spec = ensure_catalog(database, request.catalog)
    with terminal_progress("live orders") as progress:
        return generate_live(
            database,
            spec,
            request.rate or 0.0,
            seed=request.seed,
            preset=request.preset,
            speed=request.speed,
            orders=request.orders,
            progress=progress,
        ).counts()
