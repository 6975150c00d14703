"""What the last check found, kept for `status` and `doctor`: `checks` {_id: FIGURES or ARCHIVE, as_of, found, first}.

A check that leaves the archive's files out says nothing of them, so what one before it found there stays.
"""

from dataclasses import dataclass
from datetime import datetime

from ecommerce.mongo import MongoDatabase
from ecommerce.summaries.state import CHECKS

KEPT = 5
"""Sentences that are kept; the others are counted."""

FIGURES, ARCHIVE = "figures", "archive"

_SAYS = {
    FIGURES: ("buckets of figures differ from a recomputation", "run `ecommerce check --repair`"),
    ARCHIVE: ("days of the archive are damaged", "do what it says of each day, then run `ecommerce check`"),
}


@dataclass(frozen=True, slots=True)
class CheckProblem:
    """Something that the last check found and that no check has found mended."""

    says: str
    remedy: str


def note_check(database: MongoDatabase, as_of: datetime, differing: list[str], damaged: list[str] | None) -> None:
    """Keep what a check found, a sentence each, in place of what the last one did; `damaged` None: it did not look."""
    for what, found in ((FIGURES, differing), (ARCHIVE, damaged)):
        if found is not None:
            record = {"as_of": as_of, "found": len(found), "first": found[:KEPT]}
            database[CHECKS].replace_one({"_id": what}, record, upsert=True)


def last_checked(database: MongoDatabase) -> datetime | None:
    """As of when the figures were last checked; None where they never were."""
    found = database[CHECKS].find_one({"_id": FIGURES})
    return found["as_of"] if found else None


def all_right_since(database: MongoDatabase, moment: datetime) -> datetime | None:
    """As of when a check that began after a moment, and read the archive's files, found all right; else None."""
    right = {"_id": {"$in": [*_SAYS]}, "as_of": {"$gte": moment}, "found": 0}
    found = [record["as_of"] for record in database[CHECKS].find(right)]
    return min(found) if len(found) == len(_SAYS) else None


def check_problems(database: MongoDatabase) -> list[CheckProblem]:
    """What the last check found wrong."""
    problems = []
    for record in database[CHECKS].find({"_id": {"$in": [*_SAYS]}, "found": {"$gt": 0}}).sort("_id", 1):
        what, remedy = _SAYS[record["_id"]]
        more = (
            f"; and {record['found'] - len(record['first']):,} more" if record["found"] > len(record["first"]) else ""
        )
        says = f"the check of {record['as_of']:%Y-%m-%d %H:%M} UTC: {record['found']:,} {what}: "
        problems.append(CheckProblem(f"{says}{'; '.join(record['first'])}{more}", remedy))
    return problems
