"""Whether the archive at hand is the one in which a database's orders are, by a mark that both hold.

An address does not tell: two homes that use one MongoDB have an HDFS each, both at hdfs://127.0.0.1:9800 as a rule. Of
an archive that is not theirs, `check --repair` would take all archived orders for lost.
"""

import socket
import uuid

from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.lease import ARCHIVE_LEASE
from ecommerce.archive.runs import readable_runs
from ecommerce.archive.storage import Storage
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings

_MARK = "_archive="
"""Beginning of the name of an empty file; Spark skips names that begin with `_`. Two databases may share it."""

_ID = "archive"
"""The document beside the lease, where every role that archives may write."""


def require_its_archive(database: MongoDatabase, storage: Storage) -> None:
    """Raise ArchiveError where the database's orders are in another archive. Writes nothing."""
    known = database[ARCHIVE_LEASE].find_one({"_id": _ID})
    if known is None or known["mark"] in _marks(storage):
        return
    raise ArchiveError(
        f"{storage.uri} is not the archive in which the orders of database {database.name!r} are: that was used from "
        f"{known['home']} on {known['host']} as {known['uri']}. Set ECOMMERCE_HOME, or ECOMMERCE_ARCHIVE_URI, so that "
        f"it is reached; for a database of its own in this archive set ECOMMERCE_DATABASE. Nothing was changed. (Where "
        f"it is a copy that lacks the file {_MARK}{known['mark']}: make that empty file at its root.)"
    )


def mark_archive(settings: Settings, database: MongoDatabase, storage: Storage) -> None:
    """Mark the archive and the database that begins to use it. Call it under the lease.

    Raises ArchiveError where the database's orders are in another archive.
    """
    require_its_archive(database, storage)
    if database[ARCHIVE_LEASE].find_one({"_id": _ID}, {"_id": 1}):
        return
    runs = [run for run in readable_runs(database) if run.orders]
    if runs and not any(storage.exists(storage.published(run.run_id)) for run in runs):
        raise ArchiveError(
            f"{storage.uri} holds none of the {len(runs)} archive runs of database {database.name!r}, which were made "
            f"in {runs[-1].archive_uri}: set ECOMMERCE_HOME, or ECOMMERCE_ARCHIVE_URI, so that it is reached. "
            "Nothing was changed"
        )
    marks = _marks(storage)
    if not marks:
        marks = [uuid.uuid4().hex]
        storage.make_empty_file(f"{storage.uri}/{_MARK}{marks[0]}")
    used = {"uri": storage.uri, "home": str(settings.home_directory), "host": socket.gethostname()}
    database[ARCHIVE_LEASE].insert_one({"_id": _ID, "mark": marks[0], **used})


def _marks(storage: Storage) -> list[str]:
    return [name.removeprefix(_MARK) for name in storage.names(storage.uri) if name.startswith(_MARK)]
