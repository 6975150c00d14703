"""Where the archive's table is entered: an Iceberg JDBC catalog in Postgres, or in a SQLite file under home.

Spark's JVM and PyIceberg use the same one. Its name is a column of the catalog, so it is part of the table's address.
"""

from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import quote

from ecommerce.archive.errors import ArchiveError
from ecommerce.archive_location import archive_uri, catalog_file, embedded_catalog
from ecommerce.settings import Settings

if TYPE_CHECKING:
    from pyiceberg.catalog.sql import SqlCatalog
    from pyspark.sql import SparkSession
    from sqlalchemy.engine import URL

CATALOG = "archive"
"""The table is `archive.<database>.orders` in Spark."""

TABLE = "orders"

FILES = {"py-io-impl": "ecommerce.archive.files.ArchiveFiles"}
"""By what PyIceberg opens the files of the table."""


def catalog_url(settings: Settings) -> "URL":
    """The catalog's database: the setting, else the embedded Postgres, else a file under home."""
    from sqlalchemy.engine import URL, make_url

    if settings.catalog_uri is not None:
        return make_url(settings.catalog_uri.get_secret_value())
    if (embedded := embedded_catalog(settings)) is not None:
        return make_url(embedded)
    return URL.create("sqlite", database=str(catalog_file(settings)))


def described_catalog(settings: Settings) -> str:
    """The catalog for people, without a password."""
    return catalog_url(settings).render_as_string(hide_password=True)


def table_name(settings: Settings) -> str:
    """The table as Spark SQL names it."""
    return f"{CATALOG}.`{settings.database}`.{TABLE}"


def pyiceberg_catalog(settings: Settings) -> "SqlCatalog":
    """The catalog for PyIceberg; it opens files of HDFS and of folders without a JVM."""
    from pyiceberg.catalog.sql import SqlCatalog

    url = catalog_url(settings)
    if url.drivername == "sqlite":
        # A quoted URI in the URL: a `?` of the path would begin its options.
        address = f"sqlite:///file:{quote(_made(url.database))}?uri=true"
    else:
        _ensure_database(url)
        address = url.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)
    return SqlCatalog(CATALOG, uri=address, warehouse=archive_uri(settings), **FILES)


def entry_of(settings: Settings) -> dict[str, str]:
    """The key of the table's row in the catalog."""
    return {"catalog_name": CATALOG, "table_namespace": settings.database, "table_name": TABLE}


def metadata_location(settings: Settings) -> str | None:
    """The file that the catalog says describes the table; None where it has no table of the database."""
    from pyiceberg.catalog.sql import IcebergTables as Tables
    from sqlalchemy import select

    with pyiceberg_catalog(settings).engine.connect() as connection:
        return connection.scalar(select(Tables.metadata_location).filter_by(**entry_of(settings)))


def with_catalog(spark: "SparkSession", settings: Settings) -> "SparkSession":
    """A session of the same Spark whose catalog `archive` is that of the settings; the session itself if it has it."""
    options = _spark_options(settings)
    # Two threads that found a session without a catalog would both set theirs in it.
    with _ONE_AT_A_TIME:
        known = all(spark.conf.get(name, None) == value for name, value in options.items())
        return spark if known else _session(spark, tuple(options.items()))


_ONE_AT_A_TIME = Lock()


@lru_cache(maxsize=64)
def _session(spark: "SparkSession", options: tuple[tuple[str, str], ...]) -> "SparkSession":
    session = spark if spark.conf.get(f"{_PREFIX}.uri", None) is None else spark.newSession()
    for name, value in options:
        session.conf.set(name, value)
    return session


_PREFIX = f"spark.sql.catalog.{CATALOG}"


def _spark_options(settings: Settings) -> dict[str, str]:
    url = catalog_url(settings)
    options = {
        "": "org.apache.iceberg.spark.SparkCatalog",
        ".type": "jdbc",
        ".jdbc.schema-version": "V1",
        ".warehouse": archive_uri(settings),
        # What other processes commit is seen at once.
        ".cache-enabled": "false",
    }
    if url.drivername == "sqlite":
        options[".uri"] = f"jdbc:sqlite:file:{quote(_made(url.database))}"
    else:
        _ensure_database(url)
        port = f":{url.port}" if url.port else ""
        options[".uri"] = f"jdbc:postgresql://{url.host}{port}/{url.database}"
        options |= {".jdbc.user": url.username or "", ".jdbc.password": str(url.password or "")}
    return {_PREFIX + name: value for name, value in options.items()}


@lru_cache(maxsize=8)
def _ensure_database(url: "URL") -> None:
    """Create the database in Postgres where it is missing. Raises ArchiveError where the server cannot be reached."""
    import psycopg2
    from psycopg2 import errors, sql

    def connect(database: str | None) -> "psycopg2.extensions.connection":
        given = {"host": url.host, "port": url.port, "user": url.username, "password": url.password}
        return psycopg2.connect(dbname=database, connect_timeout=10, **given)

    try:
        try:
            connect(url.database).close()
        except psycopg2.OperationalError as error:
            if "does not exist" not in str(error):
                raise
            connection = connect("postgres")
            connection.autocommit = True
            with suppress(errors.DuplicateDatabase):
                connection.cursor().execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(url.database)))
            connection.close()
    except psycopg2.Error as error:
        shown = url.render_as_string(hide_password=True)
        raise ArchiveError(f"the archive's catalog {shown} cannot be used: {' '.join(str(error).split())}") from None


def _made(database: str | None) -> str:
    """The path of a SQLite catalog; its folder is made."""
    path = Path(database or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    return str(path)
