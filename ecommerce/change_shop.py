"""Gives a shop another currency or time zone. Another currency only relabels; another zone counts everything anew.

A record of the archive has sums by the hours of the old zone. Where those are not hours of the new one (UTC and India
are half an hour apart), its orders are read again and the sums by the new hours laid beside the old ones, a day in one
transaction. Then the summaries are built anew, and figures and shop change in one moment: until then every figure is
the old one. It can be killed anywhere; running it again goes on.
"""

import time
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl
from pymongo.client_session import ClientSession

from ecommerce.archive.errors import ArchiveError, failures_explained
from ecommerce.archive.fault_points import reached
from ecommerce.archive.lease import archive_lease
from ecommerce.archive.runs import prepare_archive
from ecommerce.archive.view import open_view
from ecommerce.check.archived import archived_cells
from ecommerce.check.compare import DAY, ranges_of
from ecommerce.errors import InputError, ServiceError
from ecommerce.hours import Hours, hours_of
from ecommerce.iso_4217 import CURRENCY_CODES
from ecommerce.mongo import MongoDatabase, in_transaction, is_replica_set
from ecommerce.progress import Progress, silent
from ecommerce.settings import Settings, is_zone
from ecommerce.shop import Shop, note_move, read_shop, record_shop, write_shop
from ecommerce.summaries.archived_changes import waiting_cells
from ecommerce.summaries.cells import CellTable
from ecommerce.summaries.cells.promises import due_before, settled_before
from ecommerce.summaries.rebuild import rebuild
from ecommerce.summaries.records import (
    CELLS,
    MOVED,
    SALES,
    TIME_ZONE,
    cells_of_record,
    is_told_by,
    told,
    zones_of,
)
from ecommerce.summaries.state import ARCHIVE_SUMMARY, load_state, note_shop_change

ATTEMPTS = 3
"""Another process may build the summaries anew at the same time, by the old hours, and be faster."""


@dataclass(frozen=True, slots=True)
class ShopChange:
    """What a shop was and is, and what was read for it."""

    before: Shop
    after: Shop
    archived_days: int
    """Days of the archive that were read again."""
    hot_orders: int
    """Orders in MongoDB that were counted anew."""
    seconds: float


def require_possible(shop: Shop) -> None:
    """Raise InputError where a currency is no code of ISO 4217, or a zone none that this machine knows."""
    if shop.currency not in CURRENCY_CODES:
        raise InputError(f"--currency {shop.currency}: give a code of ISO 4217, such as EUR")
    if not is_zone(shop.time_zone):
        raise InputError(
            f"--time-zone {shop.time_zone}: this machine knows no such zone; give one such as Europe/Berlin"
        )


def days_to_read(database: MongoDatabase, time_zone: str) -> dict[datetime, int]:
    """The archived days whose records do not tell the hours of a zone, with the orders of those records."""
    hours, found = hours_of(time_zone), dict[datetime, int]()
    wanted = {"order_date": 1, "total_orders": 1, TIME_ZONE: 1, CELLS: 1, MOVED: 1}
    for record in database[ARCHIVE_SUMMARY].find({}, wanted):
        if not is_told_by(record, hours):
            found[record["order_date"]] = found.get(record["order_date"], 0) + int(record["total_orders"])
    return found


def is_counted_by(database: MongoDatabase, time_zone: str) -> bool:
    """Whether the figures, or the records that they will be built from, are by the hours of a zone: the shop's are not
    where somebody edited it."""
    state = load_state(database)
    return state.time_zone == time_zone if state else not days_to_read(database, time_zone)


def change_shop(database: MongoDatabase, settings: Settings, wanted: Shop, progress: Progress = silent) -> ShopChange:
    """Let a database's shop be another one.

    Raises InputError where there is no such shop, ArchiveBusyError where an archiver works, ArchiveError where the
    archive does not hold what its records tell.
    """
    started, before = time.monotonic(), read_shop(database)
    require_possible(wanted)
    if wanted.time_zone == before.time_zone and is_counted_by(database, wanted.time_zone):
        write_shop(database, wanted)
        note_shop_change(database)
        _settle(database, wanted.time_zone)
        return ShopChange(before, wanted, 0, 0, time.monotonic() - started)
    prepare_archive(database)
    record_shop(database, before)
    # Meanwhile no archiver works. Without a replica set there is none.
    with archive_lease(database) if is_replica_set(database) else nullcontext():
        _settle(database, before.time_zone)
        note_move(database, wanted.time_zone)
        reached("shop:noted")
        days = days_to_read(database, wanted.time_zone)
        if days:
            _read_days(database, settings, days, hours_of(wanted.time_zone), progress)
        reached("shop:read")
        orders = _count_anew(database, wanted, progress)
        reached("shop:moved")
        _settle(database, wanted.time_zone)
    return ShopChange(before, wanted, len(days), orders, time.monotonic() - started)


def _count_anew(database: MongoDatabase, wanted: Shop, progress: Progress) -> int:
    for _ in range(ATTEMPTS):
        built = rebuild(database, shop=wanted, progress=progress)
        if built.state.time_zone == wanted.time_zone:
            return built.orders
    raise ServiceError(
        f"the summaries were built anew {ATTEMPTS} times by another process meanwhile: run `ecommerce shop --time-zone "
        f"{wanted.time_zone}` again; until then the figures are those of the old zone"
    )


def _settle(database: MongoDatabase, time_zone: str) -> None:
    """Let the records have only the sums by the hours of the shop's zone, and forget that it was moving."""
    anew: list[dict[str, Any]] = [
        {"$set": {name: f"${MOVED}.{name}" for name in (CELLS, TIME_ZONE, SALES)}},
        {"$unset": MOVED},
    ]
    database[ARCHIVE_SUMMARY].update_many({f"{MOVED}.{TIME_ZONE}": time_zone}, anew)
    note_move(database, None)


def _read_days(
    database: MongoDatabase,
    settings: Settings,
    days: dict[datetime, int],
    hours: Hours,
    progress: Progress,
) -> None:
    with failures_explained("looking at the archive", "Nothing was changed there; run it again."):
        applied = open_view(settings).applied
    done = 0
    for part in ranges_of(days):
        of_day = archived_cells(settings, part.start.date(), (part.end - DAY).date(), hours)
        for day in sorted(day for day in days if part.start <= day < part.end):
            _lay_beside(database, day, of_day.get(day.date(), CellTable.empty()), hours, applied)
            done += 1
            progress(done, len(days), "archived days")
            reached("shop:day")


def _lay_beside(database: MongoDatabase, day: datetime, of_rows: CellTable, hours: Hours, applied: str | None) -> None:
    def write(session: ClientSession) -> None:
        records = list(database[ARCHIVE_SUMMARY].find({"order_date": day}, session=session).sort("_id", 1))
        recorded = CellTable.sum_of(cells_of_record(record, hours_of(next(zones_of(record))[0])) for record in records)
        waiting = waiting_cells(database, {"order_date": day}, hours, session, applied=applied).values()
        cells = CellTable.sum_of((of_rows, *waiting))
        if not _without_hours(recorded).equals(_without_hours(cells)):
            raise ArchiveError(
                f"the archive of {day:%Y-%m-%d} does not hold what its records tell, so the shop stays what it was: "
                "see `ecommerce check`, which names the hours, then change it again"
            )
        # The day's sum is what counts: it is in the first record, and the others have none of it.
        for number, record in enumerate(records):
            own = cells.settled(settled_before()) if number == 0 else CellTable.empty()
            beside = {"$set": {MOVED: told(own, hours)}}
            database[ARCHIVE_SUMMARY].update_one({"_id": record["_id"]}, beside, session=session)

    in_transaction(database, write)


def _without_hours(cells: CellTable) -> CellTable:
    hour = pl.lit(0, pl.Int64).alias("hour")
    return cells.settled(due_before(datetime.now(UTC))).regrouped(lambda frame: frame.with_columns(hour))
