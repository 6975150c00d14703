"""Figures by the hour for those who look for a trend: read for a span when somebody asks, outside of any refresh.

They are made of the same cells as the live figures and by the same definitions (docs/kpis.md): over any whole days they
add up to those of `kpis`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import chain, islice
from typing import Any

import polars as pl

from ecommerce.documents.statuses import UNCOUNTED
from ecommerce.errors import EcommerceError
from ecommerce.kpis.catalog import UNKNOWN
from ecommerce.kpis.compute import amounts_of, currencies_of, timeline_of, times_of
from ecommerce.kpis.load import GATHERED, load_rollup
from ecommerce.kpis.question import Filters, Span
from ecommerce.mongo import MongoDatabase, is_replica_set
from ecommerce.shop import Shop
from ecommerce.summaries.buckets import cells_parts, deltas_of
from ecommerce.summaries.cells.frames import summed, together
from ecommerce.summaries.cells.rollup import ITEM_SUMS, SALES, item_rows
from ecommerce.summaries.cells.sales import net_sales
from ecommerce.summaries.cells.table import CellTable
from ecommerce.summaries.records import SALES as SALES_OF_DAYS
from ecommerce.summaries.state import ARCHIVE_SUMMARY, load_state

_ITEMS = {"hour": pl.Int64, "product_id": pl.Int64, "warehouse_id": pl.Int64, "currency": pl.String}
_SOLD = {"hour": pl.Int64, "category": pl.String, "currency": pl.String}


@dataclass(frozen=True, eq=False)
class Course:
    """A span by the hour. `time` is when an hour of the shop began, in UTC; hours without anything are not there."""

    orders: pl.DataFrame
    """time, orders, counted_orders, revenue (decimal), delivered, late; late is null where it is not known."""
    net_sales: pl.DataFrame | None
    """time, net_sales (decimal): refunds count on their own day. None where some orders do not tell."""


def read_course(database: MongoDatabase, span: Span, filters: Filters, shop: Shop) -> Course:
    """Orders, money and deliveries of a span by the hour. Without summaries there is nothing."""
    loaded = load_rollup(database, span, filters, hourly=True)
    if loaded is None:
        raise EcommerceError("there are no summaries yet: `ecommerce summarize` makes them")
    by_status = timeline_of(loaded.rollup, "hour", shop, filters)
    counted = ~pl.col("status").is_in(UNCOUNTED)
    orders = by_status.group_by("time").agg(
        pl.col("orders").sum(),
        pl.col("orders").filter(counted).sum().alias("counted_orders"),
        pl.col("revenue").filter(counted).sum(),
        pl.col("delivered").sum(),
        pl.when(pl.col("late").null_count() == 0).then(pl.col("late").sum()).alias("late"),
    )
    return Course(orders.sort("time"), _net_sales(loaded.rollup.tables[SALES], currencies_of(shop, filters)))


def _net_sales(table: pl.DataFrame, codes: frozenset[str]) -> pl.DataFrame | None:
    told = net_sales(table)
    if "net" not in told.columns:
        return None
    of_currency = told.filter(pl.col("currency").is_in(list(codes)))
    sums = of_currency.group_by("hour").agg(net_sales=pl.col("net").sum()).sort("hour")
    return sums.select(times_of(sums["hour"]), amounts_of(sums["net_sales"]))


def read_sold(
    database: MongoDatabase, span: Span, filters: Filters, shop: Shop, categories: pl.DataFrame
) -> pl.DataFrame:
    """What was sold by the hour: time, category, quantity, and revenue (decimal) where it is known of all orders.

    `categories` are the catalog's. Rollups do not keep items by time: this costs the cells of the span.
    """
    parts = _item_cells(database, span, filters)
    sold = pl.DataFrame(schema=_SOLD | ITEM_SUMS)
    while several := list(islice(parts, GATHERED)):
        rows = together(several, _ITEMS, ITEM_SUMS).join(categories, on="product_id", how="left")
        rows = rows.with_columns(pl.col("category").fill_null(UNKNOWN)).drop("product_id", "warehouse_id")
        sold = summed(together([sold, rows], _SOLD, ITEM_SUMS), _SOLD, ITEM_SUMS)
    if filters.categories:
        sold = sold.filter(pl.col("category").is_in(list(filters.categories)))
    sums: dict[str, Any] = {"quantity": pl.col("quantity").sum()}
    if "revenue" in sold.columns:
        of_currency = pl.col("currency").is_in(list(currencies_of(shop, filters)))
        sums["revenue"] = pl.col("revenue").filter(of_currency).sum()
    found = sold.group_by("hour", "category").agg(**sums).sort("hour", "category")
    made = found.select(times_of(found["hour"]), "category", "quantity")
    return made.with_columns(amounts_of(found["revenue"])) if "revenue" in sums else made


def _item_cells(database: MongoDatabase, span: Span, filters: Filters) -> Iterable[pl.DataFrame]:
    snapshot = is_replica_set(database)
    with database.client.start_session(snapshot=snapshot) as session:
        if (state := load_state(database, session)) is None:
            return
        nothing = CellTable.empty().encode()
        found = cells_parts(database, state, span.start, span.end, session, only=("data.items",))
        for cells in chain(deltas_of(database, state, session), (CellTable.decode(nothing | data) for data in found)):
            items = item_rows(cells.within(span.start, span.end))
            if filters.warehouse_ids:
                items = items.filter(pl.col("warehouse_id").is_in(list(filters.warehouse_ids)))
            yield items


def read_archived_days(database: MongoDatabase) -> dict[date, int] | None:
    """Days of the shop → how many of their orders are archived. None where records of an older version do not tell."""
    if database[ARCHIVE_SUMMARY].find_one({SALES_OF_DAYS: {"$exists": False}, "total_orders": {"$ne": 0}}, {"_id": 1}):
        return None
    groups = database[ARCHIVE_SUMMARY].aggregate(
        [
            {"$unwind": f"${SALES_OF_DAYS}"},
            {"$group": {"_id": f"${SALES_OF_DAYS}.day", "orders": {"$sum": f"${SALES_OF_DAYS}.orders"}}},
            {"$match": {"orders": {"$ne": 0}}},  # only refunds
            {"$sort": {"_id": 1}},
        ]
    )
    return {group["_id"].date(): int(group["orders"]) for group in groups}
