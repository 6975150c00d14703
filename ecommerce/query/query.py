"""Answers a question in SQL: what it may do, and at which moment it sees hot and archived orders."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from pymongo.errors import OperationFailure

from ecommerce.archive.days import damaged_days, named_days, wrongly_sized
from ecommerce.archive.errors import ArchiveError, failures_explained
from ecommerce.archive.view import ArchiveView, moment_now, open_view
from ecommerce.errors import InputError, ServiceError
from ecommerce.gate import require_known_format
from ecommerce.mongo import ORDERS, MongoDatabase, get_database
from ecommerce.query import sources
from ecommerce.query.views import ARCHIVED_PART, CATALOG_TABLES, HOT, PURGED, ROWS_OF, TABLES, views
from ecommerce.settings import Settings
from ecommerce.shop import DEFAULT_CURRENCY, read_shop
from ecommerce.summaries.history import WINDOW, moment_kept

if TYPE_CHECKING:
    import pyarrow as pa

MEMORY = "1GB"
"""What DuckDB holds; sorts and joins of more go to the disk."""

BATCH_ROWS = 10_000

_HISTORY_GONE = 239
"""SnapshotTooOld: MongoDB has not kept the moment that long."""

_OPTIONS = (
    f"SET memory_limit = '{MEMORY}'",
    "SET TimeZone = 'UTC'",
    "SET python_enable_replacements = false",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
)
_LOCK = ("SET enable_external_access = false", "SET lock_configuration = true")
"""From then on no file, no other database and no setting can be reached by SQL."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of an answer, which come as they are asked for."""

    as_of: datetime
    """The moment at which MongoDB and the archive were looked at."""
    schema: "pa.Schema"
    batches: "Iterator[pa.RecordBatch]"


@contextmanager
def ask(settings: Settings, sql: str, *, explain: bool = False) -> Iterator[Answer]:
    """The answer to one SELECT over hot and archived orders, each once, as of one moment; with `explain` DuckDB's plan.

    Memory is flat however many orders there are: hot ones go through a file, of the archive's files the columns that
    are needed are read. Raises InputError where the SQL is not one question that DuckDB understands, ArchiveError where
    the archive cannot be read, ServiceError where it took longer than MongoDB keeps the moment.
    """
    database = get_database(settings)
    require_known_format(database)
    with tempfile.TemporaryDirectory(prefix="ecommerce-query-") as folder, duckdb.connect() as connection:
        scratch = Path(folder)
        (scratch / "spilled").mkdir()
        for option in (*_OPTIONS, f"SET temp_directory = '{scratch / 'spilled'}'"):
            connection.execute(option)
        parts = _parts_of(sql)
        with failures_explained("reading the archive", "Nothing was changed."), _moment_kept(database, parts):
            as_of, view = _register(connection, settings, database, parts, scratch)
        for statement in views(parts, read_shop(database).currency):
            connection.execute(statement)
        for lock in _LOCK:
            connection.execute(lock)
        with _understood(view):
            reader = connection.sql(f"EXPLAIN {sql}" if explain else sql).to_arrow_reader(BATCH_ROWS)
        yield Answer(as_of, reader.schema, _batches(reader, view))


def _parts_of(sql: str) -> set[str]:
    """The parts that the answer is made of, found by asking the same of empty ones.

    Raises InputError where it is not one SELECT, or not one about the tables that there are.
    """
    with duckdb.connect() as empty, _understood():
        statements = empty.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise InputError("query: give one SELECT; it only reads, so nothing else is taken")
        for name, schema in sources.SCHEMAS.items():
            empty.register("none", schema.empty_table())
            empty.execute(f"CREATE TABLE {name} AS FROM none")
        empty.unregister("none")
        for statement in (*views(sources.SCHEMAS, DEFAULT_CURRENCY), *_OPTIONS, *_LOCK):
            empty.execute(statement)
        empty.sql(sql)
        parts = set(empty.get_table_names(sql))
    return parts | ({ARCHIVED_PART, PURGED} if HOT in parts else set())


_DAY = re.compile(r"order_time_day=(\d{4}-\d\d-\d\d)")
_UNREADABLE = re.compile(rf"stream registered as '{ARCHIVED_PART}' failed: (.*?)(?=: \[|\n|$)")
"""What DuckDB says where reading fails, up to the list of DataNodes or the traceback that follows."""
_EXCERPT = 200


@contextmanager
def _understood(view: ArchiveView | None = None) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        if found := _UNREADABLE.search(str(error)):
            raise ArchiveError(_unreadable(view, found[1])) from None
        raise InputError(f"query: {str(error).strip()}\nThere are the tables {', '.join(TABLES)}.") from None


def _unreadable(view: ArchiveView | None, said: str) -> str:
    """What of the archive cannot be read, and what to put back, from what the reader of its files says."""
    damaged = wrongly_sized(view) if view else []
    if view and not damaged and (found := _DAY.search(said)):
        day = date.fromisoformat(found[1])
        damaged = damaged_days(view, day, day)
    if damaged:
        return f"query: a file of the archive cannot be read: {named_days(damaged)} Nothing was changed"
    return (
        f"query: a file of the archive cannot be read ({said[:_EXCERPT]}). Nothing was changed; `ecommerce check` "
        "reads all files and names the day, its run, and what to put back (docs/backup.md)"
    )


@contextmanager
def _moment_kept(database: MongoDatabase, parts: set[str]) -> Iterator[None]:
    # An estimate does: it only says for how long a moment is kept.
    orders = database[ORDERS].estimated_document_count() if HOT in parts else 0
    try:
        with moment_kept(database, orders):
            yield
    except OperationFailure as error:
        if error.code != _HISTORY_GONE:
            raise
        raise ServiceError(
            f"reading the hot orders took longer than MongoDB keeps a moment: raise {WINDOW} "
            "(db.adminCommand({setParameter: 1, minSnapshotHistoryWindowInSeconds: 1800})), or archive more of them"
        ) from None


def _register(
    connection: duckdb.DuckDBPyConnection, settings: Settings, database: MongoDatabase, parts: set[str], scratch: Path
) -> tuple[datetime, ArchiveView | None]:
    """Have the connection know these parts as of one moment; returns that, and the archive as it is then."""
    view = open_view(settings, at_one_moment=True) if ARCHIVED_PART in parts else None
    moment = view.moment if view and view.moment else moment_now(database)
    if HOT in parts:
        connection.register(HOT, sources.hot_rows(database, moment, scratch))
    if view:
        try:
            connection.register(ARCHIVED_PART, sources.archived_rows(view))
        except FileNotFoundError as error:  # on HDFS each file is opened here
            raise ArchiveError(_unreadable(view, str(error))) from None
        connection.register(PURGED, sources.purged_rows(view, scratch))
    for table in CATALOG_TABLES:
        if f"{ROWS_OF}{table}" in parts:
            connection.register(f"{ROWS_OF}{table}", sources.catalog_rows(database, table, moment, scratch))
    return datetime.fromtimestamp(moment["atClusterTime"].time, UTC), view


def _batches(reader: "pa.RecordBatchReader", view: ArchiveView | None) -> "Iterator[pa.RecordBatch]":
    with failures_explained("reading the archive", "Nothing was changed."), _understood(view):
        yield from reader
