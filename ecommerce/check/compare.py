"""Compares what is kept with what is recomputed, at one moment: documents and archive records with the summaries.

The summaries hold what happened up to their cluster time, so the documents are read as they were at exactly that time:
writers keep writing, and nothing seems to differ that does not. Days are compared in ranges of bounded size.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import bson
import polars as pl
from pymongo.client_session import ClientSession

from ecommerce.bson_reading.batches import raw_batches
from ecommerce.check.documents import cells_by_aggregation, sales_by_aggregation
from ecommerce.check.report import Difference, differences_of
from ecommerce.documents.stored import HAS_TIME
from ecommerce.errors import ServiceError
from ecommerce.hours import UTC_HOURS, Hours, next_month, time_of
from ecommerce.kpis.figures import amount_of, money_text
from ecommerce.mongo import ORDERS, MongoDatabase, is_replica_set
from ecommerce.summaries.advance import advance
from ecommerce.summaries.archived_changes import COUNTED_IN
from ecommerce.summaries.aside import identities_aside
from ecommerce.summaries.buckets import cells_parts, deltas_of, months_kept, rollup_parts
from ecommerce.summaries.cells import CellTable
from ecommerce.summaries.cells.encoding import decode_frame
from ecommerce.summaries.cells.frames import present, summed, together
from ecommerce.summaries.cells.promises import KNOWN, due_before
from ecommerce.summaries.cells.rollup import PRODUCT, PROMISES, TABLES, Rollup, is_misread
from ecommerce.summaries.cells.sales import SALES_DIMENSIONS, SALES_MEASURES
from ecommerce.summaries.changes import token_time
from ecommerce.summaries.history import moment_kept
from ecommerce.summaries.records import cells_of_record
from ecommerce.summaries.state import ARCHIVE_SUMMARY, State, load_state, why_of_other_hours

ATTEMPTS = 100
"""At a moment between two transactions: each takes in what came since the one before, so the second mostly has it."""

ASIDE_BY_ID = 1_000
"""Documents that are left out of a recomputation by `_id`; of more, those that MongoDB's validator refuses."""

RANGE_ORDERS = 200_000
"""Orders compared at once; their cells take about 200 MB."""

PURGED = {COUNTED_IN: {"$exists": False}}
"""The archive's records of purges, not those of later versions of archived orders."""

DAY, HOUR, MOMENT = timedelta(days=1), timedelta(hours=1), timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class DayRange:
    """Days that are compared together, [start, end)."""

    start: datetime
    end: datetime


def ranges_of(orders_per_day: Mapping[datetime, int], hours: Hours = UTC_HOURS) -> Iterator[DayRange]:
    """Ranges that cover all of the days, given by when they begin.

    None has more than RANGE_ORDERS orders unless one day has.
    """
    start, end, orders = None, None, 0
    for day in sorted(orders_per_day):
        if start is not None and end is not None and orders + orders_per_day[day] > RANGE_ORDERS:
            yield DayRange(start, end)
            start, orders = None, 0
        end = hours.day_start(hours.day_of(day) + DAY)
        start, orders = start or day, orders + orders_per_day[day]
    if start is not None and end is not None:
        yield DayRange(start, end)


def orders_per_day(database: MongoDatabase, hours: Hours) -> dict[datetime, int]:
    """Orders of each day, by when it begins: about as many as documents, archive records or summaries have in it.

    They bound what is compared at once. No day that has any is missing.
    """
    found: dict[datetime, int] = {}

    def count(first: datetime, last: datetime, orders: int) -> None:
        for day in {hours.day_of(first), hours.day_of(last)}:
            start = hours.day_start(day)
            found[start] = found.get(start, 0) + orders

    by_hour = {"$dateTrunc": {"date": "$order.order_time", "unit": "hour"}}
    counted: list[dict[str, Any]] = [{"$match": HAS_TIME}, {"$group": {"_id": by_hour, "orders": {"$sum": 1}}}]
    for group in database[ORDERS].aggregate(counted):
        count(group["_id"], group["_id"] + HOUR - MOMENT, group["orders"])
    for day, orders in archived_per_day(database).items():
        count(day, day + DAY - MOMENT, orders)
    state = _state(database)
    kept = [Rollup.decode(data).tables["hour"]["hour"] for _, data in rollup_parts(database, state.epoch, None, None)]
    kept += [cells.orders["hour"] for cells in deltas_of(database, state)]
    for hour in {hour for series in kept for hour in series.unique().to_list()}:
        count(time_of(hour), time_of(hour), 0)
    return found


def archived_per_day(database: MongoDatabase) -> dict[datetime, int]:
    """Orders of each UTC day that the purges recorded."""
    pipeline = [{"$group": {"_id": "$order_date", "orders": {"$sum": "$total_orders"}}}]
    return {group["_id"]: int(group["orders"]) for group in database[ARCHIVE_SUMMARY].aggregate(pipeline)}


def compare_range(database: MongoDatabase, days: DayRange, hours: Hours) -> tuple[int, list[Difference]]:
    """Compare the days' cells with documents and archive records; the orders in documents, and what differs."""
    for _ in range(ATTEMPTS):
        if (found := _compared(database, days, hours)) is not None:
            return found
    raise ServiceError(
        "orders are written faster than this check can follow; it only read: run it again when less is written"
    )


def _compared(database: MongoDatabase, days: DayRange, hours: Hours) -> tuple[int, list[Difference]] | None:
    """The same at one moment; None where the figures stand within a transaction: no document was ever seen like that.

    They do where another process is advancing, or where more came meanwhile than a batch of changes holds.
    """
    snapshot = is_replica_set(database)
    advance(database, settle=True)
    with database.client.start_session(snapshot=snapshot) as session:
        state = _state(database, session)
        if state.token and state.cluster_time < token_time(state.token):
            return None
        if state.time_zone != hours.time_zone:
            moved = "the shop moved to another time zone while it was checked; run the check again"
            raise ServiceError(why_of_other_hours(database) or moved)
        kept = CellTable.sum_of(
            (
                *(CellTable.decode(data) for data in cells_parts(database, state, days.start, days.end, session)),
                *deltas_of(database, state, session),
            )
        ).within(days.start, days.end)
        aside = identities_aside(database, state.epoch, ASIDE_BY_ID, session)
        changed = _changes_counted(database, state, hours, session)
    moment = {"level": "snapshot", "atClusterTime": state.cluster_time} if snapshot else None
    kept = replace(kept, sales=CellTable.empty().sales)  # `compare_sales` looks at those
    documents = cells_by_aggregation(database, days.start, days.end, moment, aside=aside, hours=hours)
    purged = recorded_per_day(database, days, hours, moment, PURGED).values()
    recorded = CellTable.sum_of((*purged, changed))
    recorded = replace(recorded, sales=documents.sales)
    recomputed = documents.plus(recorded.within(days.start, days.end))
    difference = kept.minus(recomputed).settled(due_before(datetime.now(UTC)))
    return int(documents.orders["orders"].sum()), list(differences_of("summaries", difference, hours))


def compare_sales(database: MongoDatabase, hours: Hours) -> Iterator[Difference]:
    """Compare the cells of sales of all time: a refund is of another day than its order, so days are not by themselves.

    They are few: an hour has one of each currency and channel.
    """
    # An estimate does: it only says for how long a moment is kept.
    snapshot, orders = is_replica_set(database), database[ORDERS].estimated_document_count()
    with moment_kept(database, orders):
        while True:
            advance(database, settle=True)
            with database.client.start_session(snapshot=snapshot) as session:
                state = _state(database, session)
                if state.token and state.cluster_time < token_time(state.token):
                    continue  # another process is advancing, and now within a transaction
                kept = _sales_kept(database, state, session)
                aside = identities_aside(database, state.epoch, ASIDE_BY_ID, session)
                changed = _changes_counted(database, state, hours, session)
            break
        moment = {"level": "snapshot", "atClusterTime": state.cluster_time} if snapshot else None
        documents = sales_by_aggregation(database, moment, aside=aside, hours=hours)
        records = raw_batches(database, PURGED, collection=ARCHIVE_SUMMARY, read_concern=moment)
        recorded = (cells_of_record(bson.decode(record), hours).sales for batch in records for record in batch)
        recomputed = _sum_of_sales([documents, changed.sales, *recorded])
    nothing = CellTable.empty()
    difference = replace(nothing, sales=kept).minus(replace(nothing, sales=recomputed))
    yield from differences_of("summaries", difference, hours)


def _changes_counted(database: MongoDatabase, state: State, hours: Hours, session: ClientSession) -> CellTable:
    """What the summaries hold of changes of archived orders: they are counted when an advance finds them."""
    records = database[ARCHIVE_SUMMARY].find({COUNTED_IN: state.epoch}, session=session)
    return CellTable.sum_of(cells_of_record(record, hours) for record in records)


def _sales_kept(database: MongoDatabase, state: State, session: ClientSession) -> pl.DataFrame:
    parts = cells_parts(database, state, None, None, session, only=("data.sales",))
    return _sum_of_sales(
        [
            *(decode_frame(data["sales"], SALES_DIMENSIONS, SALES_MEASURES) for data in parts),
            *(cells.sales for cells in deltas_of(database, state, session)),
        ]
    )


def _sum_of_sales(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    shape = SALES_DIMENSIONS, SALES_MEASURES
    return summed(together(frames, *shape), *shape)


def recorded_per_day(
    database: MongoDatabase,
    days: DayRange,
    hours: Hours,
    read_concern: Mapping[str, Any] | None = None,
    chosen: Mapping[str, Any] | None = None,
) -> dict[date, CellTable]:
    """The cells that were recorded of archived orders, by the UTC days that have hours in the range."""
    start = datetime.combine(days.start.astimezone(UTC).date(), time.min, UTC)
    match = {"order_date": {"$gte": start, "$lt": days.end}, **(chosen or {})}
    found: dict[date, list[CellTable]] = {}
    for batch in raw_batches(database, match, collection=ARCHIVE_SUMMARY, read_concern=read_concern):
        for record in map(bson.decode, batch):
            found.setdefault(record["order_date"].date(), []).append(cells_of_record(record, hours))
    return {day: CellTable.sum_of(tables) for day, tables in found.items()}


def compare_rollups(database: MongoDatabase) -> Iterator[Difference]:
    """Compare the rollup of each month with its cells."""
    with database.client.start_session(snapshot=is_replica_set(database)) as session:
        state = _state(database, session)
        for month in months_kept(database, state.epoch, session):
            end = next_month(month)
            rollups = [data for _, data in rollup_parts(database, state.epoch, month, end, session)]
            if any(map(is_misread, rollups)):
                continue  # figures are made of the month's cells, see `kpis.load`
            start, finish = (state.hours.day_start(first) for first in (month, end))
            cells = cells_parts(database, state, start, finish, session)
            now = due_before(datetime.now(UTC))
            kept = Rollup.sum_of(map(Rollup.decode, rollups)).due(now)
            recomputed = Rollup.sum_of(Rollup.of_cells(CellTable.decode(data)) for data in cells).due(now)
            yield from _rollup_difference(month, kept, recomputed)


def _rollup_difference(month: date, kept: Rollup, recomputed: Rollup) -> Iterator[Difference]:
    for name, (dimensions, measures) in TABLES.items():
        made = recomputed.tables[name]
        if name == PROMISES and not all(KNOWN in table.columns for table in (kept.tables[name], made) if table.height):
            continue  # what is settled of them depends on who was late, which is not known
        less = made.with_columns(pl.col(measure) * -1 for measure in present(made, measures))
        too_much = summed(together([kept.tables[name], less], dimensions, measures), dimensions, measures)
        if too_much.height:
            count = int(too_much["order_items" if name == PRODUCT else "orders"].sum())
            revenue = int(too_much["revenue"].sum()) if "revenue" in too_much.columns else 0
            amount = money_text(amount_of(revenue))
            yield Difference("rollups", f"rollup of {month:%Y-%m} by {name}", too_much.height, count, amount)


def _state(database: MongoDatabase, session: ClientSession | None = None) -> State:
    state = load_state(database, session)
    if state is None:
        raise ServiceError("the summaries were removed while they were checked; run the check again")
    return state
