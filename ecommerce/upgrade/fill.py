"""Fills in what the archive's records do not tell: their cells anew, from the archived orders, a day at a time.

A day is done in one transaction, which compares first: what the records do tell must be what the files hold.
"""

from datetime import UTC, datetime

from pymongo.client_session import ClientSession

from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.fault_points import reached
from ecommerce.check.archived import archived_cells
from ecommerce.check.compare import DAY, ranges_of
from ecommerce.hours import Hours, hours_of
from ecommerce.mongo import MongoDatabase, in_transaction
from ecommerce.progress import Progress
from ecommerce.settings import Settings
from ecommerce.shop import read_shop
from ecommerce.summaries.archived_changes import waiting_cells
from ecommerce.summaries.cells import CellTable
from ecommerce.summaries.cells.promises import due_before, settled_before
from ecommerce.summaries.cells.table import SHAPE_OF_CELLS, is_incomplete
from ecommerce.summaries.records import CELLS, MOVED, TIME_ZONE, cells_of_record, told
from ecommerce.summaries.state import ARCHIVE_SUMMARY


def incomplete_days(database: MongoDatabase) -> dict[datetime, int]:
    """The archived days of which some record lacks a measure, with the orders of those records."""
    shape = {f"cells.{field}": 1 for field in SHAPE_OF_CELLS}
    found: dict[datetime, int] = {}
    for record in database[ARCHIVE_SUMMARY].find({}, {"order_date": 1, "total_orders": 1, **shape}):
        if is_incomplete(record["cells"]):
            found[record["order_date"]] = found.get(record["order_date"], 0) + int(record["total_orders"])
    return found


def fill_days(database: MongoDatabase, settings: Settings, progress: Progress) -> int:
    """Fill in every incomplete day; returns how many there were. Raises ArchiveError where files and records differ."""
    days, hours = incomplete_days(database), hours_of(read_shop(database).time_zone)
    done = 0
    for part in ranges_of(days):
        of_day = archived_cells(settings, part.start.date(), (part.end - DAY).date(), hours)
        for day in sorted(day for day in days if part.start <= day < part.end):
            _fill_day(database, day, of_day.get(day.date(), CellTable.empty()), hours)
            done += 1
            progress(done, len(days), "days")
            reached("upgrade:day")
    return done


def _fill_day(database: MongoDatabase, day: datetime, of_rows: CellTable, hours: Hours) -> None:
    def write(session: ClientSession) -> None:
        of_day = {"order_date": day}
        records = list(
            database[ARCHIVE_SUMMARY].find(of_day, {TIME_ZONE: 1, CELLS: 1, MOVED: 1}, session=session).sort("_id", 1)
        )
        recorded = CellTable.sum_of(cells_of_record(record, hours) for record in records)
        waiting = CellTable.sum_of(waiting_cells(database, of_day, hours, session).values())
        cells = of_rows.plus(waiting)
        now = due_before(datetime.now(UTC))
        if not recorded.settled(now).equals(cells.settled(now)):
            raise ArchiveError(
                f"the archive of {day:%Y-%m-%d} does not hold what its records tell, so they are left as they are: "
                "see `ecommerce check`, which names the hours, then run `ecommerce upgrade` again"
            )
        # The day's sum is what counts: it is in the first record, and the others have none of it left.
        of_records = (cells.settled(settled_before()), *(CellTable.empty() for _ in records[1:]))
        for record, own in zip(records, of_records, strict=True):
            # What a move to another zone had laid beside them was of each record's own orders; it is read again.
            anew = {"$set": told(own, hours), "$unset": {MOVED: ""}}
            database[ARCHIVE_SUMMARY].update_one({"_id": record["_id"]}, anew, session=session)

    in_transaction(database, write)
