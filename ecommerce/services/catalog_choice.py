"""Where the catalog of a home's archive is: in the embedded Postgres, else in a SQLite file. Decided once per home."""

from ecommerce.archive_location import catalog_file, record_embedded_catalog
from ecommerce.services.postgres import database_uri, why_no_postgres
from ecommerce.settings import Settings

DATABASE = "archive"


def catalog_in_postgres(settings: Settings) -> bool:
    """Whether the catalog needs the embedded Postgres.

    Not where the settings name another one, nor where a catalog was begun in the file: the table would be left behind.
    """
    if settings.catalog_uri is not None or catalog_file(settings).exists():
        return False
    return why_no_postgres(settings.home_directory) is None


def record_catalog(settings: Settings) -> None:
    """Have every process of this home know the catalog; the embedded Postgres runs."""
    record_embedded_catalog(settings, database_uri(settings.home_directory, DATABASE))
