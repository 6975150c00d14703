"""`ecommerce order`: one order, hot or archived, or those of a customer."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from bson import Decimal128
from rich.console import Console
from rich.table import Column, Table

from cli.customer_orders import orders_of_customer, plain, readable, shown
from cli.json_output import AsJson, print_json
from cli.query import print_rows
from cli.runtime import services
from cli.terminal import terminal_progress
from ecommerce.archive.identity import table_known
from ecommerce.errors import InputError
from ecommerce.mongo import get_database
from ecommerce.readable import counted, local_time
from ecommerce.settings import Settings
from ecommerce.shop import read_shop

if TYPE_CHECKING:
    from ecommerce.archive.days import Damage
    from ecommerce.order_search.one_order import FoundOrder

TWICE = "`ecommerce check` says whether the two are the same, and what to do"
MENDED = "Correct or delete it in MongoDB (db.orders): the next `ecommerce summarize` counts it once it is an order"


def order(
    order_id: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="An order's id, or the id that its source wrote, with or without #."),
    ] = None,
    customer: Annotated[
        str | None, typer.Option(metavar="ID", help="List the orders of a customer: by id, e-mail or name.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most orders of a customer that are listed.")] = 1_000,
    as_json: AsJson = False,
) -> None:
    """Show one order with its life, and of an archived one where it lies; or list those of a customer.

    By id an archived order is found at once. By external id or customer the archive is looked through, the latest
    orders first.
    """
    if customer is not None and order_id is None:
        orders_of_customer(customer, limit, as_json=as_json)
        return
    if order_id is None or customer is not None:
        raise InputError("order: give an order's id or --customer, one of the two")
    with services() as settings:
        found = _found(settings, order_id)
    if as_json:
        print_json(order_document(found, datetime.now(UTC)), with_run=False)
    else:
        _print(found, datetime.now(UTC))


def _found(settings: Settings, text: str) -> "FoundOrder":
    """The order of an id or an external id. Raises InputError where there is none, ArchiveError."""
    from ecommerce.order_search.one_order import find_order, order_of

    database = get_database(settings)
    found = find_order(database, settings, text, read_archive=False)
    if found and not found.archive:
        return found
    with services(hdfs=table_known(database) is not None):
        archived_id = found.order_id if found else _archived_id(settings, text)
        found = order_of(database, settings, archived_id) if isinstance(archived_id, int) else None
    if found is None:
        raise InputError(
            f"no order {text!r} in database {database.name!r}: no hot or archived order has it as its id "
            "or external id. `ecommerce order --customer ID` lists a customer's"
        )
    return found


def _archived_id(settings: Settings, external_id: str) -> int | None:
    """The id of the latest archived order that has an external id, rather as it was typed than with or without its #.

    Raises InputError where several of that day have it, ArchiveError where files are damaged and none of the others
    has it.
    """
    from ecommerce.order_search.archived_search import orders_with_external_id
    from ecommerce.order_search.ids import spellings_of
    from ecommerce.order_search.one_order import several_orders

    damaged: list[Damage] = []
    with terminal_progress("looking through the archive") as report:
        for step in orders_with_external_id(get_database(settings), settings, external_id):
            report(step.looked.orders, step.looked.all_orders, "orders")
            damaged += [step.damage] if step.damage else []
            for spelling in spellings_of(external_id):
                ids = [int(row["_id"]) for row in step.rows if row["order"].get("external_id") == spelling]
                if len(ids) > 1:
                    raise InputError(several_orders(spelling, ids))
                if ids:
                    return ids[0]
    if damaged:
        from ecommerce.archive.days import require_sound

        require_sound(damaged)
    return None


def order_document(found: "FoundOrder", now: datetime) -> dict[str, Any]:
    """What `--json` prints: the order's document as it is stored, with money as text, and its place in the archive."""
    from ecommerce.order_search.one_order import life_of

    place = found.archive
    return {
        "order_id": found.order_id,
        "place": found.place,
        "archive": place and {name: getattr(place, name) for name in type(place).__slots__},
        "unread": found.unread or None,
        "set_aside": found.set_aside or None,
        "archived_too": found.archived_too or None,
        "past_versions": found.past_versions,
        "life": [asdict(event) for event in (life_of(found.document, now) if found.document else ())],
        "order": found.document and plain(found.document),
    }


def _print_faults(console: Console, found: "FoundOrder") -> None:
    """Why an order is in no figure, or twice."""
    if found.set_aside:
        console.print(f"it is set aside, in no figure: {found.set_aside}. {MENDED}", soft_wrap=True)
    if found.archived_too:
        console.print(f"run {found.archived_too} archived it, too, so it counts twice: {TWICE}", soft_wrap=True)


def _fields_table(part: str, fields: Mapping[str, Any], text: Callable[[str, Any], str], zone: str) -> Table:
    has_times = any(isinstance(value, datetime) for value in fields.values())
    table = Table(part, Column(f"times ({zone})" if has_times else "", overflow="fold"))
    for name, value in fields.items():
        table.add_row(shown(name), text(name, value))
    return table


def _print(found: "FoundOrder", now: datetime) -> None:
    from ecommerce.order_search.named import names_in
    from ecommerce.order_search.one_order import life_of, part_of

    console = Console(markup=False, highlight=False)
    console.print(f"order {found.order_id}: {found.place}")
    _print_faults(console, found)
    if (place := found.archive) is not None:
        console.print(f"archived by run {place.run_id} ({place.state}), order day {place.day} (UTC)")
        console.print(f"its row is in {place.directory or 'an archive that is not at hand'}", soft_wrap=True)
    if found.document is None:
        console.print(f"it cannot be read: {found.unread}", soft_wrap=True)
        return
    database = get_database()
    shop, names = read_shop(database), names_in(database, found.document)
    zone = shop.zone
    currency = str(part_of(found.document, "order").get("currency") or shop.currency)

    def clock(moment: datetime) -> str:
        return f"{local_time(moment, zone):%Y-%m-%d %H:%M:%S}"

    def text(name: str, value: Any) -> str:
        if isinstance(value, datetime):
            return clock(value)
        called = names.get(name, {}).get(value, "") if isinstance(value, int) else ""
        plainly = value if isinstance(value, Decimal128) else plain(value)
        return readable(plainly, currency) + (f" {shown(called)}" if called else "")

    for part in ("order", "delivery", "attributes"):
        if isinstance(fields := found.document.get(part), Mapping):
            console.print(_fields_table(part, fields, text, zone.key))
    items = found.document.get("order_items")
    items = [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
    if items:
        columns = [name for name in items[0] if name != "order_id"]
        is_time = {name: any(isinstance(item.get(name), datetime) for item in items) for name in columns}
        print_rows(
            console,
            [(shown(name) + f" ({zone.key})" * is_time[name], False) for name in columns],
            [[text(name, item.get(name)) for name in columns] for item in items],
        )
    life = Table(f"time ({zone.key})", "what", "")
    for event in life_of(found.document, now):
        life.add_row(clock(event.time), event.what, shown(event.detail))
    if life.rows:
        console.print(life)
    if found.past_versions:
        console.print(f"{counted(found.past_versions, 'other version')} of it came in")
