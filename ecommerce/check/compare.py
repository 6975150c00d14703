"""Compares what is kept with what is recomputed, at one moment: documents and archive records with the summaries.

The summaries hold what happened up to their cluster time, so the documents are read as they were at exactly that time:
writers keep writing, and nothing seems to differ that does not. Days are compared in ranges of bounded size.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import bson
import polars as pl
from bson import Int64
from pymongo.client_session import ClientSession

from ecommerce.bson_reading.batches import raw_batches
from ecommerce.check.documents import cells_by_aggregation
from ecommerce.check.report import Difference, differences_of
from ecommerce.documents.stored import HAS_TIME
from ecommerce.errors import ServiceError
from ecommerce.kpis.compute import amount_of
from ecommerce.kpis.figures import money_text
from ecommerce.mongo import ORDERS, MongoDatabase, is_replica_set
from ecommerce.summaries.advance import advance
from ecommerce.summaries.aside import identities_aside
from ecommerce.summaries.buckets import HOURS_PER_DAY, cells_parts, months_kept, next_month, rollup_parts
from ecommerce.summaries.cells import CellTable, hour_of, time_of
from ecommerce.summaries.cells.rollup import PRODUCT, TABLES, Rollup, is_misread
from ecommerce.summaries.cells.table import present, summed, together
from ecommerce.summaries.changes import token_time
from ecommerce.summaries.state import ARCHIVE_SUMMARY, DELTAS, State, load_state

ASIDE_BY_ID = 1_000
"""Documents that are left out of a recomputation by `_id`; of more, those that MongoDB's validator refuses."""

RANGE_ORDERS = 200_000
"""Orders compared at once; their cells take about 200 MB."""

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DayRange:
    """Days that are compared together, [start, end)."""

    start: datetime
    end: datetime


def ranges_of(orders_per_day: Mapping[datetime, int]) -> Iterator[DayRange]:
    """Ranges that cover all of the days, none with more than RANGE_ORDERS orders unless one day has."""
    start, end, orders = None, None, 0
    for day in sorted(orders_per_day):
        if start is not None and end is not None and orders + orders_per_day[day] > RANGE_ORDERS:
            yield DayRange(start, end)
            start, orders = None, 0
        start, end, orders = start or day, day + DAY, orders + orders_per_day[day]
    if start is not None and end is not None:
        yield DayRange(start, end)


def orders_per_day(database: MongoDatabase) -> dict[datetime, int]:
    """Orders of each UTC day, as the documents, the archive's records or the summaries have it, whichever is more."""
    found: dict[datetime, int] = {}

    def count(day: datetime, orders: int) -> None:
        found[day] = max(found.get(day, 0), orders)

    by_day = {"$dateTrunc": {"date": "$order.order_time", "unit": "day"}}
    for group in database[ORDERS].aggregate([{"$match": HAS_TIME}, {"$group": {"_id": by_day, "orders": {"$sum": 1}}}]):
        count(group["_id"], group["orders"])
    for day, orders in archived_per_day(database).items():
        count(day, orders)
    state = _state(database)
    for _, data in rollup_parts(database, state.epoch, None, None):
        for hour, orders in Rollup.decode(data).tables["hour"].select("hour", "orders").iter_rows():
            count(_day(hour), orders)
    for delta in database[DELTAS].find(_after(state), {"data": 1}):
        for hour in CellTable.decode(delta["data"]).orders["hour"]:
            count(_day(hour), 1)
    return found


def archived_per_day(database: MongoDatabase) -> dict[datetime, int]:
    """Orders of each UTC day that the purges recorded."""
    pipeline = [{"$group": {"_id": "$order_date", "orders": {"$sum": "$total_orders"}}}]
    return {group["_id"]: int(group["orders"]) for group in database[ARCHIVE_SUMMARY].aggregate(pipeline)}


def _day(hour: int) -> datetime:
    return time_of(hour - hour % HOURS_PER_DAY)


def compare_range(database: MongoDatabase, days: DayRange) -> tuple[int, list[Difference]]:
    """Compare the days' cells with documents and archive records; the orders in documents, and what differs."""
    snapshot = is_replica_set(database)
    advance(database, settle=True)
    with database.client.start_session(snapshot=snapshot) as session:
        state = _state(database, session)
        if state.token and state.cluster_time < token_time(state.token):
            # Another process is advancing, and now within a transaction: no document was ever seen like that.
            return compare_range(database, days)
        kept = CellTable.sum_of(
            (
                *(CellTable.decode(data) for data in cells_parts(database, state.epoch, days.start, days.end, session)),
                *(
                    CellTable.decode(delta["data"])
                    for delta in database[DELTAS].find(_after(state), {"data": 1}, session=session)
                ),
            )
        ).within(hour_of(days.start), hour_of(days.end))
        aside = identities_aside(database, state.epoch, ASIDE_BY_ID, session)
    moment = {"level": "snapshot", "atClusterTime": state.cluster_time} if snapshot else None
    documents = cells_by_aggregation(database, days.start, days.end, moment, aside=aside)
    recomputed = documents.plus(recorded_cells(database, days, moment))
    return int(documents.orders["orders"].sum()), list(differences_of("summaries", kept.minus(recomputed)))


def recorded_cells(database: MongoDatabase, days: DayRange, read_concern: Mapping[str, Any] | None = None) -> CellTable:
    """The cells that the purges recorded for the days."""
    match = {"order_date": {"$gte": days.start, "$lt": days.end}}
    records = raw_batches(database, match, collection=ARCHIVE_SUMMARY, read_concern=read_concern)
    tables = (CellTable.decode(bson.decode(record)["cells"]) for batch in records for record in batch)
    return CellTable.sum_of(tables).within(hour_of(days.start), hour_of(days.end))


def compare_rollups(database: MongoDatabase) -> Iterator[Difference]:
    """Compare the rollup of each month with its cells."""
    with database.client.start_session(snapshot=is_replica_set(database)) as session:
        state = _state(database, session)
        for month in months_kept(database, state.epoch, session):
            end = next_month(month)
            rollups = [data for _, data in rollup_parts(database, state.epoch, month, end, session)]
            if any(map(is_misread, rollups)):
                continue  # figures are made of the month's cells, see `kpis.load`
            cells = cells_parts(database, state.epoch, month, end, session)
            kept = Rollup.sum_of(map(Rollup.decode, rollups))
            recomputed = Rollup.sum_of(Rollup.of_cells(CellTable.decode(data)) for data in cells)
            yield from _rollup_difference(month, kept, recomputed)


def _rollup_difference(month: datetime, kept: Rollup, recomputed: Rollup) -> Iterator[Difference]:
    for name, (dimensions, measures) in TABLES.items():
        made = recomputed.tables[name]
        less = made.with_columns(pl.col(measure) * -1 for measure in present(made, measures))
        too_much = summed(together([kept.tables[name], less], dimensions, measures), dimensions, measures)
        if too_much.height:
            count = int(too_much["order_items" if name == PRODUCT else "orders"].sum())
            revenue = int(too_much["revenue"].sum()) if "revenue" in too_much.columns else 0
            amount = money_text(amount_of(revenue))
            yield Difference("rollups", f"rollup of {month:%Y-%m} by {name}", too_much.height, count, amount)


def _after(state: State) -> dict[str, Any]:
    """The deltas that are not in the buckets."""
    return {"_id": {"$gt": Int64(state.compacted_seq), "$lte": Int64(state.seq)}}


def _state(database: MongoDatabase, session: ClientSession | None = None) -> State:
    state = load_state(database, session)
    if state is None:
        raise ServiceError("the summaries were removed while they were checked; run the check again")
    return state
