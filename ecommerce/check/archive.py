"""Compares what the purges recorded with the table, and records what is missing or too much."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from bson import ObjectId
from pymongo import DeleteOne, UpdateOne

from ecommerce.archive.days import Damage
from ecommerce.archive.errors import failures_explained
from ecommerce.archive.lease import is_at_work
from ecommerce.archive.run import day_start
from ecommerce.archive.view import open_view
from ecommerce.check.archived import cells_of_rows, sound_rows
from ecommerce.check.compare import DAY, DayRange, archived_per_day, ranges_of, recorded_per_day
from ecommerce.check.report import Difference, differences_of
from ecommerce.check.told import WrongEntries, compare_entries, mend_entries
from ecommerce.errors import ServiceError
from ecommerce.forget.records import confirmed_requests
from ecommerce.hours import Hours, hours_of
from ecommerce.ingest.expired import expired_before
from ecommerce.kpis.figures import amount_of
from ecommerce.mongo import MongoDatabase
from ecommerce.progress import Progress
from ecommerce.settings import Settings
from ecommerce.shop import read_shop
from ecommerce.summaries.archived_changes import waiting_cells
from ecommerce.summaries.cells import CellTable
from ecommerce.summaries.cells.promises import due_before
from ecommerce.summaries.records import added_record
from ecommerce.summaries.state import ARCHIVE_SUMMARY

ATTEMPTS = 5
"""A purge that runs meanwhile changes records and files a moment apart: look again."""

CORRECTION = "check"
"""`run_id` of the records that a repair adds."""


def has_archive(database: MongoDatabase) -> bool:
    """Whether anything was ever archived."""
    return database[ARCHIVE_SUMMARY].find_one({}, {"_id": 1}) is not None


@dataclass(slots=True)
class Compared:
    """The orders in the archive's files, and what is wrong with them."""

    hours: Hours
    """Those of the shop, by which the cells are compared."""
    too_much: dict[date, CellTable] = field(default_factory=dict)
    """What the records of a day have too much."""
    orders: int = 0
    differences: list[Difference] = field(default_factory=list)
    entries: list[DeleteOne | UpdateOne] = field(default_factory=list)
    """What makes the entries of archived orders those of the files."""
    damaged: list[Damage] = field(default_factory=list)
    """Days whose files are not what their run wrote. They are left out of all else: the records are right there."""


def compare_archive(database: MongoDatabase, settings: Settings, progress: Progress) -> Compared:
    """Compare all archived days with what the purges recorded."""
    result = Compared(hours_of(read_shop(database).time_zone))
    before = expired_before(database)
    per_day = {day: orders for day, orders in archived_per_day(database).items() if before is None or day >= before}
    for days in ranges_of(per_day):
        progress(result.orders, sum(per_day.values()), "archived orders")
        with failures_explained("checking the archive", "It was only read; run it again."):
            orders, too_much, damaged, entries = _too_much(database, settings, days, result.hours)
        result.orders += orders
        result.differences += entries.differences
        result.entries += entries.writes
        result.differences += differences_of("archive", CellTable.sum_of(too_much.values()), result.hours)
        result.damaged += damaged
        result.too_much |= too_much
        progress(result.orders, sum(per_day.values()), "archived orders")
    return result


def _too_much(
    database: MongoDatabase, settings: Settings, days: DayRange, hours: Hours
) -> tuple[int, dict[date, CellTable], list[Damage], WrongEntries]:
    """The orders in the files of some days, what the records of each day have too much, the days with damage, and the
    entries that are not as the files."""
    first, last = days.start.date(), (days.end - DAY).date()
    for _ in range(ATTEMPTS):
        before = _told_of_rows(database, settings, days, hours)
        rows, damaged = sound_rows(settings, first, last)
        files = cells_of_rows(rows, first, last, hours)
        entries = WrongEntries()
        if not damaged and not _is_changing(database, settings):
            entries = compare_entries(database, rows, first, last)
        recorded = _told_of_rows(database, settings, days, hours)
        if recorded.keys() == before.keys() and all(recorded[day].equals(before[day]) for day in before):
            orders = sum(int(cells.orders["orders"].sum()) for cells in files.values())
            without = {one.day for one in damaged}
            none, now = CellTable.empty(), due_before(datetime.now(UTC))
            too_much = {
                day: recorded.get(day, none).minus(files.get(day, none)).settled(now)
                for day in sorted({*recorded, *files} - without)
            }
            if entries.writes and _is_changing(database, settings):
                continue
            return orders, {day: cells for day, cells in too_much.items() if not cells.is_empty()}, damaged, entries
    raise ServiceError(
        f"the archive of {first} to {last} changed each of {ATTEMPTS} times while it was read; run the check when no "
        "archive run is purging"
    )


def _is_changing(database: MongoDatabase, settings: Settings) -> bool:
    """Whether rows and entries may differ because somebody is between the two, or was killed there."""
    return is_at_work(database) or bool(confirmed_requests(database)) or open_view(settings).applied is not None


def _told_of_rows(database: MongoDatabase, settings: Settings, days: DayRange, hours: Hours) -> dict[date, CellTable]:
    """What the records of each day tell of its rows: later versions that wait for a run are not in them yet."""
    found = recorded_per_day(database, days, hours)
    of_days, applied = {"order_date": {"$gte": days.start, "$lt": days.end}}, open_view(settings).applied
    for day, waiting in waiting_cells(database, of_days, hours, applied=applied).items():
        found[day.date()] = found.get(day.date(), CellTable.empty()).minus(waiting)
    return found


def correct_records(database: MongoDatabase, wrong: Compared) -> None:
    """Record, per day, what makes the records equal to the files. What is there stays, so it can be looked into."""
    run_id = f"{CORRECTION}-{ObjectId()}"
    mend_entries(database, wrong.entries)
    for day, cells in wrong.too_much.items():
        database[ARCHIVE_SUMMARY].insert_one(_correction(run_id, day, cells.negated(), wrong.hours))


def _correction(run_id: str, day: date, cells: CellTable, hours: Hours) -> dict[str, Any]:
    orders, amount, items = (int(cells.orders[name].sum()) for name in ("orders", "amount", "items"))
    return added_record(run_id, day_start(day), cells, hours, orders, amount_of(amount), items)
