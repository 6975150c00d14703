"""Whether the table at hand is the one in which a database's orders are: its UUID is written in the database.

An address does not tell: two homes that use one MongoDB have an HDFS and a catalog each, at the same addresses as a
rule. Of a table that is not theirs, `check --repair` would take all archived orders for lost.
"""

import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ecommerce.archive.catalog import described_catalog
from ecommerce.archive.errors import ArchiveElsewhereError, ArchiveError, failures_explained
from ecommerce.archive.lease import ARCHIVE_LEASE
from ecommerce.archive.run import ARCHIVE_RUNS, OF_0_1_0
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings

if TYPE_CHECKING:
    from ecommerce.archive.table import ArchiveTable

_ID = "table"
"""The document beside the lease, where every role that archives may write."""


def table_known(database: MongoDatabase) -> Mapping[str, Any] | None:
    """What the database says of its table; None where nothing was ever archived: no catalog is opened then, or made."""
    return database[ARCHIVE_LEASE].find_one({"_id": _ID})


def begun_elsewhere(settings: Settings, database: MongoDatabase) -> bool:
    """Whether another home, host or catalog may be at hand than that with which the database's table was made."""
    known = table_known(database)
    here = str(settings.home_directory), socket.gethostname()
    return known is not None and (settings.catalog_uri is not None or (known["home"], known["host"]) != here)


def require_its_table(settings: Settings, database: MongoDatabase, uuid: str | None) -> None:
    """Raise ArchiveError where the database's orders are in another table than that with this UUID.

    ArchiveElsewhereError without a UUID: there is no table at hand.
    """
    known = table_known(database)
    if known is None or known["uuid"] == uuid:
        return
    found = "has no table of it" if uuid is None else "has another table of that name"
    kind = ArchiveElsewhereError if uuid is None else ArchiveError
    raise kind(
        f"the orders of database {database.name!r} are in the table {known['uuid']} of the catalog "
        f"{known['catalog']}, as used from {known['home']} on {known['host']}, but the catalog "
        f"{described_catalog(settings)} {found}. Set ECOMMERCE_HOME, or ECOMMERCE_CATALOG_URI, so that it is reached; "
        "for a database of its own set ECOMMERCE_DATABASE. Nothing was changed"
    )


def require_upgraded(database: MongoDatabase) -> None:
    """Raise ArchiveError where archived orders are still in the run directories of version 0.1.0."""
    if database[ARCHIVE_RUNS].find_one(OF_0_1_0, {"_id": 1}):
        raise ArchiveError(
            f"the archived orders of database {database.name!r} are in directories of version 0.1.0: `ecommerce "
            "upgrade` brings them into the table. Nothing was changed"
        )


def take_table(settings: Settings, database: MongoDatabase, table: "ArchiveTable") -> None:
    """Make the table where there is none, and have the database that begins to use it know it. Under the lease.

    Raises ArchiveError where the database's orders are in another table, or the table holds those of another database,
    or it cannot be reached.
    """
    with failures_explained("looking at the archive", "Nothing was deleted from MongoDB; run it again to go on."):
        table.require_reachable()
        there = table.exists()
        require_its_table(settings, database, table.uuid() if there else None)
        table.make()
        if table_known(database):
            return
        catalog = described_catalog(settings)
        if there and table.head() is not None:
            raise ArchiveError(
                f"the table {table.name} of the catalog {catalog} holds orders of another database of the name "
                f"{database.name!r}: set ECOMMERCE_DATABASE to another name. Nothing was changed"
            )
        used = {"catalog": catalog, "home": str(settings.home_directory), "host": socket.gethostname()}
        database[ARCHIVE_LEASE].insert_one({"_id": _ID, "uuid": table.uuid(), **used})
