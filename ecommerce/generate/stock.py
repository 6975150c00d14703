"""Stock: what orders take from the inventory, and what is restocked."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from bson import Int64
from pymongo import UpdateOne
from pymongo.client_session import ClientSession

from ecommerce.generate.catalog import CatalogSpec, product_warehouses
from ecommerce.generate.draws import Ints
from ecommerce.generate.orders import OrderColumns
from ecommerce.mongo import MongoDatabase

REORDER_LEVEL = 50
"""Stock below this is ordered anew."""
LOT = 250
"""Stock comes in lots of this many units."""


def units_sold(columns: OrderColumns, spec: CatalogSpec) -> Ints:
    """Units of each product in the orders; index 0 is product 1."""
    return np.bincount(columns.product_id - 1, weights=columns.quantity, minlength=spec.products).astype(np.int64)


def take_stock(
    database: MongoDatabase, spec: CatalogSpec, first: int, sold: Ints, now: datetime, session: ClientSession | None
) -> int:
    """Take units sold from the stock, and restock in whole lots what falls under the reorder level.

    `sold` begins with the product at index `first`.

    Computed on the server, one atomic step a product, so stock is never negative and concurrent runs lose nothing.
    Returns how many products were sold.
    """
    at = np.nonzero(sold)[0]
    products = at + first + 1
    warehouses = product_warehouses(spec, products).tolist()
    changes: list[Any] = [
        UpdateOne(
            {"_id": {"product_id": Int64(product_id), "warehouse_id": Int64(warehouse_id)}},
            _taken(units, now),
        )
        for product_id, warehouse_id, units in zip(products.tolist(), warehouses, sold[at].tolist(), strict=True)
    ]
    if changes:
        database["inventory"].bulk_write(changes, ordered=False, session=session)
    return len(changes)


def _taken(units: int, now: datetime) -> list[Mapping[str, Any]]:
    left: dict[str, Any] = {"$subtract": [{"$ifNull": ["$stock_quantity", Int64(0)]}, Int64(units)]}
    short: dict[str, Any] = {"$lt": ["$stock_quantity", Int64(REORDER_LEVEL)]}
    lots: dict[str, Any] = {
        "$toLong": {"$ceil": {"$divide": [{"$subtract": [Int64(REORDER_LEVEL), "$stock_quantity"]}, LOT]}}
    }
    refilled: dict[str, Any] = {"$add": ["$stock_quantity", {"$multiply": [Int64(LOT), lots]}]}
    return [
        {"$set": {"stock_quantity": left}},
        {
            "$set": {
                "stock_quantity": {"$cond": [short, refilled, "$stock_quantity"]},
                "last_restock_time": {"$cond": [short, now.astimezone(UTC), "$last_restock_time"]},
            }
        },
    ]
