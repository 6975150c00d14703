"""The events of sales by MongoDB and by SQL, slow and plain: nothing shared with how figures are kept.

Both count by quarters of an hour, of which the hours of every zone are made since 1972.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from ecommerce.documents.kinds import MONEY_FACTOR
from ecommerce.documents.statuses import CANCELLED, RETURNED, UNCOUNTED, mongo_has, sql_has
from ecommerce.hours import Hours
from ecommerce.summaries.cells.frames import summed
from ecommerce.summaries.cells.measures import MONGO_CREDIT, SQL_CREDIT, sql_money, sql_sum
from ecommerce.summaries.cells.sales import SALES_DIMENSIONS, SALES_MEASURES

if TYPE_CHECKING:
    import duckdb

QUARTER_MS = 900_000

_IS_GIFT = {"$eq": ["$$item.gift_card", True]}
_GOODS = {"$filter": {"input": "$order_items", "as": "item", "cond": {"$not": _IS_GIFT}}}
_GIFTS = {"$filter": {"input": "$order_items", "as": "item", "cond": _IS_GIFT}}
_COST = {"$ifNull": ["$$item.unit_cost", 0]}


def _mongo_lines(items: Any, amount: Any) -> dict[str, Any]:
    return {"$sum": {"$map": {"input": items, "as": "item", "in": {"$multiply": [amount, "$$item.quantity"]}}}}


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
    have_costs = {"$map": {"input": _GOODS, "as": "item", "in": {"$gt": ["$$item.unit_cost", None]}}}
    amounts = {
        "goods": _mongo_lines(_GOODS, "$$item.price"),
        "gifts": _mongo_lines(_GIFTS, "$$item.price"),
        "total": "$order.total_amount",
        "tax": {"$ifNull": ["$order.tax_amount", 0]},
        "included": {"$cond": ["$order.tax_included", {"$ifNull": ["$order.tax_amount", 0]}, 0]},
        "shipping": {"$ifNull": ["$order.shipping_amount", 0]},
        "refunds": {"$ifNull": ["$refunds", []]},
        "known": {"$and": [{"$gt": [{"$size": _GOODS}, 0]}, {"$allElementsTrue": [have_costs]}]},
    }
    gross = {"$subtract": ["$goods", "$included"]}
    discounts = {"$subtract": [{"$add": ["$goods", "$gifts", "$tax", "$shipping"]}, {"$add": ["$included", "$total"]}]}
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
        "cost": {"$cond": ["$known", _mongo_lines(_GOODS, _COST), 0]},
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


_GIFT = "coalesce(item.gift_card, false)"
_SOLD, _GIVEN = (f"list_filter(order_items, lambda item: {kept})" for kept in (f"not {_GIFT}", _GIFT))


def _sql_lines(items: str, amount: str) -> str:
    return sql_sum(items, f"{sql_money(amount)} * item.quantity")


def _sql_returned(gifts: bool, amount: str) -> str:
    """Over the items of `refund`: an amount of the order item x the quantity that came back."""
    same = f"item.order_item_id = back.order_item_id and {'' if gifts else 'not '}{_GIFT}"
    each = sql_sum(f"list_filter(order_items, lambda item: {same})", f"{sql_money(amount)} * back.quantity")
    return sql_sum("refund.items", each, "back")


def _sql_events(time: str, rows: str, **amounts: str) -> str:
    """A query of events: when each was, and its amounts; those that are not given are 0."""
    numbers = ", ".join(f"cast({amounts.get(name, '0')} as hugeint) as {name}" for name in SALES_MEASURES)
    return f"select order_date, currency, channel, epoch_ms({time}) as time, {numbers} from {rows}"  # noqa: S608 - ours


def sales_of_rows(connection: "duckdb.DuckDBPyConnection", table: str, hours: Hours) -> pl.DataFrame:
    """The cells of sales of the archive's rows in a table, by their `order_date` and these hours."""
    cancelled, came_back = (sql_has("delivery.status", [status]) for status in (CANCELLED, RETURNED))
    orders = (
        """select order_date, "order", delivery, order_items, refunds, coalesce("order".currency, '') as currency, """  # noqa: S608 - ours
        f"""coalesce("order".channel, '') as channel, {cancelled} as cancelled, """
        f"{came_back} and coalesce(len(refunds), 0) = 0 as came_back, {_SOLD} as sold, "
        f"""{sql_money('"order".total_amount')} as total, {sql_money('"order".tax_amount')} as tax, """
        f"""if(coalesce("order".tax_included, false), {sql_money('"order".tax_amount')}, 0) as included, """
        f"""{sql_money('"order".shipping_amount')} as shipping from {table}"""
    )
    amounts = (
        f"select *, {_sql_lines('sold', 'item.price')} as goods, {_sql_lines(_GIVEN, 'item.price')} as gifts, "  # noqa: S608 - ours
        f"{_sql_lines('sold', 'item.unit_cost')} as costs, "
        "len(sold) > 0 and len(list_filter(sold, lambda item: item.unit_cost is null)) = 0 as known "
        f"from ({orders})"
    )
    gross, discounts = "goods - included", "goods - included + tax + shipping + gifts - total"
    net = f"({gross} - ({discounts}))"
    sale = {
        "orders": f"if({SQL_CREDIT}, 0, 1)",
        "revenue": f"if({sql_has('delivery.status', UNCOUNTED)}, 0, total)",
    }
    sold = {
        "gross": gross,
        "discounts": discounts,
        "tax": "tax",
        "shipping": "shipping",
        "cost": "if(known, costs, 0)",
        "known_net": f"if(known, {net}, 0)",
    }
    refund_tax, refund_shipping = (sql_money(f"refund.{name}") for name in ("tax_amount", "shipping_amount"))
    returns = f"({sql_money('refund.amount')} - {refund_tax} - {refund_shipping} - {_sql_returned(True, 'item.price')})"
    refund = {
        "returns": returns,
        "tax": f"-({refund_tax})",
        "shipping": f"-({refund_shipping})",
        "cost": f"if(known, -{_sql_returned(False, 'item.unit_cost')}, 0)",
        "known_net": f"if(known, -{returns}, 0)",
    }
    back = {"returns": net, **{name: f"-({sold[name]})" for name in ("tax", "shipping", "cost", "known_net")}}
    ordered = '"order".order_time'
    refunded = "(select *, unnest(refunds) as refund from amounts where not cancelled)"
    events = (
        _sql_events(ordered, "amounts where cancelled", **sale),
        _sql_events(ordered, "amounts where not cancelled", **sale, **sold),
        _sql_events("refund.refund_time", refunded, **refund),
        _sql_events(f"coalesce(delivery.actual_time, {ordered})", "amounts where came_back and not cancelled", **back),
    )
    dimensions = f"order_date, time - time % {QUARTER_MS} as hour, currency, channel"
    sums = ", ".join(f"sum({name}) as {name}" for name in SALES_MEASURES)
    rows = connection.sql(
        f"with amounts as materialized ({amounts}) select {dimensions}, {sums} "  # noqa: S608 - ours
        f"from ({' union all '.join(events)}) group by all"
    ).pl()
    unscaled = [
        (pl.col(name).cast(pl.Int128) // (1 if name == "orders" else MONEY_FACTOR)).cast(dtype)
        for name, dtype in SALES_MEASURES.items()
    ]
    return by_hours(rows.with_columns(unscaled), hours, "order_date")
