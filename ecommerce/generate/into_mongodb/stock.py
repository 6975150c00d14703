"""Stock: what orders take from the inventory, what is restocked, and what cancelled orders put back."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
from bson import Int64
from pymongo import UpdateOne
from pymongo.client_session import ClientSession

from ecommerce.generate.model.catalog import CatalogSpec, product_warehouses
from ecommerce.generate.model.draws import Ints
from ecommerce.generate.model.life import CANCELLED
from ecommerce.generate.model.orders import GeneratedOrders
from ecommerce.mongo import MongoDatabase

REORDER_LEVEL = 50
"""Stock below this is ordered anew."""
LOT = 250
"""Stock comes in lots of this many units."""

Place = tuple[int, int]
"""(product id, warehouse id)"""


def units_sold(columns: GeneratedOrders, spec: CatalogSpec) -> Ints:
    """Units of each product in the orders that are not cancelled; index 0 is product 1."""
    kept = columns.quantity * (columns.status != CANCELLED)[columns.item_order]
    return np.bincount(columns.product_id - 1, weights=kept, minlength=spec.products).astype(np.int64)


def take_stock(
    database: MongoDatabase, spec: CatalogSpec, first: int, sold: Ints, now: datetime, session: ClientSession | None
) -> int:
    """Take units sold from the stock, and restock in whole lots what falls under the reorder level.

    `sold` begins with the product at index `first`. Computed on the server, so stock is never negative and concurrent
    runs lose nothing. One statement for all products, which looks its units up: it takes a fifth of the time of a
    statement for each. Returns how many products were sold.
    """
    at = np.nonzero(sold)[0]
    if not len(at):
        return 0
    products = at + first + 1
    places = [
        {"product_id": Int64(product_id), "warehouse_id": Int64(warehouse_id)}
        for product_id, warehouse_id in zip(products.tolist(), product_warehouses(spec, products).tolist(), strict=True)
    ]
    units = [Int64(count) for count in sold[at[0] : at[-1] + 1].tolist()]
    changes = _taken(int(products[0]), units, now)
    database["inventory"].update_many({"_id": {"$in": places}}, changes, session=session)
    return len(places)


def _taken(lowest: int, units: list[Int64], now: datetime) -> list[Mapping[str, Any]]:
    """The changes of stock where the products from id `lowest` on are sold in these units."""
    sold = {"$arrayElemAt": [{"$literal": units}, {"$subtract": ["$product_id", Int64(lowest)]}]}
    left: dict[str, Any] = {"$subtract": [{"$ifNull": ["$stock_quantity", Int64(0)]}, sold]}
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


def put_back(database: MongoDatabase, units: Counter[Place], session: ClientSession | None) -> None:
    """Put units back where they had been taken from."""
    changes: list[Any] = [
        UpdateOne(
            {"_id": {"product_id": Int64(product_id), "warehouse_id": Int64(warehouse_id)}},
            {"$inc": {"stock_quantity": Int64(count)}},
        )
        for (product_id, warehouse_id), count in units.items()
    ]
    if changes:
        database["inventory"].bulk_write(changes, ordered=False, session=session)
