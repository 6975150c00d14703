"""The cells of archived orders by Spark, from the Parquet files, to compare with what the purges recorded."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from ecommerce.documents.kinds import MONEY_FACTOR
from ecommerce.documents.statuses import UNCOUNTED, spark_canonical, spark_has
from ecommerce.settings import Settings
from ecommerce.summaries.cells import CellTable
from ecommerce.summaries.cells.measures import OF_ITEMS, OF_ORDERS, Measure
from ecommerce.summaries.cells.table import ITEM_DIMENSIONS, MILLISECONDS_PER_HOUR, ORDER_DIMENSIONS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_HOUR = f"cast(floor(unix_millis(order.order_time) / {MILLISECONDS_PER_HOUR}) as int) as hour"


def cells_by_spark(spark: "SparkSession", settings: Settings, first: date, last: date) -> CellTable:
    """The cells of the archived orders with order_date in [first, last]. Raises ArchiveError where a day is damaged."""
    from ecommerce.archive.reading import read

    return cells_of_rows(read(spark, first, last, settings=settings))


def cells_of_rows(rows: "DataFrame") -> CellTable:
    """The cells of archive rows."""
    return CellTable(_orders(rows), _items(rows))


def _orders(rows: "DataFrame") -> pl.DataFrame:
    frame = rows.selectExpr(
        _HOUR,
        "order.payment_type",
        f"{spark_canonical('delivery.status')} as status",
        "delivery.courier_id",
        "delivery.location",
        *_numbers(OF_ORDERS),
    )
    return _summed(frame, ORDER_DIMENSIONS, OF_ORDERS)


def _items(rows: "DataFrame") -> pl.DataFrame:
    frame = rows.selectExpr("order", "delivery", "explode(order_items) as item").selectExpr(
        _HOUR,
        "item.product_id",
        "item.warehouse_id",
        f"not {spark_has('delivery.status', UNCOUNTED)} as counted",
        *_numbers(OF_ITEMS),
    )
    return _summed(frame, ITEM_DIMENSIONS, OF_ITEMS)


def _numbers(measures: tuple[Measure, ...]) -> Iterator[str]:
    return (f"{measure.spark} as `{measure.name}`" for measure in measures)


def _summed(frame: "DataFrame", dimensions: dict[str, Any], measures: tuple[Measure, ...]) -> pl.DataFrame:
    """Group by the dimensions. Money comes in units of 10^-8."""
    from pyspark.sql.functions import expr

    sums = [expr(f"sum(cast(`{measure.name}` as decimal(38,0)))").alias(measure.name) for measure in measures]
    table = pl.from_arrow(frame.groupBy(*dimensions).agg(*sums).toArrow())
    assert isinstance(table, pl.DataFrame)  # noqa: S101 - a table with columns is a frame
    return table.select(
        *(pl.col(name).cast(dtype) for name, dtype in dimensions.items()),
        *(
            (pl.col(measure.name).cast(pl.Int128) // (MONEY_FACTOR if measure.money else 1)).cast(measure.type)
            for measure in measures
        ),
    )
