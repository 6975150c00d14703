"""A catalog that was lost, or damaged, or brought back from an old backup: the table is entered in it once more.

The files of the table describe it. Which description is the newest that was in force, the records of the runs tell: it
holds every run that was published, day by day, and the branch of a run that has purged.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecommerce.archive.catalog import FILES, TABLE, catalog_url, entry_of, metadata_location, pyiceberg_catalog
from ecommerce.archive.errors import ArchiveError, failures_explained
from ecommerce.archive.files import ArchiveFiles, names_in
from ecommerce.archive.identity import table_known
from ecommerce.archive.lease import archive_lease
from ecommerce.archive.view import ArchiveView, view_of
from ecommerce.archive_location import archive_uri
from ecommerce.gate import require_known_format
from ecommerce.mongo import MongoDatabase, get_database
from ecommerce.settings import Settings

if TYPE_CHECKING:
    from pyiceberg.table import Table

_SUFFIX = ".metadata.json"


def recover_catalog(settings: Settings) -> str:
    """Enter the table in the catalog by the newest description that holds all runs; returns the address of that.

    Raises ArchiveError where there is none, ArchiveBusyError where an archiver works. A catalog that is the right one
    stays as it is, and so does the table.
    """
    database = get_database(settings)
    require_known_format(database)
    with archive_lease(database), failures_explained("recovering the catalog", "Nothing was changed."):
        known = table_known(database)
        if known is None:
            raise ArchiveError(f"nothing of database {database.name!r} was ever archived: there is nothing to recover")
        folder = f"{archive_uri(settings)}/{settings.database}/{TABLE}/metadata"
        location = _newest_that_holds(database, _descriptions(folder, known["uuid"]))
        if location is None:
            raise ArchiveError(
                f"no description of the table {known['uuid']} in {folder} holds what the runs recorded: put that "
                "folder back from a backup (docs/backup.md). Nothing was changed"
            )
        _enter(settings, location)
        return location


def _descriptions(folder: str, uuid: str) -> "Iterator[Table]":
    """The table by each of its descriptions, the newest first."""
    from pyiceberg.table import StaticTable

    found: list[tuple[int, int, str]] = []
    for name in names_in(folder):
        location = f"{folder}/{name}"
        # One that is damaged describes nothing.
        with suppress(ValueError, KeyError):
            if name.endswith(_SUFFIX):
                with ArchiveFiles().new_input(location).open() as opened:
                    told: dict[str, Any] = json.loads(opened.read())
                if told["table-uuid"] == uuid:
                    found.append((int(told["last-sequence-number"]), int(told["last-updated-ms"]), location))
    for _, _, location in sorted(found, reverse=True):
        with suppress(ValueError):
            yield StaticTable.from_metadata(location, FILES)


def _newest_that_holds(database: MongoDatabase, tables: "Iterator[Table]") -> str | None:
    """The address of the first description that holds all runs; of one whose files are all there, if there is one.

    Files of a description that was written and never in force may be gone.
    """
    second: str | None = None
    for table in tables:
        # Without the branch of a run that has purged, or with lists of files that cannot be read, it is not the one.
        with suppress(ArchiveError):
            view = view_of(database, table)
            if _holds_all_runs(view):
                if _has_all_files(view):
                    return table.metadata_location
                second = second or table.metadata_location
    return second


def _holds_all_runs(view: ArchiveView) -> bool:
    return view.orders_held() == {day: sums.orders for day, sums in view.days.items()}


def _has_all_files(view: ArchiveView) -> bool:
    tasks = [task for tasks in view.files(None, None).values() for task in tasks]
    return all(ArchiveFiles().new_input(task.file.file_path).exists() for task in tasks)


def _enter(settings: Settings, location: str) -> None:
    """Have the catalog say that this file describes the table."""
    from pyiceberg.catalog.sql import IcebergTables as Tables
    from sqlalchemy import update
    from sqlalchemy.exc import DatabaseError

    url = catalog_url(settings)
    try:
        entered = metadata_location(settings)
    except DatabaseError:
        if url.drivername != "sqlite":
            raise
        file = Path(str(url.database))
        file.rename(file.with_suffix(".damaged"))
        entered = None
    if entered == location:
        return
    catalog = pyiceberg_catalog(settings)
    if entered is None:
        catalog.create_namespace_if_not_exists(settings.database)
        catalog.register_table((settings.database, TABLE), location)
        return
    with catalog.engine.begin() as connection:
        connection.execute(update(Tables).filter_by(**entry_of(settings)).values(metadata_location=location))
