"""The archiver: finishes the run that was left, plans a new one, and takes it through its steps."""

from collections.abc import Iterator
from dataclasses import replace

from ecommerce.archive.approval import Requested, is_refused, waits
from ecommerce.archive.changed_rows import CHANGE_STEPS, begin_changes
from ecommerce.archive.changes import changes_wait
from ecommerce.archive.context import ArchiveContext, Step, archive_context, planned_run, require_transactions
from ecommerce.archive.fault_points import reached
from ecommerce.archive.run import ARCHIVE, CHANGES, CHUNK_ORDERS, CLOSED, Run
from ecommerce.archive.runs import new_run, unfinished_run
from ecommerce.archive.scattered import scattered_days
from ecommerce.archive.selection import Plan, Selection, may_select, plan_archive
from ecommerce.archive.source import start_workers
from ecommerce.archive.spark import spark_ahead
from ecommerce.archive.steps import STEPS, refuse
from ecommerce.archive.view import require_own_archive
from ecommerce.gate import require_known_format
from ecommerce.mongo import MongoDatabase, get_database
from ecommerce.progress import Progress, silent
from ecommerce.settings import Settings


def begin_run(
    context: ArchiveContext, selection: Selection, plan: Plan | None = None, requested: Requested | None = None
) -> Run | None:
    """Record a new run for a plan that was just made, else plan it first; None where no order is selected."""
    requested = requested or Requested()
    plan = plan or plan_archive(context.database, selection)
    if not plan.orders:
        return None
    run = replace(
        planned_run(context, ARCHIVE),
        cutoff=plan.cutoff,
        statuses=selection.statuses,
        slices=plan.slices,
        chunk_orders=CHUNK_ORDERS,
        orders=plan.orders,
        days=sum(1 for day in plan.days if day.orders),
        bytes_before=plan.bytes,
        flow_run=requested.flow_run,
        approve=requested.approve,
        seconds={"plan": round(plan.seconds, 3)},
    )
    reached("plan:before")
    new_run(context.database, run)
    reached("plan:recorded")
    return run


def next_step(run: Run) -> Step | None:
    """The step that takes a run on; None where it is closed, or waits for a person."""
    if run.state in CLOSED or waits(run):
        return None
    if run.kind == CHANGES:
        return CHANGE_STEPS[run.state]
    return refuse if is_refused(run) else STEPS[run.state]


def finish(context: ArchiveContext, run: Run) -> Run:
    """Take a run through the steps that are left. One that needs a person's word comes back verified."""
    while step := next_step(run):
        run = step(context, run)
    return run


def has_work(database: MongoDatabase, selection: Selection, compact_from: int = 0) -> bool:
    """Whether Spark is needed: a run was left, changes wait, an order is selected, or there are days to merge."""
    if unfinished_run(database) or changes_wait(database) or may_select(database, selection):
        return True
    return bool(scattered_days(database, compact_from))


def runs_due(
    context: ArchiveContext,
    selection: Selection | None = None,
    plan: Plan | None = None,
    requested: Requested | None = None,
) -> Iterator[Run]:
    """The runs that are due, one after the other: the one that was left, one of changes that wait, then a new one.

    Whoever asks takes each through its steps before asking for the next: one run is unfinished at a time, and after
    one that waits for a person there is no next. Without a selection no new run begins.

    A plan made before the run that was left ended is of no use.
    """
    if left := unfinished_run(context.database):
        yield left
        plan = None
    if unfinished_run(context.database):
        return
    # One that was left may have let its changes wait, as files are damaged: the new orders come first then.
    is_changed = left is not None and left.kind == CHANGES
    if selection and not is_changed and (changes := begin_changes(context, requested.flow_run if requested else None)):
        yield changes
    if selection and (run := begin_run(context, selection, plan, requested)):
        yield run


def archive_orders(settings: Settings, selection: Selection | None = None, progress: Progress = silent) -> list[Run]:
    """Move the selected orders to the archive, and later versions of archived ones into their rows; returns the runs
    that were finished, the one left before first.

    Raises ArchiveBusyError where another archiver works, ArchiveError where a step fails. It can be called again at any
    time: it goes on where the last one stopped.
    """
    selection = selection or Selection()
    database = get_database(settings)
    require_known_format(database)
    require_transactions(database)
    if not has_work(database, selection):
        require_own_archive(settings)
        return []
    with spark_ahead(settings, start_workers):
        plan = None if unfinished_run(database) else plan_archive(database, selection)
        with archive_context(settings, progress) as context:
            return [finish(context, run) for run in runs_due(context, selection, plan)]
