"""Hours that are due: those that no run has made, oldest first, but none in which somebody had paused the schedule."""

from datetime import UTC, datetime, timedelta

from ecommerce.generate.into_mongodb.catalog_store import ensure_catalog
from ecommerce.generate.into_mongodb.schedule_pauses import note_schedule
from ecommerce.generate.into_mongodb.store import store_windows
from ecommerce.generate.into_mongodb.windows_due import due_hours
from ecommerce.generate.model.rhythm import from_ms
from ecommerce.generate.model.windows import Window, hour
from ecommerce.mongo import MongoDatabase
from tests.generator_samples import small_catalog

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def of_hour(start: datetime) -> Window:
    return hour(start, 5, seed=1, preset="marketplace")


def make(database: MongoDatabase, *starts: datetime, now: datetime = NOON) -> None:
    spec = ensure_catalog(database, small_catalog())
    store_windows(database, spec, [of_hour(start) for start in starts], now)


def due(database: MongoDatabase, back_hours: int = 48, now: datetime = NOON) -> list[int]:
    """Hours of the day that a run for the hour before noon makes."""
    windows = due_hours(database, of_hour(NOON - HOUR), 5, now, back_hours)
    return [from_ms(window.start_ms).hour for window in windows]


def test_a_schedule_that_never_ran_makes_its_own_hour(database: MongoDatabase) -> None:
    assert due(database) == [11]


def test_missing_hours_come_first_and_the_oldest_first(database: MongoDatabase) -> None:
    make(database, NOON - 8 * HOUR, NOON - 5 * HOUR)
    assert due(database) == [5, 6, 8, 9, 10, 11]
    assert due(database, back_hours=2) == [10, 11]
    # The run started late: what became due meanwhile is made too, the hour that still runs is not.
    assert due(database, now=NOON + HOUR * 1.5) == [5, 6, 8, 9, 10, 11, 12]


def test_of_runs_that_an_outage_left_waiting_one_leaves_no_hole_behind_its_own_hour(database: MongoDatabase) -> None:
    make(database, NOON - 5 * HOUR)
    # Six hours late, and told to look two hours back: the others that wait are cancelled when this one begins.
    assert due(database, back_hours=2, now=NOON + 6 * HOUR) == [11, 12, 13, 14, 15, 16, 17]


def test_an_hour_that_was_not_over_when_it_was_made_is_missing(database: MongoDatabase) -> None:
    make(database, NOON - 3 * HOUR, NOON - 2 * HOUR, now=NOON - 1.5 * HOUR)
    assert due(database) == [10, 11]


def test_hours_of_another_series_cover_nothing(database: MongoDatabase) -> None:
    make(database, NOON - 3 * HOUR)
    spec = ensure_catalog(database, small_catalog())
    store_windows(database, spec, [hour(NOON - 2 * HOUR, 5, seed=2, preset="marketplace")], NOON)
    assert due(database) == [10, 11]


def test_hours_that_became_due_in_a_pause_are_left_out(database: MongoDatabase) -> None:
    make(database, NOON - 9 * HOUR)
    note_schedule(database, paused=False, changed=None, now=NOON - 8 * HOUR)
    # Paused at 4:20 (seen at 5:10 and 6:10), resumed at 6:30, which the run at noon sees.
    for seen in (7, 6):
        note_schedule(database, paused=True, changed=NOON - 7.7 * HOUR, now=NOON - (seen - 0.2) * HOUR)
    note_schedule(database, paused=False, changed=NOON - 5.5 * HOUR, now=NOON)
    # The hours 4 and 5 became due at 5 and at 6.
    assert due(database) == [6, 7, 8, 9, 10, 11]


def test_without_the_moment_of_a_change_a_pause_reaches_from_look_to_look(database: MongoDatabase) -> None:
    make(database, NOON - 9 * HOUR)
    for before, paused in ((6.9, False), (4.9, True), (3.9, True), (0, False)):
        note_schedule(database, paused=paused, changed=None, now=NOON - before * HOUR)
    assert due(database) == [4, 8, 9, 10, 11]


def test_a_pause_that_lasts_leaves_out_all_but_the_hour_that_is_asked_for(database: MongoDatabase) -> None:
    make(database, NOON - 5 * HOUR)
    note_schedule(database, paused=True, changed=NOON - 4.5 * HOUR, now=NOON - 4 * HOUR)
    assert due(database) == [11]
