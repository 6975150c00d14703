"""`ecommerce shop`: the shop's currency and time zone, and changing them."""

from datetime import datetime
from typing import Annotated

import typer

from cli.json_output import AsJson, print_json
from cli.runtime import services
from cli.terminal import terminal_progress
from ecommerce.mongo import MongoDatabase, get_database
from ecommerce.readable import counted


def shop(
    time_zone: Annotated[
        str | None,
        typer.Option("--time-zone", metavar="ZONE", help="Count by the days of this zone (IANA) from now on."),
    ] = None,
    currency: Annotated[
        str | None, typer.Option("--currency", metavar="CODE", help="Call the amounts by this currency (ISO 4217).")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the shop's currency and time zone, or change them. Figures are the old ones until the change is done."""
    from ecommerce.change_shop import change_shop, days_to_read, is_counted_by, require_possible
    from ecommerce.shop import Shop, move_under_way, read_shop
    from ecommerce.summaries.state import why_of_other_hours

    with services() as settings:
        database = get_database(settings)
        before = read_shop(database)
        wanted = Shop(currency or before.currency, time_zone or before.time_zone)
        require_possible(wanted)
        moving_to = move_under_way(database)
        change = None
        moves = time_zone is not None and not is_counted_by(database, wanted.time_zone)
        if wanted != before or moves or (moving_to and time_zone):
            if wanted.currency != before.currency:
                _confirm(what_becomes(database, before.currency, wanted.currency), yes)
            days: dict[datetime, int] = {}
            if moves or wanted.time_zone != before.time_zone:
                days = days_to_read(database, wanted.time_zone)
                read = f"{counted(len(days), 'archived day is', 'archived days are')} read again and " if days else ""
                _confirm(f"The shop's days become those of {wanted.time_zone}: {read}every figure is counted anew", yes)
            with services(hdfs=bool(days)), terminal_progress("shop") as progress:
                change = change_shop(database, settings, wanted, progress)
            moving_to = None
        edited = why_of_other_hours(database)
    now = datetime.now(wanted.zone)
    if as_json:
        of_change = {"archived_days": change.archived_days, "hot_orders": change.hot_orders} if change else {}
        document = {"currency": wanted.currency, "time_zone": wanted.time_zone, "moving_to": moving_to}
        print_json(document | of_change, with_run=False)
        return
    typer.echo(f"currency: {wanted.currency}")
    typer.echo(f"time zone: {wanted.time_zone}, where it is {now:%Y-%m-%d %H:%M}")
    if moving_to:
        typer.echo(
            f"moving to {moving_to}: `ecommerce shop --time-zone {moving_to}` goes on; figures are still the old ones"
        )
    if edited:
        typer.echo(edited, err=True)
    if change and (change.hot_orders or change.archived_days):
        typer.echo(
            f"counted anew: {counted(change.hot_orders, 'order')} and {counted(change.archived_days, 'archived day')}"
        )
    for name, value, now_is in (
        ("ECOMMERCE_CURRENCY", settings.currency, wanted.currency),
        ("ECOMMERCE_TIMEZONE", settings.timezone, wanted.time_zone),
    ):
        if value not in (None, now_is):
            typer.echo(f"set {name} to {now_is}, or to nothing: it says {value}", err=True)


def what_becomes(database: MongoDatabase, old: str, new: str) -> str:
    """What another currency of the shop means for the orders that there are."""
    from ecommerce.kpis.store import KpiStore

    store = KpiStore(database)
    store.refresh()
    orders = store.orders_by_named_currency()
    said = [f"{old} becomes {new}. Amounts stay as they are: none is converted"]
    for currency, becomes in (
        ("", f"no currency will be in {new}"),
        (new, f"{new} will be added to them, as if all were {new}"),
        (old, f"{old} will be apart from them"),
    ):
        if found := orders.get(currency):
            said.append(f"{counted(found, 'order that names', 'orders that name')} {becomes}")
    return ". ".join(said)


def _confirm(what: str, yes: bool) -> None:
    if not yes:
        typer.confirm(f"{what}. Go on?", abort=True, err=True)
