"""The catalog in MongoDB: made once, extended when more is asked for, never made anew."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from bson.raw_bson import RawBSONDocument
from msgspec import Struct
from pymongo.errors import BulkWriteError

from ecommerce.documents.bson_codec import RAW_OPTIONS, encode_catalog
from ecommerce.documents.catalog import CATALOG
from ecommerce.generate.model import people
from ecommerce.generate.model.catalog import CatalogSpec, check_catalog
from ecommerce.mongo import GENERATOR, MongoDatabase
from ecommerce.progress import Progress, silent

log = logging.getLogger(__name__)

_BATCH = 5_000
_DUPLICATE_KEY = 11_000


def stored_catalog(database: MongoDatabase) -> CatalogSpec | None:
    """The catalog that the database holds, None where none was generated."""
    record = database[GENERATOR].find_one({"_id": "catalog"}, {"_id": 0})
    return CatalogSpec(**record) if record else None


def ensure_catalog(database: MongoDatabase, wanted: CatalogSpec, progress: Progress = silent) -> CatalogSpec:
    """Make the catalog, or extend it to the wanted numbers of users and products, and return what there is then.

    A catalog keeps the seed, locale, preset, warehouses and couriers it was first made with, and never shrinks. Records
    that are there already, generated or imported, stay as they are. Safe to run again after it was stopped.
    """
    check_catalog(wanted)
    people.check_locale(wanted.locale)
    stored = stored_catalog(database)
    if stored and stored.users >= wanted.users and stored.products >= wanted.products:
        return stored
    spec = wanted
    if stored:
        spec = replace(stored, users=max(stored.users, wanted.users), products=max(stored.products, wanted.products))
    users_from = stored.users + 1 if stored else 1
    products_from = stored.products + 1 if stored else 1
    records: dict[str, Iterator[Struct]] = {
        "warehouses": people.warehouses(spec),
        "couriers": people.couriers(spec),
        "products": people.products(spec, products_from, spec.products),
        "inventory": people.inventory(spec, products_from, spec.products),
        "users": people.users(spec, users_from, spec.users),
    }
    total = spec.users - users_from + 1 + 2 * (spec.products - products_from + 1) + spec.warehouses + spec.couriers
    done = 0
    for table in sorted(CATALOG, key=lambda table: list(records).index(table.name)):
        while batch := [*islice(records[table.name], _BATCH)]:
            encoded = [RawBSONDocument(encode_catalog(table, record)) for record in batch]
            _insert_absent(database, table.name, encoded)
            done += len(batch)
            if len(batch) == _BATCH:
                progress(done, total, "catalog records")
    # Last, so that a run that was stopped begins again and finds what it had inserted.
    sizes = {"users": spec.users, "products": spec.products}
    fixed = {name: getattr(spec, name) for name in CatalogSpec.__slots__ if name not in sizes}
    database[GENERATOR].update_one({"_id": "catalog"}, {"$max": sizes, "$setOnInsert": fixed}, upsert=True)
    log.info("the catalog has %d users and %d products now", spec.users, spec.products)
    return stored_catalog(database) or spec


def _insert_absent(database: MongoDatabase, name: str, batch: list[Any]) -> None:
    collection: Any = database.get_collection(name, codec_options=RAW_OPTIONS)
    try:
        collection.insert_many(batch, ordered=False)
    except BulkWriteError as error:
        if any(problem["code"] != _DUPLICATE_KEY for problem in error.details["writeErrors"]):
            raise
