"""The archiver: finishes the run that was left, plans a new one, and takes it through its steps."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.fault_points import reached
from ecommerce.archive.lease import archive_lease
from ecommerce.archive.runs import ARCHIVE, COMPACT, PLANNED, Run, new_run, prepare_archive, unfinished_run
from ecommerce.archive.selection import Plan, Selection, plan_archive
from ecommerce.archive.spark import spark_session
from ecommerce.archive.steps import STEPS, Step, Workshop, finish
from ecommerce.archive.storage import Storage
from ecommerce.mongo import MongoDatabase, get_database, is_replica_set
from ecommerce.progress import Progress, silent
from ecommerce.services.endpoints import archive_uri
from ecommerce.settings import Settings


@contextmanager
def archive_workshop(settings: Settings, progress: Progress = silent) -> Iterator[Workshop]:
    """The lease, Spark and the archive's storage, for as long as one archiver works.

    Raises ArchiveBusyError where another one does.
    """
    database = get_database(settings)
    require_transactions(database)
    with archive_lease(database) as lease, spark_session(settings) as spark:
        prepare_archive(database)
        yield Workshop(settings, database, spark, Storage(spark, archive_uri(settings)), lease, progress)


def require_transactions(database: MongoDatabase) -> None:
    """Raise ArchiveError where the server has no transactions: without them an order could be lost or doubled."""
    if not is_replica_set(database):
        raise ArchiveError(
            "this MongoDB is no replica set, so it has no transactions, and nothing can be moved safely: "
            "start it with --replSet (one node is enough)"
        )


def begin_run(workshop: Workshop, selection: Selection, plan: Plan | None = None) -> Run | None:
    """Record a new run for a plan that was just made, else plan it first; None where no order is selected."""
    plan = plan or plan_archive(workshop.database, selection)
    if not plan.orders:
        return None
    run = Run(
        run_id=new_run_id(),
        kind=ARCHIVE,
        state=PLANNED,
        cutoff=plan.cutoff,
        statuses=selection.statuses,
        archive_uri=workshop.storage.uri,
        slices=plan.slices,
        orders=plan.orders,
        days=sum(1 for day in plan.days if day.orders),
        bytes_before=plan.bytes,
        seconds={"plan": round(plan.seconds, 3)},
        started_at=datetime.now(UTC),
    )
    reached("plan:before")
    new_run(workshop.database, run)
    reached("plan:recorded")
    return run


def new_run_id() -> str:
    """Ids sort by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"


def steps_of(run: Run) -> dict[str, Step]:
    """The steps that a run of this kind goes through."""
    from ecommerce.archive.compact import COMPACT_STEPS

    return COMPACT_STEPS if run.kind == COMPACT else STEPS


def pending_run(workshop: Workshop) -> Run | None:
    """The run to be finished before a new one begins. Raises ArchiveError where it belongs to another archive."""
    run = unfinished_run(workshop.database)
    if run and run.archive_uri != workshop.storage.uri:
        raise ArchiveError(
            f"run {run.run_id} is {run.state} in {run.archive_uri}, but the archive is now {workshop.storage.uri}: "
            "set ECOMMERCE_ARCHIVE_URI back until that run is finished"
        )
    return run


def archive_orders(settings: Settings, selection: Selection | None = None, progress: Progress = silent) -> list[Run]:
    """Move the selected orders to the archive; returns the runs that were finished, the one left before first.

    Raises ArchiveBusyError where another archiver works, ArchiveError where a step fails. It can be called again at any
    time: it goes on where the last one stopped.
    """
    selection = selection or Selection()
    database = get_database(settings)
    require_transactions(database)
    plan = None if unfinished_run(database) else plan_archive(database, selection)
    if plan and not plan.orders:
        return []  # said in 2 s per million old orders, without starting Spark
    finished = []
    with archive_workshop(settings, progress) as workshop:
        if left := pending_run(workshop):
            finished.append(finish(workshop, left, steps_of(left)))
            plan = None
        if run := begin_run(workshop, selection, plan):
            finished.append(finish(workshop, run, STEPS))
    return finished
