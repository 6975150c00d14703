"""Whether a file has ids of the made-up catalog: names go by id, so its orders would carry the names of made-up goods.

The generator's own orders and unchanged records are no such thing, from whatever database or file they come. Only the
first orders of a file are looked at, so that a long file takes no longer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import bson
from pymongo.errors import OperationFailure

from ecommerce.documents.bson_codec import CODEC_OPTIONS
from ecommerce.documents.canonical_bytes import order_time_of
from ecommerce.documents.generated_ids import holds_its_hour
from ecommerce.importing.loading.report import NAMED
from ecommerce.importing.loading.retries import with_patience
from ecommerce.ingest.encoded_order import EncodedOrder
from ecommerce.mongo import GENERATOR, Document, MongoDatabase

LOOKED_AT = 200
"""Orders of a file; each takes some 20 µs."""

UNAUTHORIZED = 13


@dataclass
class MadeUpIds:
    """The ids 1 to `last` of each table are those of the made-up catalog; empty where there is none."""

    last: dict[str, int] = field(default_factory=dict)
    looked_at: int = 0

    def met_by_orders(self, orders: Sequence[EncodedOrder]) -> set[str]:
        """The tables of which orders name made-up records; those of later chunks are not looked at."""
        if not self.last or self.looked_at >= LOOKED_AT:
            return set()
        looked = orders[: LOOKED_AT - self.looked_at]
        self.looked_at += len(looked)
        found: set[str] = set()
        for order in looked:
            if holds_its_hour(order.order_id, order_time_of(order.bson)):
                continue
            document = bson.decode(order.bson, CODEC_OPTIONS)
            items = document["order_items"]
            named = {
                "products": [item["product_id"] for item in items],
                "warehouses": [item["warehouse_id"] for item in items],
                "couriers": [document["delivery"]["courier_id"]],
                "users": [document["order"]["user_id"]],
            }
            found |= {table for table, ids in named.items() if self._has(table, ids)}
        return found

    def met_by_records(self, table: str, changed: Iterable[object]) -> set[str]:
        """The table, where some of its records that a file changed have ids of the made-up catalog."""
        return {table} if table in self.last and self._has(table, changed) else set()

    def _has(self, table: str, ids: Iterable[object]) -> bool:
        return any(isinstance(one, int) and 0 < one <= self.last[table] for one in ids)


def made_up_ids(database: MongoDatabase) -> MadeUpIds:
    """Those of the catalog that the generator made in a database."""
    made = with_patience(lambda: _catalog_of(database)) or {}
    return MadeUpIds({table: made[table] for table in NAMED if table in made})


def _catalog_of(database: MongoDatabase) -> Document | None:
    try:
        return database[GENERATOR].find_one({"_id": "catalog"})
    except OperationFailure as error:
        if error.code != UNAUTHORIZED:
            raise
        return None  # accounts of imports that were made before this version may not read it
