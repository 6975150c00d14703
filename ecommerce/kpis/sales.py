"""Sales as shops count them, from the cells of sales: the one definition of each figure. docs/kpis.md has the words."""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from ecommerce.kpis.catalog import UNKNOWN
from ecommerce.kpis.figures import Sales, SalesGroup, amount_of, share
from ecommerce.summaries.cells.frames import summed
from ecommerce.summaries.cells.measures import OF_ITEMS, OF_ORDERS, sums_of
from ecommerce.summaries.cells.rollup import PRODUCT, SALES
from ecommerce.summaries.cells.sales import SALES_DIMENSIONS, SALES_MEASURES

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


Parts = list[dict[str, Any]]
"""Sums of sales by currency and channel, as integers of 10^-4 units: a handful of rows, whatever the span."""


def parts_of(table: pl.DataFrame) -> Parts | None:
    """The parts of a table of sales; None where not all orders tell them."""
    if not SALES_MEASURES.keys() <= set(table.columns):
        return None
    return summed(table, _BY, SALES_MEASURES).rows(named=True)


_BY = {name: dtype for name, dtype in SALES_DIMENSIONS.items() if name != "hour"}


def sales_of(parts: Parts | None, codes: frozenset[str]) -> Sales | None:
    """The figures of sales in these currencies."""
    if parts is None:
        return None
    total = {name: sum(part[name] for part in parts if part["currency"] in codes) for name in SALES_MEASURES}
    net = _net(total)
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


def by_currency(parts: Parts | None, shop_currency: str) -> dict[str, SalesGroup] | None:
    """Orders and money of each currency, by its code."""
    return _grouped(parts, lambda part: part["currency"] or shop_currency, None)


def by_channel(parts: Parts | None, codes: frozenset[str]) -> dict[str, SalesGroup] | None:
    """Orders of each channel, and their money in these currencies."""
    return _grouped(parts, lambda part: part["channel"] or UNKNOWN, codes)


def _net(sums: Mapping[str, int]) -> int:
    return sums["gross"] - sums["discounts"] - sums["returns"]


def _grouped(
    parts: Parts | None, name_of: Callable[[Mapping[str, Any]], str], codes: frozenset[str] | None
) -> dict[str, SalesGroup] | None:
    if parts is None:
        return None
    groups: dict[str, list[int]] = {}
    for part in parts:
        sums = groups.setdefault(name_of(part), [0, 0, 0, 0])
        sums[0] += part["orders"]
        if codes is None or part["currency"] in codes:
            net = _net(part)
            for at, amount in enumerate((part["revenue"], net, net + part["tax"] + part["shipping"]), 1):
                sums[at] += amount
    return {
        name: SalesGroup(orders, *map(amount_of, amounts))
        for name, (orders, *amounts) in sorted(groups.items())
        if orders or any(amounts)
    }
