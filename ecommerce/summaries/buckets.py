"""The buckets of `orders_summary`: cells of a day, rollups of a day and of a month, in one or more parts that add up.

Because parts add up, a bucket is extended by inserting a document, whatever its size; `compact` puts parts together.
The `_id` is `<epoch>:<kind>:<first day>:<part>`, so a span of buckets is a range of `_id`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Literal, cast

import polars as pl
from bson import ObjectId
from pymongo.client_session import ClientSession

from ecommerce.mongo import Document, MongoDatabase
from ecommerce.summaries.reference import hour_of, time_of
from ecommerce.summaries.rollup import Rollup
from ecommerce.summaries.state import BUCKETS
from ecommerce.summaries.table import CellTable

Kind = Literal["cells", "day", "month"]
"""Cells of a day, rollup of a day, rollup of a month."""

PART_ROWS = 200_000
"""Most rows of one part: 2 to 6 MB, where a document may have 16."""

HOURS_PER_DAY = 24


def bucket_documents(epoch: str, cells: CellTable) -> Iterator[Document]:
    """Documents that add cells to their days and months."""
    part = str(ObjectId())
    for day, of_day in split_days(cells):
        yield from _cells_parts(epoch, day, part, of_day)
        yield {"_id": bucket_id(epoch, "day", day, part), "data": Rollup.of_cells(of_day).encode()}
    for month, of_month in split_months(cells):
        yield {"_id": bucket_id(epoch, "month", month, part), "data": Rollup.of_cells(of_month).encode()}


def cells_documents(epoch: str, day: datetime, cells: CellTable) -> Iterator[Document]:
    """Documents that hold the cells of one day."""
    return _cells_parts(epoch, day, str(ObjectId()), cells)


def rollup_document(epoch: str, kind: Kind, start: datetime, rollup: Rollup) -> Document:
    """The document that holds the rollup of one day or month."""
    return {"_id": bucket_id(epoch, kind, start, str(ObjectId())), "data": rollup.encode()}


def _cells_parts(epoch: str, start: datetime, part: str, cells: CellTable) -> Iterator[Document]:
    rows = max(cells.orders.height, cells.items.height)
    for number, offset in enumerate(range(0, rows, PART_ROWS)):
        piece = CellTable(cells.orders.slice(offset, PART_ROWS), cells.items.slice(offset, PART_ROWS))
        yield {"_id": bucket_id(epoch, "cells", start, f"{part}-{number}"), "data": piece.encode()}


def bucket_id(epoch: str, kind: Kind, start: datetime, part: str) -> str:
    """The `_id` of a part."""
    return f"{epoch}:{kind}:{start:%Y-%m-%d}:{part}"


def bucket_of(identity: str) -> tuple[str, Kind, datetime]:
    """Epoch, kind and first day of the bucket that a part belongs to."""
    epoch, kind, start, _ = identity.split(":")
    return epoch, cast(Kind, kind), datetime.strptime(start, "%Y-%m-%d").replace(tzinfo=UTC)


def parts_of(
    database: MongoDatabase,
    epoch: str,
    kind: Kind,
    start: datetime | None,
    end: datetime | None,
    session: ClientSession | None = None,
    only: str = "data",
) -> Iterator[tuple[datetime, Any]]:
    """First day and encoded data of every part of the buckets that begin in [start, end); None is open.

    `only` names a table of the data where the others are not needed.
    """
    prefix = f"{epoch}:{kind}:"
    query = {
        "_id": {
            "$gte": f"{prefix}{start:%Y-%m-%d}" if start else prefix,
            "$lt": f"{prefix}{end:%Y-%m-%d}" if end else f"{prefix}~",
        }
    }
    for document in database[BUCKETS].find(query, {only: 1}, session=session).sort("_id", 1):
        yield bucket_of(document["_id"])[2], document["data"]


def insert_buckets(database: MongoDatabase, documents: Iterator[Document], session: ClientSession | None = None) -> int:
    """Insert parts, a few at a time: they are large. Returns how many."""
    count = 0
    while batch := list(islice(documents, 50)):
        database[BUCKETS].insert_many(batch, ordered=False, session=session)
        count += len(batch)
    return count


def split_days(cells: CellTable) -> Iterator[tuple[datetime, CellTable]]:
    """The cells of each UTC day."""
    day = pl.col("hour") // HOURS_PER_DAY
    for index in _distinct(cells, day):
        hours = (index * HOURS_PER_DAY, (index + 1) * HOURS_PER_DAY)
        yield time_of(hours[0]), cells.within(*hours)


def split_months(cells: CellTable) -> Iterator[tuple[datetime, CellTable]]:
    """The cells of each UTC month."""
    days = _distinct(cells, pl.col("hour") // HOURS_PER_DAY)
    for month in sorted({month_of(time_of(day * HOURS_PER_DAY)) for day in days}):
        yield month, cells.within(hour_of(month), hour_of(next_month(month)))


def _distinct(cells: CellTable, key: pl.Expr) -> list[int]:
    keys = pl.concat([cells.orders.select(key.alias("key")), cells.items.select(key.alias("key"))])
    return keys["key"].unique().sort().to_list()


def month_of(time: datetime) -> datetime:
    """The beginning of a time's UTC month."""
    return time.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(month: datetime) -> datetime:
    """The beginning of the month after this one's."""
    return month_of(month.replace(day=1) + timedelta(days=31))
