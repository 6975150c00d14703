"""Archived orders that are older than so many years leave the table and `archived_orders`; figures keep counting them.

The record in `expired_orders` says from which day on orders are kept, and is written first: an import refuses what is
older, which would be counted twice, and `check` believes the purges' records of those days.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from ecommerce.archive.archiver import finish
from ecommerce.archive.context import ArchiveContext, archive_context
from ecommerce.archive.edits import edit_rows
from ecommerce.archive.errors import ArchiveError, failures_explained
from ecommerce.archive.fault_points import reached
from ecommerce.archive.run import CLOSED, day_start
from ecommerce.archive.runs import unfinished_run
from ecommerce.gate import require_known_format
from ecommerce.ingest.expired import expired_before, note_expired
from ecommerce.mongo import ARCHIVED_CHANGES, ARCHIVED_ORDERS, MongoDatabase, get_database
from ecommerce.readable import counted
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance


@dataclass(frozen=True, slots=True)
class Expired:
    """What was removed."""

    before: date
    """The first day that is kept."""
    orders: int

    def __str__(self) -> str:
        """What was done, in a line."""
        return f"removed: {counted(self.orders, 'archived order')} before {self.before}; figures still count them"


def first_day_kept(years: int, now: datetime | None = None) -> date:
    """The first day whose orders are kept, where those older than so many years go."""
    today = (now or datetime.now(UTC)).date()
    day = min(today.day, 28) if today.month == 2 else today.day
    return date(today.year - years, today.month, day)


def orders_before(database: MongoDatabase, day: date) -> int:
    """How many archived orders are older than a day."""
    return database[ARCHIVED_ORDERS].count_documents({"order_date": {"$lt": day_start(day)}})


def expire_orders(settings: Settings, years: int) -> Expired:
    """Remove archived orders older than so many years, for good. Run again it removes what has become as old since.

    Raises ArchiveBusyError where an archiver works, ArchiveError where a step fails: the next call goes on there.
    """
    database = get_database(settings)
    require_known_format(database)
    day = _day_of(database, years)
    if not orders_before(database, day):
        return Expired(day, 0)
    with archive_context(settings) as context:
        left = unfinished_run(database)
        if left and finish(context, left).state not in CLOSED:
            raise ArchiveError(
                f"archive run {left.run_id} waits for a person's word: answer it first. Nothing was done"
            )
        return expire_in(context, years)


def expire_in(context: ArchiveContext, years: int) -> Expired:
    """The same for whoever has a context, while no run is open."""
    left = finish_expiry(context)
    day = _day_of(context.database, years)
    if not orders_before(context.database, day):
        return Expired(day, left)
    note_expired(context.database, day_start(day))
    reached("expire:noted")
    return Expired(day, left + _remove(context, day))


def _day_of(database: MongoDatabase, years: int) -> date:
    """The first day that is kept; one that was removed does not come back with more years."""
    earlier = expired_before(database)
    return max(first_day_kept(years), earlier.date() if earlier else date.min)


def finish_expiry(context: ArchiveContext) -> int:
    """Finish a removal that was left; how many orders were still there. Nothing is done where none was begun."""
    before = expired_before(context.database)
    return _remove(context, before.date()) if before else 0


def _remove(context: ArchiveContext, day: date) -> int:
    with failures_explained("removing expired orders", "Figures are as they were; run it again to go on."):
        edit_rows(context, f"expire-{day}", f"`order`.order_time < timestamp'{day}'")
        reached("expire:removed")
        gone = {"order_date": {"$lt": day_start(day)}}
        # Later versions of these orders are in the figures before they go; no run can put them into a row any more.
        advance(context.database)
        context.database[ARCHIVED_CHANGES].delete_many(gone | {"counted": True})
        return context.database[ARCHIVED_ORDERS].delete_many(gone).deleted_count
