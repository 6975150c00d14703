"""Rollups: cells summed up by one dimension at a time, which is what figures without filters are made of.

A month of a million orders has half a million cells but only some ten thousand rows here, so that the figures of all
time cost reading a document a month. A running dashboard keeps its figures in the same form and adds what changed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from ecommerce.documents.order import UNCOUNTED_STATUSES
from ecommerce.summaries.encoding import decode_frame, encode_frame
from ecommerce.summaries.reference import DELIVERED
from ecommerce.summaries.table import ITEM_DIMENSIONS, ORDER_DIMENSIONS, CellTable, summed

GROUP_MEASURES: dict[str, Any] = {
    "orders": pl.Int64,
    "quantity": pl.Int128,
    "revenue": pl.Int128,  # amount of the counted orders, scaled
    "discount": pl.Int128,  # discount_amount of the counted orders, scaled
    "counted_orders": pl.Int64,
    "delivered": pl.Int64,
    "timed": pl.Int64,
    "late": pl.Int64,
    "delay_ms": pl.Int128,
}
TIME_MEASURES: dict[str, Any] = {
    "orders": pl.Int64,
    "revenue": pl.Int128,
    "quantity": pl.Int128,
    "delivered": pl.Int64,
    "late": pl.Int64,
}
SALES_MEASURES: dict[str, Any] = {
    "order_items": pl.Int64,
    "quantity": pl.Int128,
    "revenue": pl.Int128,  # of the counted orders' items, scaled
}

GROUPS = ("payment_type", "status", "courier_id", "location")

TABLES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    **{name: ({name: ORDER_DIMENSIONS[name]}, GROUP_MEASURES) for name in GROUPS},
    "hour": ({"hour": ORDER_DIMENSIONS["hour"], "status": ORDER_DIMENSIONS["status"]}, TIME_MEASURES),
    "product": ({name: ITEM_DIMENSIONS[name] for name in ("product_id", "warehouse_id")}, SALES_MEASURES),
}
"""Dimensions and measures of each table of a rollup."""


@dataclass(frozen=True, eq=False)
class Rollup:
    """Sums of some cells: the tables of TABLES by name, each grouped and without rows of zeros."""

    tables: Mapping[str, pl.DataFrame]

    @staticmethod
    def of_cells(cells: CellTable) -> "Rollup":
        """The rollup of cells."""
        counted = ~pl.col("status").is_in(UNCOUNTED_STATUSES)
        orders = cells.orders.with_columns(
            revenue=pl.when(counted).then("amount").otherwise(pl.lit(0, pl.Int128)),
            discount=pl.when(counted).then("discount_amount").otherwise(pl.lit(0, pl.Int128)),
            counted_orders=pl.when(counted).then("orders").otherwise(0),
            delivered=pl.when(pl.col("status") == DELIVERED).then("orders").otherwise(0),
        )
        items = cells.items.with_columns(
            revenue=pl.when(pl.col("counted")).then("revenue").otherwise(pl.lit(0, pl.Int128))
        )
        return Rollup({name: summed(items if name == "product" else orders, *shape) for name, shape in TABLES.items()})

    @staticmethod
    def sum_of(rollups: "Iterable[Rollup]") -> "Rollup":
        """All of the rollups together."""
        found = list(rollups)
        if len(found) == 1:
            return found[0]
        return Rollup(
            {
                name: summed(
                    pl.concat([pl.DataFrame(schema=shape[0] | shape[1]), *(rollup.tables[name] for rollup in found)]),
                    *shape,
                )
                for name, shape in TABLES.items()
            }
        )

    def is_empty(self) -> bool:
        """Whether there is nothing in it."""
        return all(table.is_empty() for table in self.tables.values())

    def encode(self) -> dict[str, Any]:
        """As a document for MongoDB. `decode` gives the same rollup back."""
        return {name: encode_frame(table) for name, table in self.tables.items()}

    @staticmethod
    def decode(document: Mapping[str, Any]) -> "Rollup":
        """The rollup of a document that `encode` made."""
        return Rollup({name: decode_frame(document[name], shape[0] | shape[1]) for name, shape in TABLES.items()})
