"""Restore: archived days come back into `orders_restored`, byte for byte the documents that were archived."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from bson.raw_bson import RawBSONDocument
from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError

from ecommerce.archive.days import Damage, damage_of, day_tables, named_days
from ecommerce.archive.encoded_orders import documents_of
from ecommerce.archive.errors import ArchiveError, failures_explained
from ecommerce.archive.hot import hot_orders
from ecommerce.archive.rows import HASH_COLUMN
from ecommerce.archive.run import ARCHIVE_SUMMARY
from ecommerce.archive.view import ArchiveView, open_view
from ecommerce.documents.stored import readable_order
from ecommerce.errors import InputError
from ecommerce.gate import require_known_format
from ecommerce.mongo import MongoDatabase, get_database
from ecommerce.progress import Progress, silent
from ecommerce.readable import counted
from ecommerce.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

ORDERS_RESTORED = "orders_restored"

BATCH_ORDERS = 5_000

WRITERS = 2
"""Batches that are written at once."""

_DUPLICATE_KEY = 11000


def restore_orders(settings: Settings, start: date, end: date, progress: Progress = silent) -> int:
    """Bring archived orders of the days [start, end] into `orders_restored`; returns how many there are.

    Run again it writes the same documents. Orders that somebody corrected there are overwritten. `orders` stays as is.
    Days whose files are not what was archived are left out whole, and end it with an ArchiveError once the others are
    there. Raises InputError where end is before start, ArchiveError where archive or MongoDB cannot be read or written.
    """
    check_days(start, end)
    database = get_database(settings)
    require_known_format(database)
    restored = 0
    damaged: list[Damage] = []
    with failures_explained("restoring", "The archive and `orders` were not touched; run it again."):
        with ThreadPoolExecutor(WRITERS, thread_name_prefix="restore") as writers:
            writing: list[Future[int]] = []
            # A day is written while the next one is read.
            for found in _days(settings, start, end):
                for written in writing:
                    restored += written.result()
                    progress(restored, None, "orders")
                writing = []
                if isinstance(found, Damage):
                    damaged.append(found)
                else:
                    writing = [writers.submit(_write, database, batch) for batch in found]
        if damaged:
            rest = f"{counted(restored, 'order')} of the other days can be looked at in {ORDERS_RESTORED}"
            raise ArchiveError(f"{named_days(damaged)} {rest}; no order of the damaged ones is there")
    return restored


def _days(settings: Settings, start: date, end: date) -> Iterator[list[list[bytes]] | Damage]:
    """The documents of each day in batches, or what is wrong with it; after the last one an empty day."""
    view = open_view(settings)
    for day, rows in day_tables(view, start, end):
        yield rows if isinstance(rows, Damage) else _as_written(view, day, rows)
    yield []


def _as_written(view: ArchiveView, day: date, rows: "pa.Table") -> list[list[bytes]] | Damage:
    """The documents, if each has the content that its hash says: what checksums of pages do not show."""
    batches = []
    for at in range(0, len(rows), BATCH_ORDERS):
        part = rows.slice(at, BATCH_ORDERS)
        documents = documents_of(part)
        hot = hot_orders(documents, readable_order)
        if len(differing := np.flatnonzero(hot.hashes != part[HASH_COLUMN].to_numpy())):
            return damage_of(view, day, f"order {hot.ids[differing[0]]} has another content than was written")
        batches.append(documents)
    return batches


def check_days(start: date, end: date) -> None:
    """Raise InputError where these are no days from a first to a last one."""
    if end < start:
        raise InputError(f"restore: the last day {end} is before the first day {start}")


def newest_archived_day(database: MongoDatabase) -> date | None:
    """The last day of which orders are archived; None where there is none."""
    newest = database[ARCHIVE_SUMMARY].find_one({}, {"order_date": 1}, sort=[("order_date", -1)])
    return newest["order_date"].date() if newest else None


def _write(database: MongoDatabase, batch: Sequence[bytes]) -> int:
    """Insert, then replace what is there already: inserting is 16 times as fast as an upsert of new documents."""
    documents = [RawBSONDocument(document) for document in batch]
    collection: Any = database[ORDERS_RESTORED]
    try:
        collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        failed = error.details["writeErrors"]
        if any(one["code"] != _DUPLICATE_KEY for one in failed):
            raise ArchiveError(f"{ORDERS_RESTORED} refuses an order: {failed[0]['errmsg'][:200]}") from None
        there = [documents[one["index"]] for one in failed]
        collection.bulk_write([ReplaceOne({"_id": one["_id"]}, one) for one in there], ordered=False)
    return len(batch)
