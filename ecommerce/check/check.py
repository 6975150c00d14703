"""The check: every figure recomputed from documents and archive, compared to the last decimal, and mended if asked."""

import time
from dataclasses import replace
from datetime import UTC, datetime

from pymongo.errors import ConnectionFailure

from ecommerce.check.archive import Compared, compare_archive, correct_records, has_archive
from ecommerce.check.compare import compare_range, compare_rollups, compare_sales, orders_per_day, ranges_of
from ecommerce.check.places import Deletions, find_deletions, find_twice, remove_copies
from ecommerce.check.report import LISTED, CheckReport, Difference
from ecommerce.check.told import compare_sales_told
from ecommerce.errors import EcommerceError
from ecommerce.hours import hours_of
from ecommerce.mongo import MongoDatabase
from ecommerce.progress import Progress, silent
from ecommerce.settings import Settings
from ecommerce.shop import read_shop
from ecommerce.summaries.advance import advance
from ecommerce.summaries.aside import all_aside
from ecommerce.summaries.checked import ARCHIVE, FIGURES, TWICE, accept_fewer, correct_fewer, fewer_counted, note_check
from ecommerce.summaries.rebuild import rebuild
from ecommerce.summaries.state import load_state


def check_orders(
    database: MongoDatabase,
    settings: Settings,
    *,
    repair: bool = False,
    archive: bool = True,
    accept_lost: bool = False,
    progress: Progress = silent,
) -> CheckReport:
    """Recompute all cells and compare; with `repair`, mend what differs and check again.

    Documents that are no orders are named; they can be mended only where they are. Orders that somebody put back into
    MongoDB beside the archive are named, and with `repair` the copies are removed. Orders that were counted and that
    somebody deleted are named as long as the server knows of it; after a repair the figures are without them, and how
    many they are is said until a person accepts it (`accept_lost`). With `repair`, summaries that cannot be brought up
    to date are built anew before anything else. Documents are aggregated in MongoDB, archived orders by SQL over the
    Parquet files; `archive=False` leaves the files out and believes what the purges recorded. Memory is flat; it may
    run beside writers and an archive run. Raises ServiceError where a service is away, PyMongoError where MongoDB is.
    """
    started = time.monotonic()
    if repair:
        _advance_or_rebuild(database, progress)
    report, wrong, deletions = _check(database, settings, archive, progress)
    if repair and (report.differences or report.twice):
        _repair(database, report, wrong, deletions, progress)
        again, *_ = _check(database, settings, archive, progress)
        mended = replace(report, repaired=True, twice=again.twice, fewer=again.fewer)
        report = again if again.differences else mended
    if accept_lost and not (report.differences and not report.repaired):
        report = replace(report, accepted=accept_fewer(database), fewer=0)
    differing = [] if report.repaired else [str(one) for one in report.differences]
    found = {FIGURES: differing, TWICE: [str(one) for one in report.twice]}
    if report.archive_checked:
        found[ARCHIVE] = [*report.damaged]
    note_check(database, report.as_of, found)
    return replace(report, seconds=time.monotonic() - started)


def _check(
    database: MongoDatabase, settings: Settings, archive: bool, progress: Progress
) -> tuple[CheckReport, Compared | None, Deletions]:
    """What is found, and what a repair needs to know of it."""
    started, as_of = time.monotonic(), datetime.now(UTC)
    advance(database, settle=True, progress=progress)
    differences: list[Difference] = []
    hours = hours_of(read_shop(database).time_zone)
    per_day = orders_per_day(database, hours)
    hot = compared = 0
    for days in ranges_of(per_day, hours):
        found, differing = compare_range(database, days, hours)
        hot += found
        differences += differing
        compared += sum(orders for day, orders in per_day.items() if days.start <= day < days.end)
        progress(compared, sum(per_day.values()), "orders")
    differences += [*compare_sales(database, hours), *compare_rollups(database), *compare_sales_told(database)]
    wrong = compare_archive(database, settings, progress) if archive and has_archive(database) else None
    differences += wrong.differences if wrong else []
    aside, named = all_aside(database, limit=LISTED)
    state = load_state(database) if differences else None
    deletions = find_deletions(database, state.rebuilt_at) if state else Deletions()
    report = CheckReport(
        as_of=as_of,
        hot_orders=hot,
        archived_orders=wrong.orders if wrong else 0,
        aside=aside,
        set_aside=tuple(named),
        damaged=tuple(map(str, wrong.damaged)) if wrong else (),
        archive_checked=wrong is not None,
        differences=tuple(differences),
        twice=tuple(find_twice(database)),
        gone=deletions.gone,
        fewer=fewer_counted(database),
        repaired=False,
        seconds=time.monotonic() - started,
    )
    return report, wrong, deletions


def _advance_or_rebuild(database: MongoDatabase, progress: Progress) -> None:
    try:
        advance(database, settle=True, progress=progress)
    except (ConnectionFailure, EcommerceError):
        raise
    except Exception:  # noqa: BLE001 - whatever keeps them from going on, building them anew does not begin there
        rebuild(database, progress=progress)


def _repair(
    database: MongoDatabase, report: CheckReport, wrong: Compared | None, deletions: Deletions, progress: Progress
) -> None:
    """Remove what is there twice, make the archive's records those of the files, then build the summaries anew.

    Of the orders that are counted no more, those that were counted twice are not lost.
    """
    known = fewer_counted(database)
    copies = remove_copies(database, report.twice)
    if wrong is not None:
        correct_records(database, wrong)
    list(compare_sales_told(database, mend=True))
    rebuild(database, progress=progress)
    lost = max(fewer_counted(database) - known - copies - deletions.back, len(deletions.gone))
    correct_fewer(database, known + lost, [str(one) for one in deletions.gone])
