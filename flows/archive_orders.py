"""Moves finished orders of old days to the archive: a task per state of the run, a page about it, and maintenance."""

import logging
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Any

from prefect import get_run_logger
from prefect.runtime import flow_run
from pydantic import Field

from ecommerce.archive.approval import Requested, asked_run, waiting_text, waits
from ecommerce.archive.archiver import has_work, runs_due
from ecommerce.archive.context import archive_context, require_transactions
from ecommerce.archive.expire import finish_expiry, first_day_kept, orders_before
from ecommerce.archive.lease import require_free_lease
from ecommerce.archive.maintain import Maintenance, is_due
from ecommerce.archive.run import CLOSED, Run
from ecommerce.archive.runs import unfinished_run
from ecommerce.archive.selection import Plan, Selection
from ecommerce.archive.source import start_workers
from ecommerce.archive.spark import spark_ahead
from ecommerce.archive.view import require_own_archive
from ecommerce.archive_location import away_text
from ecommerce.forget.records import confirmed_requests
from ecommerce.mongo import get_database
from ecommerce.readable import counted
from ecommerce.schema import prepare_database
from ecommerce.settings import Settings, get_settings
from flows.approval import require_somebody_to_ask, with_answer
from flows.archive_steps import expire, finish_run, maintain, plan_run
from flows.common import finished, pipeline_flow, scheduled_time
from flows.forms import AS_SET, AsSet, Unset, chosen, settings_by_operators


@dataclass(frozen=True)
class ArchiveReport:
    """What was planned, the runs that ended (one that was left before first), and what was maintained."""

    plan: Plan
    runs: tuple[Run, ...] = ()
    maintenance: Maintenance | None = None
    waiting: Run | None = None
    """The run that waits for a person's word elsewhere; nothing else was begun then."""
    away: str = ""
    """Of a plan: that the archive to which the orders would go cannot be reached now, and why."""

    def __str__(self) -> str:
        """What became of it, in a line."""
        nothing = f"{counted(self.plan.orders, 'order')} before {self.plan.cutoff_day} would go; nothing was moved"
        waiting = waiting_text(self.waiting) if self.waiting else None
        said = (*(self.runs or [nothing]), waiting, self.maintenance, self.away)
        return "; ".join(str(one) for one in said if one)


def selected(
    older_than_days: int | AsSet | None = AS_SET,
    max_hot_orders: int | AsSet | None = AS_SET,
    max_hot_bytes: int | AsSet | None = AS_SET,
    include_open: bool = False,
) -> Selection:
    """Which orders a run takes; what was left empty is as operators set it."""
    settings = settings_by_operators("archive")
    return Selection(
        chosen(older_than_days, settings.archive_older_than_days),
        chosen(max_hot_orders, settings.archive_max_hot_orders),
        chosen(max_hot_bytes, settings.archive_max_hot_bytes),
        include_open,
    )


def log_age(given: int | AsSet | None, selection: Selection) -> None:
    """Say which age counts, where nobody gave one for this run."""
    if selection.older_than_days is None:
        get_run_logger().info("older_than_days is None: no order is archived for its age")
    elif isinstance(given, AsSet):
        get_run_logger().info(
            "older_than_days is empty: %d, as archive_older_than_days is set", selection.older_than_days
        )


def archive_what_is_due(
    settings: Settings, selection: Selection, requested: Requested, compact_from: int
) -> ArchiveReport:
    """Take the run that was left and a new one through their steps, until one waits for a person, then maintain."""
    database = get_database(settings)
    require_free_lease(database)
    left = unfinished_run(database)
    # A run that was resumed does what the person was asked about, and does not ask about another day.
    new = None if left and left.asked_by == requested.flow_run else selection
    done: list[Run] = []
    maintained: Maintenance | None = None
    with spark_ahead(settings, start_workers):
        plan = plan_run(selection)
        with archive_context(settings) as context:
            finish_expiry(context)
            if confirmed_requests(context.database):
                from ecommerce.forget.forget import finish_requests_in  # rarely due, and large to import

                finish_requests_in(context)
            for run in runs_due(context, new, None if left else plan, requested):
                if left and run.run_id == left.run_id:
                    get_run_logger().warning("run %s was left %s and is finished first", run.run_id, run.state)
                done.append(finish_run(context, run))
            waiting = done.pop() if done and waits(done[-1]) else None
            if not waiting and is_due(context, compact_from):
                maintained = maintain(context, compact_from)
            if not waiting and settings.archive_expire_years:
                expire(context, settings.archive_expire_years)
    return ArchiveReport(plan, tuple(done), maintained, waiting)


def has_to_remove(settings: Settings) -> bool:
    """Whether a person is to be forgotten, or orders have become too old."""
    database, years = get_database(settings), settings.archive_expire_years
    return bool(confirmed_requests(database) or (years and orders_before(database, first_day_kept(years))))


def run_name(parameters: dict[str, Any]) -> str:
    """Which orders a run archives."""
    plan = "plan " if parameters.get("dry_run") else ""
    age = chosen(parameters.get("older_than_days", AS_SET), settings_by_operators("archive").archive_older_than_days)
    if age is None:
        return f"{plan}archive by size"
    return f"{plan}archive before {scheduled_time() - timedelta(days=age):%Y-%m-%d}"


@pipeline_flow("archive-orders", run_name)
def archive_orders(
    older_than_days: Annotated[
        Annotated[int, Field(ge=0, le=36_500)] | Unset | None,
        Field(
            description="Archive orders older than this many whole days. Empty: as the setting archive_older_than_days "
            "says, 30 unless changed. None: not for their age."
        ),
    ] = AS_SET,
    max_hot_orders: Annotated[
        Annotated[int, Field(ge=0)] | Unset | None,
        Field(
            description="Also the oldest days, until at most this many orders are in MongoDB. Empty: as the setting "
            "archive_max_hot_orders says. None: no limit."
        ),
    ] = AS_SET,
    max_hot_bytes: Annotated[
        Annotated[int, Field(ge=0)] | Unset | None,
        Field(
            description="Also the oldest days, until the orders in MongoDB have at most these bytes. Empty: as the "
            "setting archive_max_hot_bytes says. None: no limit."
        ),
    ] = AS_SET,
    include_open: Annotated[bool, Field(description="Also orders that are not finished yet.")] = False,
    compact_from: Annotated[
        int, Field(ge=0, le=1000, description="Merge days that have at least so many files. 0: no maintenance.")
    ] = 4,
    approve: Annotated[
        bool | None,
        Field(
            description="Wait for a person's word before anything is deleted. None: as the setting archive_approve "
            "says, no unless changed. Always with include_open."
        ),
    ] = None,
    dry_run: Annotated[bool, Field(description="Only plan: days, orders, bytes, what stays and why.")] = False,
) -> ArchiveReport:
    """Finish the run that was left, then plan, export, verify, purge, publish and commit a new one; maintain."""
    settings = get_settings()
    database = get_database(settings)
    prepare_database(database)
    require_transactions(database)
    selection = selected(older_than_days, max_hot_orders, max_hot_bytes, include_open)
    log_age(older_than_days, selection)
    if approve is None:
        approve = settings_by_operators("archive").archive_approve
    requested = Requested(approve or include_open, flow_run.id)
    if (asked := asked_run(database, flow_run.id)) and asked.state in CLOSED:
        # The run was answered elsewhere, or too late: this flow run has nothing else to do.
        report = ArchiveReport(plan_run(selection), (asked,))
        return finished(report, f"already answered: {report}")
    left = unfinished_run(database)
    if dry_run or not (has_work(database, selection, compact_from) or has_to_remove(settings)):
        require_own_archive(settings)
        away = away_text(settings) if dry_run else ""
        report = ArchiveReport(plan_run(selection), waiting=left if left and waits(left) else None, away=away)
        get_run_logger().log(logging.WARNING if away else logging.INFO, "%s", report)
        return finished(report, str(report))
    if requested.approve:
        require_somebody_to_ask()
    if left and waits(left) and waits(left := with_answer(database, left, may_answer=requested.approve)):
        report = ArchiveReport(plan_run(selection), waiting=left)
    else:
        report = archive_what_is_due(settings, selection, requested, compact_from)
        # Nothing is held meanwhile: no lease, no Spark, and of a deployed run no process and no place.
        if report.waiting and waits(asked := with_answer(database, report.waiting, may_answer=True)):
            report = replace(report, waiting=asked)
        elif report.waiting:
            rest = archive_what_is_due(settings, selection, requested, compact_from)
            report = ArchiveReport(report.plan, report.runs + rest.runs, rest.maintenance, rest.waiting)
    if report.waiting:
        get_run_logger().warning("%s", waiting_text(report.waiting))
    return finished(report, str(report))
