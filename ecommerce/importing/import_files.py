"""The import of files and folders: the library's way in."""

import logging
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from pymongo.errors import PyMongoError

from ecommerce.documents.indexes import EXTERNAL_ID_INDEX
from ecommerce.importing.files import find_files, import_order
from ecommerce.importing.formats.csv import settle
from ecommerce.importing.loading.file_import import FileImport, ImportOptions, TooManyRejected
from ecommerce.importing.loading.ledger import FileLedger, prepare_ledger
from ecommerce.importing.loading.rejected_rows import count_of_earlier_files
from ecommerce.importing.loading.report import FileReport, ImportReport, naming
from ecommerce.importing.loading.retries import with_patience
from ecommerce.importing.naive_times import use_zone
from ecommerce.importing.order_lines.mappings import load_mapping
from ecommerce.importing.recognise import (
    UnknownColumns,
    beside_a_complete_set,
    has_lines_beside,
    recognise,
    shape_or_none,
)
from ecommerce.importing.shape import JOINED, NOT_NEEDED, sentences_of
from ecommerce.importing.sources.streams import FileIdentity, SourceError, digest
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.progress import Progress, silent
from ecommerce.schema import prepare_database
from ecommerce.shop import read_shop

log = logging.getLogger(__name__)

DEFAULTS = ImportOptions()
NOTHING = "nothing of it was imported"


def import_paths(
    database: MongoDatabase,
    paths: Iterable[str | Path],
    *,
    progress: Progress = silent,
    options: ImportOptions = DEFAULTS,
) -> ImportReport:
    """Import files, folders and globs, catalog tables first. Importing the same again changes nothing.

    A file that cannot be read, or whose rows are mostly rejected, is reported with its error and the others go on.
    Raises InputError for a path that names nothing, ServiceError where the database cannot take the rows; what was
    imported until then is safe, and the same call goes on from there.
    """
    return import_files(database, plan(find_files(paths), options.mapping), progress=progress, options=options)


def plan(files: Iterable[Path], mapping: str | None = None) -> list[Path]:
    """The files in the order in which they are imported."""
    if mapping is not None:
        load_mapping(mapping)
    return sorted(files, key=lambda path: import_order(shape_or_none(path, mapping)))


def import_files(
    database: MongoDatabase,
    files: Iterable[Path],
    *,
    progress: Progress = silent,
    options: ImportOptions = DEFAULTS,
) -> ImportReport:
    """Import files one after the other, in the given order."""
    prepare_import(database)
    return ImportReport([import_file(database, path, progress=progress, options=options) for path in files])


def prepare_import(database: MongoDatabase) -> None:
    """What the database must hold before a file is imported. Safe to call at any time."""
    with_patience(lambda: prepare_database(database))
    with_patience(lambda: database[ORDERS].create_indexes([EXTERNAL_ID_INDEX]))
    with_patience(lambda: prepare_ledger(database))
    use_zone(read_shop(database).time_zone)


def import_file(
    database: MongoDatabase, path: Path, *, progress: Progress = silent, options: ImportOptions = DEFAULTS
) -> FileReport:
    """Import one file into a prepared database. Raises ServiceError where the database cannot take its rows."""
    path = path.absolute()
    report = FileReport(path)
    begun = time.monotonic()
    try:
        report.identity = FileIdentity.of(path)
        fingerprint = digest(path)
        shape = recognise(path, options.mapping, options.encoding)
        if shape is not None and shape.rows == JOINED and not has_lines_beside(path, options.mapping):
            raise SourceError(
                f"{path}: belongs to the lines of the mapping {shape.mapping}, which are not in its folder"
            )
    except SourceError as error:
        if isinstance(error, UnknownColumns) and options.mapping is None and beside_a_complete_set(path):
            report.rows_are = NOT_NEEDED
        else:
            report.error = _why_it_failed(report, error)
        ledger = FileLedger(database, path, "", None, options.flow_run)
        with_patience(ledger.open)
        with_patience(lambda: ledger.close(report))
        return report
    if shape is not None:
        log.info(
            "%s holds %s, as %s%s",
            path.name,
            shape.rows,
            shape.layout,
            f", mapping {shape.mapping}" * bool(shape.mapping),
        )
    ledger = FileLedger(database, path, fingerprint, shape and settle(path, shape), options.flow_run)
    with_patience(ledger.open)
    try:
        if shape is not None:
            report.rows_are, report.mapping = shape.rows, shape.mapping
        if shape is not None and shape.rows != JOINED:
            FileImport(database, ledger.shape or shape, ledger, report, options, progress).run(path)
    except (SourceError, TooManyRejected) as error:
        report.error = _why_it_failed(report, error)
    except BaseException as error:
        report.error = naming(path, str(error) or "stopped")
        error.add_note(report.when_stopped())
        with suppress(PyMongoError):
            ledger.close(report)
        raise
    report.forgotten += ledger.forgotten_rows
    for sentence in sentences_of(report.readings):
        log.info("%s: %s", path.name, sentence)
    report.rejected_earlier = with_patience(lambda: count_of_earlier_files(database, path, fingerprint))
    report.replaced = FileIdentity.of(path) != report.identity
    report.seconds = time.monotonic() - begun
    with_patience(lambda: ledger.close(report))
    return report


def _why_it_failed(report: FileReport, error: Exception) -> str:
    said = naming(report.path, error)
    return said if report.read or NOTHING in said else f"{said}; {NOTHING}"
