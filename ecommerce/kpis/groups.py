"""Orders and items by what they have in common: the groups of a figure, by the names that people know."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import polars as pl

from ecommerce.kpis.catalog import UNKNOWN, Catalog
from ecommerce.kpis.figures import TOP_PRODUCTS, ItemGroup, OrderGroup, ProductSales, amount_of, share
from ecommerce.kpis.question import Filters
from ecommerce.summaries.cells.frames import AS_WRITTEN, present
from ecommerce.summaries.cells.rollup import DUE_SUMS, GROUP_MEASURES, ITEM_SUMS


def late_share_of(sums: Mapping[str, int | None]) -> float | None:
    """Of the orders whose promise is past, those that came late or are overdue; None where there are none, or unknown.

    `sums` are those of a group of orders. They are the promises of delivered orders with a known time and of open ones.
    """
    due, late, overdue = due_of(sums)
    return None if due is None or late is None or overdue is None else share(late + overdue, due)


def due_of(sums: Mapping[str, int | None]) -> tuple[int | None, int | None, int | None]:
    """Of a group: the orders that were due, those of them that came late, and those overdue; None where unknown."""
    known = [sums.get(name) for name in ("late", "timed", *DUE_SUMS)]
    if None in known:
        return None, None, None
    late, timed, overdue, not_due, not_due_late = (number or 0 for number in known)
    return timed - not_due + overdue, late - not_due_late, overdue


def order_groups(table: pl.DataFrame, name_of: Callable[[Any], str]) -> dict[str, OrderGroup]:
    """The groups of a table by name, sorted; ids that share a name are one group.

    A group without orders is there for its money, as of credits that name no order; one with neither is not there.
    """
    known = present(table, GROUP_MEASURES | DUE_SUMS)
    columns = (table[name].to_list() for name in (table.columns[0], *known))
    result = {}
    for name, sums in _by_name(zip(*columns, strict=True), known, name_of):
        if not sums["orders"] and not sums["revenue"]:
            continue
        due, due_late, _ = due_of(sums)
        result[name] = OrderGroup(
            orders=sums["orders"],
            revenue=amount_of(sums["revenue"]),
            quantity=sums["quantity"],
            delivered=sums["delivered"],
            late=sums.get("late"),
            timed=sums.get("timed"),
            delay_ms=sums.get("delay_ms"),
            overdue=sums.get("overdue"),
            due=due,
            due_late=due_late,
            late_share=late_share_of(sums),
        )
    return result


def sold_items(products: pl.DataFrame, filters: Filters, catalog: Catalog) -> pl.DataFrame:
    """The sales by product and warehouse, with categories, that pass the filters on items."""
    found = (
        products.lazy()
        .join(catalog.categories.lazy(), on="product_id", how="left")
        .with_columns(pl.col("category").fill_null(UNKNOWN))
    )
    if filters.categories:
        found = found.filter(pl.col("category").is_in(list(filters.categories)))
    if filters.warehouse_ids:
        found = found.filter(pl.col("warehouse_id").is_in(list(filters.warehouse_ids)))
    return found.collect(optimizations=AS_WRITTEN)


def top_products(products: pl.DataFrame, names: Callable[[list[int]], dict[int, str]]) -> tuple[ProductSales, ...]:
    """The products with the largest quantities; of equal ones the smaller id is first."""
    rows = (
        products.lazy()
        .group_by("product_id")
        .agg(pl.col("quantity").sum())
        .sort("quantity", "product_id", descending=[True, False])
        .head(TOP_PRODUCTS)
        .collect(optimizations=pl.QueryOptFlags.none(slice_pushdown=True))  # sorts no more than these
        .rows()
    )
    name_of = names([product_id for product_id, _ in rows])
    return tuple(ProductSales(product_id, name_of[product_id], quantity) for product_id, quantity in rows)


def item_groups(products: pl.DataFrame, column: str, name_of: Callable[[Any], str]) -> dict[str, ItemGroup]:
    """The sales by one column, by name, sorted; ids that share a name are one group."""
    known = present(products, ITEM_SUMS)
    rows = products.group_by(column).agg(pl.col(*known).sum()).iter_rows()
    result = {}
    for name, sums in _by_name(rows, known, name_of):
        revenue = amount_of(sums["revenue"]) if "revenue" in sums else None
        result[name] = ItemGroup(sums["order_items"], sums["quantity"], revenue)
    return result


def _by_name(
    rows: Iterable[tuple[Any, ...]], sums: Collection[str], name_of: Callable[[Any], str]
) -> Iterator[tuple[str, dict[str, int]]]:
    """The sums of rows of (id, sum, …) by the name of the id, sorted."""
    groups: dict[str, list[int]] = {}
    for key, *numbers in rows:
        name = name_of(key)
        known = groups.get(name)
        groups[name] = [a + b for a, b in zip(known, numbers, strict=True)] if known else numbers
    for name in sorted(groups):
        yield name, dict(zip(sums, groups[name], strict=True))
