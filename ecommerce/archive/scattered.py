"""Days with many files: how often runs and edits of the table have added one to a day since its files were merged."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date

from ecommerce.archive.edit_records import PUBLISHED, TABLE_EDITS, edits_of_the_table
from ecommerce.archive.run import ARCHIVE_RUNS, IN_MAIN, PROTOCOL, day_start
from ecommerce.archive.runs import runs_of_the_table
from ecommerce.mongo import MongoDatabase


def scattered_days(database: MongoDatabase, at_least: int) -> list[date]:
    """Days that have got at least so many files, or more, since they were merged; 0 asks for none."""
    counts = Counter(_days_with_a_new_file(database)) if at_least else {}
    return sorted(day for day, count in counts.items() if count >= at_least)


def _days_with_a_new_file(database: MongoDatabase) -> Iterator[date]:
    """Each day as often as a run or an edit has added a file to it."""
    for run in runs_of_the_table(database):
        if run.state in IN_MAIN:
            yield from (day.order_date for day in run.per_day if day.order_date not in run.merged_days)
    for edit in edits_of_the_table(database):
        if edit.state == PUBLISHED:
            # One that only removed rows added none.
            changed = (day.order_date for day in edit.per_day if not day.orders)
            yield from (day for day in changed if day not in edit.merged_days)


def note_merged(database: MongoDatabase, days: Sequence[date]) -> None:
    """Record that the files of these days were merged."""
    merged = {"$addToSet": {"merged_days": {"$each": [day_start(day) for day in days]}}}
    database[ARCHIVE_RUNS].update_many({"protocol": PROTOCOL, "state": {"$in": IN_MAIN}}, merged)
    database[TABLE_EDITS].update_many({"state": PUBLISHED}, merged)
