"""What an order takes: its BSON, and on MongoDB's disk while it is hot and once it is archived. For docs/scaling.md."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from bson import Int64

from benchmarks.bench_generate import MOMENT, a_window
from benchmarks.common import CATALOG, Result, a_mongod, main
from ecommerce.archive.runs import prepare_archive
from ecommerce.generate.into_mongodb.catalog_store import ensure_catalog
from ecommerce.generate.into_mongodb.store import store_windows
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, MongoDatabase

BATCH = 10_000
RUNS = 30
"""Archive runs that the entries come from."""


def run(quick: bool) -> Iterator[Result]:
    """Sizes per order, of a million of them (quick: 20 000)."""
    orders = 20_000 if quick else 1_000_000
    with a_mongod() as database:
        prepare_archive(database)
        ensure_catalog(database, CATALOG)
        store_windows(database, CATALOG, [a_window(orders)], MOMENT)
        documents, disk, indexes = _bytes_each(database, ORDERS)
        yield Result("a hot order: BSON", documents, "bytes")
        yield Result("a hot order: on MongoDB's disk", disk, "bytes", "", "compressed")
        yield Result("a hot order: indexes", indexes, "bytes")
        _enter_as_archived(database, orders)
        _, disk, indexes = _bytes_each(database, ARCHIVED_ORDERS)
        yield Result("an archived order: its entry in MongoDB", disk + indexes, "bytes", "", "with indexes")


def _bytes_each(database: MongoDatabase, collection: str) -> list[float]:
    """Bytes per document: as BSON, on disk, in indexes. Files have their sizes after a checkpoint."""
    database.client.admin.command("fsync")
    found = database.command("collStats", collection)
    return [found[size] / found["count"] for size in ("size", "storageSize", "totalIndexSize")]


def _enter_as_archived(database: MongoDatabase, orders: int) -> None:
    """The entries that the archiver's purge writes, a day and a run after the other."""
    first_day = datetime(2026, 1, 1, tzinfo=UTC)
    entries = (
        {
            "_id": document["_id"],
            # As even as a hash.
            "content_hash": Int64((document["_id"] * 0x9E3779B97F4A7C15) % 2**64 - 2**63),
            "order_date": first_day + timedelta(days=number * RUNS // orders),
            "run_id": f"20260{1 + number * RUNS // orders:03d}T023000-4f1d2c",
        }
        for number, document in enumerate(database[ORDERS].find({}, {"_id": 1}).sort("_id", 1))
    )
    while batch := list(islice(entries, BATCH)):
        database[ARCHIVED_ORDERS].insert_many(batch, ordered=False)


if __name__ == "__main__":
    main("Sizes", run)
