"""What the catalog calls the ids of an order: its customer, courier, products and warehouses."""

from collections.abc import Iterator, Mapping
from typing import Any

from ecommerce.catalog_names import names_of
from ecommerce.mongo import MongoDatabase

TABLES = {"user_id": "users", "courier_id": "couriers", "product_id": "products", "warehouse_id": "warehouses"}
"""Fields of an order that are ids of the catalog, and the table of each."""

Names = Mapping[str, Mapping[int, str]]
"""By field, the name of each id that the catalog has one for."""


def names_in(database: MongoDatabase, document: Mapping[str, Any]) -> Names:
    """The names of all ids in an order's document. Raises PyMongoError."""
    ids: dict[str, set[int]] = {field: set() for field in TABLES}
    for part in _parts(document):
        for field, found in ids.items():
            if isinstance(value := part.get(field), int):
                found.add(int(value))
    return {field: names_of(database, TABLES[field], found) for field, found in ids.items() if found}


def _parts(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for value in document.values():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, Mapping):
                yield part
