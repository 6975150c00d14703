"""Rollups: cells summed up by one dimension at a time, which is what figures without filters are made of.

A month of a million orders has half a million cells but only some ten thousand rows here, so that the figures of all
time cost reading a document a month. A running dashboard keeps its figures in the same form and adds what changed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from ecommerce.documents.statuses import DELIVERED, UNCOUNTED, canonical
from ecommerce.summaries.cells.encoding import decode_frame, encode_frame, texts_of
from ecommerce.summaries.cells.frames import present, summed, summed_all, together
from ecommerce.summaries.cells.measures import OF_ITEMS, OF_ORDERS, Measure, Sum, sums_of
from ecommerce.summaries.cells.promises import (
    KNOWN,
    PAST,
    PROMISE_DIMENSIONS,
    PROMISE_MEASURES,
    is_open,
    promises_of_before,
)
from ecommerce.summaries.cells.sales import SALES_DIMENSIONS, SALES_MEASURES
from ecommerce.summaries.cells.table import ITEM_DIMENSIONS, ORDER_DIMENSIONS, CellTable, sales_of_before

_GROUP_SUMS = sums_of(OF_ORDERS)
_TIME_SUMS = sums_of(OF_ORDERS, by_time=True)
_ITEM_SUMS = sums_of(OF_ITEMS)

GROUP_MEASURES: dict[str, Any] = {name: measure.type for name, (measure, _) in _GROUP_SUMS.items()}
"""Sums of orders by one dimension. `revenue` is the amount of the counted orders, `discount` their discount_amount."""
TIME_MEASURES: dict[str, Any] = {name: measure.type for name, (measure, _) in _TIME_SUMS.items()}
ITEM_SUMS: dict[str, Any] = {name: measure.type for name, (measure, _) in _ITEM_SUMS.items()}
"""Sums of order items; `revenue` is that of the counted orders'."""

PRODUCT = "product"
"""The table that is made of item cells."""
SALES = "sales"
"""The table that is made of the cells of sales."""
PROMISES = "promises"
"""The promises that are still to be judged: those that are due go into the groups (`due`)."""

DUE_SUMS: dict[str, Any] = {"overdue": pl.Int64, "not_due": pl.Int64, "not_due_late": pl.Int64}
"""Of groups. overdue: open orders whose promise is past. not_due: those delivered at a known time before whose promise
was past; not_due_late: those of them that came late, by a clock that is ahead."""

GROUPED_BELOW = 2_000
"""Rows of promises that are summed up whenever some are added; more of them only where CHUNKS_MAX are waiting: a tick
that sums up those of a million open orders anew takes 0.1 s."""
CHUNKS_MAX = 64

GROUPS = ("payment_type", "status", "courier_id", "location")

TABLES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    **{
        name: ({key: ORDER_DIMENSIONS[key] for key in (name, "currency")}, GROUP_MEASURES | DUE_SUMS) for name in GROUPS
    },
    "hour": ({name: ORDER_DIMENSIONS[name] for name in ("hour", "status", "currency")}, TIME_MEASURES),
    PRODUCT: ({name: ITEM_DIMENSIONS[name] for name in ("product_id", "warehouse_id", "currency")}, ITEM_SUMS),
    SALES: (SALES_DIMENSIONS, SALES_MEASURES),
    PROMISES: ({name: dtype for name, dtype in PROMISE_DIMENSIONS.items() if name != "hour"}, PROMISE_MEASURES),
}
"""Dimensions and measures of each table of a rollup."""

_ONLY = {"counted": ~pl.col("status").is_in(UNCOUNTED), "delivered": pl.col("status") == DELIVERED}
_ONLY_ITEMS = {"counted": pl.col("counted")}


def _columns(sums: Mapping[str, tuple[Measure, Sum]], only: Mapping[str, pl.Expr]) -> dict[str, tuple[str, pl.Expr]]:
    """For each column of a rollup: the measure of cells that it is made of, and how, where it is not that itself."""
    made = {}
    for name, (measure, column) in sums.items():
        if column.only != "all":
            zero = pl.lit(0, measure.type)
            made[name] = (measure.name, pl.when(only[column.only]).then(measure.name).otherwise(zero))
    return made


_OF_ORDERS, _OF_ITEMS = _columns(_GROUP_SUMS, _ONLY), _columns(_ITEM_SUMS, _ONLY_ITEMS)


@dataclass(frozen=True, eq=False)
class Rollup:
    """Sums of some cells: the tables of TABLES by name, each grouped and without rows of zeros."""

    tables: Mapping[str, pl.DataFrame]

    @staticmethod
    def of_cells(cells: CellTable, before_ms: int = PAST) -> "Rollup":
        """The rollup of cells at a moment, in milliseconds: as `due` gives it."""
        return Rollup.sum_of([Rollup.rows_of(cells, before_ms)])

    @staticmethod
    def rows_of(cells: CellTable, before_ms: int) -> "Rollup":
        """The same in rows that may share dimensions, for `sum_of`: grouping them twice was a tenth of a tick."""
        orders, promises = _prepared(cells.orders, _OF_ORDERS), cells.promises
        if KNOWN in promises.columns:
            orders = _with_promises(orders, promises, before_ms)
            promises = promises.filter(pl.col("expected") >= before_ms)
        frames = dict.fromkeys(GROUPS, orders) | {"hour": orders, PRODUCT: _prepared(cells.items, _OF_ITEMS)}
        made = {name: frame[[*TABLES[name][0], *present(frame, TABLES[name][1])]] for name, frame in frames.items()}
        return Rollup({**made, SALES: cells.sales, PROMISES: promises.drop("hour")})

    @staticmethod
    def sum_of(rollups: "Iterable[Rollup]") -> "Rollup":
        """All of the rollups together, with the sums that all of them have."""
        found = list(rollups)
        frames = {name: together([one.tables[name] for one in found], *shape) for name, shape in TABLES.items()}
        promises = frames.pop(PROMISES)
        if len(found) == 1 or promises.height < GROUPED_BELOW or promises.n_chunks() > CHUNKS_MAX:
            promises = summed(promises, *TABLES[PROMISES])
        return Rollup({**_summed_up(frames), PROMISES: promises})

    def due(self, before_ms: int) -> "Rollup":
        """The rollup at a moment: promises that were due before it are judged, and in the groups."""
        promises = self.tables[PROMISES]
        if KNOWN not in promises.columns or not (past := promises.filter(pl.col("expected") < before_ms)).height:
            return self
        judged = past.with_columns(
            overdue=pl.when(is_open()).then("orders").otherwise(pl.lit(0, pl.Int64)),
            not_due=pl.when(is_open()).then(pl.lit(0, pl.Int64)).otherwise(pl.col("orders") * -1),
            not_due_late=pl.col(KNOWN) * -1,
        ).drop("orders", KNOWN)
        summed_up = {}
        for name in GROUPS:
            table, (dimensions, types) = self.tables[name], TABLES[name]
            zeros = {column: pl.lit(0, dtype) for column, dtype in types.items() if column not in DUE_SUMS}
            groups = judged.select(name, *DUE_SUMS, currency=pl.lit(""), **zeros).select(table.columns)
            summed_up[name] = together([table, groups], dimensions, types)
        later = promises.filter(pl.col("expected") >= before_ms)
        return Rollup({**self.tables, **_summed_up(summed_up), PROMISES: later})

    def next_due(self) -> int | None:
        """When the next promise is due, in milliseconds since 1970: until then time changes no figure."""
        found: int | None = self.tables[PROMISES]["expected"].min()  # type: ignore[assignment]
        return found

    def encode(self) -> dict[str, Any]:
        """As a document for MongoDB. `decode` gives the same rollup back."""
        return {name: encode_frame(table) for name, table in self.tables.items()}

    @staticmethod
    def decode(document: Mapping[str, Any]) -> "Rollup":
        """The rollup of a document that `encode` made, in any version: without the sums that it did not know."""
        tables = {name: decode_frame(document[name], *shape) for name, shape in TABLES.items() if name in document}
        if SALES not in tables:
            tables[SALES] = sales_of_before(tables["hour"], pl.col("revenue"))
        if PROMISES not in tables:
            tables[PROMISES] = _promises_of_before(tables["status"])
        return Rollup(tables)


def item_rows(cells: CellTable) -> pl.DataFrame:
    """The item cells with the sums of rollups (ITEM_SUMS), by the hour; without those that they do not know."""
    rows = _prepared(cells.items, _OF_ITEMS)
    return rows[["hour", *TABLES[PRODUCT][0], *present(rows, ITEM_SUMS)]]


def is_misread(document: Mapping[str, Any]) -> bool:
    """Whether an encoded rollup was made when some of its texts were not known as statuses: only its cells tell more.

    `document` has at least the table `status`.
    """
    return any(canonical(text) != text for text in texts_of(document["status"], "status"))


def _prepared(frame: pl.DataFrame, made: Mapping[str, tuple[str, pl.Expr]]) -> pl.DataFrame:
    """Cells with those columns of rollups that they are enough for."""
    columns = set(frame.columns)
    return frame.with_columns(**{name: how for name, (source, how) in made.items() if source in columns})


def _with_promises(orders: pl.DataFrame, promises: pl.DataFrame, before_ms: int) -> pl.DataFrame:
    """Prepared order cells and what promises are at a moment, as rows of one frame."""
    nothing, is_past = pl.lit(0, pl.Int64), pl.col("expected") < before_ms
    none = orders.with_columns(pl.lit(0, dtype).alias(name) for name, dtype in DUE_SUMS.items())
    made = {
        "currency": pl.lit(""),
        "overdue": pl.when(is_open() & is_past).then("orders").otherwise(nothing),
        "not_due": pl.when(is_open() | is_past).then(nothing).otherwise("orders"),
        "not_due_late": pl.when(is_open() | is_past).then(nothing).otherwise(KNOWN),
    }
    other = [name for name in orders.columns if name not in PROMISE_DIMENSIONS | made]
    zeros = {name: pl.lit(0, orders.schema[name]) for name in other}
    return pl.concat([none, promises.with_columns(**made, **zeros).select(none.columns)])


def _promises_of_before(statuses: pl.DataFrame) -> pl.DataFrame:
    """What a rollup of a version without promises tells of them: that there are some."""
    nothing = {name: pl.lit("" if dtype == pl.String else 0, dtype) for name, dtype in PROMISE_DIMENSIONS.items()}
    rows = statuses.select("status", "orders").with_columns(
        **{name: value for name, value in nothing.items() if name != "status"}
    )
    return promises_of_before(rows).drop("hour")


def _summed_up(frames: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The frames of some tables, each grouped and summed."""
    return dict(zip(frames, summed_all([(frame, *TABLES[name]) for name, frame in frames.items()]), strict=True))
