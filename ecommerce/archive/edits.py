"""Edits of archived orders: rows of the table are changed or removed on a branch, which then becomes `main`.

(none)   --write-->    written    the rows are deleted on a branch, changed ones appended, and that is read back
written  --publish-->  published  `main` moves to the branch in one commit

Killed anywhere, the same call goes on. Whoever reads meanwhile counts the edit from that commit on (`view`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from ecommerce.archive.context import ArchiveContext, new_branch
from ecommerce.archive.durable import make_durable
from ecommerce.archive.edit_records import PUBLISHED, WRITTEN, Edit, get_edit, record_edit
from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.fault_points import reached
from ecommerce.archive.rows import DAY_COLUMN, of_days
from ecommerce.archive.run import Day
from ecommerce.archive.runs import note_size
from ecommerce.archive.verify import days_of, summary_of_days
from ecommerce.readable import counted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Change = Callable[["DataFrame"], "DataFrame"]


def edit_rows(context: ArchiveContext, edit_id: str, condition: str, change: Change | None = None) -> Edit:
    """Change the rows of `main` for which a condition in SQL holds; without `change` they are removed.

    Under the lease, with no run open. Raises ArchiveError where the branch does not hold what it must.
    """
    edit = get_edit(context.database, edit_id)
    if edit is None or (edit.state == WRITTEN and not _can_be_published(context, edit)):
        edit = _write(context, edit_id, condition, change)
    if edit.state == WRITTEN:
        reached("edit:written")
        context.lease.check()
        if edit.branch and not context.table.in_main(edit.snapshot):
            context.table.publish(edit.branch)
            make_durable(context.table.uri)
        reached("edit:published")
        note_size(context.database, context.table.size_bytes())
        edit = record_edit(context.database, replace(edit, state=PUBLISHED))
        reached("edit:recorded")
    context.table.drop_branches(f"{edit_id}-")
    return edit


def _write(context: ArchiveContext, edit_id: str, condition: str, change: Change | None) -> Edit:
    """Write the edit to a new branch of `main`, compare it with what was there, and record it."""
    table = context.table
    table.drop_branches(f"{edit_id}-")
    reached("edit:before")
    base = table.head()
    gone = table.rows_at(base).where(condition) if base is not None else None
    removed = _sums(gone) if gone is not None else {}
    if gone is None or base is None or not removed:
        return record_edit(context.database, Edit(edit_id, WRITTEN))
    branch = new_branch(edit_id)
    table.start_branch(branch)
    table.delete_where(branch, condition)
    reached("edit:deleted")
    if change is not None:
        table.append(change(gone.drop(DAY_COLUMN)).orderBy("order.order_time"), branch)
    reached("edit:appended")
    head = table.head(branch)
    assert head is not None  # noqa: S101 - the branch was just made
    first, last = min(removed), max(removed)
    before, after = (_sums(of_days(table.rows_at(one), first, last)) for one in (base, head))
    now = {day: after.get(day, Day(day, 0, 0, 0, 0)) for day in sorted(before)}
    changes = [now[day].minus(before[day]) for day in now if now[day] != before[day]]
    _require_right(edit_id, changes, removed, is_removal=change is None)
    return record_edit(context.database, Edit(edit_id, WRITTEN, branch, head, tuple(changes)))


def _require_right(edit_id: str, changes: Sequence[Day], removed: Mapping[date, Day], *, is_removal: bool) -> None:
    """Raise ArchiveError where an edit does something else than to remove its rows, or to change their content."""
    for day in changes:
        gone = removed.get(day.order_date)
        expected = (0, 0) if gone is None or not is_removal else (-gone.orders, -gone.total_amount)
        if gone is None or (day.orders, day.total_amount) != expected:
            raise ArchiveError(
                f"edit {edit_id} of the archive would change {day.order_date} by {counted(day.orders, 'order')}, and "
                f"their amount by {day.total_amount}, not by {expected}. Nothing was changed"
            )


def _sums(rows: "DataFrame") -> dict[date, Day]:
    """What the rows come to per day. Raises ArchiveError where one has another content than its hash says."""
    summary = summary_of_days(rows)
    if corrupt := sorted(str(row[DAY_COLUMN]) for row in summary if row["corrupt"]):
        raise ArchiveError(
            f"the archive holds orders of {', '.join(corrupt)} with another content than was written: `ecommerce "
            "check` names what is damaged. Nothing was changed"
        )
    return {day.order_date: day for day in days_of(summary)}


def _can_be_published(context: ArchiveContext, edit: Edit) -> bool:
    """Whether `main` is what the edit was written on, or has the edit already."""
    if not edit.branch or context.table.in_main(edit.snapshot):
        return True
    branch = context.table.head(edit.branch)
    return branch is not None and context.table.is_ahead(branch)
