"""What a newcomer finds: a small shop with a few days of history, made in seconds at the first start."""

from datetime import UTC, datetime, timedelta

from ecommerce.generate.into_mongodb.advance import advance_life
from ecommerce.generate.into_mongodb.catalog_store import ensure_catalog
from ecommerce.generate.into_mongodb.store import store_windows
from ecommerce.generate.model.catalog import CatalogSpec
from ecommerce.generate.model.windows import hour
from ecommerce.mongo import MongoDatabase
from ecommerce.progress import Progress, silent
from ecommerce.schema import prepare_database

DAYS = 5
ORDERS_AN_HOUR = 40
SEED = 1
FIRST_CATALOG = CatalogSpec(seed=SEED, locale="en_US", preset="marketplace", users=2_000, products=500)


def first_start(database: MongoDatabase, progress: Progress = silent) -> int:
    """Make a small catalog and about five thousand orders of the last five days; the number of orders added.

    The orders are those of the schedule's hours, with its default seed and size, so that the hourly deployment goes on
    where this ends. Safe to run again: only hours that are missing are added.
    """
    prepare_database(database)
    spec = ensure_catalog(database, FIRST_CATALOG, progress)
    now = datetime.now(UTC)
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    windows = [
        hour(this_hour - timedelta(hours=back), ORDERS_AN_HOUR, seed=SEED, preset=FIRST_CATALOG.preset)
        for back in range(DAYS * 24, -1, -1)
    ]
    added = store_windows(database, spec, windows, now, progress).accepted
    advance_life(database, now)
    return added
