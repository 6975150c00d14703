"""The archiver: finishes the run that was left, plans a new one, and takes it through its steps."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from ecommerce.archive.approval import Requested, is_refused, waits
from ecommerce.archive.compact import COMPACT_STEPS, FILES_MIN, begin_compaction, may_compact
from ecommerce.archive.fault_points import reached
from ecommerce.archive.runs import ARCHIVE, CHUNK_ORDERS, CLOSED, COMPACT, PLANNED, Run, new_run, unfinished_run
from ecommerce.archive.selection import Plan, Selection, may_select, plan_archive
from ecommerce.archive.source import start_workers
from ecommerce.archive.spark import spark_ahead
from ecommerce.archive.steps import STEPS, refuse
from ecommerce.archive.workshop import Step, Workshop, archive_workshop, new_run_id, pending_run, require_transactions
from ecommerce.gate import FORMAT, require_known_format
from ecommerce.mongo import MongoDatabase, get_database
from ecommerce.progress import Progress, silent
from ecommerce.settings import Settings

STEPS_OF: Mapping[str, Mapping[str, Step]] = {ARCHIVE: STEPS, COMPACT: COMPACT_STEPS}
"""By kind of run: the step that takes it on from each state."""


def begin_run(
    workshop: Workshop, selection: Selection, plan: Plan | None = None, requested: Requested | None = None
) -> Run | None:
    """Record a new run for a plan that was just made, else plan it first; None where no order is selected."""
    requested = requested or Requested()
    plan = plan or plan_archive(workshop.database, selection)
    if not plan.orders:
        return None
    run = Run(
        run_id=new_run_id(),
        kind=ARCHIVE,
        state=PLANNED,
        cutoff=plan.cutoff,
        statuses=selection.statuses,
        format=FORMAT,
        archive_uri=workshop.storage.uri,
        slices=plan.slices,
        chunk_orders=CHUNK_ORDERS,
        orders=plan.orders,
        days=sum(1 for day in plan.days if day.orders),
        bytes_before=plan.bytes,
        flow_run=requested.flow_run,
        approve=requested.approve,
        seconds={"plan": round(plan.seconds, 3)},
        started_at=datetime.now(UTC),
    )
    reached("plan:before")
    new_run(workshop.database, run)
    reached("plan:recorded")
    return run


def next_step(run: Run) -> Step | None:
    """The step that takes a run on; None where it is closed, or waits for a person."""
    if run.state in CLOSED or waits(run):
        return None
    return refuse if is_refused(run) else STEPS_OF[run.kind][run.state]


def finish(workshop: Workshop, run: Run) -> Run:
    """Take a run through the steps that are left. One that needs a person's word comes back verified."""
    while step := next_step(run):
        run = step(workshop, run)
    return run


def has_work(database: MongoDatabase, selection: Selection, compact_from: int = 0) -> bool:
    """Whether Spark is needed: a run was left, an order is selected, or there are days to merge."""
    if unfinished_run(database) or may_select(database, selection):
        return True
    return may_compact(database, compact_from)


def runs_due(
    workshop: Workshop,
    selection: Selection | None = None,
    plan: Plan | None = None,
    compact_from: int = 0,
    requested: Requested | None = None,
) -> Iterator[Run]:
    """The runs that are due, one after the other: the one that was left, a new one, a compaction.

    Whoever asks takes each through its steps before asking for the next: one run is unfinished at a time, and after
    one that waits for a person there is no next. Without a selection no new run begins, with `compact_from` 0 no
    compaction.

    A plan made before the run that was left ended is of no use.
    """
    if left := pending_run(workshop):
        yield left
        plan = None
    if unfinished_run(workshop.database):
        return
    if selection and (run := begin_run(workshop, selection, plan, requested)):
        yield run
    if unfinished_run(workshop.database):
        return
    if compact_from and (compaction := begin_compaction(workshop, compact_from)):
        yield compaction


def archive_orders(settings: Settings, selection: Selection | None = None, progress: Progress = silent) -> list[Run]:
    """Move the selected orders to the archive; returns the runs that were finished, the one left before first.

    Raises ArchiveBusyError where another archiver works, ArchiveError where a step fails. It can be called again at any
    time: it goes on where the last one stopped.
    """
    selection = selection or Selection()
    database = get_database(settings)
    require_known_format(database)
    require_transactions(database)
    if not has_work(database, selection):
        return []
    with spark_ahead(settings, start_workers):
        plan = None if unfinished_run(database) else plan_archive(database, selection)
        with archive_workshop(settings, progress) as workshop:
            return [finish(workshop, run) for run in runs_due(workshop, selection, plan)]


def compact_archive(settings: Settings, progress: Progress = silent, *, at_least: int = FILES_MIN) -> list[Run]:
    """Merge the days that at least so many runs hold; returns the runs that were finished."""
    with archive_workshop(settings, progress) as workshop:
        return [finish(workshop, run) for run in runs_due(workshop, compact_from=at_least)]
