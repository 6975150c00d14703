"""The table of cells: what a set of orders comes to, per hour and dimension. Tables add and subtract exactly.

Two families, because an order has one status and many products: order cells answer by payment type, status, courier
and location, item cells by product and warehouse. Beside them are the events of sales and the promises, of which time
makes what figures say of them. Amounts are integers of 10^-4 units in 128 bits: ten orders of the
largest amount that a document may hold overflow 64.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from ecommerce.documents.statuses import DELIVERED, FINISHED, UNCOUNTED, canonical
from ecommerce.hours import seconds_of
from ecommerce.summaries.cells import measures
from ecommerce.summaries.cells.batch import canonical_statuses
from ecommerce.summaries.cells.encoding import decode_frame, encode_frame, texts_of
from ecommerce.summaries.cells.frames import present, summed, summed_all, together
from ecommerce.summaries.cells.measures import types_of
from ecommerce.summaries.cells.promises import (
    KNOWN,
    PROMISE_DIMENSIONS,
    PROMISE_MEASURES,
    PROMISE_SCHEMA,
    promises_of_before,
    settled_rows,
)
from ecommerce.summaries.cells.sales import SALES_DIMENSIONS, SALES_MEASURES, SALES_SCHEMA

ORDER_DIMENSIONS: dict[str, Any] = {
    "hour": pl.Int64,  # when the hour of order_time began, in the shop's zone; in seconds since 1970
    "payment_type": pl.String,
    "status": pl.String,  # by the name that the table of statuses has for it
    "courier_id": pl.Int64,
    "location": pl.String,
    "currency": pl.String,  # "": the order names none, so it is the shop's
}
ORDER_MEASURES = types_of(measures.OF_ORDERS)
ITEM_DIMENSIONS: dict[str, Any] = {
    "hour": pl.Int64,  # of the order's order_time
    "product_id": pl.Int64,
    "warehouse_id": pl.Int64,
    "counted": pl.Boolean,  # the order's status is not one that revenue leaves out
    "currency": pl.String,
}
ITEM_MEASURES = types_of(measures.OF_ITEMS)
ORDER_SCHEMA = ORDER_DIMENSIONS | ORDER_MEASURES
ITEM_SCHEMA = ITEM_DIMENSIONS | ITEM_MEASURES

FAMILIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "orders": (ORDER_DIMENSIONS, ORDER_MEASURES),
    "items": (ITEM_DIMENSIONS, ITEM_MEASURES),
    "sales": (SALES_DIMENSIONS, SALES_MEASURES),
    "promises": (PROMISE_DIMENSIONS, PROMISE_MEASURES),
}
"""Dimensions and measures of each frame of a table."""

JUDGED_BY_COUNTED = "revenue"
"""The measure of items that means nothing where it is not known which of them count."""


@dataclass(frozen=True, eq=False)
class CellTable:
    """Cells of some orders: no two rows of a frame share their dimensions, and no row is all zeros.

    A measure that came after some of the cells were made is not a column: of these orders it is not known.
    """

    orders: pl.DataFrame
    """Columns of ORDER_SCHEMA."""
    items: pl.DataFrame
    """Columns of ITEM_SCHEMA."""
    sales: pl.DataFrame
    """Columns of SALES_SCHEMA."""
    promises: pl.DataFrame
    """Columns of PROMISE_SCHEMA."""

    @property
    def frames(self) -> tuple[pl.DataFrame, ...]:
        """The frames, in the order of FAMILIES."""
        return self.orders, self.items, self.sales, self.promises

    @staticmethod
    def empty() -> "CellTable":
        """The cells of no orders."""
        return CellTable(*(pl.DataFrame(schema=dimensions | measures) for dimensions, measures in FAMILIES.values()))

    @staticmethod
    def of_rows(*frames: pl.DataFrame) -> "CellTable":
        """Cells of rows that may share dimensions: one row per order, order item and event, or other cells."""
        return CellTable(*summed_all([(frame, *shape) for frame, shape in zip(frames, FAMILIES.values(), strict=True)]))

    @staticmethod
    def sum_of(tables: "Iterable[CellTable]") -> "CellTable":
        """All of the tables together, with the measures that all of them have."""
        found = list(tables)
        if len(found) == 1:
            return found[0]
        by_family = zip(*(table.frames for table in found), strict=True) if found else ([] for _ in FAMILIES)
        return CellTable.of_rows(
            *(together(list(frames), *shape) for frames, shape in zip(by_family, FAMILIES.values(), strict=True))
        )

    def plus(self, other: "CellTable") -> "CellTable":
        """The cells of both."""
        return CellTable.sum_of((self, other))

    def minus(self, other: "CellTable") -> "CellTable":
        """These cells without those of `other`; what `other` has more comes out negative.

        Only what both of them tell is compared.
        """
        left, right = self, other
        if not all(JUDGED_BY_COUNTED in table.items.columns for table in (left, right) if table.items.height):
            left, right = left.without_judgement(), right.without_judgement()
        if not all(KNOWN in table.promises.columns for table in (left, right) if table.promises.height):
            left, right = left.without_promises(), right.without_promises()
        return CellTable.sum_of((left, right.negated()))

    def without_judgement(self) -> "CellTable":
        """The cells without what depends on which items count."""
        judged = [JUDGED_BY_COUNTED] if JUDGED_BY_COUNTED in self.items.columns else []
        items = self.items.drop(judged).with_columns(counted=pl.lit(True))
        return CellTable.of_rows(self.orders, items, self.sales, self.promises)

    def without_promises(self) -> "CellTable":
        """The cells without the promises."""
        return replace(self, promises=pl.DataFrame(schema=PROMISE_SCHEMA))

    def settled(self, before_ms: int) -> "CellTable":
        """The cells with what is settled of promises that were due before a moment; figures after it are the same."""
        return replace(self, promises=summed(settled_rows(self.promises, before_ms), *FAMILIES["promises"]))

    def negated(self) -> "CellTable":
        """The same cells with every measure's sign turned."""
        # Polars 2.1 has no negation of 128-bit integers.
        return CellTable(
            *(
                frame.with_columns(pl.col(name) * -1 for name in present(frame, measures))
                for frame, (_, measures) in zip(self.frames, FAMILIES.values(), strict=True)
            )
        )

    def within(self, start: datetime | None, end: datetime | None) -> "CellTable":
        """The cells of hours that begin in [start, end); None is open."""
        bounds = [pl.col("hour") >= seconds_of(start)] if start else []
        bounds += [pl.col("hour") < seconds_of(end)] if end else []
        return self.mapped(lambda frame: frame.filter(bounds)) if bounds else self

    def mapped(self, change: Callable[[pl.DataFrame], pl.DataFrame]) -> "CellTable":
        """The cells of changed frames, which have no two rows that share their dimensions."""
        return CellTable(*map(change, self.frames))

    def regrouped(self, change: Callable[[pl.DataFrame], pl.DataFrame]) -> "CellTable":
        """The cells of changed frames, whose rows may share dimensions."""
        return CellTable.of_rows(*map(change, self.frames))

    def hours(self) -> pl.Series:
        """The hours of all rows."""
        return pl.concat([frame["hour"] for frame in self.frames])

    def is_empty(self) -> bool:
        """Whether these are the cells of no orders: a difference is empty where two tables are equal."""
        return all(frame.is_empty() for frame in self.frames)

    def equals(self, other: "CellTable") -> bool:
        """Whether both have the same cells, whatever the order of rows."""
        return self.minus(other).is_empty()

    def encode(self) -> dict[str, Any]:
        """As a document for MongoDB. `decode` gives the same cells back."""
        return {name: encode_frame(frame) for name, frame in zip(FAMILIES, self.frames, strict=True)}

    @staticmethod
    def decode(document: Mapping[str, Any]) -> "CellTable":
        """The cells of a document that `encode` made, in any version: without the measures that it did not know."""
        cells, misread = cells_as_written(document), _misread(document["orders"])
        return _read_anew(cells, misread) if misread else cells


SHAPE_OF_CELLS = (
    "orders.columns.status.texts",
    *(f"{family}.rows" for family in FAMILIES),
    *(f"{family}.columns.{name}.type" for family, (_, measures) in FAMILIES.items() for name in measures),
)
"""What `is_incomplete` looks at in encoded cells: a hundredth of them."""


def is_incomplete(document: Mapping[str, Any]) -> bool:
    """Whether encoded cells do not tell all that cells tell today."""
    orders = document["orders"]
    lacking = any(
        document[name]["rows"] and not measures.keys() <= document[name]["columns"].keys()
        for name, (_, measures) in FAMILIES.items()
        if name in document
    )
    return lacking or bool(orders["rows"] and (not FAMILIES.keys() <= document.keys() or _misread(orders)))


def cells_as_written(document: Mapping[str, Any]) -> CellTable:
    """Encoded cells as the version that made them saw the orders: texts that it did not know are their own statuses."""
    frames = {name: decode_frame(document[name], *shape) for name, shape in FAMILIES.items() if name in document}
    orders = frames["orders"]
    if "sales" not in frames:
        frames["sales"] = sales_of_before(orders, pl.col("amount"))
    if "promises" not in frames:
        frames["promises"] = promises_of_before(orders)
    return CellTable(**frames)


def sales_of_before(orders: pl.DataFrame, amount: pl.Expr) -> pl.DataFrame:
    """What cells of a version without sales tell of them: orders and revenue."""
    if orders.is_empty():
        return pl.DataFrame(schema=SALES_SCHEMA)
    counted = pl.when(~pl.col("status").is_in(UNCOUNTED)).then(amount).otherwise(pl.lit(0, pl.Int128))
    known = orders.select("hour", "orders", currency=pl.lit(""), channel=pl.lit(""), revenue=counted)
    return summed(known, SALES_DIMENSIONS, SALES_MEASURES)


def _misread(document: Mapping[str, Any]) -> set[str]:
    """Statuses that some texts of encoded cells spell, which was not known when they were made."""
    return {name for text in texts_of(document, "status") if (name := canonical(text)) != text}


def _read_anew(cells: CellTable, misread: set[str]) -> CellTable:
    """Cells that were made when some texts were not known to mean these statuses.

    What they were judged by that is not known of them: which items and sales count, which orders came late.
    """
    items, sales, promises = cells.items, cells.sales, cells.promises
    if misread.intersection(UNCOUNTED):
        items = items.drop(JUDGED_BY_COUNTED).with_columns(counted=pl.lit(True))
        sales = sales.drop(name for name in present(sales, SALES_MEASURES) if name != "orders")
    if misread.intersection(FINISHED) and KNOWN in promises.columns:
        promises = promises.drop(KNOWN)
    promises = promises.with_columns(canonical_statuses(promises["status"]).alias("status"))
    return CellTable.of_rows(_orders_read_anew(cells.orders, misread), items, sales, promises)


def _orders_read_anew(orders: pl.DataFrame, misread: set[str]) -> pl.DataFrame:
    if DELIVERED in misread:
        orders = orders.drop(measure.name for measure in measures.OF_ORDERS if measure.judged_by_delivered)
    return summed(
        orders.with_columns(canonical_statuses(orders["status"]).alias("status")), ORDER_DIMENSIONS, ORDER_MEASURES
    )
