"""The registry of measures: what cells sum up, and how each is computed, by the fold, one by one, by MongoDB, by SQL.

A measure is one entry here. Cells, rollups, rebuilds, the figures of `FIGURES` and the recounts of `check` derive from
it; the expressions for MongoDB and in SQL share nothing with the fold, so that a recount can find it wrong.

Cells that were made before a measure came do not have it, and the figures that need it are incomplete, never 0, until
`ecommerce upgrade` has filled it in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import cache
from typing import Any, Literal

import numpy as np
import polars as pl
import xxhash

from ecommerce.bson_reading.order_columns import IntArray
from ecommerce.documents.kinds import MONEY_FACTOR, MONEY_SCALE, to_scaled
from ecommerce.documents.order import OrderDocument
from ecommerce.documents.statuses import DELIVERED, STATUSES, canonical, mongo_has, sql_has
from ecommerce.summaries.cells.batch import Batch
from ecommerce.summaries.cells.promises import PROMISE_MEASURES
from ecommerce.summaries.cells.sales import SALES_MEASURES, is_credit

Only = Literal["all", "counted", "delivered"]

LINE_DIGITS = 60
"""Precision at which the product of the largest price, quantity and fraction is still exact."""


@dataclass(frozen=True, slots=True)
class Sum:
    """A column of the rollups: a measure summed over the orders, or only over some of them."""

    name: str
    only: Only = "all"
    """counted: statuses whose money counts. delivered: of that status."""
    by_time: bool = False
    """Kept by the hour and status, too, for timelines."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of an order, or of an order item, that cells sum up."""

    name: str
    type: Any
    """Of its sums, in Polars; 128 bits for amounts and units."""
    fold: Callable[[Batch], Any]
    """Of a batch of documents in columns: the number of each order (or item), an array."""
    plain: Callable[..., int]
    """The same of one order, or of (order, item): the definition in words of the documents."""
    mongo: Any
    """The same as a MongoDB expression over an order (item: `order_items` is one item). Money is not scaled."""
    sql: str
    """The same in DuckDB's SQL over the archive's columns (item: `item`). Money is a whole number of 10^-8, as products
    of two amounts are."""
    sums: tuple[Sum, ...] | None = None
    """Columns of the rollups that are made of it. Default: one of its name."""
    money: bool = False
    figure: bool = False
    """Also a figure of its own, its total under its name. Others are put into words by `kpis.compute`."""
    judged_by_delivered: bool = False
    """It asks whether the status is Delivered."""

    @property
    def columns(self) -> tuple[Sum, ...]:
        """The columns of the rollups that are made of it."""
        return (Sum(self.name),) if self.sums is None else self.sums


def line_amount(price: Decimal, quantity: int, fraction: Decimal) -> int:
    """price x quantity x fraction, rounded half to even at four decimals, as an integer of 10^-4 units."""
    with localcontext() as context:
        context.prec = LINE_DIGITS
        exact = price * quantity * fraction * MONEY_FACTOR
        return int(exact.to_integral_value(ROUND_HALF_EVEN))


def is_timed(document: OrderDocument) -> bool:
    """Whether an order is delivered and it is known when."""
    delivery = document.delivery
    return canonical(delivery.status) == DELIVERED and delivery.actual_time is not None and not is_credit(document)


def _delay_ms(document: OrderDocument) -> int:
    actual = document.delivery.actual_time
    if not is_timed(document) or actual is None:
        return 0
    return (_aware(actual) - _aware(document.delivery.expected_time)) // timedelta(milliseconds=1)


def _aware(time: datetime) -> datetime:
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _timed(batch: Batch) -> IntArray:
    delivered = batch.is_status(DELIVERED) & batch.has("delivery.actual_time")
    timed: IntArray = (delivered & ~batch.is_credit()).astype(np.int64)
    return timed


def _delay(batch: Batch) -> IntArray:
    return (batch.number("delivery.actual_time") - batch.number("delivery.expected_time")) * _timed(batch)


def _mongo_line(item: str, fraction: Any) -> dict[str, Any]:
    """price x quantity x fraction to four decimals; $round takes a half to the even neighbour."""
    return {"$round": [{"$multiply": [f"{item}.price", f"{item}.quantity", fraction]}, MONEY_SCALE]}


_MONGO_REFUNDS = {"$size": {"$ifNull": ["$refunds", []]}}
MONGO_CREDIT = {"$and": [{"$eq": [{"$size": "$order_items"}, 0]}, {"$eq": [_MONGO_REFUNDS, 1]}]}
SQL_CREDIT = "(len(order_items) = 0 and coalesce(len(refunds), 0) = 1)"

MONGO_TIMED = {
    "$and": [
        mongo_has("$delivery.status", [DELIVERED]),
        {"$ne": ["$delivery.actual_time", None]},
        {"$not": MONGO_CREDIT},
    ]
}
_MONGO_DELAY = {"$subtract": ["$delivery.actual_time", "$delivery.expected_time"]}

SQL_TIMED = f"({sql_has('delivery.status', [DELIVERED])} and delivery.actual_time is not null and not {SQL_CREDIT})"
_SQL_DELAY = "(epoch_ms(delivery.actual_time) - epoch_ms(delivery.expected_time))"


def sql_money(amount: str) -> str:
    """An amount of an order or item as SQL sums money up: a whole number of 10^-8; absent is 0."""
    return f"coalesce({_sql_whole(amount)}, 0) * {MONEY_FACTOR}"


def sql_sum(items: str, of_each: str, name: str = "item") -> str:
    """The sum over a list, of order items mostly; `of_each` is about one of that name."""
    return f"coalesce(list_sum(list_transform({items}, lambda {name}: {of_each})), 0)"


def _sql_whole(amount: str) -> str:
    """An amount or a fraction as a whole number of 10^-4, in 128 bits."""
    return f"cast(cast({amount} as decimal(38,{MONEY_SCALE})) * {MONEY_FACTOR} as hugeint)"


def _sql_line(item: str, fraction: str) -> str:
    """price x quantity x fraction in 10^-8 units, rounded to 10^-4 with a half to the even neighbour."""
    product = f"({_sql_whole(f'{item}.price')} * {item}.quantity * {_sql_whole(fraction)})"
    half = f"{MONEY_FACTOR // 2 - 1} + ({product} // {MONEY_FACTOR}) % 2"
    return f"({product} + {half}) // {MONEY_FACTOR} * {MONEY_FACTOR}"


OF_ORDERS: tuple[Measure, ...] = (
    Measure(  # a credit that names no order is none
        "orders",
        pl.Int64,
        fold=lambda batch: (~batch.is_credit()).astype(np.int64),
        plain=lambda document: int(not is_credit(document)),
        mongo={"$cond": [MONGO_CREDIT, 0, 1]},
        sql=f"if({SQL_CREDIT}, 0, 1)",
        sums=(
            Sum("orders", by_time=True),
            Sum("counted_orders", "counted"),
            Sum("delivered", "delivered", by_time=True),
        ),
    ),
    Measure(  # order items
        "items",
        pl.Int64,
        fold=lambda batch: batch.of_items(np.ones(batch.item_count, np.int64)),
        plain=lambda document: len(document.order_items),
        mongo={"$size": "$order_items"},
        sql="len(order_items)",
        sums=(),
    ),
    Measure(  # units, over the order items
        "quantity",
        pl.Int128,
        fold=lambda batch: batch.of_items(batch.item("quantity")),
        plain=lambda document: sum(item.quantity for item in document.order_items),
        mongo={"$toDecimal": {"$sum": "$order_items.quantity"}},
        sql=sql_sum("order_items", "item.quantity"),
        sums=(Sum("quantity", by_time=True),),
    ),
    Measure(  # total_amount
        "amount",
        pl.Int128,
        fold=lambda batch: batch.number("order.total_amount"),
        plain=lambda document: to_scaled(document.order.total_amount),
        mongo="$order.total_amount",
        sql=sql_money('"order".total_amount'),
        sums=(Sum("revenue", "counted", by_time=True),),
        money=True,
    ),
    Measure(  # what the discount took off the items' prices
        "discount_amount",
        pl.Int128,
        fold=lambda batch: batch.of_items(batch.line_amounts(batch.of_order("order.discount"))),
        plain=lambda document: sum(
            line_amount(item.price, item.quantity, document.order.discount) for item in document.order_items
        ),
        mongo={"$sum": {"$map": {"input": "$order_items", "in": _mongo_line("$$this", "$order.discount")}}},
        sql=sql_sum("order_items", _sql_line("item", '"order".discount')),
        sums=(Sum("discount", "counted"),),
        money=True,
    ),
    Measure(  # delivered orders whose actual_time is known
        "timed",
        pl.Int64,
        fold=_timed,
        plain=lambda document: int(is_timed(document)),
        mongo={"$cond": [MONGO_TIMED, 1, 0]},
        sql=f"if({SQL_TIMED}, 1, 0)",
        judged_by_delivered=True,
    ),
    Measure(  # those of them with actual_time after expected_time
        "late",
        pl.Int64,
        fold=lambda batch: (_delay(batch) > 0).astype(np.int64),
        plain=lambda document: int(_delay_ms(document) > 0),
        mongo={"$cond": [{"$and": [MONGO_TIMED, {"$gt": [_MONGO_DELAY, 0]}]}, 1, 0]},
        sql=f"if({SQL_TIMED} and {_SQL_DELAY} > 0, 1, 0)",
        sums=(Sum("late", by_time=True),),
        judged_by_delivered=True,
    ),
    Measure(  # actual_time - expected_time over the timed ones
        "delay_ms",
        pl.Int128,
        fold=_delay,
        plain=_delay_ms,
        mongo={"$cond": [MONGO_TIMED, {"$toDecimal": _MONGO_DELAY}, 0]},
        sql=f"if({SQL_TIMED}, {_SQL_DELAY}, 0)",
        judged_by_delivered=True,
    ),
)
"""Of each order."""

OF_ITEMS: tuple[Measure, ...] = (
    Measure(
        "order_items",
        pl.Int64,
        fold=lambda batch: np.ones(batch.item_count, np.int64),
        plain=lambda document, item: 1,
        mongo=1,
        sql="1",
    ),
    Measure(
        "quantity",
        pl.Int128,
        fold=lambda batch: batch.item("quantity"),
        plain=lambda document, item: item.quantity,
        mongo={"$toDecimal": "$order_items.quantity"},
        sql="item.quantity",
    ),
    Measure(  # price x quantity x (1 - discount), rounded half to even
        "revenue",
        pl.Int128,
        fold=lambda batch: batch.line_amounts(MONEY_FACTOR - batch.of_order("order.discount")),
        plain=lambda document, item: line_amount(item.price, item.quantity, 1 - document.order.discount),
        mongo=_mongo_line("$order_items", {"$subtract": [1, "$order.discount"]}),
        sql=_sql_line("item", '(1 - "order".discount)'),
        sums=(Sum("revenue", "counted"),),
        money=True,
    ),
)
"""Of each order item."""

FIGURES = tuple(measure for measure in (*OF_ORDERS, *OF_ITEMS) if measure.figure)
"""Measures that are a figure of their own."""


@cache
def definition() -> str:
    """By what cells are made, in short: the measures and what each status means. It changes when one of them does."""
    measures = [(measure.name, str(measure.type), measure.columns) for measure in (*OF_ORDERS, *OF_ITEMS)]
    by_name = list(SALES_MEASURES), list(PROMISE_MEASURES)
    return xxhash.xxh3_64_hexdigest(repr((measures, *by_name, STATUSES)).encode())


def types_of(measures: tuple[Measure, ...]) -> dict[str, Any]:
    """The columns that measures are in cells."""
    return {measure.name: measure.type for measure in measures}


def sums_of(measures: tuple[Measure, ...], *, by_time: bool = False) -> Mapping[str, tuple[Measure, Sum]]:
    """The columns that measures are in rollups, by name."""
    return {
        column.name: (measure, column)
        for measure in measures
        for column in measure.columns
        if column.by_time or not by_time
    }
