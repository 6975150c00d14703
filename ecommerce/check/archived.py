"""The cells of archived orders by Spark, from the table, to compare with what the purges recorded."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from ecommerce.archive.errors import failures_explained
from ecommerce.check.hours import Offsets, spark_hour
from ecommerce.check.sales import sales_by_spark
from ecommerce.documents.kinds import MONEY_FACTOR
from ecommerce.documents.promise import SPARK_OPEN
from ecommerce.documents.statuses import UNCOUNTED, spark_canonical, spark_has
from ecommerce.hours import Hours
from ecommerce.settings import Settings
from ecommerce.summaries.cells import CellTable
from ecommerce.summaries.cells.measures import OF_ITEMS, OF_ORDERS, SPARK_CREDIT, SPARK_TIMED, Measure
from ecommerce.summaries.cells.promises import PROMISE_DIMENSIONS, PROMISE_SCHEMA
from ecommerce.summaries.cells.table import ITEM_DIMENSIONS, ORDER_DIMENSIONS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

DAY: dict[str, Any] = {"order_date": pl.Date}


def cells_by_spark(
    spark: "SparkSession", settings: Settings, first: date, last: date, hours: Hours
) -> dict[date, CellTable]:
    """The cells of the archived orders of each order_date in [first, last], by these hours.

    Raises ArchiveError where a day is damaged, or the archive cannot be read.
    """
    from ecommerce.archive.reading import UNHURT, read_spark

    # Spark reads when cells are asked for, not when it is told of the rows.
    with failures_explained("reading the archive", UNHURT):
        return cells_of_rows(read_spark(spark, first, last, settings=settings), first, last, hours)


def cells_of_rows(rows: "DataFrame", first: date, last: date, hours: Hours) -> dict[date, CellTable]:
    """The cells of archive rows of each order_date in [first, last], by these hours."""
    start, end = (datetime.combine(day, time.min, UTC) for day in (first, last + timedelta(days=1)))
    offsets = hours.offsets(start, end)
    none = CellTable.empty()
    of_day: dict[date, CellTable] = {}
    parts = {"orders": _orders(rows, offsets), "items": _items(rows, offsets), "sales": sales_by_spark(rows, hours)}
    parts["promises"] = _promises(rows, offsets)
    for name, cells in parts.items():
        for (day,), frame in cells.partition_by("order_date", as_dict=True, include_key=False).items():
            of_day[day] = replace(of_day.get(day, none), **{name: frame})
    return of_day


def _orders(rows: "DataFrame", offsets: Offsets) -> pl.DataFrame:
    frame = rows.selectExpr(
        "order_date",
        f"{spark_hour('order.order_time', offsets)} as hour",
        "order.payment_type",
        f"{spark_canonical('delivery.status')} as status",
        "delivery.courier_id",
        "delivery.location",
        "coalesce(order.currency, '') as currency",
        *_numbers(OF_ORDERS),
    )
    return _summed(frame, DAY | ORDER_DIMENSIONS, OF_ORDERS)


def _items(rows: "DataFrame", offsets: Offsets) -> pl.DataFrame:
    frame = rows.selectExpr("order_date", "order", "delivery", "explode(order_items) as item").selectExpr(
        "order_date",
        f"{spark_hour('order.order_time', offsets)} as hour",
        "item.product_id",
        "item.warehouse_id",
        f"not {spark_has('delivery.status', UNCOUNTED)} as counted",
        "coalesce(order.currency, '') as currency",
        *_numbers(OF_ITEMS),
    )
    return _summed(frame, DAY | ITEM_DIMENSIONS, OF_ITEMS)


def _promises(rows: "DataFrame", offsets: Offsets) -> pl.DataFrame:
    frame = rows.where(f"{SPARK_TIMED} or ({SPARK_OPEN} and not {SPARK_CREDIT})").selectExpr(
        "order_date",
        f"{spark_hour('order.order_time', offsets)} as hour",
        "unix_millis(delivery.expected_time) as expected",
        "order.payment_type",
        f"{spark_canonical('delivery.status')} as status",
        "delivery.courier_id",
        "delivery.location",
        f"int({SPARK_TIMED} and delivery.actual_time > delivery.expected_time) as late",
    )
    from pyspark.sql.functions import expr

    sums = frame.groupBy("order_date", *PROMISE_DIMENSIONS).agg(
        expr("count(*)").alias("orders"), expr("sum(late)").alias("late")
    )
    table = pl.from_arrow(sums.toArrow())
    assert isinstance(table, pl.DataFrame)  # noqa: S101 - a table with columns is a frame
    return table.select(pl.col(name).cast(dtype) for name, dtype in (DAY | PROMISE_SCHEMA).items())


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
