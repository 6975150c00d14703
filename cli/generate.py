"""`ecommerce generate`: orders into MongoDB or files, or live."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from cli.runtime import run_flow, services

DAYS = 30
_DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def generate(
    orders: Annotated[int | None, typer.Option(help="How many orders; in live mode it stops after them.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same orders.")] = 1,
    start: Annotated[datetime | None, typer.Option(formats=_DATES, help="First moment, UTC.")] = None,
    end: Annotated[datetime | None, typer.Option(formats=_DATES, help="End, UTC; itself not in the span.")] = None,
    rate: Annotated[float | None, typer.Option(help="Live: orders a second, until Ctrl-C.")] = None,
    speed: Annotated[float | None, typer.Option(help="Live: orders live this much faster than in life.")] = None,
    to: Annotated[
        Path | None, typer.Option(help="Write files: a directory, or a name like orders.json.zst or orders.csv.gz.")
    ] = None,
    format: Annotated[str | None, typer.Option(help="json or csv, where --to is a directory.")] = None,
    preset: Annotated[str, typer.Option(help="Kind of shop: marketplace, grocery or b2b.")] = "marketplace",
    locale: Annotated[str, typer.Option(help="Language of the catalog's names, as Faker calls it.")] = "en_US",
    users: Annotated[int | None, typer.Option(help="Users in the catalog, at least.")] = None,
    products: Annotated[int | None, typer.Option(help="Products in the catalog, at least.")] = None,
    processes: Annotated[int, typer.Option(help="Files: processes that make them.")] = 1,
    dirt: Annotated[float, typer.Option(help="Files: share of malformed, late and repeated rows.")] = 0.0,
) -> None:
    """Make orders that look real: into MongoDB, into files (--to), or live (--rate).

    Without --start and --end they lie in the 30 days before today. The same options make the same orders, so running
    it again adds nothing; another --seed adds other orders.
    """
    from flows.generate_orders import generate_orders

    if rate is None and start is None and end is None:
        end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        start = end - timedelta(days=DAYS)
    given = {
        "orders": orders, "start": start, "end": end, "rate": rate, "speed": speed, "format": format,
        "users": users, "products": products, "to": str(to.absolute()) if to else None,
    }  # fmt: skip
    options = {name: value for name, value in given.items() if value is not None}
    with nullcontext() if to else services():
        result = run_flow(
            generate_orders, **options, seed=seed, preset=preset, locale=locale, processes=processes, dirt=dirt
        )
    for name, value in result.items():
        typer.echo(f"{name}: {', '.join(value) if isinstance(value, list) else value}")
