"""`ecommerce order --customer`: the orders of a customer, hot and archived."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

from rich.console import Console

from cli.json_output import print_json
from cli.query import print_rows
from cli.runtime import services
from cli.terminal import terminal_progress
from ecommerce.archive.identity import table_known
from ecommerce.documents.bson_codec import as_decimal
from ecommerce.errors import InputError
from ecommerce.iso_4217 import amount_text, is_amount
from ecommerce.mongo import Document, MongoDatabase, get_database
from ecommerce.readable import counted, local_time, printable
from ecommerce.settings import Settings
from ecommerce.shop import read_shop

if TYPE_CHECKING:
    from ecommerce.archive.days import Damage
    from ecommerce.order_search.looked import Looked

NOTHING = "–"

FIELDS = {
    "order_time": "order", "user_id": "order", "external_id": "order", "total_amount": "order", "currency": "order",
    "status": "delivery",
}  # fmt: skip


def orders_of_customer(customer: str, limit: int, *, as_json: bool) -> None:
    """Print the orders of a customer, the hot ones first, each the latest first.

    Raises InputError where nobody is called so, ArchiveError, at the end, where archived orders cannot all be read.
    """
    damaged: list[Damage] = []
    looked: list[Looked] = []
    with services() as settings:
        database = get_database(settings)
        users = _users(database, customer)
        with services(hdfs=table_known(database) is not None):
            rows = list(islice(_orders(database, settings, users, damaged, looked), limit + 1))
        if as_json:
            print_json(_document(users, rows, limit, damaged, looked), with_run=False)
        else:
            _print(database, rows, limit, looked)
        if damaged:
            from ecommerce.archive.days import require_sound

            require_sound(damaged)


def _users(database: MongoDatabase, customer: str) -> list[int]:
    from ecommerce.order_search.ids import ids_of
    from ecommerce.order_search.query import users_called

    if users := [*ids_of(customer)] or users_called(database, customer.strip()):
        return users
    raise InputError("order: no customer has this name or e-mail; somebody without a record goes by id")


def _orders(
    database: MongoDatabase, settings: Settings, users: Sequence[int], damaged: "list[Damage]", looked: "list[Looked]"
) -> Iterator[tuple[str, Document]]:
    """The orders and where each is; what is damaged, and how far the archive was looked through, is noted on the way.

    An order may be archived while the hot ones are read: it is told as hot.
    """
    from ecommerce.order_search.archived_search import orders_of_users
    from ecommerce.order_search.paging import every_order_of

    hot: set[int] = set()
    for document in every_order_of(database, users):
        hot.add(document["_id"])
        yield "hot", document
    with terminal_progress("looking through the archive") as report:
        for step in orders_of_users(database, settings, users):
            report(step.looked.orders, step.looked.all_orders, "orders")
            looked[:] = [step.looked]
            damaged += [step.damage] if step.damage else []
            yield from (("archived", document) for document in step.rows if document["_id"] not in hot)


def _document(
    users: Sequence[int], rows: Sequence[tuple[str, Document]], limit: int, damaged: "list[Damage]",
    looked: "list[Looked]",
) -> dict[str, Any]:  # fmt: skip
    """What `--json` prints."""
    return {
        "customers": users,
        "orders": [
            {"order_id": document["_id"], "place": place, **plain(_listed(document))}
            for place, document in rows[:limit]
        ],
        "more": len(rows) > limit,
        "archive": {
            "orders_looked_through": looked[-1].orders if looked else 0,
            "orders": looked[-1].all_orders if looked else 0,
            "damaged": [str(one) for one in damaged],
        },
    }


def _listed(document: Mapping[str, Any]) -> dict[str, Any]:
    parts = {part: document.get(part) for part in ("order", "delivery")}
    return {
        name: value.get(name) if isinstance(value := parts[part], Mapping) else None for name, part in FIELDS.items()
    }


def _print(database: MongoDatabase, rows: Sequence[tuple[str, Document]], limit: int, looked: "list[Looked]") -> None:
    console = Console(markup=False, highlight=False)
    shop = read_shop(database)
    zone = shop.zone
    names = ["order", "place", f"time ({zone.key})", "customer", "external id", "total", "status"]
    lines = []
    for place, document in rows[:limit]:
        of = _listed(document)
        time = of["order_time"]
        lines.append(
            [
                str(document["_id"]),
                place,
                f"{local_time(time, zone):%Y-%m-%d %H:%M:%S}" if isinstance(time, datetime) else "",
                readable(of["user_id"]),
                shown(of["external_id"] or ""),
                readable(of["total_amount"], str(of["currency"] or shop.currency), with_code=True),
                readable(of["status"]),
            ]
        )
    filled = [at for at in range(len(names)) if any(line[at] for line in lines)]
    if lines:
        # An id that is cut or broken cannot be asked for.
        print_rows(console, [(names[at], False) for at in filled], [[line[at] for at in filled] for line in lines])
    there = counted(min(limit, len(rows)), "order") + ", and there are more (--limit)" * (len(rows) > limit)
    if looked:
        there += f"; {looked[-1].orders:,} of {counted(looked[-1].all_orders, 'archived order')} looked through"
    console.print(there, soft_wrap=True)


def plain(value: Any) -> Any:
    """A value of BSON as one of JSON: decimals as text, keys as they are."""
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value if isinstance(value, bool | int | float | str | datetime | None) else str(value)


def readable(value: Any, currency: str = "", *, with_code: bool = False) -> str:
    """A value as people read it: a dash for none, money in the decimals of its currency."""
    if value is None:
        return NOTHING
    if isinstance(amount := as_decimal(value), Decimal):
        return amount_text(amount, currency) + f" {currency}" * (with_code and is_amount(amount))
    return shown(value)


def shown(value: Any) -> str:
    """A value as text that a terminal cannot take for a command."""
    text = value.isoformat(sep=" ", timespec="seconds") if isinstance(value, datetime) else str(value)
    return printable(text)
