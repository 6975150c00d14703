"""Catalog tables: rows to records, and records into the database, where a later import adds to and corrects them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument
from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError

from ecommerce.documents.bson_codec import CODEC_OPTIONS, RAW_OPTIONS
from ecommerce.documents.canonical_bytes import order_id_of
from ecommerce.documents.catalog import CATALOG, CatalogTable, User
from ecommerce.documents.fields import fields_of
from ecommerce.importing.loading.retries import with_patience
from ecommerce.importing.rows.orders import UNKNOWN_LOCATION, Known
from ecommerce.ingest.forgotten import forgotten_people
from ecommerce.mongo import Document, MongoDatabase

DUPLICATE_KEY = 11000

WRITTEN_KEPT = 100_000
"""Records that are known to be in the catalog: about 30 MB."""

_ID_TYPE = 4
"""Where a document has the type of its `_id`. One of another type came past the validator, and cannot be replaced."""


@dataclass
class RecordCounts:
    """What became of a batch of records."""

    accepted: int = 0
    unchanged: int = 0
    changed: int = 0
    forgotten: int = 0
    """Records of people who were forgotten, which stay out; they count as unchanged, too."""
    changed_keys: set[Any] = field(default_factory=set)
    """Those of stored records that are another content now."""


def write_records(
    database: MongoDatabase, table: CatalogTable, records: Sequence[bytes], *, only_fill: bool = False
) -> RecordCounts:
    """Insert new records and bring the others up to date. What a record leaves out stays as it is.

    With `only_fill`, what the catalog already says is kept, and only its gaps are filled: for lines of orders, which
    tell of customers and products on the side. Doing it again changes nothing.
    """
    collection = database[table.name]
    written = RecordCounts()
    if table.document is User:
        records, given = _without_people(database, records), len(records)
        written.forgotten = written.unchanged = given - len(records)
    merged: dict[Any, Any] = {}
    keys = [_key(table, record) for record in records]
    times = Counter(keys)
    identities = [_identity(table, key) for key in times]
    raw_collection: Any = database.get_collection(table.name, codec_options=RAW_OPTIONS)
    stored = {_hashable(found["_id"]): found.raw for found in raw_collection.find({"_id": {"$in": identities}})}
    new: set[Any] = set()
    touched: set[Any] = set()
    for key, raw in zip(keys, records, strict=True):
        if key not in stored and times[key] == 1:
            merged[key] = RawBSONDocument(raw)  # most records of most files: nothing to compare, so they stay as bytes
            new.add(key)
            written.accepted += 1
            continue
        before = merged.get(key)
        if before is None and key in stored:
            if raw == stored[key] or (only_fill and raw[_ID_TYPE] != stored[key][_ID_TYPE]):
                written.unchanged += 1
                continue
            before = bson.decode(stored[key], CODEC_OPTIONS)
        record = bson.decode(raw, CODEC_OPTIONS)
        if before is None:
            merged[key] = record
            new.add(key)
            written.accepted += 1
            continue
        after = _in_order(table, record | before if only_fill else before | record)
        if after == before:
            written.unchanged += 1
        else:
            merged[key] = after
            touched.add(key)
            written.changed += 1
    if new:
        _insert(database, table, [merged[key] for key in merged if key in new])
    written.changed_keys = touched - new
    if written.changed_keys:
        replacements = [ReplaceOne({"_id": merged[key]["_id"]}, merged[key]) for key in written.changed_keys]
        collection.bulk_write(replacements, ordered=False)
    return written


def _without_people(database: MongoDatabase, records: Sequence[bytes]) -> Sequence[bytes]:
    people = forgotten_people(database)
    if people is None:
        return records
    users = ((record, bson.decode(record, CODEC_OPTIONS)) for record in records)
    return [
        record
        for record, user in users
        if not (people.knows_user(user["user_id"]) or people.knows_email(user.get("email") or ""))
    ]


class CatalogBeside:
    """The catalog for the decoders of one file's orders, by one question at a time.

    Its gaps are filled with what order lines say of customers, products …; what it says itself is kept. Each record is
    written once, though several processes find it.
    """

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self._written: set[tuple[str, bytes]] = set()

    def ask(self, products: set[int], users: set[int], found: Sequence[tuple[str, bytes]]) -> Known:
        """Bring in records, of each its table and its BSON. Returns what the catalog knows then of these things."""
        self.fill(found)
        return with_patience(lambda: _known_of(self._database, products, users))

    def fill(self, found: Sequence[tuple[str, bytes]]) -> None:
        """Bring in records, of each its table and its BSON."""
        new = [one for one in dict.fromkeys(found) if one not in self._written]
        for table in CATALOG:
            if records := [record for name, record in new if name == table.name]:
                with_patience(partial(write_records, self._database, table, records, only_fill=True))
        if len(self._written) > WRITTEN_KEPT:
            self._written.clear()
        self._written.update(new)


def _insert(database: MongoDatabase, table: CatalogTable, documents: Sequence[Any]) -> None:
    try:
        database[table.name].insert_many(documents, ordered=False)
    except BulkWriteError as error:
        # Another import was faster with the same records: its insert counts, ours says what it says.
        others = [problem for problem in error.details["writeErrors"] if problem["code"] != DUPLICATE_KEY]
        if others:
            raise
        for problem in error.details["writeErrors"]:
            document = documents[problem["index"]]
            database[table.name].replace_one({"_id": document["_id"]}, document)


def _key(table: CatalogTable, record: bytes) -> Any:
    return order_id_of(record) if len(table.key) == 1 else _hashable(bson.decode(record, CODEC_OPTIONS)["_id"])


def _identity(table: CatalogTable, key: Any) -> Any:
    return key if len(table.key) == 1 else dict(zip(table.key, key, strict=True))


def _hashable(identity: Any) -> Any:
    return tuple(identity.values()) if isinstance(identity, Mapping) else identity


def _in_order(table: CatalogTable, record: Document) -> Document:
    names = ["_id", *(field.name for field in fields_of(table.document))]
    return {name: record[name] for name in names if name in record}


def _known_of(database: MongoDatabase, products: set[int], users: set[int]) -> Known:
    known = Known(dict.fromkeys(products), dict.fromkeys(users, UNKNOWN_LOCATION))
    if not products and not users:
        return known
    for product in database["products"].find({"_id": {"$in": list(products)}}, {"warehouse_id": 1}):
        known.warehouses[int(product["_id"])] = product.get("warehouse_id")
    for user in database["users"].find({"_id": {"$in": list(users)}}, {"location": 1}):
        known.locations[int(user["_id"])] = user.get("location") or UNKNOWN_LOCATION
    return known
