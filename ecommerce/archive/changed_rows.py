"""The steps of a run that puts later versions of archived orders into their rows. Each may be killed and run again.

planned   --export-->  exported   on a branch the rows of before are deleted and those of now appended
exported  --verify-->  purged     the days read back; they hold what they held but for these orders
purged    --publish--> published  `main` moves to the branch in one commit, as for every run (`steps`)
published --commit-->  committed  the changes leave `archived_changes`, the branch is dropped

Nothing has to leave MongoDB before `main` moves, so there is no purge, and a run whose branch is of no use is exported
anew. Where that met damaged files its changes wait, and it is closed: nothing else has to wait for them.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from ecommerce.archive.changes import changes_wait, release_changes, sums_of_changes, take_changes
from ecommerce.archive.context import ArchiveContext, Step, new_branch, planned_run
from ecommerce.archive.days import damaged_days
from ecommerce.archive.errors import VerificationError, failures_explained
from ecommerce.archive.fault_points import reached
from ecommerce.archive.rows import DAY_COLUMN, HASH_COLUMN, RUN_COLUMN, of_days
from ecommerce.archive.run import CHANGES, EXPORTED, PLANNED, PUBLISHED, PURGED, Day, Run
from ecommerce.archive.runs import move_on, new_run
from ecommerce.archive.source import changed_frame, mongo_frame
from ecommerce.archive.spark_progress import followed
from ecommerce.archive.steps import append_to_branch, commit, moved, publish
from ecommerce.archive.verify import days_of, summary_of_days
from ecommerce.archive.view import open_view
from ecommerce.mongo import ARCHIVED_CHANGES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

log = logging.getLogger(__name__)

SAFE = "The rows are as before, and the figures right; run it again to go on."


def begin_changes(context: ArchiveContext, flow_run: str | None = None) -> Run | None:
    """Record a new run for the changes that wait; None where none does."""
    if not changes_wait(context.database):
        return None
    run = new_run(context.database, replace(planned_run(context, CHANGES), flow_run=flow_run))
    reached("plan:recorded")
    return run


def export_changes(context: ArchiveContext, run: Run) -> Run:
    """planned → exported: on a branch of its own. One that was left half-written is dropped when the run is closed."""
    started = time.monotonic()
    with failures_explained(f"exporting run {run.run_id}", SAFE):
        branch = new_branch(run.run_id)
        if run.read_days and _has_damage(context, run):
            release_changes(context.database, run.run_id)
        else:
            take_changes(context.database, run.run_id)
        days, _ = sums_of_changes(context.database, run.run_id)
        told: dict[str, Any] = {"read_days": days, "orders": sum(day.orders for day in days), "days": len(days)}
        run = move_on(context.database, run, PLANNED, branch=branch, snapshot=0, **told)
        reached("export:before")
        written = _write(context, run, [day.order_date for day in days]) if days else {}
        reached("export:done")
        return moved(context, run, EXPORTED, "export", started, **written)


def _has_damage(context: ArchiveContext, run: Run) -> bool:
    """Whether a run that did not get on met files that are damaged: then its changes wait, and other runs do not."""
    first, last = run.read_days[0].order_date, run.read_days[-1].order_date
    damaged = damaged_days(open_view(context.settings), first, last)
    for one in damaged:
        log.warning("later versions of archived orders wait: %s", one)
    return bool(damaged)


def _write(context: ArchiveContext, run: Run, days: Sequence[date]) -> dict[str, Any]:
    spark, table = context.spark, context.table
    table.start_branch(run.branch)
    reached("export:branched")
    ids = mongo_frame(spark, context.settings, ARCHIVED_CHANGES, "order_id bigint", {"run": run.run_id})
    table.delete_orders(run.branch, ids, days)
    reached("export:deleted")
    return append_to_branch(context, run, changed_frame(spark, context.settings, run.run_id))


def verify_changes(context: ArchiveContext, run: Run) -> Run:
    """exported → purged; back to planned where the branch does not hold what it must, or `main` moved meanwhile."""
    started = time.monotonic()
    with failures_explained(f"verifying run {run.run_id}", SAFE):
        reached("verify:before")
        main = context.table.head()
        if run.snapshot and (main is None or not context.table.is_ahead(run.snapshot)):
            return moved(context, run, PLANNED, "verify", started)
        try:
            days: tuple[Day, ...] = ()
            if main is not None and run.snapshot:
                verify_all = partial(_verified, context, run, main)
                days = followed(context.spark, verify_all, context.progress, run.orders, "orders")
        except VerificationError as error:
            moved(context, run, PLANNED, "verify", started, error=str(error))
            raise VerificationError(f"{error}. Nothing was changed; run it again: it exports anew") from None
        reached("verify:done")
        return moved(context, run, PURGED, "verify", started, per_day=days)


def _verified(context: ArchiveContext, run: Run, main: int) -> tuple[Day, ...]:
    """What the run adds to what is known of each day: no order, and by what the hashes differ.

    Raises VerificationError where a day of the branch is another one than that of `main` with these orders changed.
    """
    read, hashes_before = sums_of_changes(context.database, run.run_id)
    dates = [day.order_date for day in read]
    rows_now = context.table.rows_at(run.snapshot)
    before = _days(context.table.rows_at(main), dates)
    now = _days(rows_now, dates)
    own = _days(rows_now.where(f"{RUN_COLUMN} = '{run.run_id}'"), dates)
    wrong = []
    for day in read:
        old, new = before.get(day.order_date), now.get(day.order_date)
        if old is None or new is None or own.get(day.order_date) != day:
            wrong.append(day.order_date)
            continue
        found, hashes = new.minus(old), hashes_before[day.order_date] ^ day.content_hash
        if (found.orders, found.total_amount, found.content_hash) != (0, 0, hashes):
            wrong.append(day.order_date)
    if wrong:
        raise VerificationError(
            f"run {run.run_id}: on {', '.join(map(str, wrong))} the branch does not hold the archived orders with "
            "their later versions"
        )
    return tuple(now[day].minus(before[day]) for day in dates)


def _days(rows: "DataFrame", dates: Sequence[date]) -> dict[date, Day]:
    """What the rows of some days come to. Raises VerificationError where a row is not what its hash says."""
    from pyspark.sql import functions as f

    chosen = of_days(rows, dates[0], dates[-1]).where(f.col(DAY_COLUMN).isin(list(dates)))
    summary = summary_of_days(chosen)
    if corrupt := [row[DAY_COLUMN] for row in summary if row["corrupt"]]:
        raise VerificationError(
            f"rows have another content than their {HASH_COLUMN} says, on {', '.join(map(str, sorted(corrupt)))}"
        )
    return {day.order_date: day for day in days_of(summary)}


CHANGE_STEPS: dict[str, Step] = {PLANNED: export_changes, EXPORTED: verify_changes, PURGED: publish, PUBLISHED: commit}
