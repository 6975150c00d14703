"""Reads what a span's figures are made of: whole months and days from rollups, the hours at its ends from cells."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import polars as pl
from bson import Int64
from pymongo.client_session import ClientSession

from ecommerce.kpis.question import Filters, Span
from ecommerce.mongo import MongoDatabase, is_replica_set
from ecommerce.summaries.buckets import HOURS_PER_DAY, month_of, next_month, parts_of
from ecommerce.summaries.encoding import decode_frame
from ecommerce.summaries.rollup import TABLES, Rollup
from ecommerce.summaries.state import DELTAS, State, load_state
from ecommerce.summaries.table import ITEM_SCHEMA, ORDER_SCHEMA, CellTable, summed

GATHERED = 32
"""Parts decoded before they are summed up: few enough for flat memory, enough that summing costs little."""

DAY = timedelta(days=1)


@dataclass(frozen=True, eq=False)
class Loaded:
    """The rollup of a span and filters, and the state whose figures it holds."""

    rollup: Rollup
    state: State


def load_rollup(database: MongoDatabase, span: Span, filters: Filters, *, hourly: bool) -> Loaded | None:
    """Sum up a span at one moment; None where there are no summaries yet.

    `hourly` keeps the timeline by the hour, else it is by the day. Without filters on orders this reads a document per
    month and per day of a begun month, with them one per day.
    """
    snapshot = is_replica_set(database)
    while True:
        with database.client.start_session(snapshot=snapshot) as session:
            state = load_state(database, session)
            if state is None:
                return None
            parts = _parts(database, state, span, filters, session)
            rollup = _summed(_coarse(part) if not hourly else part for part in parts)
        # Without snapshots a rebuild may have replaced the buckets while they were read.
        if snapshot or (now := load_state(database)) is None or now.epoch == state.epoch:
            return Loaded(rollup, state)


def rollup_of(cells: CellTable, span: Span, filters: Filters, *, hourly: bool) -> Rollup:
    """What cells add to a span's rollup."""
    part = Rollup.of_cells(chosen(cells.within(span.start_hour, span.end_hour), filters))
    return part if hourly else _coarse(part)


def chosen(cells: CellTable, filters: Filters) -> CellTable:
    """The cells that pass the filters on orders. Items carry none of those dimensions and stay."""
    condition = pl.lit(True)
    for column, values in (
        ("payment_type", filters.payment_types),
        ("status", filters.statuses),
        ("courier_id", filters.courier_ids),
        ("location", filters.locations),
    ):
        if values:
            condition &= pl.col(column).is_in(list(values))
    return replace(cells, orders=cells.orders.filter(condition)) if filters.choose_orders else cells


def _parts(
    database: MongoDatabase, state: State, span: Span, filters: Filters, session: ClientSession
) -> Iterator[Rollup]:
    compacted = {"_id": {"$gt": Int64(state.compacted_seq), "$lte": Int64(state.seq)}}
    for delta in database[DELTAS].find(compacted, {"data": 1}, session=session).sort("_id", 1):
        yield rollup_of(CellTable.decode(delta["data"]), span, filters, hourly=True)

    def read(kind: str, start: datetime | None, end: datetime | None) -> Iterator[Rollup]:
        if kind == "cells":
            for _, data in parts_of(database, state.epoch, "cells", start, end, session):
                yield rollup_of(CellTable.decode(data), span, filters, hourly=True)
        elif not filters.choose_orders:
            for _, data in parts_of(database, state.epoch, kind, start, end, session):  # type: ignore[arg-type]
                yield Rollup.decode(data)
        else:
            yield from _filtered(database, state, kind, start, end, filters, session)

    for kind, start, end in _cover(span):
        yield from read(kind, start, end)


def _filtered(
    database: MongoDatabase,
    state: State,
    kind: str,
    start: datetime | None,
    end: datetime | None,
    filters: Filters,
    session: ClientSession,
) -> Iterator[Rollup]:
    """Whole days or months under filters on orders: orders from the cells of days, items from the rollups."""
    no_items = pl.DataFrame(schema=ITEM_SCHEMA)
    for _, data in parts_of(database, state.epoch, "cells", start, end, session, only="data.orders"):
        cells = CellTable(decode_frame(data["orders"], ORDER_SCHEMA), no_items)
        yield Rollup.of_cells(chosen(cells, filters))
    none = Rollup.of_cells(CellTable.empty()).tables
    dimensions, measures = TABLES["product"]
    for _, data in parts_of(database, state.epoch, kind, start, end, session, only="data.product"):  # type: ignore[arg-type]
        yield Rollup({**none, "product": decode_frame(data["product"], dimensions | measures)})


def _cover(span: Span) -> Iterator[tuple[str, datetime | None, datetime | None]]:
    """Kinds and ranges of buckets that make up a span: cells where days are cut, day and month rollups between."""
    start, end = span.start, span.end
    first_day = _ceiled(start, DAY) if start else None
    last_day = _floored(end) if end else None
    if first_day and last_day and first_day > last_day:  # within one day
        yield "cells", last_day, first_day
        return
    if start and first_day and start < first_day:
        yield "cells", first_day - DAY, first_day
    if end and last_day and last_day < end:
        yield "cells", last_day, last_day + DAY
    first_month = _ceiled_month(first_day) if first_day else None
    last_month = month_of(last_day) if last_day else None
    if first_month and last_month and first_month >= last_month:
        yield "day", first_day, last_day
        return
    if first_day and first_month and first_day < first_month:
        yield "day", first_day, first_month
    if last_day and last_month and last_month < last_day:
        yield "day", last_month, last_day
    yield "month", first_month, last_month


def _floored(time: datetime) -> datetime:
    return time.replace(hour=0)


def _ceiled(time: datetime, step: timedelta) -> datetime:
    return time if time == _floored(time) else _floored(time) + step


def _ceiled_month(day: datetime) -> datetime:
    return day if day.day == 1 else next_month(day)


def _summed(parts: Iterator[Rollup]) -> Rollup:
    gathered: list[Rollup] = []
    for part in parts:
        gathered.append(part)
        if len(gathered) >= GATHERED:
            gathered = [Rollup.sum_of(gathered)]
    return Rollup.sum_of(gathered)


def _coarse(rollup: Rollup) -> Rollup:
    """The rollup with its timeline by the day."""
    hour = pl.col("hour")
    days = rollup.tables["hour"].with_columns(hour - hour % HOURS_PER_DAY)
    return Rollup({**rollup.tables, "hour": summed(days, *TABLES["hour"])})
