"""The cells of hot orders by aggregation in MongoDB: slow and plain, nothing shared with how figures are kept."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
from bson import Decimal128

from ecommerce.documents.kinds import MONEY_FACTOR, MONEY_SCALE
from ecommerce.documents.order import UNCOUNTED_STATUSES
from ecommerce.mongo import ORDERS, Document, MongoDatabase
from ecommerce.summaries.cells import CellTable, hour_of
from ecommerce.summaries.cells.table import ITEM_MEASURES, ITEM_SCHEMA, ORDER_MEASURES, ORDER_SCHEMA

ROWS_AT_ONCE = 50_000

_MONEY = {"amount", "discount_amount", "revenue"}

_HOUR = {"$dateTrunc": {"date": "$order.order_time", "unit": "hour"}}
_TIMED = {"$and": [{"$eq": ["$delivery.status", "Delivered"]}, {"$ne": ["$delivery.actual_time", None]}]}
_DELAY = {"$subtract": ["$delivery.actual_time", "$delivery.expected_time"]}


def _line(price: str, quantity: str, fraction: Any) -> dict[str, Any]:
    """price x quantity x fraction to four decimals; $round takes a half to the even neighbour."""
    return {"$round": [{"$multiply": [price, quantity, fraction]}, MONEY_SCALE]}


def _order_pipeline(match: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"$match": match},
        {
            "$group": {
                "_id": {
                    "hour": _HOUR,
                    "payment_type": "$order.payment_type",
                    "status": "$delivery.status",
                    "courier_id": "$delivery.courier_id",
                    "location": "$delivery.location",
                },
                "orders": {"$sum": 1},
                "items": {"$sum": {"$size": "$order_items"}},
                "quantity": {"$sum": {"$toDecimal": {"$sum": "$order_items.quantity"}}},
                "amount": {"$sum": "$order.total_amount"},
                "discount_amount": {
                    "$sum": {
                        "$sum": {
                            "$map": {
                                "input": "$order_items",
                                "in": _line("$$this.price", "$$this.quantity", "$order.discount"),
                            }
                        }
                    }
                },
                "timed": {"$sum": {"$cond": [_TIMED, 1, 0]}},
                "late": {"$sum": {"$cond": [{"$and": [_TIMED, {"$gt": [_DELAY, 0]}]}, 1, 0]}},
                "delay_ms": {"$sum": {"$cond": [_TIMED, {"$toDecimal": _DELAY}, 0]}},
            }
        },
    ]


def _item_pipeline(match: Mapping[str, Any]) -> list[dict[str, Any]]:
    fraction = {"$subtract": [1, "$order.discount"]}
    return [
        {"$match": match},
        {"$unwind": "$order_items"},
        {
            "$group": {
                "_id": {
                    "hour": _HOUR,
                    "product_id": "$order_items.product_id",
                    "warehouse_id": "$order_items.warehouse_id",
                    "counted": {"$not": {"$in": ["$delivery.status", list(UNCOUNTED_STATUSES)]}},
                },
                "order_items": {"$sum": 1},
                "quantity": {"$sum": {"$toDecimal": "$order_items.quantity"}},
                "revenue": {"$sum": _line("$order_items.price", "$order_items.quantity", fraction)},
            }
        },
    ]


def cells_by_aggregation(
    database: MongoDatabase, start: datetime, end: datetime, read_concern: Mapping[str, Any] | None = None
) -> CellTable:
    """The cells of the hot orders with order_time in [start, end), at the read concern's moment."""
    match = {"order.order_time": {"$gte": start, "$lt": end}}
    order_rows = _grouped(database, _order_pipeline(match), read_concern, list(ORDER_MEASURES))
    item_rows = _grouped(database, _item_pipeline(match), read_concern, list(ITEM_MEASURES))
    return CellTable(_frame(order_rows, ORDER_SCHEMA), _frame(item_rows, ITEM_SCHEMA))


def _frame(rows: Iterator[tuple[Any, ...]], schema: Mapping[str, Any]) -> pl.DataFrame:
    frames = [pl.DataFrame(schema=schema)]
    gathered: list[tuple[Any, ...]] = []
    for row in rows:
        gathered.append(row)
        if len(gathered) == ROWS_AT_ONCE:
            frames.append(pl.DataFrame(gathered, schema=schema, orient="row"))
            gathered = []
    return pl.concat([*frames, pl.DataFrame(gathered, schema=schema, orient="row")])


def _grouped(
    database: MongoDatabase,
    pipeline: list[dict[str, Any]],
    read_concern: Mapping[str, Any] | None,
    measures: list[str],
) -> Iterator[tuple[Any, ...]]:
    """Rows of an aggregation: the group's dimensions, then its measures."""
    command: Document = {"aggregate": ORDERS, "pipeline": pipeline, "cursor": {}, "allowDiskUse": True}
    if read_concern:
        command["readConcern"] = read_concern
    with database.client.start_session(causal_consistency=False) as session:
        cursor = database.command(command, session=session)["cursor"]
        groups = cursor["firstBatch"]
        while True:
            for group in groups:
                hour, *dimensions = group["_id"].values()
                values = (_integer(group[name], name in _MONEY) for name in measures)
                yield (hour_of(hour.replace(tzinfo=UTC)), *dimensions, *values)
            if not cursor["id"]:
                return
            cursor = database.command({"getMore": cursor["id"], "collection": ORDERS}, session=session)["cursor"]
            groups = cursor["nextBatch"]


def _integer(value: Any, is_money: bool) -> int:
    """A sum as an exact integer, an amount in units of 10^-4."""
    exact = value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)
    sign, digits, exponent = exact.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101 - sums of finite numbers are finite
    coefficient = int("".join(map(str, digits)))
    scaled = coefficient * (MONEY_FACTOR if is_money else 1)
    whole = scaled * 10**exponent if exponent >= 0 else scaled // 10**-exponent
    return -whole if sign else whole
