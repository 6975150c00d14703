"""`ecommerce order`: one order, hot or archived."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.json_output import AsJson, print_json
from cli.runtime import services
from ecommerce.errors import InputError
from ecommerce.mongo import get_database
from ecommerce.shop import read_shop

if TYPE_CHECKING:
    from ecommerce.order_search.one_order import FoundOrder

MENDED = "Correct or delete it in MongoDB (db.orders): the next `ecommerce summarize` counts it once it is an order"


def order(
    order_id: Annotated[str, typer.Argument(metavar="ID", help="An order's id, or the id that its source wrote.")],
    as_json: AsJson = False,
) -> None:
    """Show one order with its life, and of an archived one where it lies."""
    from ecommerce.order_search.one_order import find_order

    with services() as settings:
        database = get_database(settings)
        found = find_order(database, settings, order_id, read_archive=False)
        if found and found.archive:
            with services(hdfs=True):
                found = find_order(database, settings, order_id)
    if found is None:
        raise InputError(
            f"no order {order_id!r}: neither in orders nor in archived_orders of database {database.name!r} has one "
            "this id, and no hot order has it as its external id"
        )
    if as_json:
        print_json(order_document(found, datetime.now(UTC)), with_run=False)
    else:
        _print(found, datetime.now(UTC))


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
        "past_versions": found.past_versions,
        "life": [
            {"time": event.time, "what": event.what, "detail": event.detail}
            for event in (life_of(found.document, now) if found.document else ())
        ],
        "order": found.document and _plain(found.document),
    }


def _print(found: "FoundOrder", now: datetime) -> None:
    from ecommerce.order_search.one_order import life_of

    console = Console(markup=False, highlight=False)
    console.print(f"order {found.order_id}: {found.place}")
    if found.set_aside:
        console.print(f"it is set aside, in no figure: {found.set_aside}. {MENDED}", soft_wrap=True)
    if (place := found.archive) is not None:
        console.print(f"archived by run {place.run_id} ({place.state}), order day {place.day} (UTC)")
        console.print(f"its row is in {place.directory}", soft_wrap=True)
    if found.document is None:
        console.print(f"it cannot be read: {found.unread}", soft_wrap=True)
        return
    for part in ("order", "delivery", "attributes"):
        if isinstance(fields := found.document.get(part), Mapping):
            table = Table(part, "")
            for name, value in _plain(fields).items():
                table.add_row(name, _shown(value))
            console.print(table)
    items = found.document.get("order_items")
    items = [_plain(item) for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
    if items:
        names = list(items[0])
        table = Table(*names)
        for item in items:
            table.add_row(*(_shown(item.get(name)) for name in names))
        console.print(table)
    zone = read_shop(get_database()).zone
    life = Table(f"time ({zone.key})", "what", "")
    for event in life_of(found.document, now):
        life.add_row(f"{event.time.astimezone(zone):%Y-%m-%d %H:%M:%S}", event.what, _shown(event.detail))
    if life.rows:
        console.print(life)
    if found.past_versions:
        console.print(f"{found.past_versions} other versions of it came in")


def _plain(value: Any) -> Any:
    """A value of BSON as one of JSON: decimals as text, keys as they are."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, bool | int | float | str | datetime | None) else str(value)


def _shown(value: Any) -> str:
    text = value.isoformat(sep=" ", timespec="seconds") if isinstance(value, datetime) else str(value)
    return "".join(each if each.isprintable() else "�" for each in text)
