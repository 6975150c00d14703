"""The usual way to generate test orders, to compare with: a loop that samples data frames for each order.

Uniform noise in the shape of the project's documents, nothing stored. This is what small e-commerce demos do.
"""

import random
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

STATUSES = ("Pending", "Shipped", "Delivered", "Cancelled", "Returned")
PAYMENTS = ("credit_card", "boleto", "voucher", "debit_card")


def catalog(users: int, products: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Users and products as data frames."""
    return (
        pd.DataFrame({"user_id": np.arange(1, users + 1), "location": "somewhere"}),
        pd.DataFrame(
            {
                "product_id": np.arange(1, products + 1),
                "price": np.random.default_rng(1).uniform(5, 500, products).round(2),
                "warehouse_id": 1 + np.arange(products) % 5,
            }
        ),
    )


def generate(orders: int, users: pd.DataFrame, products: pd.DataFrame) -> list[dict[str, Any]]:
    """That many orders as dicts, one after the other."""
    return [_order(order_id, users, products) for order_id in range(1, orders + 1)]


def _order(order_id: int, users: pd.DataFrame, products: pd.DataFrame) -> dict[str, Any]:
    user = users.sample(1).iloc[0]
    chosen = products.sample(random.randint(1, 5))
    time = datetime(2026, 1, 1) + timedelta(seconds=random.randint(0, 30 * 86_400))
    items = [
        {
            "order_item_id": order_id * 128 + line,
            "order_id": order_id,
            "product_id": int(product["product_id"]),
            "warehouse_id": int(product["warehouse_id"]),
            "quantity": random.randint(1, 3),
            "price": float(product["price"]),
            "event_time": time,
        }
        for line, (_, product) in enumerate(chosen.iterrows())
    ]
    total = sum(item["price"] * item["quantity"] for item in items)
    return {
        "order": {
            "order_id": order_id,
            "user_id": int(user["user_id"]),
            "order_time": time,
            "total_amount": round(total, 2),
            "discount": 0.0,
            "quantity": len(items),
            "payment_type": random.choice(PAYMENTS),
        },
        "order_items": items,
        "delivery": {
            "delivery_id": order_id,
            "order_id": order_id,
            "status": random.choice(STATUSES),
            "expected_time": time + timedelta(days=7),
            "actual_time": None,
            "courier_id": random.randint(1, 12),
            "location": user["location"],
        },
    }
