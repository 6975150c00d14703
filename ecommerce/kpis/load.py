"""Reads what a span's figures are made of: whole months from their rollups, what lies at its ends from cells."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

import polars as pl
from pymongo.client_session import ClientSession

from ecommerce.documents.statuses import canonical
from ecommerce.hours import Hours, next_month
from ecommerce.kpis.question import Filters, Span
from ecommerce.mongo import MongoDatabase, is_replica_set
from ecommerce.summaries.buckets import cells_parts, deltas_of, rollup_parts
from ecommerce.summaries.cells.encoding import decode_frame
from ecommerce.summaries.cells.rollup import PRODUCT, SALES, TABLES, Rollup, is_misread
from ecommerce.summaries.cells.table import CellTable
from ecommerce.summaries.state import State, load_state

UNFILTERED = (PRODUCT, SALES)
"""Tables that do not know what orders are filtered by."""

TIMELINES = ("hour", SALES)
"""Tables that have a row for each hour."""

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
            span.require_whole(state.hours)
            parts = _parts(database, state, span, filters, session)
            rollup = _summed(parts, None if hourly else state.hours)
        # Without snapshots a rebuild may have replaced the buckets while they were read.
        if snapshot or (now := load_state(database)) is None or now.epoch == state.epoch:
            return Loaded(rollup, state)


def rollup_of(cells: CellTable, span: Span, filters: Filters) -> Rollup:
    """What cells add to a span's rollup, to be summed up with it."""
    return Rollup.of_cells(_chosen(cells, span, filters))


def rows_of(cells: CellTable, span: Span, filters: Filters, daily: Hours | None, before_ms: int) -> Rollup:
    """The same at a moment, in rows that are not summed up yet; with `daily` by the days of these hours."""
    part = Rollup.rows_of(_chosen(cells, span, filters), before_ms)
    return _with_days(part, daily) if daily else part


def _chosen(cells: CellTable, span: Span, filters: Filters) -> CellTable:
    """The cells of a span that pass the filters on orders. Items and sales carry none of those dimensions and stay."""
    chosen: dict[str, Iterable[Any]] = {
        "payment_type": filters.payment_types,
        "status": set(map(canonical, filters.statuses)),
        "courier_id": filters.courier_ids,
        "location": filters.locations,
    }
    cells = cells.within(span.start, span.end)
    wanted = [pl.col(column).is_in(list(values)) for column, values in chosen.items() if values]
    if not wanted:
        return cells
    return replace(cells, orders=cells.orders.filter(wanted), promises=cells.promises.filter(wanted))


def _parts(
    database: MongoDatabase, state: State, span: Span, filters: Filters, session: ClientSession
) -> Iterator[Rollup]:
    deltas = deltas_of(database, state, session)
    while several := list(islice(deltas, GATHERED)):  # a rollup of each took 4 ms, as long as all the rest of a delta
        yield rollup_of(CellTable.sum_of(several), span, filters)
    months, ends = _cover(span, state.hours)
    for start, end in ends:
        for data in cells_parts(database, state, start, end, session):
            yield rollup_of(CellTable.decode(data), Span(start, end), filters)
    if months is None:
        return
    if not filters.choose_orders:
        yield from map(Rollup, _rollups(database, state, months, session, tuple(TABLES)))
        return
    # Under filters on orders: the orders from cells, the items, which do not obey them, from the rollups.
    nothing = CellTable.empty()
    encoded = nothing.encode()
    instants = _instants(months, state.hours)
    for data in cells_parts(database, state, *instants, session, only=("data.orders", "data.promises")):
        yield rollup_of(CellTable.decode(encoded | data), Span(*instants), filters)
    none = Rollup.of_cells(nothing).tables
    for tables in _rollups(database, state, months, session, UNFILTERED):
        yield Rollup({**none, **tables})


def _rollups(
    database: MongoDatabase, state: State, months: "Months", session: ClientSession, names: tuple[str, ...]
) -> Iterator[dict[str, pl.DataFrame]]:
    """Some tables of the rollups of months. Where one of a month is misread, its cells take the place of them all."""
    only = tuple(f"data.{name}" for name in dict.fromkeys((*names, "status")))
    found = rollup_parts(database, state.epoch, *months, session, only=only)
    for month, of_month in groupby(found, key=itemgetter(0)):
        parts = [data for _, data in of_month]
        if any(map(is_misread, parts)):
            for data in cells_parts(database, state, *_instants((month, next_month(month)), state.hours), session):
                tables = Rollup.of_cells(CellTable.decode(data)).tables
                yield {name: tables[name] for name in names}
        else:
            for data in parts:
                yield {name: decode_frame(data[name], *TABLES[name]) for name in names}


Range = tuple[datetime | None, datetime | None]
Months = tuple[date | None, date | None]
"""From the first day of a month up to that of another."""


def _instants(months: Months, hours: Hours) -> Range:
    """When months begin and end."""
    first, last = months
    return hours.day_start(first) if first else None, hours.day_start(last) if last else None


def _cover(span: Span, hours: Hours) -> tuple[Months | None, list[Range]]:
    """The whole months in a span, and what of it lies before and after them."""
    start, end = span.start, span.end
    first = start and hours.month_of(start)
    if first is not None and start != hours.day_start(first):
        first = next_month(first)
    last = end and hours.month_of(end)
    begin, finish = _instants((first, last), hours)
    if begin is not None and finish is not None and begin >= finish:
        if begin > finish:
            return None, [(start, end)]
        return None, [part for part in ((start, begin), (finish, end)) if part[0] != part[1]]
    ends = [(start, begin)] if start != begin else []
    return (first, last), ends + ([(finish, end)] if end != finish else [])


def _summed(parts: Iterator[Rollup], daily: Hours | None) -> Rollup:
    """All parts together; with `daily` by the days of these hours."""
    gathered: list[Rollup] = []
    for part in parts:
        # Hours become days here and are summed up with the others: each part by itself took a quarter of all time.
        gathered.append(_with_days(part, daily) if daily else part)
        if len(gathered) >= GATHERED:
            gathered = [Rollup.sum_of(gathered)]
    return Rollup.sum_of(gathered)


def _with_days(rollup: Rollup, hours: Hours) -> Rollup:
    """The rollup whose timelines have the beginnings of days for hours: several rows for each day."""

    def with_days(table: pl.DataFrame) -> pl.DataFrame:
        return table.with_columns(pl.Series("hour", hours.day_starts(table["hour"].to_numpy())))

    return Rollup({**rollup.tables, **{name: with_days(rollup.tables[name]) for name in TIMELINES}})
