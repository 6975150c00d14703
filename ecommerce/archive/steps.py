"""The steps of an archive run, one per state. Each may be killed at any moment and run again.

planned    --export-->  exported    staged Parquet, hashes computed on the way
exported   --verify-->  verified    read back and equal to what MongoDB holds
verified   --publish--> published   one atomic rename; readers see what is purged
published  --purge-->   purged      chunk by chunk; the others stay hot
purged     --commit-->  committed   staging removed, run closed

Where a person is asked (`approval`), a verified run waits; refused, it is closed without having deleted anything.
"""

import time
from functools import partial
from typing import Any

from ecommerce.archive.chunks import chunks_of
from ecommerce.archive.errors import ArchiveError, VerificationError, failures_explained
from ecommerce.archive.fault_points import reached
from ecommerce.archive.purge import purge_chunks
from ecommerce.archive.rows import read_rows, write_rows
from ecommerce.archive.runs import (
    ARCHIVE_RUNS,
    CLOSED,
    COMMITTED,
    EXPORTED,
    PLANNED,
    PUBLISHED,
    PURGED,
    REFUSED,
    VERIFIED,
    Day,
    Run,
    move_on,
)
from ecommerce.archive.selection import slices_of
from ecommerce.archive.source import DaysRead, source_frame
from ecommerce.archive.spark_progress import followed
from ecommerce.archive.verify import verify_rows
from ecommerce.archive.workshop import Step, Workshop

SAFE = "Nothing was deleted from MongoDB; run it again to go on."


def export(workshop: Workshop, run: Run) -> Run:
    """planned → exported. An export that was left half-written is not touched: this one gets a directory of its own."""
    started = time.monotonic()
    with failures_explained(f"exporting run {run.run_id}", SAFE):
        if workshop.storage.exists(workshop.storage.staging(run.run_id, run.attempt)):
            slices = slices_of(workshop.database, run.statuses, run.cutoff)
            run = move_on(workshop.database, run, PLANNED, attempt=run.attempt + 1, slices=slices)
        reached("export:before")
        read_days: tuple[Day, ...] = ()
        if run.slices:
            staging = workshop.storage.staging(run.run_id, run.attempt)
            days_read = DaysRead(workshop.spark, run.slices)
            source = source_frame(workshop.spark, workshop.settings, run.slices, run.statuses, days_read)
            followed(workshop.spark, lambda: write_rows(source, staging), workshop.progress, run.orders, "orders")
            workshop.storage.make_durable(staging)
            read_days = days_read.days()
        reached("export:done")
        return moved(workshop, run, EXPORTED, "export", started, read_days=read_days)


def verify(workshop: Workshop, run: Run) -> Run:
    """exported → verified; back to planned where the export is not what MongoDB holds."""
    started = time.monotonic()
    with failures_explained(f"verifying run {run.run_id}", SAFE):
        reached("verify:before")
        staging = workshop.storage.staging(run.run_id, run.attempt)
        empty = not workshop.storage.exists(staging)
        if empty and run.slices:
            raise ArchiveError(f"run {run.run_id} was exported to {staging}, which is not there. {SAFE}")
        try:
            days: tuple[Day, ...] = ()
            if not empty:
                rows = read_rows(workshop.spark, staging)
                verify_all = partial(verify_rows, workshop.database, rows, run)
                days = followed(workshop.spark, verify_all, workshop.progress, run.orders, "orders")
        except VerificationError as error:
            moved(workshop, run, PLANNED, "verify", started, error=str(error))
            raise VerificationError(f"{error}. Nothing was deleted; run it again: it exports anew") from None
        reached("verify:done")
        totals = {"per_day": days, "days": len(days), "orders": sum(day.orders for day in days)}
        return moved(workshop, run, VERIFIED, "verify", started, **totals)


def publish(workshop: Workshop, run: Run) -> Run:
    """verified → published, by one rename. A rename whose outcome is unknown is looked at, not repeated."""
    started = time.monotonic()
    with failures_explained(f"publishing run {run.run_id}", SAFE):
        storage = workshop.storage
        staging, published = storage.staging(run.run_id, run.attempt), storage.published(run.run_id)
        reached("publish:before")
        if run.per_day:
            if not storage.exists(published):
                storage.move_directory(staging, published)
            elif storage.exists(staging):
                raise ArchiveError(f"{published} exists although run {run.run_id} was not published. {SAFE} Look at it")
            storage.make_durable(published)
        reached("publish:done")
        size = storage.size_bytes(published) if run.per_day else 0
        return moved(workshop, run, PUBLISHED, "publish", started, bytes_after=size)


def purge(workshop: Workshop, run: Run) -> Run:
    """published → purged: deletes from MongoDB what is in the archive, in transactions."""
    started = time.monotonic()
    with failures_explained(
        f"purging run {run.run_id}",
        "Its orders are safe: each is either still in MongoDB or in the published archive; run it again to go on.",
    ):
        reached("purge:before")
        superseded = 0
        if run.per_day:
            rows = read_rows(workshop.spark, workshop.storage.published(run.run_id))
            chunks = chunks_of(rows, ((day.order_date, day.orders) for day in run.per_day), run.chunk_orders)
            superseded = purge_chunks(workshop.database, run, chunks, workshop.lease, workshop.progress)
        reached("purge:done")
        return moved(workshop, run, PURGED, "purge", started, superseded=superseded)


def commit(workshop: Workshop, run: Run) -> Run:
    """purged → committed: what the run left in staging goes, and what runs before it left there."""
    started = time.monotonic()
    with failures_explained(f"closing run {run.run_id}", "Its orders are archived; run it again to clean up."):
        reached("commit:before")
        orphans = remove_dead_staging(workshop, run)
        reached("commit:done")
        return moved(workshop, run, COMMITTED, "commit", started, orphans=orphans)


def refuse(workshop: Workshop, run: Run) -> Run:
    """verified → refused: what was exported is dropped and the run closed; its orders stay in MongoDB."""
    started = time.monotonic()
    with failures_explained(f"dropping refused run {run.run_id}", SAFE):
        reached("refuse:before")
        drop_export(workshop, run)
        reached("refuse:dropped")
        return moved(workshop, run, REFUSED, "refuse", started)


def drop_export(workshop: Workshop, run: Run) -> None:
    """Remove what a run exported and did not publish; nothing happens where that is gone."""
    workshop.storage.remove(workshop.storage.staging(run.run_id))


def remove_dead_staging(workshop: Workshop, run: Run) -> list[str]:
    """Remove the staging of this run and of runs that are recorded as finished; returns what is unknown."""
    unknown = []
    for name in workshop.storage.names(workshop.storage.staging()):
        record = workshop.database[ARCHIVE_RUNS].find_one({"_id": name}, {"state": 1})
        if name == run.run_id or (record and record["state"] in CLOSED):
            workshop.storage.remove(workshop.storage.staging(name))
        elif record is None:
            unknown.append(workshop.storage.staging(name))
    return unknown


STEPS: dict[str, Step] = {PLANNED: export, EXPORTED: verify, VERIFIED: publish, PUBLISHED: purge, PURGED: commit}


def moved(workshop: Workshop, run: Run, state: str, step: str, started: float, **changes: Any) -> Run:
    """The run after a step that began at `started` (monotonic seconds) and was done; nobody else did it."""
    workshop.lease.check()
    seconds = time.monotonic() - started
    after = move_on(workshop.database, run, state, step=step, seconds=seconds, **changes)
    reached(f"{step}:recorded")
    return after
