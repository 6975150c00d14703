"""Rollups: cells summed up by one dimension at a time, which is what figures without filters are made of.

A month of a million orders has half a million cells but only some ten thousand rows here, so that the figures of all
time cost reading a document a month. A running dashboard keeps its figures in the same form and adds what changed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from ecommerce.documents.order import UNCOUNTED_STATUSES
from ecommerce.summaries.cells.encoding import decode_frame, encode_frame
from ecommerce.summaries.cells.reference import DELIVERED
from ecommerce.summaries.cells.table import AS_WRITTEN, ITEM_DIMENSIONS, ORDER_DIMENSIONS, CellTable, lazily_summed

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

_COUNTED = ~pl.col("status").is_in(UNCOUNTED_STATUSES)
_OF_ORDERS = {
    "revenue": pl.when(_COUNTED).then("amount").otherwise(pl.lit(0, pl.Int128)),
    "discount": pl.when(_COUNTED).then("discount_amount").otherwise(pl.lit(0, pl.Int128)),
    "counted_orders": pl.when(_COUNTED).then("orders").otherwise(0),
    "delivered": pl.when(pl.col("status") == DELIVERED).then("orders").otherwise(0),
}
_OF_ITEMS = {"revenue": pl.when(pl.col("counted")).then("revenue").otherwise(pl.lit(0, pl.Int128))}
"""The measures that cells have under another name, or of which not all rows count."""


@dataclass(frozen=True, eq=False)
class Rollup:
    """Sums of some cells: the tables of TABLES by name, each grouped and without rows of zeros."""

    tables: Mapping[str, pl.DataFrame]

    @staticmethod
    def of_cells(cells: CellTable) -> "Rollup":
        """The rollup of cells."""
        orders = cells.orders.lazy().with_columns(**_OF_ORDERS)
        items = cells.items.lazy().with_columns(**_OF_ITEMS)
        return _collected({name: items if name == "product" else orders for name in TABLES})

    @staticmethod
    def sum_of(rollups: "Iterable[Rollup]") -> "Rollup":
        """All of the rollups together."""
        found = list(rollups)
        if len(found) == 1:
            return found[0]
        return _collected(
            {
                name: pl.concat(
                    [pl.DataFrame(schema=shape[0] | shape[1]), *(rollup.tables[name] for rollup in found)]
                ).lazy()
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


def _collected(frames: Mapping[str, pl.LazyFrame]) -> Rollup:
    """The rollup of a frame for each table, grouped and summed in one go."""
    plans = [lazily_summed(frames[name], *shape) for name, shape in TABLES.items()]
    return Rollup(dict(zip(TABLES, pl.collect_all(plans, optimizations=AS_WRITTEN), strict=True)))
