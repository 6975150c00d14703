"""The cells of archived orders by Spark, from the Parquet files, to compare with what the purges recorded."""

from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from ecommerce.documents.kinds import MONEY_FACTOR
from ecommerce.documents.order import UNCOUNTED_STATUSES
from ecommerce.settings import Settings
from ecommerce.summaries.cells import CellTable
from ecommerce.summaries.cells.table import (
    ITEM_MEASURES,
    ITEM_SCHEMA,
    MILLISECONDS_PER_HOUR,
    ORDER_MEASURES,
    ORDER_SCHEMA,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_HOUR = f"cast(floor(unix_millis(order.order_time) / {MILLISECONDS_PER_HOUR}) as int) as hour"
_TIMED = "(delivery.status = 'Delivered' and delivery.actual_time is not null)"
_DELAY = "(unix_millis(delivery.actual_time) - unix_millis(delivery.expected_time))"
_STATUSES = ", ".join(f"'{status}'" for status in UNCOUNTED_STATUSES)


def _scaled(amount: str, digits: int) -> str:
    """An amount as a whole number of 10^-4 units."""
    return f"cast({amount} * {MONEY_FACTOR} as decimal({digits},0))"


def _line(item: str, fraction: str) -> str:
    """price x quantity x fraction in 10^-8 units, rounded to 10^-4 with a half to the even neighbour."""
    product = f"{_scaled(f'{item}.price', 18)} * cast({item}.quantity as decimal(10,0)) * {_scaled(fraction, 5)}"
    return f"bround({product}, -4)"


def cells_by_spark(spark: "SparkSession", settings: Settings, first: date, last: date) -> CellTable:
    """The cells of the archived orders with order_date in [first, last]."""
    from ecommerce.archive.reading import read

    rows = read(spark, first, last, settings=settings)
    return CellTable(_orders(rows), _items(rows))


def _orders(rows: "DataFrame") -> pl.DataFrame:
    discounts = f"transform(order_items, item -> cast({_line('item', 'order.discount')} as decimal(38,0)))"
    quantities = "transform(order_items, item -> cast(item.quantity as decimal(38,0)))"
    frame = rows.selectExpr(
        _HOUR,
        "order.payment_type",
        "delivery.status",
        "delivery.courier_id",
        "delivery.location",
        "1 as orders",
        "size(order_items) as items",
        f"aggregate({quantities}, cast(0 as decimal(38,0)), (a, b) -> cast(a + b as decimal(38,0))) as quantity",
        f"{_scaled('order.total_amount', 22)} as amount",
        f"aggregate({discounts}, cast(0 as decimal(38,0)), (a, b) -> cast(a + b as decimal(38,0))) as discount_amount",
        f"if({_TIMED}, 1, 0) as timed",
        f"if({_TIMED} and {_DELAY} > 0, 1, 0) as late",
        f"if({_TIMED}, {_DELAY}, 0) as delay_ms",
    )
    return _summed(frame, ORDER_SCHEMA, ORDER_MEASURES, {"discount_amount"})


def _items(rows: "DataFrame") -> pl.DataFrame:
    frame = rows.selectExpr("order", "delivery", "explode(order_items) as item").selectExpr(
        _HOUR,
        "item.product_id",
        "item.warehouse_id",
        f"delivery.status not in ({_STATUSES}) as counted",
        "1 as order_items",
        "item.quantity",
        f"{_line('item', '(1 - order.discount)')} as revenue",
    )
    return _summed(frame, ITEM_SCHEMA, ITEM_MEASURES, {"revenue"})


def _summed(frame: "DataFrame", schema: dict[str, Any], measures: dict[str, Any], finer: set[str]) -> pl.DataFrame:
    """Group by the dimensions; the `finer` measures are in 10^-8 units."""
    from pyspark.sql.functions import expr

    dimensions = [name for name in schema if name not in measures]
    sums = [expr(f"sum(cast({name} as decimal(38,0)))").alias(name) for name in measures]
    found = frame.groupBy(*dimensions).agg(*sums).toArrow()
    table = pl.from_arrow(found)
    assert isinstance(table, pl.DataFrame)  # noqa: S101 - a table with columns is a frame
    return table.with_columns(
        pl.col(name).cast(pl.Int128) // (MONEY_FACTOR if name in finer else 1) for name in measures
    ).select(pl.col(name).cast(dtype) for name, dtype in schema.items())
