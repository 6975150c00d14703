"""Sales as shops count them, from the cells of sales: the one definition of each figure. docs/kpis.md has the words."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from ecommerce.kpis.catalog import UNKNOWN
from ecommerce.kpis.figures import Sales, SalesGroup, amount_of, share
from ecommerce.summaries.cells.measures import OF_ITEMS, OF_ORDERS, sums_of
from ecommerce.summaries.cells.rollup import PRODUCT, SALES
from ecommerce.summaries.cells.sales import SALES_MEASURES

_RATIOS = {"counted_orders"}
"""Sums of orders that amounts are divided by."""


def _of_money(measures: Any) -> set[str]:
    return {name for name, (measure, _) in sums_of(measures).items() if measure.money} | _RATIOS


_MONEY_OF_ORDERS, _MONEY_OF_ITEMS = _of_money(OF_ORDERS), _of_money(OF_ITEMS)


def in_currency(tables: Mapping[str, pl.DataFrame], codes: frozenset[str]) -> dict[str, pl.DataFrame]:
    """The tables of a rollup with the money of these currencies alone; what is counted is of all."""
    return {
        name: _only(name, table, codes) if "currency" in table.columns and name != SALES else table
        for name, table in tables.items()
    }


def _only(name: str, table: pl.DataFrame, codes: frozenset[str]) -> pl.DataFrame:
    if set(table["currency"].unique()) <= codes:
        return table
    money = (_MONEY_OF_ITEMS if name == PRODUCT else _MONEY_OF_ORDERS).intersection(table.columns)
    chosen = pl.col("currency").is_in(list(codes))
    return table.with_columns(
        pl.when(chosen).then(column).otherwise(pl.lit(0, table.schema[column])).alias(column) for column in money
    )


def sales_of(table: pl.DataFrame, codes: frozenset[str]) -> Sales | None:
    """The figures of sales in these currencies; None where not all orders tell them."""
    if not SALES_MEASURES.keys() <= set(table.columns):
        return None
    chosen = table.filter(pl.col("currency").is_in(list(codes)))
    total = {name: int(chosen[name].sum()) for name in SALES_MEASURES}
    net = total["gross"] - total["discounts"] - total["returns"]
    return Sales(
        gross_sales=amount_of(total["gross"]),
        discounts=amount_of(total["discounts"]),
        returns=amount_of(total["returns"]),
        net_sales=amount_of(net),
        tax=amount_of(total["tax"]),
        shipping=amount_of(total["shipping"]),
        total_sales=amount_of(net + total["tax"] + total["shipping"]),
        cost=amount_of(total["cost"]),
        margin=amount_of(total["known_net"] - total["cost"]),
        cost_known_share=share(total["known_net"], net),
    )


def by_currency(table: pl.DataFrame, shop_currency: str) -> dict[str, SalesGroup] | None:
    """Orders and money of each currency, by its code; None where not all orders tell it."""
    named = table.with_columns(pl.col("currency").replace("", shop_currency))
    return _grouped(named, "currency", None)


def by_channel(table: pl.DataFrame, codes: frozenset[str]) -> dict[str, SalesGroup] | None:
    """Orders of each channel, and their money in these currencies; None where not all orders tell it."""
    return _grouped(table.with_columns(pl.col("channel").replace("", UNKNOWN)), "channel", codes)


def _grouped(table: pl.DataFrame, name: str, codes: frozenset[str] | None) -> dict[str, SalesGroup] | None:
    if not SALES_MEASURES.keys() <= set(table.columns):
        return None
    net = pl.col("gross") - pl.col("discounts") - pl.col("returns")
    total = net + pl.col("tax") + pl.col("shipping")
    money = {"revenue": pl.col("revenue"), "net": net, "total": total}
    if codes is not None:
        chosen = pl.col("currency").is_in(list(codes))
        money = {key: pl.when(chosen).then(one).otherwise(pl.lit(0, pl.Int128)) for key, one in money.items()}
    groups = table.group_by(name).agg(pl.col("orders").sum(), **{key: one.sum() for key, one in money.items()})
    groups = groups.filter(pl.any_horizontal(pl.col("orders", *money) != 0))
    return {
        key: SalesGroup(orders, amount_of(revenue), amount_of(net_sales), amount_of(total_sales))
        for key, orders, revenue, net_sales, total_sales in groups.sort(name).iter_rows()
    }
