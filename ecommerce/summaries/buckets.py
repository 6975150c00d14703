"""The buckets of `summaries_cells`: per month of the shop its cells and its rollup, each in parts that add up.

Because parts add up, a bucket is extended by inserting a document, whatever its size; `compact` puts small parts
together. A part of cells is a stretch of hours of its month, so that a day of a busy month is read without the rest,
and five years of a quiet shop are sixty documents. The `_id` is `<epoch>:<kind>:<month>:<part>`: a span of months is a
range of it.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from functools import partial
from itertools import islice
from typing import Any, Literal, cast

import numpy as np
import polars as pl
from bson import Int64, ObjectId
from pymongo.client_session import ClientSession

from ecommerce.hours import Hours, next_month, seconds_of, time_of
from ecommerce.mongo import Document, MongoDatabase
from ecommerce.summaries.cells.promises import settled_before
from ecommerce.summaries.cells.rollup import Rollup
from ecommerce.summaries.cells.table import CellTable
from ecommerce.summaries.state import BUCKETS, DELTAS, State

Kind = Literal["cells", "rollup"]

PART_ROWS = 40_000
"""Cells of one part, about a day of 20 000 orders and 0.5 MB. An hour with more is cut too."""

INSERTED_AT_ONCE = 20


def bucket_documents(epoch: str, cells: CellTable, hours: Hours) -> Iterator[Document]:
    """Documents that add cells to their months."""
    for month, of_month in split_months(cells.settled(settled_before()), hours):
        yield from cells_documents(epoch, month, of_month)
        yield rollup_document(epoch, month, Rollup.of_cells(of_month, settled_before()))


def cells_documents(epoch: str, month: date, cells: CellTable) -> Iterator[Document]:
    """Documents that hold cells of one month, by stretches of hours."""
    part = ObjectId()
    for number, piece in enumerate(_pieces(cells)):
        hours = piece.hours()
        yield {
            "_id": bucket_id(epoch, "cells", month, f"{part}-{number}"),
            "first_hour": hours.min(),
            "last_hour": hours.max(),
            "data": piece.encode(),
        }


def rollup_document(epoch: str, month: date, rollup: Rollup) -> Document:
    """The document that holds a rollup of one month."""
    judged = rollup.due(settled_before())
    return {"_id": bucket_id(epoch, "rollup", month, str(ObjectId())), "data": judged.encode()}


def bucket_id(epoch: str, kind: Kind, month: date, part: str) -> str:
    """The `_id` of a part."""
    return f"{epoch}:{kind}:{month:%Y-%m}:{part}"


def bucket_of(identity: str) -> tuple[str, Kind, date]:
    """Epoch, kind and month of the bucket that a part belongs to."""
    epoch, kind, month, _ = identity.split(":")
    return epoch, cast(Kind, kind), date.fromisoformat(f"{month}-01")


def rollup_parts(  # noqa: PLR0913 - which parts, and what of them
    database: MongoDatabase,
    epoch: str,
    start: date | None,
    end: date | None,
    session: ClientSession | None = None,
    only: tuple[str, ...] = ("data",),
    collection: str = BUCKETS,
) -> Iterator[tuple[date, Any]]:
    """Month and encoded rollup of every part in the months [start, end), by their first days; None is open.

    `only` names tables of the data where the others are not needed. They come by the month.
    """
    query = {"_id": _months(epoch, "rollup", start, end)}
    for document in database[collection].find(query, dict.fromkeys(only, 1), session=session).sort("_id", 1):
        yield bucket_of(document["_id"])[2], document["data"]


def cells_parts(
    database: MongoDatabase,
    state: State,
    start: datetime | None,
    end: datetime | None,
    session: ClientSession | None = None,
    only: tuple[str, ...] = ("data",),
) -> Iterator[Any]:
    """Encoded cells of every part that has hours in [start, end); parts at the ends have others too."""
    first, last = (moment and state.hours.month_of(moment) for moment in (start, end))
    query: dict[str, Any] = {"_id": _months(state.epoch, "cells", first, last and next_month(last))}
    if start is not None:
        query["last_hour"] = {"$gte": seconds_of(start)}
    if end is not None:
        query["first_hour"] = {"$lt": seconds_of(end)}
    for document in database[BUCKETS].find(query, dict.fromkeys(only, 1), session=session):
        yield document["data"]


def deltas_of(database: MongoDatabase, state: State, session: ClientSession | None = None) -> Iterator[CellTable]:
    """The deltas that are not in the buckets yet, in turn."""
    later = {"_id": {"$gt": Int64(state.compacted_seq), "$lte": Int64(state.seq)}}
    for delta in database[DELTAS].find(later, {"data": 1}, session=session).sort("_id", 1):
        yield CellTable.decode(delta["data"])


def months_kept(database: MongoDatabase, epoch: str, session: ClientSession | None = None) -> list[date]:
    """The months that have any part."""
    parts = database[BUCKETS].find({"_id": ids_of(epoch)}, {"_id": 1}, session=session)
    return sorted({bucket_of(part["_id"])[2] for part in parts})


def ids_of(epoch: str) -> dict[str, str]:
    """The condition for the `_id`s of all parts of an epoch."""
    return {"$gte": f"{epoch}:", "$lt": f"{epoch}:~"}


def _months(epoch: str, kind: Kind, start: date | None, end: date | None) -> dict[str, str]:
    prefix = f"{epoch}:{kind}:"
    return {
        "$gte": f"{prefix}{start:%Y-%m}" if start else prefix,
        "$lt": f"{prefix}{end:%Y-%m}" if end else f"{prefix}~",
    }


def insert_buckets(
    database: MongoDatabase, documents: Iterable[Document], session: ClientSession | None = None
) -> None:
    """Insert parts, a few at a time: they are large."""
    parts = iter(documents)
    while batch := list(islice(parts, INSERTED_AT_ONCE)):
        database[BUCKETS].insert_many(batch, ordered=False, session=session)


def split_months(cells: CellTable, hours: Hours) -> Iterator[tuple[date, CellTable]]:
    """The cells of each month, by its first day, sorted by the hour."""
    ordered = cells.mapped(lambda frame: frame.sort("hour"))
    starts = ordered.hours().unique().sort().to_numpy()
    for start in np.unique(hours.month_starts(starts)).tolist():
        month = hours.month_of(time_of(start))
        yield month, _slice(ordered, start, seconds_of(hours.day_start(next_month(month))))


def _pieces(cells: CellTable) -> Iterator[CellTable]:
    """Cells sorted by the hour, cut between hours into pieces of about PART_ROWS rows."""
    ordered = cells.mapped(lambda frame: frame.sort("hour"))
    hours = np.sort(ordered.hours().to_numpy())
    while len(hours):
        first = int(hours[0])
        last = int(hours[min(PART_ROWS, len(hours)) - 1])
        # Up to the hour in which the piece is full; that hour is in it only where it is the first one.
        end = last if len(hours) > PART_ROWS and last > first else last + 1
        piece = _slice(ordered, first, end)
        rows = max(frame.height for frame in piece.frames)
        for offset in range(0, rows, PART_ROWS):
            yield piece.mapped(partial(pl.DataFrame.slice, offset=offset, length=PART_ROWS))
        hours = hours[np.searchsorted(hours, end) :]


def _slice(ordered: CellTable, first_hour: int, end_hour: int) -> CellTable:
    """The cells of hours that begin in [first_hour, end_hour) of tables that are sorted by the hour."""

    def cut(frame: pl.DataFrame) -> pl.DataFrame:
        start, end = np.searchsorted(frame["hour"].to_numpy(), [first_hour, end_hour])
        return frame.slice(int(start), int(end - start))

    return ordered.mapped(cut)
