"""Which documents' parts agree with each other: what `documents.agreement` requires, of a batch in columns.

That the ids of refunds, and of the items in one, are different is seen where their order is (`columns`).
"""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from ecommerce.bson_reading.order_columns import BoolArray, IntArray, OrderColumns

KEY = ["row", "order_item_id"]


def agreeing(columns: "OrderColumns") -> "BoolArray":
    """Which documents agree; of irregular ones the answer means nothing."""
    agrees = np.ones(len(columns.regular), np.bool_)
    if (refunds := columns.arrays.get("refunds")) is not None:
        numbers = refunds.numbers
        parts = numbers["tax_amount"] + numbers["shipping_amount"]
        agrees[refunds.row[parts > numbers["amount"]]] = False
    if "refunds.items" in columns.arrays:
        agrees[_with_too_much_back(columns)] = False
    return agrees


def _with_too_much_back(columns: "OrderColumns") -> "IntArray":
    """Documents whose refunds take back more of an item than was ordered, one that is not there, or one of two."""
    returned, of = columns.arrays["refunds.items"], columns.item_of
    names = ("order_item_id", "quantity")
    back = pl.DataFrame({"row": returned.row} | {name: returned.numbers[name] for name in names})
    items = np.flatnonzero(np.isin(of, returned.row))
    nothing = np.empty(0, np.int64)
    of_items = {name: columns.items.get(f"item.{name}", nothing)[items] for name in names}
    ordered = pl.DataFrame({"row": of[items]} | of_items)
    once = ordered.group_by(KEY).agg(pl.col("quantity").first().alias("ordered"), pl.len().alias("items"))
    found = back.group_by(KEY).agg(pl.col("quantity").sum()).join(once, on=KEY, how="left")
    is_there = (pl.col("items") == 1) & (pl.col("quantity") <= pl.col("ordered"))
    rows: IntArray = found.filter(~is_there.fill_null(value=False))["row"].to_numpy()
    return rows
