"""What the trends page shows: a span's hours put together by the clock of the shop. Read when the page is opened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from pymongo.errors import ExecutionTimeout

from dashboard.delivery_days import read_delivery_days
from dashboard.figures import Question
from dashboard.trends_view import Grain, grain_of, grains_of
from ecommerce.kpis.catalog import load_catalog
from ecommerce.kpis.figures import Kpis, OrderGroup
from ecommerce.kpis.question import Filters, Span
from ecommerce.kpis.trends import Course, read_archived_days, read_course, read_sold
from ecommerce.mongo import MongoDatabase
from ecommerce.shop import Shop

EVERY: Mapping[Grain, str] = {"hour": "1h", "day": "1d", "week": "1w", "month": "1mo"}

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class TrendsQuestion:
    """What a viewer of the trends page wants to know; equal questions have one answer."""

    question: Question
    grain: Grain | None


@dataclass(frozen=True, slots=True)
class Point:
    """A bucket of the shop's time. `start` and `end` are what its clock shows; an hour may be there twice a year."""

    start: datetime
    end: datetime
    running: bool
    """It is not over yet."""
    asked: bool = True
    """False: it has not begun, or what is compared ended before it. Its sums are zero and are not drawn."""
    cut: tuple[datetime, datetime] | None = None
    """Which part of it was asked for; None: all of it."""
    orders: int = 0
    counted_orders: int = 0
    revenue: Decimal = NOTHING
    net_sales: Decimal | None = NOTHING
    """None: not known of all orders."""
    delivered: int = 0
    late: int | None = 0

    @property
    def complete(self) -> bool:
        """Whether it is over, and all of it was asked for."""
        return not (self.running or self.cut)

    @property
    def counted(self) -> tuple[datetime, datetime]:
        """From when until when its orders are."""
        return self.cut or (self.start, self.end)


class Place(NamedTuple):
    """Where the orders of a day or month are; `start` and `end` are what the shop's clock shows."""

    start: datetime
    end: datetime
    hot: int
    archived: int
    cut: tuple[datetime, datetime] | None = None
    """Which part of it the span has; None: all of it."""


@dataclass(frozen=True, eq=False)
class Trends:
    """The answer to a question, at the moment `as_of`."""

    asked: TrendsQuestion
    as_of: datetime
    grain: Grain
    grains: tuple[Grain, ...]
    """Those that can be chosen."""
    now: tuple[Point, ...]
    before: tuple[Point, ...]
    """What it is compared with, moved onto it: its first day lies on the first day. Empty: with nothing."""
    moved: timedelta
    """How much later `before` is drawn than it was."""
    rhythm: np.ndarray
    """Orders by weekday (Monday is 0) and hour, shape (7, 24)."""
    rhythm_hours: np.ndarray
    """How many such hours the span has, in the same shape."""
    sold: Mapping[str, tuple[tuple[int, Decimal | None], ...]]
    """By category, for each of `now`: units and revenue; None where it is not known."""
    couriers: Mapping[str, OrderGroup]
    currency: str
    """Of all amounts."""
    places: tuple[Place, ...] | None
    """None: the archive's records do not tell, of what the filters ask for, or at all."""
    delivery_days: Mapping[int, int] | None
    """Of hot orders. None: they are too many to be looked at."""
    delivered_without_time: int
    """Hot orders that are delivered, nobody knows when."""

    @property
    def filters(self) -> Filters:
        """What was asked for."""
        return self.asked.question.filters


def read_trends(database: MongoDatabase, shop: Shop, asked: TrendsQuestion, figures: Callable[[], Kpis]) -> Trends:
    """Read the trends of a question; `figures` makes those of its span. Raises PyMongoError and EcommerceError."""
    question, as_of, kpis = asked.question, datetime.now(UTC), figures()
    span, filters, compared = question.span, question.filters, question.compared
    course = read_course(database, span, filters, shop)
    before = read_course(database, compared.before, filters, shop) if compared else None
    sold = read_sold(database, span, filters, shop, load_catalog(database).categories)
    first, end = _ends(span, course, as_of)
    grain = grain_of(asked.grain, end - first)
    buckets = _Buckets(grain, shop.zone, span, (first, end), as_of)
    try:
        days, without_time = read_delivery_days(database, span, filters)
    except ExecutionTimeout:
        days, without_time = None, 0
    start = compared.before.start if compared else None
    moved = _local(first, shop.zone) - _local(start or first, shop.zone)
    return Trends(
        asked=asked,
        as_of=as_of,
        grain=grain,
        grains=grains_of(end - first),
        now=buckets.points(course, timedelta(0)),
        before=() if before is None or compared is None else buckets.points(before, moved, compared.before.end),
        moved=moved,
        **_rhythm(course, first, min(end, as_of), shop.zone),
        sold=buckets.sold(sold),
        couriers=kpis.by_courier,
        currency=kpis.currency,
        places=None if filters.choose_orders else _places(
            course, read_archived_days(database), span, (first, end), shop.zone
        ),
        delivery_days=days,
        delivered_without_time=without_time,
    )  # fmt: skip


def _ends(span: Span, course: Course, as_of: datetime) -> tuple[datetime, datetime]:
    """Where a span begins and ends; an open one with its first and last order or refund."""
    frames = [course.orders, *([] if course.net_sales is None else [course.net_sales])]
    times = pl.concat(frame["time"] for frame in frames)
    first: datetime | None = times.min()  # type: ignore[assignment]
    last: datetime | None = times.max()  # type: ignore[assignment]
    start = span.start or first or as_of - timedelta(days=1)
    return start, span.end or (last or start) + timedelta(hours=1)


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    """What the shop's clock shows."""
    return moment.astimezone(zone).replace(tzinfo=None)


def _cut(
    start: datetime, end: datetime, first: datetime | None, until: datetime | None
) -> tuple[datetime, datetime] | None:
    """What of a bucket lies between two times, where that is not all of it; None is open."""
    inside = max(start, first or start), min(end, until or end)
    return None if inside == (start, end) else inside


class _Buckets:
    """The buckets of a span, by the clock of its shop."""

    def __init__(
        self, grain: Grain, zone: ZoneInfo, span: Span, ends: tuple[datetime, datetime], as_of: datetime
    ) -> None:
        """`ends`: those of the span, or of its orders where it is open."""
        self._every, self._zone = EVERY[grain], zone
        # A span has whole hours. (Where a clock goes back, the second of two hours would look like a cut.)
        self._is_cut = grain != "hour"
        self._first = _local(span.start, zone) if span.start else None
        until = _local(span.end, zone) if span.end else None
        first, end = ends
        outer = pl.Series([_local(first, zone), _local(end - timedelta(milliseconds=1), zone)]).dt.truncate(self._every)
        starts = pl.datetime_range(outer[0], outer[1], self._every, eager=True)
        now = _local(as_of, zone)
        self._empty = [
            Point(start, end, start <= now < end, start <= now, self._part(start, end, until))
            for start, end in zip(starts.to_list(), starts.dt.offset_by(self._every).to_list(), strict=True)
        ]

    def _part(self, start: datetime, end: datetime, until: datetime | None) -> tuple[datetime, datetime] | None:
        return _cut(start, end, self._first, until) if self._is_cut else None

    def _by_bucket(self, frame: pl.DataFrame, shift: timedelta) -> pl.DataFrame:
        local = pl.col("time").dt.convert_time_zone(self._zone.key).dt.replace_time_zone(None).dt.cast_time_unit("us")
        return frame.with_columns(bucket=(local + shift).dt.truncate(self._every)).drop("time")

    def points(self, course: Course, shift: timedelta, until: datetime | None = None) -> tuple[Point, ...]:
        """What came in each bucket, of a course that lies `shift` before it and was asked for `until` then."""
        known: dict[datetime, dict[str, Any]] = {point.start: {} for point in self._empty}
        names = ("orders", "counted_orders", "revenue", "delivered", "late")
        sums = self._by_bucket(course.orders, shift).group_by("bucket").agg(pl.col(*names).sum())
        for row in sums.iter_rows(named=True):
            if (found := known.get(row.pop("bucket"))) is not None:
                found.update(row)
        if course.net_sales is not None:
            net = self._by_bucket(course.net_sales, shift).group_by("bucket").agg(pl.col("net_sales").sum())
            for bucket, amount in net.iter_rows():
                if bucket in known:
                    known[bucket]["net_sales"] = amount
        unknown: dict[str, Any] = {} if course.net_sales is not None else {"net_sales": None}
        if course.orders["late"].null_count():
            unknown["late"] = None
        points = (replace(point, **known[point.start] | unknown) for point in self._empty)
        if until is None:
            return tuple(points)
        end = _local(until, self._zone) + shift
        return tuple(
            replace(point, asked=point.start < end, cut=self._part(point.start, point.end, end)) for point in points
        )

    def sold(self, frame: pl.DataFrame) -> dict[str, tuple[tuple[int, Decimal | None], ...]]:
        """Units and revenue of each category in each bucket."""
        place = {point.start: number for number, point in enumerate(self._empty)}
        has_revenue = "revenue" in frame.columns
        nothing = (0, NOTHING if has_revenue else None)
        found: dict[str, list[tuple[int, Decimal | None]]] = {}
        names = ["quantity", "revenue"] if has_revenue else ["quantity"]
        sums = self._by_bucket(frame, timedelta(0)).group_by("bucket", "category").agg(pl.col(*names).sum())
        for bucket, category, quantity, *revenue in sums.iter_rows():
            row = found.setdefault(category, [nothing] * len(place))
            row[place[bucket]] = (int(quantity), revenue[0] if revenue else None)
        return {category: tuple(row) for category, row in found.items()}


def _rhythm(course: Course, first: datetime, until: datetime, zone: ZoneInfo) -> dict[str, np.ndarray]:
    orders, hours = np.zeros((7, 24), np.int64), np.zeros((7, 24), np.int64)
    local = course.orders["time"].dt.convert_time_zone(zone.key)
    at = local.dt.weekday().to_numpy() - 1, local.dt.hour().to_numpy()
    np.add.at(orders, at, course.orders["orders"].to_numpy())
    if until > first:
        every = pl.datetime_range(first, until, "1h", closed="left", eager=True).dt.convert_time_zone(zone.key)
        np.add.at(hours, (every.dt.weekday().to_numpy() - 1, every.dt.hour().to_numpy()), 1)
    return {"rhythm": orders, "rhythm_hours": np.maximum(hours, orders > 0)}


def _places(
    course: Course,
    archived: Mapping[date, int] | None,
    span: Span,
    ends: tuple[datetime, datetime],
    zone: ZoneInfo,
) -> tuple[Place, ...] | None:
    """Orders by their day (month, where there are many days): hot and archived.

    Only whole days of the span: of a part of a day it is not known how many of its orders are archived.
    """
    if archived is None:
        return None
    day = pl.col("time").dt.convert_time_zone(zone.key).dt.date()
    orders = course.orders.group_by(day).agg(pl.col("orders").sum())
    moved = pl.DataFrame(
        {"time": list(archived), "archived": list(archived.values())}, {"time": pl.Date, "archived": pl.Int64}
    )
    first, end = ends
    local = _local(first, zone), _local(end, zone)
    whole = orders.with_columns(pl.col("time").cast(pl.Datetime("us"))).filter(
        pl.col("time") >= local[0], pl.col("time") + timedelta(days=1) <= local[1]
    )
    both = whole.join(moved.with_columns(pl.col("time").cast(pl.Datetime("us"))), on="time", how="left")
    every = "1d" if end - first <= timedelta(days=400) else "1mo"
    sums = both.group_by(pl.col("time").dt.truncate(every)).agg(pl.col("orders", "archived").sum()).sort("time")
    rows = sums.with_columns(end=pl.col("time").dt.offset_by(every)).select("time", "end", "orders", "archived")
    days = pl.Series([local[0] + timedelta(days=1) - timedelta(microseconds=1), local[1]]).dt.truncate("1d").to_list()
    known = days[0] if span.start else None, days[1] if span.end else None
    return tuple(
        Place(start, after, orders - gone, gone, _cut(start, after, *known))
        for start, after, orders, gone in rows.iter_rows()
    )
