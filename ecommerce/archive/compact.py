"""Compaction: days that many runs touched are rewritten into one directory, by the same states as an archive run.

planned → exported    the days' archived orders, superseded rows left out, in one file per day
exported → verified   count, sums and folded content hashes per day equal to those of the runs they come from
verified → published  one rename; nobody reads it yet
published → purged    one transaction: readers go from the old directories to the new one
purged → committed    the old directories are removed
"""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from pymongo.client_session import ClientSession
from pymongo.write_concern import WriteConcern

from ecommerce.archive.damage import damaged_days
from ecommerce.archive.errors import VerificationError, failures_explained
from ecommerce.archive.fault_points import reached
from ecommerce.archive.reading import archived_rows, require_sound
from ecommerce.archive.rows import DAY_COLUMN, read_rows, write_rows
from ecommerce.archive.runs import (
    ARCHIVE_RUNS,
    COMPACT,
    EXPORTED,
    PLANNED,
    PUBLISHED,
    PURGED,
    VERIFIED,
    Run,
    Slice,
    day_start,
    move_on,
    new_run,
    readable_runs,
    take_over_days,
)
from ecommerce.archive.steps import SAFE, commit, moved, publish
from ecommerce.archive.verify import days_of, summary_of_days
from ecommerce.archive.workshop import Step, Workshop, new_run_id
from ecommerce.gate import FORMAT
from ecommerce.mongo import MongoDatabase

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FILES_MIN = 2
"""A day is worth compacting when at least this many runs hold a part of it."""


def scattered_days(runs: Sequence[Run], at_least: int = FILES_MIN) -> list[date]:
    """Days that at least so many runs hold a part of."""
    counts = Counter(day.order_date for run in runs for day in run.per_day if day.order_date not in run.replaced_days)
    return sorted(day for day, count in counts.items() if count >= at_least)


def begin_compaction(workshop: Workshop, at_least: int = FILES_MIN) -> Run | None:
    """Record a compaction of the scattered days; None where there is none."""
    runs = readable_runs(workshop.database)
    days = scattered_days(runs, at_least)
    if not days:
        return None
    orders = Counter[date]()
    for run in runs:
        orders.update({day.order_date: day.orders for day in run.per_day if day.order_date not in run.replaced_days})
    run = Run(
        run_id=new_run_id(),
        kind=COMPACT,
        state=PLANNED,
        cutoff=day_start(max(days)) + timedelta(days=1),
        statuses=None,
        format=FORMAT,
        archive_uri=workshop.storage.uri,
        slices=tuple(Slice(day_start(day), day_start(day) + timedelta(days=1), orders[day]) for day in days),
        orders=sum(orders[day] for day in days),
        days=len(days),
        started_at=datetime.now(UTC),
    )
    return new_run(workshop.database, run)


def may_compact(database: MongoDatabase, at_least: int) -> bool:
    """Whether a compaction would find a day to merge; 0 asks for none."""
    return bool(at_least and scattered_days(readable_runs(database), at_least))


def compaction_text(at_least: int) -> str:
    """Why a run that had nothing to merge did not compact."""
    return f"no day is held by {at_least} runs or more" if at_least else "no compaction was asked for"


def _days(run: Run) -> list[date]:
    return [part.start.date() for part in run.slices]


def _sources(workshop: Workshop, run: Run) -> list[Run]:
    """The runs that hold the days now. While the lease is held nobody adds one."""
    days = set(_days(run))
    return [
        one
        for one in readable_runs(workshop.database)
        if one.run_id != run.run_id and any(day.order_date in days for day in one.per_day)
    ]


def _source_rows(workshop: Workshop, run: Run) -> "DataFrame":
    from pyspark.sql import functions as f

    days = _days(run)
    rows = archived_rows(
        workshop.spark, workshop.settings, _sources(workshop, run), (min(days), max(days)), workshop.storage
    )
    return rows.where(f.col(DAY_COLUMN).isin(days)).drop("run")


def _export(workshop: Workshop, run: Run) -> Run:
    started = time.monotonic()
    with failures_explained(f"compacting, run {run.run_id}", _UNCHANGED):
        if workshop.storage.exists(workshop.storage.staging(run.run_id, run.attempt)):
            run = move_on(workshop.database, run, PLANNED, attempt=run.attempt + 1)
        reached("compact-export:before")
        days = _days(run)
        # What is built on a damaged file would be taken for the truth from then on.
        require_sound(damaged_days(workshop.spark, workshop.storage, _sources(workshop, run), min(days), max(days)))
        staging = workshop.storage.staging(run.run_id, run.attempt)
        size = sum(
            workshop.storage.size_bytes(f"{workshop.storage.published(source.run_id)}/{DAY_COLUMN}={day.isoformat()}")
            for source in _sources(workshop, run)
            for day in {one.order_date for one in source.per_day} & set(_days(run)) - set(source.replaced_days)
        )
        rows = _source_rows(workshop, run).repartition(max(1, run.days), DAY_COLUMN)
        write_rows(rows.sortWithinPartitions(DAY_COLUMN, "order.order_time"), staging)
        workshop.storage.make_durable(staging)
        reached("compact-export:done")
        return moved(workshop, run, EXPORTED, "export", started, bytes_before=size)


def _verify(workshop: Workshop, run: Run) -> Run:
    started = time.monotonic()
    with failures_explained(f"verifying the compaction {run.run_id}", _UNCHANGED):
        staging = workshop.storage.staging(run.run_id, run.attempt)
        written = {row[DAY_COLUMN]: row for row in summary_of_days(read_rows(workshop.spark, staging))}
        sources = {row[DAY_COLUMN]: row for row in summary_of_days(_source_rows(workshop, run))}
        differing = [day for day in written.keys() | sources.keys() if written.get(day) != sources.get(day)]
        corrupt = [day for day, row in written.items() if row["corrupt"]]
        if differing or corrupt:
            message = f"compaction {run.run_id} differs from the runs it comes from on {sorted({*differing, *corrupt})}"
            moved(workshop, run, PLANNED, "verify", started, error=message)
            raise VerificationError(f"{message}. {_UNCHANGED}")
        days = days_of(written.values())
        reached("compact-verify:done")
        return moved(workshop, run, VERIFIED, "verify", started, per_day=days, orders=sum(day.orders for day in days))


def _take_over(workshop: Workshop, run: Run) -> Run:
    started = time.monotonic()

    def in_transaction(session: ClientSession) -> Run:
        for source in _sources(workshop, run):
            days = {one.order_date for one in source.per_day} & set(_days(run))
            take_over_days(workshop.database, source, days, session)
        seconds = time.monotonic() - started
        return move_on(workshop.database, run, PURGED, step="purge", seconds=seconds, session=session)

    with failures_explained(f"closing the compaction {run.run_id}", _UNCHANGED):
        workshop.lease.check()
        reached("compact-purge:before")
        with workshop.database.client.start_session() as session:
            run = session.with_transaction(in_transaction, write_concern=WriteConcern(w="majority"))
        reached("compact-purge:recorded")
        return run


def _commit(workshop: Workshop, run: Run) -> Run:
    with failures_explained(f"cleaning up after the compaction {run.run_id}", "Readers use the merged days already."):
        for source in readable_runs(workshop.database):
            for day in source.replaced_days:
                workshop.storage.remove(f"{workshop.storage.published(source.run_id)}/{DAY_COLUMN}={day.isoformat()}")
                reached("compact-commit:removed")
            if source.replaced_days:
                published = workshop.storage.published(source.run_id)
                size = workshop.storage.size_bytes(published) if workshop.storage.exists(published) else 0
                kept = {"$set": {"bytes_kept": size}}
                workshop.database[ARCHIVE_RUNS].update_one({"_id": source.run_id}, kept)
    return commit(workshop, run)


_UNCHANGED = f"The archive reads as before. {SAFE}"

COMPACT_STEPS: dict[str, Step] = {
    PLANNED: _export,
    EXPORTED: _verify,
    VERIFIED: publish,
    PUBLISHED: _take_over,
    PURGED: _commit,
}
