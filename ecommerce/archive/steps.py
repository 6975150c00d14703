"""The steps of an archive run, one per state. Each may be killed at any moment and run again.

planned    --export-->  exported    rows appended to a branch of the table, hashes computed on the way
exported   --verify-->  verified    read back at that snapshot and equal to what was read from MongoDB
verified   --purge-->   purged      chunk by chunk deleted from MongoDB; what changed meanwhile stays hot
purged     --publish--> published   rows of what stayed deleted on the branch; `main` moves to it in one commit
published  --commit-->  committed   branch dropped, run closed

Where a person is asked (`approval`), a verified run waits; refused, it is closed without having deleted anything.
"""

import time
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from ecommerce.archive.changes import leave_changes
from ecommerce.archive.chunks import chunks_of
from ecommerce.archive.context import ArchiveContext, Step, new_branch
from ecommerce.archive.durable import make_durable
from ecommerce.archive.errors import ArchiveError, VerificationError, failures_explained
from ecommerce.archive.fault_points import reached
from ecommerce.archive.purge import purge_chunks, superseded_rows
from ecommerce.archive.rows import DAY_COLUMN, RUN_COLUMN, of_days
from ecommerce.archive.run import CHANGES, COMMITTED, EXPORTED, PLANNED, PUBLISHED, PURGED, REFUSED, VERIFIED, Day, Run
from ecommerce.archive.runs import move_on
from ecommerce.archive.selection import slices_of
from ecommerce.archive.source import Exported, export_orders
from ecommerce.archive.spark_progress import followed
from ecommerce.archive.table import ArchiveTable
from ecommerce.archive.verify import days_of, summary_of_days, verify_rows
from ecommerce.archive_location import archive_options

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SAFE = "Nothing was deleted from MongoDB; run it again to go on."
ARCHIVED = "Its orders are safe: each is either still in MongoDB or in the run's branch; run it again to go on."


def export(context: ArchiveContext, run: Run) -> Run:
    """planned → exported, on a branch of its own. One that was left half-written is dropped when the run is closed."""
    started = time.monotonic()
    with failures_explained(f"exporting run {run.run_id}", SAFE):
        branch = new_branch(run.run_id)
        slices = slices_of(context.database, run.statuses, run.cutoff) if run.branch else run.slices
        run = move_on(context.database, run, PLANNED, branch=branch, slices=slices)
        reached("export:before")
        written = _write(context, run) if slices else {"snapshot": 0, "read_days": (), "bytes_after": 0}
        reached("export:done")
        return moved(context, run, EXPORTED, "export", started, **written)


def _write(context: ArchiveContext, run: Run) -> dict[str, Any]:
    """Append the run's rows to its branch; returns what the record says of them."""
    table = context.table
    table.start_branch(run.branch)
    reached("export:branched")

    def write() -> tuple[int, Exported]:
        files = table.files_of_run(run.run_id, run.branch, archive_options(context.settings))
        exported = export_orders(context.spark, context.settings, run.slices, run.statuses, files)
        make_durable(table.uri)
        reached("export:written")
        return table.append_files(exported.files, run.branch), exported

    snapshot, exported = followed(context.spark, write, context.progress, run.orders, "orders")
    return durable_append(table, snapshot) | {"read_days": exported.days}


def append_to_branch(context: ArchiveContext, run: Run, source: "DataFrame") -> dict[str, Any]:
    """Append rows to a run's branch as the run's own, and wait until they are on the disk; returns what is recorded."""
    table = context.table
    rows = source.selectExpr("*", f"'{run.run_id}' AS {RUN_COLUMN}")
    append = partial(table.append, rows, run.branch)
    return durable_append(table, followed(context.spark, append, context.progress, run.orders, "orders"))


def durable_append(table: ArchiveTable, snapshot: int) -> dict[str, Any]:
    """Wait until an appended snapshot is on the disk; returns what the record says of it."""
    make_durable(table.uri)
    size, where = table.added_bytes(snapshot), table.metadata_location()
    return {"snapshot": snapshot, "bytes_after": size, "metadata": where}


def verify(context: ArchiveContext, run: Run) -> Run:
    """exported → verified; back to planned where the branch does not hold what MongoDB held."""
    started = time.monotonic()
    with failures_explained(f"verifying run {run.run_id}", SAFE):
        reached("verify:before")
        try:
            days: tuple[Day, ...] = ()
            if run.snapshot:
                verify_all = partial(verify_rows, context.database, context.table.rows_of(run.snapshot), run)
                days = followed(context.spark, verify_all, context.progress, run.orders, "orders")
        except VerificationError as error:
            moved(context, run, PLANNED, "verify", started, error=str(error))
            raise VerificationError(f"{error}. Nothing was deleted; run it again: it exports anew") from None
        reached("verify:done")
        totals = {"per_day": days, "days": len(days), "orders": sum(day.orders for day in days)}
        return moved(context, run, VERIFIED, "verify", started, **totals)


def purge(context: ArchiveContext, run: Run) -> Run:
    """verified → purged: deletes from MongoDB what is in the branch, in transactions."""
    started = time.monotonic()
    with failures_explained(f"purging run {run.run_id}", ARCHIVED):
        reached("purge:before")
        superseded = 0
        if run.per_day:
            rows = partial(context.table.rows_of, run.snapshot)
            chunks = chunks_of(rows, ((day.order_date, day.orders) for day in run.per_day), run.chunk_orders)
            superseded = purge_chunks(context.database, run, chunks, context.lease, context.progress)
        reached("purge:done")
        return moved(context, run, PURGED, "purge", started, superseded=superseded)


def publish(context: ArchiveContext, run: Run) -> Run:
    """purged → published: `main` gets the branch without the rows whose orders stayed, in one commit.

    Where somebody else has moved `main` meanwhile, the run's rows are appended to a new branch of it.
    """
    started = time.monotonic()
    table = context.table
    with failures_explained(f"publishing run {run.run_id}", ARCHIVED):
        reached("publish:before")
        if run.snapshot and not table.in_main(_head_of(context, run)):
            if run.superseded:
                run = _without_superseded(context, run)
            if not table.is_ahead(_head_of(context, run)):
                if run.kind == CHANGES:  # none of its orders has left MongoDB: it is exported anew
                    return moved(context, run, PLANNED, "publish", started)
                run = _onto_main(context, run)
            reached("publish:ready")
            context.lease.check()
            table.publish(run.branch)
            make_durable(table.uri)
        reached("publish:done")
        size, where = table.size_bytes(), table.metadata_location()
        return moved(context, run, PUBLISHED, "publish", started, table_bytes=size, metadata=where)


def _head_of(context: ArchiveContext, run: Run) -> int:
    """The snapshot that the run's branch is at."""
    head = context.table.head(run.branch)
    if head is None:
        raise ArchiveError(f"the branch {run.branch} of run {run.run_id} is gone from {context.table.name}")
    return head


def _without_superseded(context: ArchiveContext, run: Run) -> Run:
    """Delete the rows whose orders stayed in MongoDB, and record what is left."""
    gone = list(superseded_rows(context.database, run))
    days = sorted({day for _, _, day in gone})
    orders: list[tuple[int, datetime]] = [(order_id, version) for order_id, version, _ in gone]
    context.table.delete(run.branch, run.run_id, orders, days)
    per_day = _days_with(context, run, days)
    left = sum(day.orders for day in per_day)
    return move_on(context.database, run, PURGED, per_day=per_day, orders=left, days=len(per_day))


def _days_with(context: ArchiveContext, run: Run, days: list[date]) -> tuple[Day, ...]:
    """The run's days, those that were given as the branch has them now."""
    rows = of_days(context.table.rows_at(_head_of(context, run)), days[0], days[-1])
    now = {day.order_date: day for day in days_of(summary_of_days(rows.where(_is_of(run))))}
    kept = {day.order_date: day for day in run.per_day if day.order_date not in days}
    return tuple(sorted((kept | now).values(), key=lambda day: day.order_date))


def _is_of(run: Run) -> str:
    return f"{RUN_COLUMN} = '{run.run_id}'"


def _onto_main(context: ArchiveContext, run: Run) -> Run:
    """The run on a new branch of `main`, with the rows that the old branch has of it."""
    table, branch = context.table, new_branch(run.run_id)
    table.start_branch(branch)
    snapshot = table.append(table.rows_at(_head_of(context, run)).where(_is_of(run)).drop(DAY_COLUMN), branch)
    if days_of(summary_of_days(table.rows_of(snapshot))) != run.per_day:
        raise ArchiveError(f"run {run.run_id} does not hold on {branch} what it held on {run.branch}")
    return move_on(context.database, run, PURGED, branch=branch, snapshot=snapshot)


def commit(context: ArchiveContext, run: Run) -> Run:
    """published → committed: the run's branches go, and later versions that are in the rows now; the run is closed."""
    started = time.monotonic()
    with failures_explained(f"closing run {run.run_id}", "Its orders are archived; run it again to clean up."):
        reached("commit:before")
        if run.kind == CHANGES:
            leave_changes(context.database, run.run_id)
        context.table.drop_branches(f"{run.run_id}-")
        reached("commit:done")
        return moved(context, run, COMMITTED, "commit", started)


def refuse(context: ArchiveContext, run: Run) -> Run:
    """verified → refused: what was exported is dropped and the run closed; its orders stay in MongoDB."""
    started = time.monotonic()
    with failures_explained(f"dropping refused run {run.run_id}", SAFE):
        reached("refuse:before")
        context.table.drop_branches(f"{run.run_id}-")
        reached("refuse:dropped")
        return moved(context, run, REFUSED, "refuse", started)


STEPS: dict[str, Step] = {PLANNED: export, EXPORTED: verify, VERIFIED: purge, PURGED: publish, PUBLISHED: commit}


def moved(context: ArchiveContext, run: Run, state: str, step: str, started: float, **changes: Any) -> Run:
    """The run after a step that began at `started` (monotonic seconds) and was done; nobody else did it."""
    context.lease.check()
    seconds = time.monotonic() - started
    after = move_on(context.database, run, state, step=step, seconds=seconds, **changes)
    reached(f"{step}:recorded")
    return after
