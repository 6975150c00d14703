"""The one definition of each figure: from a rollup to `Kpis`. docs/kpis.md says the same in words."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import polars as pl

from ecommerce.documents.kinds import MONEY_SCALE
from ecommerce.documents.statuses import PENDING
from ecommerce.hours import Hours, hours_of, time_of
from ecommerce.kpis.catalog import Catalog
from ecommerce.kpis.figures import (
    ITEM_FIGURES,
    ORDER_FIGURES,
    SALES_FIGURES,
    Kpis,
    TimelinePoint,
    amount_of,
    average,
)
from ecommerce.kpis.groups import due_of, item_groups, late_share_of, order_groups, sold_items, top_products
from ecommerce.kpis.question import Filters, Span
from ecommerce.kpis.sales import by_channel, by_currency, in_currency, parts_of, sales_of
from ecommerce.shop import Shop
from ecommerce.summaries.cells.frames import AS_WRITTEN, present
from ecommerce.summaries.cells.measures import FIGURES, OF_ITEMS, Measure
from ecommerce.summaries.cells.promises import due_before
from ecommerce.summaries.cells.rollup import DUE_SUMS, GROUP_MEASURES, PRODUCT, SALES, TIME_MEASURES, Rollup
from ecommerce.summaries.cells.sales import SALES_MEASURES
from ecommerce.summaries.counts import Counts

Step = Literal["hour", "day", "month"]

NEEDS = {
    "late_share": ("status", ("late", *DUE_SUMS)),
    "overdue": ("status", tuple(DUE_SUMS)),
    "due_late": ("status", ("late", *DUE_SUMS)),
    "due": ("status", ("late", *DUE_SUMS)),
    "by_category": (PRODUCT, ("revenue",)),
}
"""Figures that need sums of a rollup's table that cells of older versions may not have."""

HOURLY_UP_TO = timedelta(days=3)
DAILY_UP_TO = timedelta(days=400)
"""Longest spans whose timeline is by the hour and by the day."""


def kpis_of(  # noqa: PLR0913 - all that figures are made of
    rollup: Rollup,
    span: Span,
    filters: Filters,
    catalog: Catalog,
    names: Callable[[list[int]], dict[int, str]],
    counts: Counts,
    as_of: datetime,
    shop: Shop,
) -> Kpis:
    """Every figure of a rollup that was made by the hours of the shop. `names` looks up products.

    Its promises are judged at `as_of`.
    """
    rollup = rollup.due(due_before(as_of))
    hours, codes = hours_of(shop.time_zone), currencies_of(shop, filters)
    tables = in_currency(rollup.tables, codes)
    total: dict[str, Any] = {name: _total(tables["status"], name) for name in GROUP_MEASURES | DUE_SUMS}
    statuses = order_groups(tables["status"], lambda status: status)
    products = sold_items(tables["product"], filters, catalog)
    due, due_late, _ = due_of(total)
    step, sales = step_of(span, tables["hour"]), parts_of(tables[SALES])
    return Kpis(
        orders=total["orders"],
        revenue=amount_of(total["revenue"]),
        average_order_value=average(total["revenue"], total["counted_orders"]),
        quantity=total["quantity"],
        delivered=total["delivered"],
        pending=statuses[PENDING].orders if PENDING in statuses else 0,
        by_status={status: group.orders for status, group in statuses.items() if group.orders},
        by_payment_type=order_groups(tables["payment_type"], lambda payment_type: payment_type),
        top_products=top_products(products, names),
        by_warehouse=item_groups(products, "warehouse_id", catalog.warehouse),
        by_courier=order_groups(tables["courier_id"], catalog.courier),
        by_location=order_groups(tables["location"], lambda location: location),
        by_category=item_groups(products, "category", lambda category: category),
        late_share=late_share_of(total),
        overdue=total["overdue"],
        due_late=due_late,
        due=due,
        delivery_timeline=_points(_by_time(rollup, step, hours, ("orders",))),
        hot_orders=counts.hot,
        archived_orders=counts.archived,
        aside=counts.aside,
        as_of=as_of,
        time_zone=hours.time_zone,
        discount=amount_of(total["discount"]),
        measures={measure.name: _figure(measure, tables) for measure in FIGURES},
        incomplete=_incomplete(tables),
        not_filtered=_not_filtered(filters),
        currency=filters.currency or shop.currency,
        sales=sales_of(sales, codes),
        by_currency=by_currency(sales, shop.currency),
        by_channel=by_channel(sales, codes),
    )


def currencies_of(shop: Shop, filters: Filters) -> frozenset[str]:
    """What the cells call the currency that is asked for: orders that name none are in the shop's."""
    wanted = filters.currency or shop.currency
    return frozenset({wanted, ""} if wanted == shop.currency else {wanted})


def _not_filtered(filters: Filters) -> tuple[str, ...]:
    return (
        *(ITEM_FIGURES if filters.choose_orders else ()),
        *(ORDER_FIGURES if filters.choose_items else ()),
        *(SALES_FIGURES if filters.choose_orders or filters.choose_items else ()),
    )


def _total(table: pl.DataFrame, name: str) -> int | None:
    """A sum over a table; None where it is not known of all its orders."""
    return int(table[name].sum()) if name in table.columns else None


def _figure(measure: Measure, tables: Mapping[str, pl.DataFrame]) -> Decimal | int | None:
    """A measure that is a figure of its own."""
    total = _total(tables[PRODUCT if measure in OF_ITEMS else "status"], measure.columns[0].name)
    return amount_of(total) if total is not None and measure.money else total


def _incomplete(tables: Mapping[str, pl.DataFrame]) -> tuple[str, ...]:
    """Figures that need a measure that is not known of all orders of the span."""
    found = [figure for figure, (table, names) in NEEDS.items() if not set(names) <= set(tables[table].columns)]
    if not SALES_MEASURES.keys() <= set(tables[SALES].columns):
        found += SALES_FIGURES
    return (*found, *(measure.name for measure in FIGURES if _figure(measure, tables) is None))


def timeline_of(rollup: Rollup, step: Step, shop: Shop, filters: Filters) -> pl.DataFrame:
    """Sums by time and status: time (UTC), status and TIME_MEASURES, revenue as a decimal, by time and status.

    A time is when an hour, day or month of the shop begins.

    There are no empty buckets. `late` / `delivered` of a time is its late share. A sum that is not known is null.
    """
    known = present(rollup.tables["hour"], TIME_MEASURES)
    chosen = Rollup(in_currency(rollup.tables, currencies_of(shop, filters)))
    frame = _by_time(chosen, step, hours_of(shop.time_zone), tuple(known)).with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in TIME_MEASURES.items() if name not in known
    )
    return frame.with_columns(amounts_of(frame["revenue"]))


def _by_time(rollup: Rollup, step: Step, hours: Hours, measures: tuple[str, ...]) -> pl.DataFrame:
    """Some of the sums by time and status, sorted."""
    table = rollup.tables["hour"]
    starts = table["hour"].to_numpy()
    if step != "hour":
        starts = hours.day_starts(starts) if step == "day" else hours.month_starts(starts)
    return (
        table.lazy()
        .with_columns(times_of(pl.Series(starts, dtype=pl.Int64)))
        .group_by("time", "status")
        .agg(pl.col(*measures).sum())
        .sort("time", "status")
        .collect(optimizations=AS_WRITTEN)
    )


def times_of(seconds: pl.Series) -> pl.Series:
    """Column `time`, in UTC, of seconds since 1970."""
    return pl.from_epoch(seconds.alias("time"), "s").dt.replace_time_zone("UTC")


def amounts_of(scaled: pl.Series) -> pl.Series:
    """Amounts of 10^-4 units as decimals."""
    return pl.Series(scaled.name, map(amount_of, scaled), dtype=pl.Decimal(38, MONEY_SCALE))


def _points(frame: pl.DataFrame) -> tuple[TimelinePoint, ...]:
    """The rows of a timeline, taken by column: Polars makes aware times one by one, and slowly."""
    frame = frame.filter(pl.col("orders") != 0)
    seconds = frame["time"].dt.epoch("s").to_list()
    times = {second: datetime.fromtimestamp(second, UTC) for second in set(seconds)}
    columns = map(times.__getitem__, seconds), frame["status"].to_list(), frame["orders"].to_list()
    return tuple(map(TimelinePoint, *columns))


def step_of(span: Span, hours: pl.DataFrame) -> Step:
    """How finely a span's timeline is drawn; an open span is as long as its orders."""
    if span.start is not None and span.end is not None:
        length = span.end - span.start
    elif hours.is_empty():
        length = timedelta(0)
    else:
        first, last = time_of(hours["hour"].min()), time_of(hours["hour"].max())  # type: ignore[arg-type]
        # An open span is kept by the day.
        return "day" if last - first <= DAILY_UP_TO else "month"
    if length <= HOURLY_UP_TO:
        return "hour"
    return "day" if length <= DAILY_UP_TO else "month"


def is_hourly(span: Span) -> bool:
    """Whether a span's rollup keeps the timeline by the hour: up to a quarter, 11 000 rows."""
    return span.start is not None and span.end is not None and span.end - span.start <= timedelta(days=93)
