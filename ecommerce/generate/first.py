"""What a newcomer finds: a growing shop with half a year of history, made in seconds at the first start."""

from datetime import UTC, datetime, timedelta

from ecommerce.generate.into_mongodb.advance import advance_life
from ecommerce.generate.into_mongodb.catalog_store import ensure_catalog
from ecommerce.generate.into_mongodb.store import store_windows
from ecommerce.generate.model.catalog import CatalogSpec
from ecommerce.generate.model.windows import hour
from ecommerce.mongo import MongoDatabase
from ecommerce.progress import Progress, silent
from ecommerce.schema import prepare_database

DAYS = 184
"""The dashboard's longest span, 90 days, and the one before it, with which it is compared."""
ORDERS_AN_HOUR = 40
"""Of the last hour, when demand is average; half as many at the beginning."""
SEED = 1
FIRST_CATALOG = CatalogSpec(seed=SEED, locale="en_US", preset="marketplace", users=20_000, products=500)


def first_start(database: MongoDatabase, progress: Progress = silent, days: int = DAYS) -> int:
    """Make a small catalog and the orders of the last days, 130 000 of half a year; the number of orders added.

    The orders are those of the schedule's hours, with its default seed and size, so that the hourly deployment goes on
    where this ends. Safe to run again: only hours that are missing are added.
    """
    prepare_database(database)
    spec = ensure_catalog(database, FIRST_CATALOG, progress)
    now = datetime.now(UTC)
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    windows = [
        hour(this_hour - timedelta(hours=back), _orders_an_hour(back), seed=SEED, preset=FIRST_CATALOG.preset)
        for back in range(days * 24, -1, -1)
    ]
    added = store_windows(database, spec, windows, now, progress).accepted
    advance_life(database, now)
    return added


def _orders_an_hour(hours_ago: int) -> int:
    return round(ORDERS_AN_HOUR * 2 ** (-hours_ago / (DAYS * 24)))
