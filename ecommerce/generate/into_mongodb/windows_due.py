"""Which hours of the schedule are due and not made: after an outage, each run makes those that are missing.

An hour is due once it is over, from the first hour on that its series ever made. Left out are hours that became due
while somebody had paused the schedule.
"""

from collections.abc import Sequence
from datetime import datetime

from ecommerce.documents.kinds import HOUR_MS
from ecommerce.generate.into_mongodb.schedule_pauses import PAUSES
from ecommerce.generate.into_mongodb.windows_done import finished_windows, first_hour
from ecommerce.generate.model.rhythm import from_ms, to_ms
from ecommerce.generate.model.windows import Window, hour
from ecommerce.mongo import MongoDatabase

CATCH_UP_HOURS_MAX = 24 * 366


def due_hours(database: MongoDatabase, own: Window, average: int, now: datetime, back_hours: int) -> list[Window]:
    """The hours of `own`'s series that are to be made, oldest first: `own`, and what is missing before `now`.

    Looks `back_hours` back, and in any case at all hours since `own`: of runs that an outage left waiting one does the
    work of all. `average` is the number of orders of an average hour.
    """
    this_hour_ms = to_ms(now) // HOUR_MS * HOUR_MS
    begin_ms = min(max(this_hour_ms - back_hours * HOUR_MS, first_hour(database, own)), own.start_ms)
    starts = {*range(begin_ms, this_hour_ms, HOUR_MS)} - {own.start_ms}
    windows = [hour(from_ms(start), average, seed=own.seed, preset=own.preset) for start in sorted(starts)]
    paused = _paused_spans(database, now)
    done = finished_windows(database, windows)
    missing = [window for window in windows if window not in done and not _falls_into(window.end_ms, paused)]
    return sorted([own, *missing], key=lambda window: window.start_ms)


def _paused_spans(database: MongoDatabase, now: datetime) -> list[tuple[int, int]]:
    return [
        (to_ms(pause["from"]), to_ms(pause["until"] or now))
        for pause in database[PAUSES].find({"from": {"$exists": True}})
    ]


def _falls_into(moment_ms: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start <= moment_ms < end for start, end in spans)
