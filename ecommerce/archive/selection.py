"""Which orders go: the plan of an archive run, computed by MongoDB without starting Spark."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ecommerce.archive.errors import failures_explained
from ecommerce.archive.run import Slice
from ecommerce.documents.kinds import EARLIEST_TIME, EPOCH
from ecommerce.documents.statuses import FINISHED, canonical, match_of
from ecommerce.documents.stored import has_time_in
from ecommerce.documents.validator import order_validator
from ecommerce.gate import require_known_format
from ecommerce.hours import Hours, hours_of
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.shop import read_shop
from ecommerce.summaries.aside import all_aside

SLICE_ORDERS = 100_000
"""Most orders per Spark task, unless an hour has more; half of it at least. They stream, so it bounds no memory: with
more, the last tasks leave processors idle."""
SLICE_DAYS = 40
"""Most days per Spark task. A file per day is written by each, side by side; a small one costs HDFS more than Spark."""
SLICES_MAX = 400

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked for. The strongest of the three limits counts: an order goes if any of them sends it away."""

    older_than_days: int | None = 30
    max_hot_orders: int | None = None
    """Archive the oldest days until at most this many orders are left."""
    max_hot_bytes: int | None = None
    """Archive the oldest days until the orders left have at most this many bytes of BSON."""
    include_open: bool = False
    """Also orders that are not finished."""

    @property
    def statuses(self) -> tuple[str, ...] | None:
        return None if self.include_open else FINISHED

    @property
    def by_size(self) -> bool:
        """Whether the size of `orders` has a limit."""
        return self.max_hot_orders is not None or self.max_hot_bytes is not None


@dataclass(frozen=True, slots=True)
class PlannedDay:
    order_date: date
    orders: int
    bytes: int
    open_orders: int
    """Orders of the day that stay because they are not finished."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Every order of [beginning, cutoff) that may go, and what stays and why."""

    cutoff: datetime
    days: tuple[PlannedDay, ...]
    slices: tuple[Slice, ...]
    hot_orders: int
    """All orders in MongoDB now."""
    time_zone: str = "UTC"
    """The shop's, a day of which begins at the cutoff."""
    aside: int = 0
    """Documents that are no orders and stay, of whatever time."""
    seconds: float = 0.0
    """How long planning took."""

    @property
    def cutoff_day(self) -> date:
        """The first day of the shop that stays."""
        return hours_of(self.time_zone).day_of(self.cutoff)

    @property
    def orders(self) -> int:
        return sum(day.orders for day in self.days)

    @property
    def bytes(self) -> int:
        return sum(day.bytes for day in self.days)

    @property
    def staying_open(self) -> int:
        """Old orders that stay because they are not finished."""
        return sum(day.open_orders for day in self.days)

    @property
    def staying_young(self) -> int:
        """Orders that stay because they are not old enough."""
        return max(0, self.hot_orders - self.orders - self.staying_open - self.aside)


@dataclass(frozen=True, slots=True)
class _Hour:
    start: datetime
    orders: int
    bytes: int
    open_orders: int


def may_select(database: MongoDatabase, selection: Selection, now: datetime | None = None) -> bool:
    """Whether any order is selected: for its age one look, where a plan reads all old orders; by size as planned."""
    with failures_explained("looking for orders to archive", "Nothing was changed; run it again."):
        match = order_match(selection.statuses, None, _cutoff_by_age(selection, now, _shop_hours(database)))
        if database[ORDERS].find_one(match, {"_id": 0, "updated_at": 1}) is not None:
            return True
    return selection.by_size and plan_archive(database, selection, now).orders > 0


def plan_archive(database: MongoDatabase, selection: Selection, now: datetime | None = None) -> Plan:
    """The plan for a selection at a moment. Reads the old orders once (about 2 s per million), writes nothing."""
    started = time.monotonic()
    require_known_format(database)
    with failures_explained("planning the archive run", "Nothing was changed; run it again."):
        aside, _ = all_aside(database)
        shop = _shop_hours(database)
        hours = _hours(database, selection.statuses, _latest_cutoff(selection, now, shop), aside)
        hot_orders = database[ORDERS].count_documents({})  # 0.3 s per million, where the plan takes 2
        cutoff = _cutoff_by_age(selection, now, shop)
        if selection.by_size:
            cutoff = max(cutoff, _cutoff_by_size(database, selection, hours, shop))
    chosen = [hour for hour in hours if hour.start < cutoff]
    days, slices = _days(chosen), _slices(chosen, cutoff)
    return Plan(cutoff, days, slices, hot_orders, shop.time_zone, aside, time.monotonic() - started)


def _days(hours: Sequence[_Hour]) -> tuple[PlannedDay, ...]:
    days: dict[date, PlannedDay] = {}
    for hour in hours:
        day = days.get(hour.start.date(), PlannedDay(hour.start.date(), 0, 0, 0))
        days[day.order_date] = PlannedDay(
            day.order_date, day.orders + hour.orders, day.bytes + hour.bytes, day.open_orders + hour.open_orders
        )
    return tuple(days[day] for day in sorted(days))


def slices_of(database: MongoDatabase, statuses: tuple[str, ...] | None, cutoff: datetime) -> tuple[Slice, ...]:
    """The slices in which Spark reads the orders before a cutoff, as they are now."""
    return _slices(_hours(database, statuses, cutoff, all_aside(database, limit=1)[0]), cutoff)


def order_match(statuses: tuple[str, ...] | None, start: datetime | None, end: datetime) -> dict[str, Any]:
    """The filter of orders in [start, end) with one of the statuses, however spelled (None: all).

    An order has a time in the range of times: a document of 1969 is none, nor one whose time is a text or an array.
    """
    return has_time_in(start or EARLIEST_TIME, end) | (match_of(statuses) if statuses else {})


def _hours(database: MongoDatabase, statuses: tuple[str, ...] | None, end: datetime, aside: int) -> list[_Hour]:
    """What each hour has. Where documents are set aside they are not counted; the export looks at each by itself."""
    hour = {"$dateTrunc": {"date": "$order.order_time", "unit": "hour"}}
    rows = database[ORDERS].aggregate(
        [
            {"$match": order_match(None, None, end) | ({"$and": [order_validator()]} if aside else {})},
            {
                "$group": {
                    # What a status means is looked up for each text, not by the server for each order.
                    "_id": {"hour": hour, "status": "$delivery.status" if statuses else None},
                    "orders": {"$sum": 1},
                    "bytes": {"$sum": {"$bsonSize": "$$ROOT"}},
                }
            },
        ],
        allowDiskUse=True,
    )
    hours: dict[datetime, _Hour] = {}
    for row in rows:
        start, status = row["_id"]["hour"], row["_id"].get("status")
        may_go = not statuses or (isinstance(status, str) and canonical(status) in statuses)
        orders, size, still_open = (row["orders"], row["bytes"], 0) if may_go else (0, 0, row["orders"])
        before = hours.get(start, _Hour(start, 0, 0, 0))
        hours[start] = _Hour(start, before.orders + orders, before.bytes + size, before.open_orders + still_open)
    return [hours[start] for start in sorted(hours)]


def _shop_hours(database: MongoDatabase) -> Hours:
    return hours_of(read_shop(database).time_zone)


def _latest_cutoff(selection: Selection, now: datetime | None, shop: Hours) -> datetime:
    """No selected order is later. By size, any day before today may go: today's orders still come in."""
    if selection.by_size:
        return shop.day_start(shop.day_of(now or datetime.now(UTC)))
    return _cutoff_by_age(selection, now, shop)


def _cutoff_by_age(selection: Selection, now: datetime | None, shop: Hours) -> datetime:
    """When the first day of the shop begins that is not old enough."""
    if selection.older_than_days is None:
        return EPOCH
    return shop.day_start(shop.day_of(now or datetime.now(UTC)) - timedelta(days=selection.older_than_days))


def _cutoff_by_size(database: MongoDatabase, selection: Selection, hours: Sequence[_Hour], shop: Hours) -> datetime:
    """The start of the first day that may stay."""
    sums = {"_id": None, "orders": {"$sum": 1}, "bytes": {"$sum": {"$bsonSize": "$$ROOT"}}}
    totals = next(database[ORDERS].aggregate([{"$group": sums}]), {"orders": 0, "bytes": 0})
    orders, size = totals["orders"], totals["bytes"]
    cutoff = EPOCH
    for hour in hours:
        small = selection.max_hot_orders is None or orders <= selection.max_hot_orders
        small = small and (selection.max_hot_bytes is None or size <= selection.max_hot_bytes)
        day = shop.day_of(hour.start)
        if small and shop.day_start(day) >= cutoff:
            break
        cutoff = shop.day_start(day + timedelta(days=1))
        orders, size = orders - hour.orders, size - hour.bytes
    return cutoff


def _slices(hours: Sequence[_Hour], cutoff: datetime) -> tuple[Slice, ...]:
    """Runs of hours with about SLICE_ORDERS orders; a day is cut only where it is larger than a slice.

    The cutoff may be within an hour of UTC: a day in India begins at half past six.
    """
    wanted = max(SLICE_ORDERS, sum(hour.orders for hour in hours) // SLICES_MAX)
    slices: list[Slice] = []
    for hour in hours:
        if not hour.orders:
            continue
        last = slices[-1] if slices else None
        new_day = last is None or hour.start.date() != (last.end - _HOUR).date()
        many_days = last is not None and new_day and hour.start - last.start >= timedelta(days=SLICE_DAYS - 1)
        if last is None or many_days or (last.orders >= wanted * (0.5 if new_day else 1)):
            slices.append(Slice(hour.start, hour.start + _HOUR, hour.orders))
        else:
            slices[-1] = Slice(last.start, hour.start + _HOUR, last.orders + hour.orders)
    return tuple(Slice(one.start, min(one.end, cutoff), one.orders) for one in slices)
