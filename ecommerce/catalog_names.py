"""What the catalog calls users, products, warehouses and couriers. Where it has no name, callers say the id."""

from collections.abc import Iterable

from ecommerce.documents.bson_codec import finite_number
from ecommerce.mongo import MongoDatabase

NAME_FIELDS = {"users": "name", "products": "name", "warehouses": "location", "couriers": "name"}
"""Collections of the catalog whose records have a name, and the field that it is in."""


def names_of(database: MongoDatabase, table: str, ids: Iterable[int] | None = None) -> dict[int, str]:
    """The names of a table's records by their ids: of all, or of some. Raises PyMongoError."""
    return texts_of(database, table, NAME_FIELDS[table], ids)


def texts_of(database: MongoDatabase, table: str, field: str, ids: Iterable[int] | None = None) -> dict[int, str]:
    """A field of a table's records by their ids: of all, or of some. Where somebody wrote a record past the validator,
    without the field, with an empty one or with another kind of id, it is left out: one courier without a name failed
    every figure.
    """
    wanted = {field: {"$exists": True}} if ids is None else {"_id": {"$in": list(ids)}}
    return {
        int(number): str(text)
        for record in database[table].find(wanted, {field: 1})
        if (text := record.get(field)) not in (None, "") and (number := finite_number(record["_id"])) is not None
    }
