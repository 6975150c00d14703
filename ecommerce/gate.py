"""The format of a database, which every program looks at before it reads or writes anything in it.

A database without a mark is of format 1, that of version 0.1.0, which knew no gate. Programs read older formats; one
that is older than the database is refused. Those of 0.1.0 are kept out by what they do look at: their state of the
summaries cannot be read any more, and their archive's lease is held for ever. What belongs to later versions has other
names.
"""

from datetime import UTC, datetime

from pymongo.client_session import ClientSession

from ecommerce.errors import ServiceError
from ecommerce.mongo import Document, MongoDatabase, is_replica_set, program_version, where_allowed

GATE = "database_format"
"""{_id: "format", format, version: of the program that brought it there, at}, and what an upgrade has under way."""

FORMAT = 2
"""1: version 0.1.0. 2: the table of statuses, attributes, cells that say by which definition they were made."""

FORMAT_ID, UPGRADE_ID = "format", "upgrade"

OLD_STATE, OLD_DELTAS, OLD_BUCKETS = "summary_state", "summary_deltas", "orders_summary"
"""The summaries of version 0.1.0. Its programs rebuild over any state that they do not know, number their deltas anew
and remove the buckets of other epochs, so later versions use none of the three."""
OLD_STATE_ID = "orders"

OLD_LEASE = "archive_lease"
OLD_LEASE_ID = "archiver"
"""What an archiver of version 0.1.0 takes before it does anything."""

FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC)


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
    """Say that a database is of this program's format, and keep programs of version 0.1.0 out of it."""
    if not is_replica_set(database):
        _mark_and_close(database)
        return
    with database.client.start_session() as session:
        session.with_transaction(lambda running: _mark_and_close(database, running))


def _mark_and_close(database: MongoDatabase, session: ClientSession | None = None) -> None:
    now = datetime.now(UTC)
    mark = {"format": FORMAT, "version": program_version(), "at": now}
    told = f"database {database.name} is of format {FORMAT}: use version {program_version()} or later"
    # 0.1.0 reads `seq` as a number before it does anything with the summaries, and its error shows the text.
    closed = {"format": 2, "epoch": "", "seq": told}
    # It asks whether a holder lives only on the holder's host, and its error shows host and process.
    held = {"token": told, "pid": None, "host": f"no host ({told})", "acquired_at": now, "expires_at": FOR_EVER}
    for collection, identity, document in (
        (GATE, FORMAT_ID, mark),
        (OLD_STATE, OLD_STATE_ID, closed),
        (OLD_LEASE, OLD_LEASE_ID, held),
    ):
        database[collection].replace_one({"_id": identity}, document, upsert=True, session=session)


def _mark(database: MongoDatabase) -> Document | None:
    # Roles of version 0.1.0 do not know the collection; the one-shot that makes roles runs before anything else.
    mark = where_allowed(lambda: database[GATE].find_one({"_id": FORMAT_ID}), None)
    if mark and not (isinstance(mark.get("format"), int | float) and isinstance(mark.get("version"), str)):
        raise ServiceError(
            f"the mark in {GATE} of database {database.name!r} cannot be read: somebody edited it. Put format and "
            f"version back, which this version ({program_version()}) writes as format {FORMAT}"
        )
    return mark
