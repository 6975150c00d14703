"""Reads what a span's figures are made of: whole months from their rollups, what lies at its ends from cells."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

import polars as pl
from bson import Int64
from pymongo.client_session import ClientSession

from ecommerce.documents.statuses import canonical
from ecommerce.kpis.question import Filters, Span
from ecommerce.mongo import MongoDatabase, is_replica_set
from ecommerce.summaries.buckets import HOURS_PER_DAY, cells_parts, month_of, next_month, rollup_parts
from ecommerce.summaries.cells.encoding import decode_frame
from ecommerce.summaries.cells.rollup import PRODUCT, TABLES, Rollup, is_misread
from ecommerce.summaries.cells.table import ITEM_SCHEMA, CellTable, decode_orders, summed
from ecommerce.summaries.state import DELTAS, State, load_state

GATHERED = 32
"""Parts decoded before they are summed up: few enough for flat memory, enough that summing costs little."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """The rollup of a span and filters, and the state whose figures it holds."""

    rollup: Rollup
    state: State


def load_rollup(database: MongoDatabase, span: Span, filters: Filters, *, hourly: bool) -> Loaded | None:
    """Sum up a span at one moment; None where there are no summaries yet.

    `hourly` keeps the timeline by the hour, else it is by the day. Without filters on orders this costs a document per
    month and the cells of begun months, with them the cells of the span.
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
        ("status", set(map(canonical, filters.statuses))),
        ("courier_id", filters.courier_ids),
        ("location", filters.locations),
    ):
        if values:
            condition &= pl.col(column).is_in(list(values))
    return replace(cells, orders=cells.orders.filter(condition)) if filters.choose_orders else cells


def _parts(  # noqa: C901 - the kinds of part, one after the other
    database: MongoDatabase, state: State, span: Span, filters: Filters, session: ClientSession
) -> Iterator[Rollup]:
    compacted = {"_id": {"$gt": Int64(state.compacted_seq), "$lte": Int64(state.seq)}}
    for delta in database[DELTAS].find(compacted, {"data": 1}, session=session).sort("_id", 1):
        yield rollup_of(CellTable.decode(delta["data"]), span, filters, hourly=True)
    months, ends = _cover(span)
    for start, end in ends:
        for data in cells_parts(database, state.epoch, start, end, session):
            yield rollup_of(CellTable.decode(data), Span(start, end), filters, hourly=True)
    if months is None:
        return
    if not filters.choose_orders:
        for month, parts in _rollups(database, state, months, session):
            if any(map(is_misread, parts)):
                yield from (
                    rollup_of(CellTable.decode(data), Span(), filters, hourly=True)
                    for data in cells_parts(database, state.epoch, month, next_month(month), session)
                )
            else:
                yield from map(Rollup.decode, parts)
        return
    # Under filters on orders: the orders from cells, the items, which do not obey them, from the rollups.
    no_items = pl.DataFrame(schema=ITEM_SCHEMA)
    for data in cells_parts(database, state.epoch, *months, session, only=("data.orders",)):
        yield rollup_of(CellTable(decode_orders(data["orders"]), no_items), Span(*months), filters, hourly=True)
    none = Rollup.of_cells(CellTable.empty()).tables
    for month, parts in _rollups(database, state, months, session, only=(f"data.{PRODUCT}", "data.status")):
        if any(map(is_misread, parts)):
            for data in cells_parts(database, state.epoch, month, next_month(month), session):
                of_items = Rollup.of_cells(CellTable.decode(data)).tables[PRODUCT]
                yield Rollup({**none, PRODUCT: of_items})
        else:
            for data in parts:
                yield Rollup({**none, PRODUCT: decode_frame(data[PRODUCT], *TABLES[PRODUCT])})


def _rollups(
    database: MongoDatabase,
    state: State,
    months: "Range",
    session: ClientSession,
    only: tuple[str, ...] = ("data",),
) -> Iterator[tuple[datetime, list[Any]]]:
    """The encoded rollups of each month. Where one of them is misread, the month's cells take the place of all."""
    found = rollup_parts(database, state.epoch, *months, session, only=only)
    for month, parts in groupby(found, key=itemgetter(0)):
        yield month, [data for _, data in parts]


Range = tuple[datetime | None, datetime | None]


def _cover(span: Span) -> tuple[Range | None, list[Range]]:
    """The whole months in a span, and what of it lies before and after them."""
    start, end = span.start, span.end
    first = start if start is None or start == month_of(start) else next_month(start)
    last = None if end is None else month_of(end)
    if first is not None and last is not None and first >= last:
        if first > last:
            return None, [(start, end)]
        return None, [(begin, finish) for begin, finish in ((start, first), (last, end)) if begin != finish]
    ends = [(start, first)] if start != first else []
    return (first, last), ends + ([(last, end)] if end != last else [])


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
