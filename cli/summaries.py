"""`ecommerce summarize` and `ecommerce check`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli.json_output import AsJson, print_json
from cli.runtime import run_flow, services
from ecommerce.mongo import get_database
from ecommerce.readable import counted, printable

if TYPE_CHECKING:
    from ecommerce.check import CheckReport
    from ecommerce.mongo import MongoDatabase

ASIDE_SHOWN = 20
"""Documents that are no orders and that a check prints; `--json` has more."""


def print_aside(database: "MongoDatabase") -> None:
    """Name the documents that are set aside in one line on standard error, where there are any."""
    from ecommerce.summaries.aside import all_aside, aside_sentence

    count, named = all_aside(database)
    if count:
        print(f"warning: {printable(aside_sentence(count, named))}", file=sys.stderr)


def summarize(as_json: AsJson = False) -> None:
    """Bring the summaries up to date now, compact them and report their lag."""
    with services(prefect=True) as settings:
        from flows.summarize_orders import summarize_orders

        done = run_flow(summarize_orders)
        print_aside(get_database(settings))
    if as_json:
        print_json(done)
        return
    print(f"{done.mode}: {counted(done.changes, 'change')}" + (f" ({done.reason})" if done.reason else ""))
    print(f"compacted: {counted(done.compacted_deltas, 'delta')}, {counted(done.merged_parts, 'part')} merged")
    print(f"lag: {done.lag_seconds:.1f} s, figures as of {done.as_of:%Y-%m-%d %H:%M:%S} UTC")


def check(
    as_json: Annotated[bool, typer.Option("--json", help="The result as one JSON document.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Mend what differs, then check again.")] = False,
    archive: Annotated[bool, typer.Option(help="Read the archive's Parquet files too.")] = True,
    accept_lost: Annotated[
        bool, typer.Option("--accept-lost", help="Take orders that were counted and are gone for deleted on purpose.")
    ] = False,
) -> None:
    """Recompute every figure from documents and archive, and compare; exit code 1 where one differs."""
    from ecommerce.check import has_archive
    from ecommerce.check.report import FiguresDiffer

    with services() as settings:
        reads_files = archive and has_archive(get_database(settings))
        with services(hdfs=reads_files, prefect=True):
            from flows.check_orders import check_orders

            try:
                report = run_flow(check_orders, repair=repair, archive=archive, accept_lost=accept_lost)
            except FiguresDiffer as error:
                report = error.report
    if as_json:
        print_json(report.to_json_dict())
    else:
        print_report(report)
    if not report.is_good:
        raise typer.Exit(1)


def print_report(report: "CheckReport") -> None:
    """Print what a check found, a line per bucket that differs."""
    from ecommerce.summaries.aside import aside_sentence

    for difference in report.differences:
        print(difference)
    for damaged in report.damaged:
        print(damaged)
    if report.aside:
        print(printable(aside_sentence(report.aside, report.set_aside[:ASIDE_SHOWN])))
    for said in (*report.said_of_twice, *report.lost):
        print(said)
    checked = f"{counted(report.hot_orders, 'order')} from documents"
    if report.archive_checked:
        checked += f" and {report.archived_orders:,} from the archive's files"
    if report.accepted:
        print(f"accepted as gone: {counted(report.accepted, 'order')}")
    state = "mended" if report.repaired else counted(len(report.differences), "bucket differs", "buckets differ")
    if not report.differences and not report.repaired:
        state = "all figures of the orders equal" if report.aside else "all figures equal"
        if report.damaged:
            state = "the archive is damaged; the figures of the orders that can be read are equal"
    if not report.is_good and (report.repaired or report.twice or report.fewer):
        state += ", but for what is said above"
    print(f"{state}: {checked}, {report.seconds:.1f} s")
