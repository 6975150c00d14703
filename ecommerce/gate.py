"""The format of a database, which every program looks at before it reads or writes anything in it.

A database without a mark is of format 1, that of version 0.1.0, which knew no gate. Programs read older formats; one
that is older than the database is refused.
"""

from datetime import UTC, datetime

from pymongo.errors import OperationFailure

from ecommerce.errors import ServiceError
from ecommerce.mongo import Document, MongoDatabase, program_version

GATE = "database_format"
"""{_id: "format", format, version: of the program that brought it there, at}, and what an upgrade has under way."""

FORMAT = 2
"""1: version 0.1.0. 2: the table of statuses, attributes, cells that say by which definition they were made."""

FORMAT_ID, UPGRADE_ID = "format", "upgrade"
_UNAUTHORIZED = 13


def format_of(database: MongoDatabase) -> int:
    """The format of a database; 1 where nothing says another."""
    return int((_mark(database) or {"format": 1})["format"])


def require_known_format(database: MongoDatabase) -> None:
    """Raise ServiceError where a newer version of the program has brought the database into a format of its own."""
    mark = _mark(database)
    if mark and mark["format"] > FORMAT:
        raise ServiceError(
            f"database {database.name!r} is of format {mark['format']}, made by version {mark['version']}; this is "
            f"version {program_version()}, which knows formats up to {FORMAT}: use version {mark['version']} or later"
        )


def mark_format(database: MongoDatabase) -> None:
    """Say that a database is of this program's format."""
    mark = {"format": FORMAT, "version": program_version(), "at": datetime.now(UTC)}
    database[GATE].replace_one({"_id": FORMAT_ID}, mark, upsert=True)


def _mark(database: MongoDatabase) -> Document | None:
    try:
        return database[GATE].find_one({"_id": FORMAT_ID})
    except OperationFailure as error:
        # Roles of version 0.1.0 do not know the collection; the one-shot that makes roles runs before anything else.
        if error.code != _UNAUTHORIZED:
            raise
        return None
