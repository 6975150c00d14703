"""The cells of hot orders by aggregation in MongoDB: slow and plain, nothing shared with how figures are kept."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import Any

import polars as pl
from bson import Decimal128

from ecommerce.check.hours import Offsets, mongo_hour
from ecommerce.check.sales import by_hours, sales_pipeline
from ecommerce.documents.kinds import EXACT, MONEY_SCALE
from ecommerce.documents.promise import MONGO_OPEN
from ecommerce.documents.statuses import UNCOUNTED, mongo_canonical, mongo_has
from ecommerce.documents.validator import order_validator
from ecommerce.hours import UTC_HOURS, Hours
from ecommerce.mongo import ORDERS, Document, MongoDatabase
from ecommerce.summaries.cells import CellTable
from ecommerce.summaries.cells.measures import MONGO_CREDIT, MONGO_TIMED, OF_ITEMS, OF_ORDERS, Measure
from ecommerce.summaries.cells.promises import PROMISE_MEASURES, PROMISE_SCHEMA, SETTLED_AFTER
from ecommerce.summaries.cells.sales import SALES_MEASURES, SALES_SCHEMA
from ecommerce.summaries.cells.table import ITEM_SCHEMA, ORDER_SCHEMA

ROWS_AT_ONCE = 50_000

_CURRENCY = {"$ifNull": ["$order.currency", ""]}
_OF_ORDER = {
    "payment_type": "$order.payment_type",
    "status": mongo_canonical("$delivery.status"),
    "courier_id": "$delivery.courier_id",
    "location": "$delivery.location",
}


def _order_pipeline(match: Mapping[str, Any], offsets: Offsets) -> list[dict[str, Any]]:
    dimensions = {"hour": mongo_hour(offsets), **_OF_ORDER, "currency": _CURRENCY}
    return [{"$match": match}, {"$group": {"_id": dimensions, **_sums(OF_ORDERS)}}]


def _item_pipeline(match: Mapping[str, Any], offsets: Offsets) -> list[dict[str, Any]]:
    dimensions = {
        "hour": mongo_hour(offsets),
        "product_id": "$order_items.product_id",
        "warehouse_id": "$order_items.warehouse_id",
        "counted": {"$not": mongo_has("$delivery.status", UNCOUNTED)},
        "currency": _CURRENCY,
    }
    return [{"$match": match}, {"$unwind": "$order_items"}, {"$group": {"_id": dimensions, **_sums(OF_ITEMS)}}]


def _promise_pipeline(match: Mapping[str, Any], offsets: Offsets) -> list[dict[str, Any]]:
    """Of orders that were delivered at a known time only those that were due lately: figures look at no others."""
    lately = {"$gte": ["$delivery.expected_time", datetime.now(UTC) - SETTLED_AFTER]}
    promised = {"$or": [{"$and": [MONGO_TIMED, lately]}, {"$and": [MONGO_OPEN, {"$not": MONGO_CREDIT}]}]}
    dimensions = {"hour": mongo_hour(offsets), "expected": {"$toLong": "$delivery.expected_time"}, **_OF_ORDER}
    late = {"$and": [MONGO_TIMED, {"$gt": ["$delivery.actual_time", "$delivery.expected_time"]}]}
    sums = {"orders": {"$sum": 1}, "late": {"$sum": {"$cond": [late, 1, 0]}}}
    return [{"$match": match}, {"$match": {"$expr": promised}}, {"$group": {"_id": dimensions, **sums}}]


def _sums(measures: tuple[Measure, ...]) -> dict[str, Any]:
    return {measure.name: {"$sum": measure.mongo} for measure in measures}


def cells_by_aggregation(
    database: MongoDatabase,
    start: datetime,
    end: datetime,
    read_concern: Mapping[str, Any] | None = None,
    *,
    aside: Sequence[Any] = (),
    hours: Hours = UTC_HOURS,
) -> CellTable:
    """The cells of the hot orders with order_time in [start, end), at the read concern's moment, by these hours.

    Those of sales are not in it: an order has some at other times (`sales_by_aggregation`).

    Where documents are set `aside`, given by `_id`, they are left out, and so is whatever MongoDB's own validator would
    refuse: it costs 20 µs for each document, and an aggregation would fail at a text in the place of an amount.
    """
    match = {"order.order_time": {"$gte": start, "$lt": end}} | _sound(aside)
    offsets = hours.offsets(start, end)

    def cells(pipeline: list[dict[str, Any]], measures: Mapping[str, bool], schema: Mapping[str, Any]) -> pl.DataFrame:
        rows = _grouped(database, pipeline, read_concern, measures)
        return _frame(((ms // 1000, *rest) for ms, *rest in rows), schema)

    return CellTable(
        orders=cells(_order_pipeline(match, offsets), _money(OF_ORDERS), ORDER_SCHEMA),
        items=cells(_item_pipeline(match, offsets), _money(OF_ITEMS), ITEM_SCHEMA),
        sales=CellTable.empty().sales,
        promises=cells(_promise_pipeline(match, offsets), dict.fromkeys(PROMISE_MEASURES, False), PROMISE_SCHEMA),
    )


def sales_by_aggregation(
    database: MongoDatabase,
    read_concern: Mapping[str, Any] | None = None,
    *,
    aside: Sequence[Any] = (),
    hours: Hours = UTC_HOURS,
) -> pl.DataFrame:
    """The cells of sales of all hot orders, at the read concern's moment, by these hours."""
    money = {name: name != "orders" for name in SALES_MEASURES}
    rows = _grouped(database, sales_pipeline(_sound(aside)), read_concern, money)
    return by_hours(_frame(rows, SALES_SCHEMA), hours)


def _sound(aside: Sequence[Any]) -> dict[str, Any]:
    """The query of the documents that are orders, where some are not."""
    return {"_id": {"$nin": list(aside)}, "$and": [order_validator()]} if aside else {}


def _money(measures: tuple[Measure, ...]) -> dict[str, bool]:
    return {measure.name: measure.money for measure in measures}


def _frame(rows: Iterator[tuple[Any, ...]], schema: Mapping[str, Any]) -> pl.DataFrame:
    frames = [pl.DataFrame(schema=schema)]
    while some := list(islice(rows, ROWS_AT_ONCE)):
        frames.append(pl.DataFrame(some, schema=schema, orient="row"))
    return pl.concat(frames)


def _grouped(
    database: MongoDatabase,
    pipeline: list[dict[str, Any]],
    read_concern: Mapping[str, Any] | None,
    measures: Mapping[str, bool],
) -> Iterator[tuple[Any, ...]]:
    """Rows of an aggregation: the group's dimensions, the time in milliseconds first, then its measures.

    `measures` says which are money.
    """
    command: Document = {"aggregate": ORDERS, "pipeline": pipeline, "cursor": {}, "allowDiskUse": True}
    if read_concern:
        command["readConcern"] = read_concern
    with database.client.start_session(causal_consistency=False) as session:
        for group in database.cursor_command(command, session=session):
            hour, *dimensions = group["_id"].values()
            values = (_integer(group[name], is_money) for name, is_money in measures.items())
            yield (int(hour), *dimensions, *values)


def _integer(value: Any, is_money: bool) -> int:
    """A sum as an exact integer, an amount in units of 10^-4."""
    exact = value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)
    return int(exact.scaleb(MONEY_SCALE, EXACT) if is_money else exact)
