"""Maintenance of the table, all of it Iceberg's own: small files of a day are merged, old snapshots and what nothing
refers to are removed. Never while a run is open: its branch and its files would be taken for left-overs.
"""

from collections.abc import Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from ecommerce.archive.context import ArchiveContext, archive_context
from ecommerce.archive.days import damaged_days, require_sound
from ecommerce.archive.durable import make_durable
from ecommerce.archive.errors import ArchiveError, failures_explained
from ecommerce.archive.fault_points import reached
from ecommerce.archive.runs import note_size, unfinished_run
from ecommerce.archive.scattered import note_merged, scattered_days
from ecommerce.archive.view import open_view
from ecommerce.progress import Progress, silent
from ecommerce.readable import counted
from ecommerce.settings import Settings

FILES_MIN = 2
"""Files of a day that are worth merging."""

ORPHANS_DAYS = 3
"""A file that nothing refers to is removed when it is older: a commit may be under way."""

_UNCHANGED = "Every order is in the table as before; run it again."


@dataclass(frozen=True, slots=True)
class Maintenance:
    """What was done to the table."""

    days: tuple[date, ...] = ()
    """Days whose files were merged."""
    files_before: int = 0
    """Of those days."""
    files_after: int = 0
    files_removed: int = 0
    """Data and delete files of old snapshots, manifests, and what nothing refers to."""

    def __str__(self) -> str:
        """What it did, in a line."""
        before = f"{counted(self.files_before, 'file')} of {counted(len(self.days), 'day')}"
        merged = f"merged {before} into {self.files_after:,}" if self.days else "no day had files to merge"
        return f"{merged}, removed {counted(self.files_removed, 'old file')}"


def merge_days(context: ArchiveContext, at_least: int = FILES_MIN) -> Maintenance:
    """Merge the files of days that have at least so many. Readers of `main` see the same orders before and after."""
    _require_no_run(context)
    with failures_explained("merging days", _UNCHANGED):
        days = scattered_days(context.database, at_least)
        if not days:
            return Maintenance()
        view = open_view(context.settings)
        # What is built on a damaged file would be taken for the truth from then on.
        stretches = _stretches(days)
        require_sound([one for start, end in stretches for one in damaged_days(view, start, end - timedelta(days=1))])
        before = view.files(days[0], days[-1])
        reached("merge:before")
        for start, end in stretches:
            condition = f"order.order_time >= timestamp('{start}') AND order.order_time < timestamp('{end}')"
            options = {"min-input-files": str(FILES_MIN), "partial-progress.enabled": "false"}
            context.table.procedure("rewrite_data_files", where=condition, options=options)
            reached("merge:stretch")
        make_durable(context.table.uri)
        after = open_view(context.settings).files(days[0], days[-1])
        note_size(context.database, context.table.size_bytes())
        note_merged(context.database, days)
        return Maintenance(tuple(days), _count(before, days), _count(after, days))


def _count(files: Mapping[date, Sized], days: Sequence[date]) -> int:
    return sum(len(files[day]) for day in days if day in files)


def is_due(context: ArchiveContext, at_least: int, now: datetime | None = None) -> bool:
    """Whether there are days to merge, or snapshots older than they are kept; 0 asks for neither."""
    if not at_least:
        return False
    kept = (now or datetime.now(UTC)) - timedelta(days=context.settings.archive_keep_snapshots_days)
    with failures_explained("looking for days to merge", _UNCHANGED):
        return bool(scattered_days(context.database, at_least)) or context.table.has_snapshot_before(kept)


def remove_old_files(context: ArchiveContext, now: datetime | None = None) -> int:
    """Expire the snapshots that are old by `now`, and remove what nothing refers to; returns how many files went."""
    _require_no_run(context)
    kept = (now or datetime.now(UTC)) - timedelta(days=context.settings.archive_keep_snapshots_days)
    with failures_explained("removing old files", _UNCHANGED):
        if context.table.head() is None:
            return 0
        reached("expire:before")
        expired = context.table.procedure("expire_snapshots", older_than=kept)
        removed = sum(int(count or 0) for row in expired for count in row)
        reached("expire:done")
        # By the clock: Iceberg refuses to remove what may be of a commit that is under way.
        written_before = datetime.now(UTC) - timedelta(days=ORPHANS_DAYS)
        orphans = context.table.procedure("remove_orphan_files", older_than=written_before)
        return removed + len(orphans)


def maintain_table(context: ArchiveContext, at_least: int = FILES_MIN) -> Maintenance:
    """Merge days that have many files, then remove what nobody needs any more."""
    merged = merge_days(context, at_least)
    return replace(merged, files_removed=remove_old_files(context))


def compact_archive(settings: Settings, progress: Progress = silent, *, at_least: int = FILES_MIN) -> Maintenance:
    """Maintain the table: `maintain_table` for whoever has no context."""
    with archive_context(settings, progress) as context:
        return maintain_table(context, at_least)


def _require_no_run(context: ArchiveContext) -> None:
    run = unfinished_run(context.database)
    if run:
        raise ArchiveError(f"run {run.run_id} is {run.state}: the table is maintained once it is finished")


def _stretches(days: list[date]) -> list[tuple[date, date]]:
    """Days that follow each other as [start, end)."""
    found: list[tuple[date, date]] = []
    for day in days:
        if found and found[-1][1] == day:
            found[-1] = (found[-1][0], day + timedelta(days=1))
        else:
            found.append((day, day + timedelta(days=1)))
    return found
