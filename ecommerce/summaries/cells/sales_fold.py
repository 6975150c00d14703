"""The events of sales of a batch of documents in columns: what `sales.events_of` says, in arrays."""

from typing import Any

import numpy as np
import polars as pl

from ecommerce.bson_reading.order_columns import BoolArray, IntArray, no_texts
from ecommerce.documents.statuses import CANCELLED, RETURNED
from ecommerce.hours import Hours
from ecommerce.summaries.cells.batch import Batch
from ecommerce.summaries.cells.sales import SALES_MEASURES

Events = tuple[IntArray, IntArray, dict[str, IntArray]]
"""The documents that some events are of, when they happened, and what each adds."""


def sales_rows(batch: Batch, hours: Hours, signs: IntArray | None = None) -> tuple[IntArray, pl.DataFrame]:
    """The events of all documents of a batch that were read, as often as its sign says: the document that each is of,
    and the columns of SALES_SCHEMA.
    """
    sold = _sold(batch)
    live = ~batch.is_status(CANCELLED)
    everyone = np.arange(batch.count)
    events: list[Events] = [(everyone, batch.number("order.order_time"), _of_sales(batch, sold, live))]
    if (refunds := batch.columns.arrays.get("refunds")) is not None:
        of_live = np.flatnonzero(live[refunds.row])
        amounts = {name: values[of_live] for name, values in _of_refunds(batch, sold).items()}
        events.append((refunds.row[of_live], refunds.numbers["refund_time"][of_live], amounts))
    refunded = batch.refund_counts() > 0
    back = np.flatnonzero(batch.is_status(RETURNED) & ~refunded)
    if len(back):
        actual, ordered = batch.number("delivery.actual_time"), batch.number("order.order_time")
        times = np.where(batch.has("delivery.actual_time"), actual, ordered)[back]
        events.append((back, times, {name: values[back] for name, values in _of_returns(sold).items()}))
    return _as_frame(batch, hours, signs, _together(events))


def _together(events: list[Events]) -> Events:
    """All of the events, with every measure."""
    none = {len(rows): np.zeros(len(rows), np.int64) for rows, _, _ in events}
    rows, times = (np.concatenate([event[column] for event in events]) for column in (0, 1))
    amounts = {
        name: np.concatenate([of_each.get(name, none[len(rows)]) for rows, _, of_each in events])
        for name in SALES_MEASURES
    }
    return rows, times, amounts


def _as_frame(batch: Batch, hours: Hours, signs: IntArray | None, events: Events) -> tuple[IntArray, pl.DataFrame]:
    rows, times, amounts = events
    if not batch.columns.regular.all():
        keep = batch.columns.regular[rows]
        rows, times, amounts = rows[keep], times[keep], {name: values[keep] for name, values in amounts.items()}
    if signs is not None:
        of_each = signs[rows]
        amounts = {name: values * of_each for name, values in amounts.items()}
    texts, of_rows_of = batch.columns.texts, pl.Series(rows)
    values: dict[str, Any] = {
        "hour": hours.starts(times // 1000),
        **{name: of_rows(texts[f"order.{name}"], of_rows_of) for name in ("currency", "channel")},
        **amounts,
    }
    return rows, pl.DataFrame([pl.Series(name, column) for name, column in values.items()])


def of_rows(texts: pl.Series, rows: pl.Series) -> pl.Series:
    """The texts of these rows; most batches have none in such a column."""
    if not texts.max():
        return no_texts(len(rows))
    return texts.gather(rows)


def _sold(batch: Batch) -> dict[str, IntArray]:
    """Of each order: its amounts. Most shops know no gift cards and no costs, and sums that are 0 are not made."""
    included = batch.number("order.tax_included") == 1
    tax, shipping = batch.number("order.tax_amount"), batch.number("order.shipping_amount")
    lines = batch.item("price") * batch.item("quantity")
    is_gift, has_cost = batch.item("gift_card") == 1, batch.item_has("unit_cost")
    nothing = np.zeros(batch.count, np.int64)
    goods, gifts = batch.of_items(lines), nothing
    if is_gift.any():
        gifts = batch.of_items(np.where(is_gift, lines, 0))
        goods = goods - gifts
    gross = goods - np.where(included, tax, 0)
    discounts = gross + tax + shipping + gifts - batch.number("order.total_amount")
    known, costs = nothing > 0, nothing
    if has_cost.any():
        without = ~(is_gift | has_cost)
        known = (batch.of_items((~is_gift).astype(np.int64)) > 0) & (batch.of_items(without.astype(np.int64)) == 0)
        costs = batch.of_items(np.where(is_gift, 0, batch.item("unit_cost") * batch.item("quantity")))
    return {
        "gross": gross,
        "discounts": discounts,
        "tax": tax,
        "shipping": shipping,
        "known": known.astype(np.int64),
        "cost": np.where(known, costs, 0),
    }


def _of_sales(batch: Batch, sold: dict[str, IntArray], live: BoolArray) -> dict[str, IntArray]:
    counted = batch.is_counted()
    net = sold["gross"] - sold["discounts"]
    of_live = {name: sold[name] for name in ("gross", "discounts", "tax", "shipping", "cost")}
    of_live["known_net"] = net * sold["known"]
    return {
        "orders": (~batch.is_credit()).astype(np.int64),
        "revenue": batch.number("order.total_amount") * counted,
        **{name: values * live for name, values in of_live.items()},
    }


def _of_refunds(batch: Batch, sold: dict[str, IntArray]) -> dict[str, IntArray]:
    """Of each refund: what it adds."""
    refunds = batch.columns.arrays["refunds"].numbers
    known = sold["known"][batch.columns.arrays["refunds"].row]
    gifts, costs = _of_returned_items(batch)
    returns = refunds["amount"] - refunds["tax_amount"] - refunds["shipping_amount"] - gifts
    return {
        "returns": returns,
        "tax": -refunds["tax_amount"],
        "shipping": -refunds["shipping_amount"],
        "cost": -costs * known,
        "known_net": -returns * known,
    }


def _of_returned_items(batch: Batch) -> tuple[IntArray, IntArray]:
    """Of each refund: the prices of the gift cards in it, and the costs of its other items."""
    columns = batch.columns
    gifts, costs = (np.zeros(len(columns.arrays["refunds"].row), np.int64) for _ in range(2))
    returned = columns.arrays.get("refunds.items")
    if returned is None or not batch.item_count:
        return gifts, costs
    items = np.flatnonzero(np.isin(columns.item_of, returned.row))
    names = ("order_item_id", "price", "unit_cost", "gift_card")
    ordered = pl.DataFrame({"row": columns.item_of[items], **{name: batch.item(name)[items] for name in names}})
    numbers = {name: returned.numbers[name] for name in ("order_item_id", "quantity")}
    asked = pl.DataFrame({"refund": returned.owner, "row": returned.row, **numbers})
    found = asked.join(ordered, on=["row", "order_item_id"], how="inner")
    refund, quantity, gift = (found[name].to_numpy() for name in ("refund", "quantity", "gift_card"))
    np.add.at(gifts, refund, found["price"].to_numpy() * quantity * (gift == 1))
    np.add.at(costs, refund, found["unit_cost"].to_numpy() * quantity * (gift != 1))
    return gifts, costs


def _of_returns(sold: dict[str, IntArray]) -> dict[str, IntArray]:
    """Of each order, had it come back as a whole."""
    net = sold["gross"] - sold["discounts"]
    less = {name: -sold[name] for name in ("tax", "shipping", "cost")}
    return {"returns": net, **less, "known_net": -net * sold["known"]}
