"""Which notices began or ended since somebody was told: each is told once, however many runs look at it.

Collection `attention` holds what is told and not over: {_id: key of the notice, text, since}.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from pymongo.errors import DuplicateKeyError

from ecommerce.attention.kinds import Notice
from ecommerce.mongo import MongoDatabase

ATTENTION = "attention"


@dataclass(frozen=True, slots=True)
class Over:
    """A notice that is no longer there."""

    key: str
    text: str
    """As it was told."""
    since: datetime


def begun_and_over(
    database: MongoDatabase, notices: Iterable[Notice], not_known: Iterable[str] = ()
) -> tuple[list[Notice], list[Over]]:
    """The notices that nobody was told of yet, and those told that are over; both count as told from now on.

    `not_known`: keys of notices that could not be looked at; they neither begin nor end.
    """
    now, here = datetime.now(UTC), {notice.key: notice for notice in notices}
    begun = [notice for notice in here.values() if _note(database, notice, now)]
    gone = database[ATTENTION].find({"_id": {"$nin": [*here, *not_known]}})
    over = [Over(one["_id"], one["text"], one["since"]) for one in gone]
    return begun, [one for one in over if database[ATTENTION].delete_one({"_id": one.key}).deleted_count]


def _note(database: MongoDatabase, notice: Notice, now: datetime) -> bool:
    """Write a notice down; False where it is there already."""
    try:
        database[ATTENTION].insert_one({"_id": notice.key, "text": notice.text, "since": now})
    except DuplicateKeyError:
        return False
    return True
