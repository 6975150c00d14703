"""The figures of a running process: kept in memory for the spans that are asked for, and moved by what changed.

A refresh takes in the new deltas. A span's rollup is read from the buckets once, then each delta that came since is
added to it when it is next asked for: a tick costs what its changes cost, however many orders there are.
"""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl
from bson import Int64

from ecommerce.hours import UTC_HOURS, Hours, hours_of, time_of
from ecommerce.kpis.catalog import UNKNOWN
from ecommerce.kpis.compute import Step, is_hourly, kpis_of, timeline_of
from ecommerce.kpis.figures import Kpis
from ecommerce.kpis.load import Loaded, load_rollup, rows_of
from ecommerce.kpis.names import Names
from ecommerce.kpis.question import Filters, Span
from ecommerce.mongo import MongoDatabase
from ecommerce.shop import Shop
from ecommerce.summaries.advance import Advance, advance
from ecommerce.summaries.cells.promises import due_before
from ecommerce.summaries.cells.rollup import Rollup
from ecommerce.summaries.cells.table import CellTable
from ecommerce.summaries.counts import Counts, OrderCounts
from ecommerce.summaries.state import DELTAS, State

VIEWS_MAX = 64
"""Spans kept in memory, 1 to 3 MB each with 10 000 products; those asked for longest ago leave."""

DELTAS_MAX = 1_000
"""Deltas kept for the spans that have not been asked for since; a span further behind is read again."""

REST_FACTOR = 9
"""Without a replica set every refresh is a rebuild: rest this many times as long as it took."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """Where the figures stand after a refresh."""

    version: int
    """Grows whenever a figure or a name may have changed."""
    changed: int
    """Changed orders taken in since the last refresh of this store; after a rebuild the orders read."""
    as_of: datetime
    """Everything that was visible at this moment is in the figures."""
    lag_seconds: float
    """How old `as_of` is."""
    aside: int
    """Documents of `orders` that are no orders, and in no figure."""
    choices: int = 0
    """Grows whenever `KpiStore.choices` may say something else: a value came or is called otherwise."""
    orders: int = 0
    """Of the shop, hot and archived."""


@dataclass(eq=False)
class _View:
    """The rollup of a span and filters on orders, up to a delta."""

    rollup: Rollup
    seq: int
    judged_at: datetime
    """Promises that were due before are in its groups."""
    next_due: int | None = None
    """When the next one is, in milliseconds."""

    def judge(self, as_of: datetime) -> None:
        """Bring the promises to a moment."""
        self.rollup, self.judged_at = self.rollup.due(due_before(as_of)), as_of
        self.next_due = self.rollup.next_due()


class KpiStore:
    """Every figure for any span and filters, as of the last `refresh`. One per process; any thread may call it."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self._lock = threading.RLock()
        self._epoch = ""
        self._seq = 0
        self._as_of = datetime.now(UTC)
        self._hours = UTC_HOURS
        self._deltas: OrderedDict[int, CellTable] = OrderedDict()
        self._views: OrderedDict[tuple[Span, Filters, bool], _View] = OrderedDict()
        self._names = Names(database)
        self._order_counts = OrderCounts(database)
        self._counts = Counts(0, 0)
        self._version = 0
        self._rest_until = 0.0
        self._has_stream = False

    def refresh(self) -> Refresh:
        """Bring the summaries up to date and take in what changed. Raises PyMongoError where MongoDB is away."""
        with self._lock:
            changed = 0
            before = (self._epoch, self._seq, self._counts, self._names.version)
            due = False
            if time.monotonic() >= self._rest_until:
                advanced = advance(self._database)
                changed = self._take_in(advanced)
                self._as_of = advanced.as_of
                due = self._judge_due()
                self._names.shop_changed(advanced.shop_changed_at)
                self._has_stream = not advanced.without_stream
                if advanced.without_stream:
                    self._rest_until = time.monotonic() + REST_FACTOR * advanced.seconds
            self._counts = self._order_counts.read(snapshot=self._has_stream)
            self._names.refresh()
            if before != (self._epoch, self._seq, self._counts, self._names.version) or due:
                self._version += 1
            lag = (datetime.now(UTC) - self._as_of).total_seconds()
            choices, counts = self._names.choices_version, self._counts
            orders = counts.hot + counts.archived
            return Refresh(self._version, changed, self._as_of, max(0.0, lag), counts.aside, choices, orders)

    def kpis(self, span: Span, filters: Filters) -> Kpis:
        """Every figure of a span."""
        with self._lock:
            rollup, names = self._rollup(span, filters, hourly=is_hourly(span)), self._names
            shop, counts = self._shop(), self._counts
            return kpis_of(rollup, span, filters, names.catalog, names.of_products, counts, self._as_of, shop)

    @property
    def hours(self) -> Hours:
        """The hours of the shop's zone, which the figures are of."""
        with self._lock:
            if not self._epoch:
                self.refresh()
            return self._hours

    @property
    def currency(self) -> str:
        """The shop's, as of the last refresh."""
        with self._lock:
            return self._shop().currency

    def timeline(self, span: Span, filters: Filters, step: Step = "hour") -> pl.DataFrame:
        """Columns time (UTC), status, orders, revenue, quantity, delivered, late; no empty buckets."""
        with self._lock:
            rollup = self._rollup(span, filters, hourly=is_hourly(span) or step == "hour")
            return timeline_of(rollup, step, self._shop(), filters)

    def first_day(self) -> datetime | None:
        """When the day of the shop's first order began; None where there is no order."""
        with self._lock:
            days = self._rollup(Span(), Filters(), hourly=False).tables["hour"]
            first: Any = days.filter(pl.col("orders") > 0)["hour"].min()
            return None if first is None else self._hours.day_start(self._hours.day_of(time_of(first)))

    def sold(self, span: Span) -> dict[int, int]:
        """Units of each product that were ordered in a span, by the product's id."""
        with self._lock:
            products = self._rollup(span, Filters(), hourly=is_hourly(span)).tables["product"]
            return dict(products.group_by("product_id").agg(pl.col("quantity").sum()).iter_rows())

    def orders_by_named_currency(self) -> dict[str, int]:
        """How many orders name each currency; those that name none, which are in the shop's, are of ""."""
        with self._lock:
            sales = self._rollup(Span(), Filters(), hourly=False).tables["sales"]
            orders = sales.group_by("currency").agg(pl.col("orders").sum()).sort("currency")
            return {name: int(count) for name, count in orders.iter_rows() if count}

    def choices(self) -> dict[str, Any]:
        """The values that filters can have: texts sorted, couriers and warehouses as (id, name) sorted by name."""
        with self._lock:
            tables = self._rollup(Span(), Filters(), hourly=False).tables
            catalog = self._names.catalog
            self._names.see(tables)
            couriers = [(key, catalog.courier(key)) for key in tables["courier_id"]["courier_id"].unique()]
            houses = [(key, catalog.warehouse(key)) for key in tables["product"]["warehouse_id"].unique()]
            sold = tables["product"].select("product_id").join(catalog.categories, on="product_id", how="left")
            return {
                "payment_types": sorted(tables["payment_type"]["payment_type"].unique()),
                "statuses": sorted(tables["status"]["status"].unique()),
                "couriers": sorted(couriers, key=lambda pair: (pair[1], pair[0])),
                "locations": sorted(tables["location"]["location"].unique()),
                "categories": sorted(sold["category"].fill_null(UNKNOWN).unique()),
                "warehouses": sorted(houses, key=lambda pair: (pair[1], pair[0])),
                "currencies": sorted(tables["sales"]["currency"].replace("", self._names.currency).unique()),
            }

    def _judge_due(self) -> bool:
        """Judge promises that are due since the last look; whether time alone changed a figure of a span in memory."""
        moment = due_before(self._as_of)
        found = [view for view in self._views.values() if view.next_due is not None and view.next_due < moment]
        for view in found:
            view.judge(self._as_of)
        return bool(found)

    def _take_in(self, advanced: Advance) -> int:
        """Read the deltas that are new to this store; returns how many changes they hold."""
        if advanced.epoch != self._epoch or advanced.seq < self._seq:
            self._forget(advanced)
            return advanced.changes
        if advanced.seq == self._seq:
            return 0
        changes = advanced.changes
        if all(number in advanced.deltas for number in range(self._seq + 1, advanced.seq + 1)):
            self._deltas.update(advanced.deltas)
        else:  # other processes wrote some
            query = {"_id": {"$gt": Int64(self._seq), "$lte": Int64(advanced.seq)}}
            found = list(self._database[DELTAS].find(query).sort("_id", 1))
            if len(found) != advanced.seq - self._seq:  # compacted and removed while this process slept
                self._forget(advanced)
                return changes
            self._deltas.update((int(delta["_id"]), CellTable.decode(delta["data"])) for delta in found)
            changes = sum(delta["changes"] for delta in found)
        self._names.look_for_new(self._deltas[number] for number in range(self._seq + 1, advanced.seq + 1))
        while len(self._deltas) > DELTAS_MAX:
            self._deltas.popitem(last=False)
        self._seq = advanced.seq
        return changes

    def _forget(self, stands: Advance | State) -> None:
        self._views.clear()
        self._deltas.clear()
        self._epoch, self._seq, self._hours = stands.epoch, stands.seq, hours_of(stands.time_zone)
        self._names.forget()

    def _rollup(self, span: Span, filters: Filters, *, hourly: bool) -> Rollup:
        if not self._epoch:
            self.refresh()
        on_orders = Filters(filters.payment_types, filters.statuses, filters.courier_ids, filters.locations)
        key = (span, on_orders, hourly)
        view = self._views.pop(key, None)
        if view is None or not self._catch_up(view, span, on_orders, hourly=hourly):
            loaded = self._load(span, on_orders, hourly=hourly)
            view = _View(loaded.rollup, loaded.state.seq, self._as_of)
        view.judge(self._as_of)
        self._views[key] = view
        while len(self._views) > VIEWS_MAX:
            self._views.popitem(last=False)
        return view.rollup

    def _catch_up(self, view: _View, span: Span, filters: Filters, *, hourly: bool) -> bool:
        """Add the deltas that a view has not seen; False where some of them are no longer here."""
        if view.judged_at > self._as_of:  # the clock went back
            return False
        if view.seq >= self._seq:
            return True
        if view.seq + 1 not in self._deltas:
            return False
        daily = None if hourly else self._hours
        news = CellTable.sum_of(self._deltas[seq] for seq in range(view.seq + 1, self._seq + 1))
        # What is due in the news is judged by itself: in the whole it would be looked up among all promises.
        rows = rows_of(news, span, filters, daily, due_before(self._as_of))
        view.rollup = Rollup.sum_of((view.rollup, rows))
        view.seq = self._seq
        return True

    def _load(self, span: Span, filters: Filters, *, hourly: bool) -> Loaded:
        loaded = load_rollup(self._database, span, filters, hourly=hourly)
        if loaded is None:  # somebody removed the summaries
            self.refresh()
            return self._load(span, filters, hourly=hourly)
        if loaded.state.epoch != self._epoch:  # rebuilt since the refresh: the other views are of the old epoch
            self._forget(loaded.state)
            self._version += 1
        return loaded

    def _shop(self) -> Shop:
        """The shop as the figures are: its zone is that of the summaries, its currency may be called otherwise now."""
        self._names.catalog  # noqa: B018 - read with the currency
        return Shop(self._names.currency, self._hours.time_zone)


def compute_kpis(database: MongoDatabase, span: Span | None = None, filters: Filters | None = None) -> Kpis:
    """Bring the summaries up to date and compute every figure of a span, once."""
    store = KpiStore(database)
    store.refresh()
    return store.kpis(span or Span(), filters or Filters())
