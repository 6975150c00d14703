"""The events of sales by MongoDB and by Spark, slow and plain: nothing shared with how figures are kept.

Both count by quarters of an hour, of which the hours of every zone are made since 1972.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from ecommerce.documents.kinds import MONEY_FACTOR
from ecommerce.documents.statuses import CANCELLED, RETURNED, UNCOUNTED, mongo_has, spark_has
from ecommerce.hours import Hours
from ecommerce.summaries.cells.frames import summed
from ecommerce.summaries.cells.measures import MONGO_CREDIT, SPARK_CREDIT, spark_money
from ecommerce.summaries.cells.sales import SALES_DIMENSIONS, SALES_MEASURES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

QUARTER_MS = 900_000

_IS_GIFT = {"$eq": ["$$item.gift_card", True]}
_GOODS = {"$filter": {"input": "$order_items", "as": "item", "cond": {"$not": _IS_GIFT}}}
_GIFTS = {"$filter": {"input": "$order_items", "as": "item", "cond": _IS_GIFT}}
_COST = {"$ifNull": ["$$item.unit_cost", 0]}


def _mongo_lines(items: Any, amount: Any) -> dict[str, Any]:
    lines = {"$map": {"input": items, "as": "item", "in": {"$multiply": [amount, "$$item.quantity"]}}}
    return {"$sum": lines}


def _mongo_returned(gifts: bool, amount: Any) -> dict[str, Any]:
    """Over the items of `$$refund`: an amount of the order item x the quantity that came back."""
    same = {"$eq": ["$$item.order_item_id", "$$back.order_item_id"]}
    wanted = _IS_GIFT if gifts else {"$not": _IS_GIFT}
    ordered = {"$filter": {"input": "$order_items", "as": "item", "cond": {"$and": [same, wanted]}}}
    each = {"$map": {"input": ordered, "as": "item", "in": {"$multiply": [amount, "$$back.quantity"]}}}
    back = {"$ifNull": ["$$refund.items", []]}
    return {"$sum": {"$map": {"input": back, "as": "back", "in": {"$sum": each}}}}


def sales_pipeline(match: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The aggregation of orders by quarter of an hour, currency and channel. Money is not scaled."""
    amounts = {
        "goods": _mongo_lines(_GOODS, "$$item.price"),
        "gifts": _mongo_lines(_GIFTS, "$$item.price"),
        "total": "$order.total_amount",
        "tax": {"$ifNull": ["$order.tax_amount", 0]},
        "included": {"$cond": ["$order.tax_included", {"$ifNull": ["$order.tax_amount", 0]}, 0]},
        "shipping": {"$ifNull": ["$order.shipping_amount", 0]},
        "refunds": {"$ifNull": ["$refunds", []]},
        "known": {
            "$and": [
                {"$gt": [{"$size": _GOODS}, 0]},
                {
                    "$allElementsTrue": [
                        {"$map": {"input": _GOODS, "as": "item", "in": {"$gt": ["$$item.unit_cost", None]}}}
                    ]
                },
            ]
        },
    }
    gross = {"$subtract": ["$goods", "$included"]}
    discounts = {"$subtract": [{"$add": ["$goods", "$gifts", "$tax", "$shipping"]}, {"$add": ["$included", "$total"]}]}
    cost = {"$cond": ["$known", _mongo_lines(_GOODS, _COST), 0]}
    sale = {
        "time": "$order.order_time",
        "orders": {"$cond": [MONGO_CREDIT, 0, 1]},
        "revenue": {"$cond": [mongo_has("$delivery.status", UNCOUNTED), 0, "$total"]},
    }
    sold = {
        "gross": gross,
        "discounts": discounts,
        "tax": "$tax",
        "shipping": "$shipping",
        "cost": cost,
        "known_net": {"$cond": ["$known", {"$subtract": [gross, discounts]}, 0]},
    }
    refund_tax, refund_shipping = ({"$ifNull": [f"$$refund.{name}", 0]} for name in ("tax_amount", "shipping_amount"))
    parts = {"$add": [refund_tax, refund_shipping, _mongo_returned(True, "$$item.price")]}
    returns = {"$subtract": ["$$refund.amount", parts]}
    refund = {
        "time": "$$refund.refund_time",
        "returns": returns,
        "tax": _negative(refund_tax),
        "shipping": _negative(refund_shipping),
        "cost": {"$cond": ["$known", _negative(_mongo_returned(False, _COST)), 0]},
        "known_net": {"$cond": ["$known", _negative(returns), 0]},
    }
    back = {
        "time": {"$ifNull": ["$delivery.actual_time", "$order.order_time"]},
        "returns": {"$subtract": [gross, discounts]},
        **{name: _negative(sold[name]) for name in ("tax", "shipping", "cost", "known_net")},
    }
    came_back = {"$and": [mongo_has("$delivery.status", [RETURNED]), {"$eq": ["$refunds", []]}]}
    refunds = {"$map": {"input": "$refunds", "as": "refund", "in": refund}}
    live = {"$concatArrays": [[{**sale, **sold}], refunds, {"$cond": [came_back, [back], []]}]}
    events = {"$cond": [mongo_has("$delivery.status", [CANCELLED]), [sale], live]}
    time = {"$toLong": "$events.time"}
    dimensions = {
        "hour": {"$subtract": [time, {"$mod": [time, QUARTER_MS]}]},
        "currency": {"$ifNull": ["$order.currency", ""]},
        "channel": {"$ifNull": ["$order.channel", ""]},
    }
    sums = {name: {"$sum": f"$events.{name}"} for name in SALES_MEASURES}
    return [
        {"$match": match},
        {"$set": amounts},
        {"$project": {"order.currency": 1, "order.channel": 1, "events": events}},
        {"$unwind": "$events"},
        {"$group": {"_id": dimensions, **sums}},
    ]


def _negative(amount: Any) -> dict[str, Any]:
    return {"$subtract": [0, amount]}


def by_hours(rows: pl.DataFrame, hours: Hours, *more: str) -> pl.DataFrame:
    """Cells of rows whose `hour` is a time in milliseconds; `more` are dimensions that the rows have beside."""
    starts = hours.starts(rows["hour"].to_numpy() // 1000)
    dimensions = {name: rows.schema[name] for name in more} | SALES_DIMENSIONS
    return summed(rows.with_columns(pl.Series("hour", starts)), dimensions, SALES_MEASURES)


def _spark_sum(items: str, of_each: str) -> str:
    numbers = f"transform({items}, item -> cast({of_each} as decimal(38,0)))"
    return f"aggregate({numbers}, cast(0 as decimal(38,0)), (a, b) -> cast(a + b as decimal(38,0)))"


def _spark_product(amount: str, quantity: str) -> str:
    return f"{spark_money(amount)} * cast({quantity} as decimal(10,0))"


_SPARK_GIFT = "coalesce(item.gift_card, false)"
_SPARK_GOODS, _SPARK_GIFTS = (f"filter(order_items, item -> {kept})" for kept in (f"not {_SPARK_GIFT}", _SPARK_GIFT))


def _spark_returned(gifts: bool, amount: str) -> str:
    wanted = _SPARK_GIFT if gifts else f"not {_SPARK_GIFT}"
    same = f"filter(order_items, item -> item.order_item_id = back.order_item_id and {wanted})"
    each = _spark_sum(same, _spark_product(amount, "back.quantity"))
    numbers = f"transform(coalesce(refund.items, array()), back -> {each})"
    return f"aggregate({numbers}, cast(0 as decimal(38,0)), (a, b) -> cast(a + b as decimal(38,0)))"


def _spark_event(time: str, **amounts: str) -> str:
    members = [f"'time', unix_millis({time})"]
    members += [f"'{name}', cast({amounts.get(name, '0')} as decimal(38,0))" for name in SALES_MEASURES]
    return f"named_struct({', '.join(members)})"


def sales_by_spark(rows: "DataFrame", hours: Hours) -> pl.DataFrame:
    """The cells of sales of archive rows, by their `order_date` and these hours."""
    from pyspark.sql.functions import expr

    amounts = rows.selectExpr(
        "order_date",
        "order",
        "delivery",
        "order_items",
        "refunds",
        f"{_spark_sum(_SPARK_GOODS, _spark_product('item.price', 'item.quantity'))} as goods",
        f"{_spark_sum(_SPARK_GIFTS, _spark_product('item.price', 'item.quantity'))} as gifts",
        f"{_spark_sum(_SPARK_GOODS, _spark_product('item.unit_cost', 'item.quantity'))} as costs",
        f"size({_SPARK_GOODS}) > 0 and forall({_SPARK_GOODS}, item -> item.unit_cost is not null) as known",
        f"{spark_money('order.total_amount')} as total",
        f"{spark_money('order.tax_amount')} as tax",
        f"if(coalesce(order.tax_included, false), {spark_money('order.tax_amount')}, 0) as included",
        f"{spark_money('order.shipping_amount')} as shipping",
    )
    gross, discounts = "goods - included", "goods - included + tax + shipping + gifts - total"
    net = f"({gross} - ({discounts}))"
    sale = {
        "orders": f"if({SPARK_CREDIT}, 0, 1)",
        "revenue": f"if({spark_has('delivery.status', UNCOUNTED)}, 0, total)",
    }
    sold = {
        "gross": gross,
        "discounts": discounts,
        "tax": "tax",
        "shipping": "shipping",
        "cost": "if(known, costs, 0)",
        "known_net": f"if(known, {net}, 0)",
    }
    refund_tax, refund_shipping = (spark_money(f"refund.{name}") for name in ("tax_amount", "shipping_amount"))
    returns = (
        f"({spark_money('refund.amount')} - {refund_tax} - {refund_shipping} - {_spark_returned(True, 'item.price')})"
    )
    refund = _spark_event(
        "refund.refund_time",
        returns=returns,
        tax=f"-{refund_tax}",
        shipping=f"-{refund_shipping}",
        cost=f"if(known, -{_spark_returned(False, 'item.unit_cost')}, 0)",
        known_net=f"if(known, -{returns}, 0)",
    )
    back = _spark_event(
        "coalesce(delivery.actual_time, order.order_time)",
        returns=net,
        **{name: f"-({sold[name]})" for name in ("tax", "shipping", "cost", "known_net")},
    )
    came_back = f"{spark_has('delivery.status', [RETURNED])} and coalesce(size(refunds), 0) = 0"
    whole, plain = _spark_event("order.order_time", **sale, **sold), _spark_event("order.order_time", **sale)
    refunds = f"transform(coalesce(refunds, array()), refund -> {refund})"
    live = f"concat(array({whole}), {refunds}, if({came_back}, array({back}), array()))"
    events = amounts.selectExpr(
        "order_date",
        "coalesce(order.currency, '') as currency",
        "coalesce(order.channel, '') as channel",
        f"explode(if({spark_has('delivery.status', [CANCELLED])}, array({plain}), {live})) as event",
    )
    grouped = events.selectExpr(
        "order_date", f"event.time - event.time % {QUARTER_MS} as hour", "currency", "channel", "event"
    ).groupBy("order_date", "hour", "currency", "channel")
    sums = [expr(f"sum(event.{name})").alias(name) for name in SALES_MEASURES]
    table = pl.from_arrow(grouped.agg(*sums).toArrow())
    assert isinstance(table, pl.DataFrame)  # noqa: S101 - a table with columns is a frame
    unscaled = [
        (pl.col(name).cast(pl.Int128) // (1 if name == "orders" else MONEY_FACTOR)).cast(dtype)
        for name, dtype in SALES_MEASURES.items()
    ]
    return by_hours(table.with_columns(unscaled), hours, "order_date")
