"""What the last check found, kept for `status` and `doctor`: `checks` {_id, as_of, found, first}.

`_id` is what was looked at, FIGURES, ARCHIVE or TWICE. A check that leaves the archive's files out says nothing of
them, so what one before it found there stays. FEWER is written by a rebuild that finds fewer orders than were counted,
as after the collection was dropped: nothing differs from then on, so it stays until a person accepts it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pymongo.client_session import ClientSession

from ecommerce.mongo import MongoDatabase
from ecommerce.readable import counted
from ecommerce.summaries.state import CHECKS

KEPT = 5
"""Sentences that are kept; the others are counted."""

FIGURES, ARCHIVE, TWICE, FEWER = "figures", "archive", "twice", "fewer"

LOOKED_AT = (FIGURES, ARCHIVE, TWICE)
"""What a check looks at."""

_REMEDIES = {
    FIGURES: "run `ecommerce check --repair`",
    ARCHIVE: "do what it says of each day, then run `ecommerce check`",
    TWICE: "run `ecommerce check --repair`, and do what it says of those that it leaves",
    FEWER: "bring them back, from a backup (docs/backup.md) or by importing their files again, or leave it so; then "
    "`ecommerce check --accept-lost` closes this",
}

_BRIEFLY = {
    FIGURES: ("bucket of figures differs from a recomputation", "buckets of figures differ from a recomputation"),
    ARCHIVE: ("day of the archive is damaged", "days of the archive are damaged"),
    TWICE: ("order is in two places and counts twice", "orders are in two places and count twice"),
    FEWER: ("order that was counted is gone", "orders that were counted are gone"),
}
"""What is said of one, and of more, in a few words."""


@dataclass(frozen=True, slots=True)
class CheckProblem:
    """Something that the last check found and that no check has found mended."""

    what: str
    """FIGURES, ARCHIVE, TWICE or FEWER."""
    brief: str
    says: str
    remedy: str


def note_check(database: MongoDatabase, as_of: datetime, found: Mapping[str, list[str]]) -> None:
    """Keep what a check found, by what it looked at, a sentence each, in place of what the last one did."""
    for what, sentences in found.items():
        record = {"as_of": as_of, "found": len(sentences), "first": sentences[:KEPT]}
        database[CHECKS].replace_one({"_id": what}, record, upsert=True)


def note_fewer(database: MongoDatabase, as_of: datetime, orders: int, session: ClientSession | None = None) -> None:
    """Add so many orders to those that were counted and were not found again by a rebuild."""
    more = {"$inc": {"found": orders}, "$set": {"as_of": as_of}, "$setOnInsert": {"first": []}}
    database[CHECKS].update_one({"_id": FEWER}, more, upsert=True, session=session)


def fewer_counted(database: MongoDatabase) -> int:
    """How many orders were counted and were not found again by a rebuild; none any more once a person accepted that."""
    found = database[CHECKS].find_one({"_id": FEWER})
    return int(found["found"]) if found else 0


def correct_fewer(database: MongoDatabase, orders: int, named: list[str]) -> None:
    """Say how many those really are, and name those that are known."""
    known = database[CHECKS].find_one({"_id": FEWER}) or {"first": []}
    first = [*dict.fromkeys([*known["first"], *named])][:KEPT] if orders else []
    record = {"as_of": datetime.now(UTC), "found": orders, "first": first}
    database[CHECKS].update_one({"_id": FEWER}, {"$set": record}, upsert=True)


def accept_fewer(database: MongoDatabase) -> int:
    """How many those are; from now on they are no problem any more."""
    found = database[CHECKS].find_one_and_update({"_id": FEWER}, {"$set": {"found": 0, "first": []}})
    return int(found["found"]) if found else 0


def last_checked(database: MongoDatabase) -> datetime | None:
    """As of when the figures were last checked; None where they never were."""
    found = database[CHECKS].find_one({"_id": FIGURES})
    return found["as_of"] if found else None


def all_right_since(database: MongoDatabase, moment: datetime) -> datetime | None:
    """As of when a check that began after a moment, and read the archive's files, found all right; else None."""
    right = {"_id": {"$in": [*LOOKED_AT]}, "as_of": {"$gte": moment}, "found": 0}
    found = [record["as_of"] for record in database[CHECKS].find(right)]
    return min(found) if len(found) == len(LOOKED_AT) else None


def check_problems(database: MongoDatabase) -> list[CheckProblem]:
    """What the last check found wrong."""
    problems = []
    for record in database[CHECKS].find({"_id": {"$in": [*_REMEDIES]}, "found": {"$gt": 0}}).sort("_id", 1):
        what, named = record["_id"], record["first"]
        rest = record["found"] - len(named)
        first = "; ".join([*named, f"and {rest:,} more"] if rest > 0 and named else named)
        as_of = f"{record['as_of']:%Y-%m-%d %H:%M} UTC"
        brief = counted(record["found"], *_BRIEFLY[what])
        when = f"as of {as_of}, " if what == FEWER else f"the check of {as_of}: "
        problems.append(CheckProblem(what, brief, f"{when}{brief}: {first}".removesuffix(": "), _REMEDIES[what]))
    return problems
