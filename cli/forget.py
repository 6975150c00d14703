"""`ecommerce forget` and `ecommerce expire`: what leaves for good."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from cli.confirm import asked
from cli.json_output import AsJson, print_json
from cli.runtime import run_flow, services
from ecommerce.mongo import get_database
from ecommerce.readable import counted


class Files(StrEnum):
    """What becomes of imported files that name the person."""

    rewrite = "rewrite"
    remove = "remove"


def forget(
    user: Annotated[int | None, typer.Option(min=0, help="The id of the user.")] = None,
    email: Annotated[str | None, typer.Option(help="The e-mail, of all users that have it.")] = None,
    files: Annotated[
        Files, typer.Option(help="Files in done/ and failed/ that name the person: without those rows, or not at all.")
    ] = Files.rewrite,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    ask_only: Annotated[
        bool, typer.Option("--ask-only", help="Record the request and print its id, for forget-person/on-demand.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove what identifies a person, everywhere and for good. No figure moves."""
    with services() as settings:
        from ecommerce.archive.identity import table_known
        from ecommerce.forget.person import ask_to_forget
        from ecommerce.forget.records import COMMITTED, drop_requests
        from ecommerce.forget.remains import what_remains

        database = get_database(settings)
        with services(hdfs=table_known(database) is not None):
            request = ask_to_forget(settings, user_id=user, email=email, files=files.value)
            if ask_only:
                print_json({"request": request.run_id, "found": request.found}, with_run=False)
                return
            touched = "".join(f"\n  {name.replace('_', ' ')}: {count:,}" for name, count in request.found.items())
            print(f"this is changed for good:{touched}\n{what_remains(settings)}.", file=sys.stderr)
            try:
                agreed = asked("Forget this person?", yes)
            except BaseException:
                drop_requests(database, request.person)
                raise
            if not agreed:
                drop_requests(database, request.person)
                return
            with services(prefect=True):
                from flows.forget_person import forget_person

                done = run_flow(forget_person, request=request.run_id)
    if as_json:
        print_json({"request": done.run_id, "state": done.state, "found": done.found, "done": done.done})
    else:
        print(f"{done}" if done.state != COMMITTED else f"forgotten: {done}")


def expire(
    older_than: Annotated[int, typer.Option(min=1, max=100, help="Years: archived orders that are older go.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove archived orders that are older than so many years, for good. Figures still count them."""
    with services() as settings:
        from ecommerce.archive.expire import expire_orders, first_day_kept, orders_before

        database = get_database(settings)
        day = first_day_kept(older_than)
        orders = orders_before(database, day)
        print(f"to be removed for good: {counted(orders, 'archived order')} before {day}", file=sys.stderr)
        if orders and not asked("Remove them?", yes):
            return
        with services(hdfs=orders > 0):
            expired = expire_orders(settings, older_than)
    if as_json:
        print_json({"before": expired.before, "orders": expired.orders}, with_run=False)
    else:
        print(expired)
