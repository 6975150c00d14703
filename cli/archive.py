"""`ecommerce archive` and `ecommerce restore`."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from cli.json_output import AsJson, archive_document, print_json
from cli.prefect_server import at_server
from cli.runtime import given, run_flow, services
from cli.summaries import print_aside
from ecommerce.errors import InputError
from ecommerce.mongo import MongoDatabase, get_database
from ecommerce.readable import counted

if TYPE_CHECKING:
    from flows.archive_orders import ArchiveReport

DAYS_PRINTED = 10


def archive(
    older_than_days: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=36_500,
            help="Archive orders older than this many whole days. Default: the setting archive_older_than_days, 30.",
        ),
    ] = None,
    max_hot_orders: Annotated[
        int | None, typer.Option(min=0, help="Also the oldest days, until at most this many orders are in MongoDB.")
    ] = None,
    max_hot_bytes: Annotated[
        int | None,
        typer.Option(min=0, help="Also the oldest days, until the orders in MongoDB have at most these bytes."),
    ] = None,
    include_open: Annotated[bool, typer.Option("--include-open", help="Also orders that are not finished.")] = False,
    compact_from: Annotated[
        int, typer.Option(min=0, help="Merge days that have at least so many files; 0: never.")
    ] = 4,
    approve: Annotated[
        bool | None,
        typer.Option(
            "--approve/--no-approve",
            help="Ask before orders are deleted, always with --include-open. Default: the setting archive_approve, no.",
        ),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Answer yes beforehand, also for a run that waits for an answer elsewhere.")
    ] = False,
    refuse: Annotated[
        bool, typer.Option("--refuse", help="Refuse the run that waits for a person's word, and archive nothing.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the plan.")] = False,
    as_json: AsJson = False,
) -> None:
    """Move finished orders of old days to the archive; finishes a run that was left unfinished first."""
    limits = given(older_than_days=older_than_days, max_hot_orders=max_hot_orders, max_hot_bytes=max_hot_bytes)
    if refuse:
        if limits or include_open or approve or yes or dry_run:
            raise InputError("--refuse stands alone: it answers a run that waits, and archives nothing")
        from ecommerce.archive.approval import NOTHING_NEW

        limits = {name: value for name, value in NOTHING_NEW.items() if name != "compact_from"}
        compact_from, approve = NOTHING_NEW["compact_from"], True
    with services(prefect=True) as settings:
        if refuse:
            require_a_question(get_database(settings))
        from ecommerce.archive.archiver import has_work
        from ecommerce.archive.lease import require_free_lease

        # Before there is a run that would be recorded as failed.
        if not dry_run:
            require_free_lease(get_database(settings))
        from cli.approval import answerer_of
        from ecommerce.archive.approval import answered_by
        from flows.archive_orders import archive_orders, has_to_remove, selected

        # HDFS takes seconds and two JVMs, so it is started only where there is something to do.
        with at_server():
            selection = selected(**limits, include_open=include_open)
        has_to = has_work(get_database(settings), selection, compact_from) or has_to_remove(settings)
        needs_hdfs = not dry_run and has_to
        with services(hdfs=needs_hdfs), answered_by(answerer_of(yes, refuse)):
            report = run_flow(
                archive_orders,
                **limits,
                **given(approve=approve),
                include_open=include_open,
                compact_from=compact_from,
                dry_run=dry_run,
            )
        if report.plan.aside:
            print_aside(get_database(settings))
        if report.away:
            typer.echo(f"warning: {report.away}", err=True)
    if as_json:
        print_json(archive_document(report))
    elif dry_run:
        print_plan(report)
    else:
        print_runs(report)


def require_a_question(database: MongoDatabase) -> None:
    """Raise InputError where no archive run waits for a person's word."""
    from ecommerce.archive.approval import waits
    from ecommerce.archive.runs import unfinished_run

    left = unfinished_run(database)
    if left is None or not waits(left):
        raise InputError("no archive run waits for a person's word: there is nothing to refuse")


def restore(
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day (UTC).")],
    end: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Last day, included.")],
    as_json: AsJson = False,
) -> None:
    """Bring archived days back into the collection orders_restored, typed exactly as they were."""
    with services(hdfs=True, prefect=True):
        from flows.restore_orders import restore_orders

        restored = run_flow(restore_orders, start=start.date(), end=end.date())
    if as_json:
        print_json(
            {"start": start.date(), "end": end.date(), "from": start.date(), "to": end.date(), "orders": restored}
        )
        return
    there, are = counted(restored, "order"), "is" if restored == 1 else "are"
    print(f"{there} of {start:%Y-%m-%d} to {end:%Y-%m-%d} {are} in orders_restored")


def print_plan(report: "ArchiveReport") -> None:
    """Days, orders and bytes that would go, and what stays and why."""
    from ecommerce.sizes import size_text

    plan = report.plan
    days = [day for day in plan.days if day.orders]
    numbers = (Column(name, justify="right") for name in ("orders", "bytes", "not finished"))
    table = Table("day", *numbers, box=None)
    for day in days[:DAYS_PRINTED]:
        table.add_row(str(day.order_date), f"{day.orders:,}", size_text(day.bytes), f"{day.open_orders:,}")
    if len(days) > DAYS_PRINTED:
        rest = days[DAYS_PRINTED:]
        table.add_row(
            f"… {len(rest):,} more to {rest[-1].order_date}",
            f"{sum(day.orders for day in rest):,}",
            size_text(sum(day.bytes for day in rest)),
            f"{sum(day.open_orders for day in rest):,}",
        )
    table.add_row("all", f"{plan.orders:,}", size_text(plan.bytes), f"{plan.staying_open:,}")
    Console().print(table)
    print(f"orders before {plan.cutoff_day} would go: {plan.orders:,}")
    if report.waiting:
        from ecommerce.archive.approval import HOW_TO_ANSWER, waiting_text

        print(f"before any of that: {waiting_text(report.waiting)}; {HOW_TO_ANSWER}")
    print(f"stay: {plan.staying_open:,} older ones not finished, {plan.staying_young:,} not old enough")


def print_runs(report: "ArchiveReport") -> None:
    """What each run did, in a line, and what waits."""
    from ecommerce.archive.approval import HOW_TO_ANSWER, waiting_text
    from ecommerce.archive.run import REFUSED
    from ecommerce.sizes import size_text

    if report.waiting:
        print(f"{waiting_text(report.waiting)}; {HOW_TO_ANSWER}")
    elif not report.runs:
        print("nothing to archive")
    if report.maintenance:
        print(report.maintenance)
    for run in report.runs:
        if run.state == REFUSED:
            print(run)
            continue
        print(
            f"{run.kind} {run.run_id}: {counted(run.orders, 'order')} of {counted(run.days, 'day')}, "
            f"{size_text(run.bytes_before)} → {size_text(run.bytes_after)} Parquet, "
            f"{run.superseded:,} changed meanwhile and stayed, {sum(run.seconds.values()):.1f} s"
        )
