"""Which documents' parts agree with each other: what `documents.agreement` requires, of a batch in columns.

That the ids of refunds, and of the items in one, are different is seen where their order is (`columns`).
"""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from ecommerce.bson_reading.columns import BoolArray, IntArray, OrderColumns

KEY = ["row", "order_item_id"]


def agreeing(columns: "OrderColumns") -> "BoolArray":
    """Which documents agree; of irregular ones the answer means nothing."""
    count, of = len(columns.regular), columns.item_of
    sizes = np.bincount(of, minlength=count)
    agrees: BoolArray = sizes == columns.numbers["order.quantity"]
    if len(of):
        agrees[_with_an_item_twice(of, columns.items["item.order_item_id"], sizes)] = False
    if (refunds := columns.arrays.get("refunds")) is not None:
        numbers = refunds.numbers
        parts = numbers["tax_amount"] + numbers["shipping_amount"]
        agrees[refunds.row[parts > numbers["amount"]]] = False
    if "refunds.items" in columns.arrays:
        agrees[_with_too_much_back(columns)] = False
    return agrees


def _with_an_item_twice(of: "IntArray", ids: "IntArray", sizes: "IntArray") -> "IntArray":
    several = np.flatnonzero(sizes[of] > 1)
    together = several[np.argsort(of[several], kind="stable")]
    # Nearly always the items are by their ids, which a look at neighbours tells.
    unordered: IntArray = of[together[1:]][(np.diff(of[together]) == 0) & (np.diff(ids[together]) <= 0)]
    if not len(unordered):
        return unordered
    rest = together[np.isin(of[together], unordered)]
    rest = rest[np.lexsort((ids[rest], of[rest]))]
    twice: IntArray = of[rest[1:]][(np.diff(of[rest]) == 0) & (np.diff(ids[rest]) == 0)]
    return twice


def _with_too_much_back(columns: "OrderColumns") -> "IntArray":
    """Documents whose refunds take back more of an item than was ordered, or an item that is not there."""
    returned, of = columns.arrays["refunds.items"], columns.item_of
    back = pl.DataFrame(
        {"row": returned.row} | {name: returned.numbers[name] for name in ("order_item_id", "quantity")}
    )
    items = np.flatnonzero(np.isin(of, returned.row))
    ordered = pl.DataFrame(
        {
            "row": of[items],
            "order_item_id": _of(columns, "order_item_id", items),
            "ordered": _of(columns, "quantity", items),
        }
    )
    found = back.group_by(KEY).agg(pl.col("quantity").sum()).join(ordered, on=KEY, how="left")
    rows: IntArray = found.filter(pl.col("quantity") > pl.col("ordered").fill_null(-1))["row"].to_numpy()
    return rows


def _of(columns: "OrderColumns", name: str, items: "IntArray") -> "IntArray":
    values = columns.items.get(f"item.{name}")
    return np.empty(0, np.int64) if values is None else values[items]
