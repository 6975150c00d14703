"""The table of cells: what a set of orders comes to, per hour and dimension. Tables add and subtract exactly.

Two families, because an order has one status and many products: order cells answer by payment type, status, courier
and location, item cells by product and warehouse. Amounts are integers of 10^-4 units in 128 bits: ten orders of the
largest amount that a document may hold overflow 64.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, reduce
from operator import or_
from typing import Any

import polars as pl

from ecommerce.summaries.cells.encoding import decode_frame, encode_frame

ORDER_DIMENSIONS: dict[str, Any] = {
    "hour": pl.Int32,  # of order_time, in hours since 1970, UTC
    "payment_type": pl.String,
    "status": pl.String,
    "courier_id": pl.Int64,
    "location": pl.String,
}
ORDER_MEASURES: dict[str, Any] = {
    "orders": pl.Int64,
    "items": pl.Int64,  # order items
    "quantity": pl.Int128,  # units, over the order items
    "amount": pl.Int128,  # total_amount, scaled
    "discount_amount": pl.Int128,  # what the discount took off the items' prices, scaled
    "timed": pl.Int64,  # delivered orders whose actual_time is known
    "late": pl.Int64,  # those of them with actual_time after expected_time
    "delay_ms": pl.Int128,  # actual_time - expected_time over the timed ones
}
ITEM_DIMENSIONS: dict[str, Any] = {
    "hour": pl.Int32,  # of the order's order_time
    "product_id": pl.Int64,
    "warehouse_id": pl.Int64,
    "counted": pl.Boolean,  # the order's status is not one that revenue leaves out
}
ITEM_MEASURES: dict[str, Any] = {
    "order_items": pl.Int64,
    "quantity": pl.Int128,
    "revenue": pl.Int128,  # price x quantity x (1 - discount), rounded half to even per order item, scaled
}
ORDER_SCHEMA = ORDER_DIMENSIONS | ORDER_MEASURES
ITEM_SCHEMA = ITEM_DIMENSIONS | ITEM_MEASURES

MILLISECONDS_PER_HOUR = 3_600_000

AS_WRITTEN = pl.QueryOptFlags.none()
"""How plans are run: each is short and in its best order, and to a tick looking for a better one is half its cost."""


@dataclass(frozen=True, eq=False)
class CellTable:
    """Cells of some orders: no two rows of a frame share their dimensions, and no row is all zeros."""

    orders: pl.DataFrame
    """Columns of ORDER_SCHEMA."""
    items: pl.DataFrame
    """Columns of ITEM_SCHEMA."""

    @staticmethod
    def empty() -> "CellTable":
        """The cells of no orders."""
        return CellTable(pl.DataFrame(schema=ORDER_SCHEMA), pl.DataFrame(schema=ITEM_SCHEMA))

    @staticmethod
    def of_rows(orders: pl.DataFrame, items: pl.DataFrame) -> "CellTable":
        """Cells of rows that may share dimensions: one row per order and per order item, or other cells."""
        return CellTable(
            summed(orders, ORDER_DIMENSIONS, ORDER_MEASURES), summed(items, ITEM_DIMENSIONS, ITEM_MEASURES)
        )

    @staticmethod
    def sum_of(tables: "Iterable[CellTable]") -> "CellTable":
        """All of the tables together."""
        found = list(tables)
        if len(found) == 1:
            return found[0]
        return CellTable.of_rows(
            pl.concat([pl.DataFrame(schema=ORDER_SCHEMA), *(table.orders for table in found)]),
            pl.concat([pl.DataFrame(schema=ITEM_SCHEMA), *(table.items for table in found)]),
        )

    def plus(self, other: "CellTable") -> "CellTable":
        """The cells of both."""
        return CellTable.sum_of((self, other))

    def minus(self, other: "CellTable") -> "CellTable":
        """These cells without those of `other`; what `other` has more comes out negative."""
        return CellTable.sum_of((self, other.negated()))

    def negated(self) -> "CellTable":
        """The same cells with every measure's sign turned."""
        return CellTable(
            # Polars 2.1 has no negation of 128-bit integers.
            self.orders.with_columns(pl.col(name) * -1 for name in ORDER_MEASURES),
            self.items.with_columns(pl.col(name) * -1 for name in ITEM_MEASURES),
        )

    def within(self, start_hour: int | None, end_hour: int | None) -> "CellTable":
        """The cells of hours in [start_hour, end_hour); None is open."""
        if start_hour is None and end_hour is None:
            return self
        condition = pl.lit(True)
        if start_hour is not None:
            condition &= pl.col("hour") >= start_hour
        if end_hour is not None:
            condition &= pl.col("hour") < end_hour
        return CellTable(self.orders.filter(condition), self.items.filter(condition))

    def is_empty(self) -> bool:
        """Whether these are the cells of no orders: a difference is empty where two tables are equal."""
        return self.orders.is_empty() and self.items.is_empty()

    def equals(self, other: "CellTable") -> bool:
        """Whether both have the same cells, whatever the order of rows."""
        return self.minus(other).is_empty()

    def encode(self) -> dict[str, Any]:
        """As a document for MongoDB. `decode` gives the same cells back."""
        return {"orders": encode_frame(self.orders), "items": encode_frame(self.items)}

    @staticmethod
    def decode(document: Mapping[str, Any]) -> "CellTable":
        """The cells of a document that `encode` made."""
        return CellTable(
            decode_frame(document["orders"], ORDER_SCHEMA),
            decode_frame(document["items"], ITEM_SCHEMA),
        )


def summed(frame: pl.DataFrame, dimensions: Mapping[str, Any], measures: Mapping[str, Any]) -> pl.DataFrame:
    """The frame grouped by its dimensions, measures summed, rows of zeros left out."""
    return lazily_summed(frame.lazy(), dimensions, measures).collect(optimizations=AS_WRITTEN)


def lazily_summed(frame: pl.LazyFrame, dimensions: Mapping[str, Any], measures: Mapping[str, Any]) -> pl.LazyFrame:
    """The plan of `summed`, to be collected together with others."""
    sums, has_any = _sums(tuple(measures.items()))
    return frame.group_by(list(dimensions)).agg(sums).filter(has_any)


@cache
def _sums(measures: tuple[tuple[str, Any], ...]) -> tuple[list[pl.Expr], pl.Expr]:
    """The sum of each measure, and whether any is not zero. Building them anew would be a fifth of a tick."""
    sums = [pl.col(name).cast(dtype).sum() for name, dtype in measures]
    return sums, reduce(or_, (pl.col(name) != 0 for name, _ in measures))
