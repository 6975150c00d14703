"""Rows for the tests of the import, and the orders of a database to compare."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from ecommerce.documents.bson_codec import decode_order
from ecommerce.documents.order import OrderDocument
from ecommerce.mongo import ORDERS, MongoDatabase

DATA = Path(__file__).parent / "data"
SUPERSTORE = DATA / "superstore"
"""The first 40 orders of the table, in both shapes, and its catalog."""
WHOLE_SUPERSTORE = DATA / "superstore_whole"
"""All 5 009 orders and the catalog, compressed; in `flat`, the table as it is."""


def a_row(
    order_id: int,
    *,
    status: str = "Pending",
    user_id: int = 5,
    product_id: int = 7,
    order: Mapping[str, Any] | None = None,
    item: Mapping[str, Any] | None = None,
    delivery: Mapping[str, Any] | None = None,
    warehouse_id: int | None = None,
    location: str | None = None,
    **members: Any,
) -> dict[str, Any]:
    """An order as a row of JSON, with what the keywords say."""
    row: dict[str, Any] = {
        "order": {
            "order_id": order_id,
            "user_id": user_id,
            "order_time": "2026-03-01T12:00:00",
            "total_amount": 16.45,
            "discount": 0.2284,
            "quantity": 1,
            "payment_type": "card",
        }
        | dict(order or {}),
        "order_items": [
            {
                "order_item_id": order_id,
                "order_id": order_id,
                "product_id": product_id,
                "quantity": 2,
                "price": 8.225,
                "event_time": "2026-03-01T12:00:00Z",
            }
            | ({} if warehouse_id is None else {"warehouse_id": warehouse_id})
            | dict(item or {})
        ],
        "delivery": {
            "delivery_id": order_id,
            "order_id": order_id,
            "status": status,
            "expected_time": "2026-03-05T00:00:00+01:00",
            "actual_time": None,
            "courier_id": 4,
        }
        | ({} if location is None else {"location": location})
        | dict(delivery or {}),
    }
    return row | members


def complete_row(order_id: int, **changes: Any) -> dict[str, Any]:
    """A row that needs no catalog."""
    filled: dict[str, Any] = {"warehouse_id": 3, "location": "Lima"}
    return a_row(order_id, **(filled | changes))


def write_lines(path: Path, *rows: Any) -> Path:
    """A file of JSON Lines; bytes are written as they are."""
    path.write_bytes(b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows))
    return path


def raw_orders(database: MongoDatabase, collection: str = ORDERS) -> dict[int, bytes]:
    """The stored bytes of every order."""
    options: Any = CodecOptions(document_class=RawBSONDocument)
    found: Any = database.get_collection(collection, codec_options=options).find()
    return {d["_id"]: bytes(d.raw) for d in found}


def stored_orders(database: MongoDatabase) -> list[OrderDocument]:
    """Every order, decoded."""
    return [decode_order(raw) for raw in raw_orders(database).values()]
