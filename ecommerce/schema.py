"""What the database must hold before anything is written to it: collections, validators, indexes."""

import os
from collections.abc import Mapping
from typing import Any

import bson
from pymongo.errors import OperationFailure

from ecommerce.documents.catalog import CATALOG
from ecommerce.documents.indexes import ORDER_INDEXES
from ecommerce.documents.validator import catalog_validator, order_validator
from ecommerce.errors import ServiceError
from ecommerce.gate import mark_format, require_known_format
from ecommerce.mongo import ORDERS, UNAUTHORIZED, Document, MongoDatabase, is_replica_set, where_allowed
from ecommerce.settings import get_settings
from ecommerce.shop import record_shop, require_same_shop, shop_document, shop_of_settings

_NAMESPACE_EXISTS = 48


def prepare_database(database: MongoDatabase) -> None:
    """Create or bring up to date the collections, validators and indexes. Safe to call at any time, by anyone.

    A new database becomes that of the shop of the settings. Raises SettingsError where they say another shop than its.
    """
    require_known_format(database)
    prepare_collections(database)
    require_same_shop(database)


def prepare_collections(database: MongoDatabase) -> None:
    """What `prepare_database` does, whatever the settings say of a shop that is recorded."""
    if shop_document(database) is None and ORDERS not in database.list_collection_names():
        record_shop(database, shop_of_settings(get_settings()))
    options: Document = {"validator": order_validator(), "validationLevel": "strict", "validationAction": "error"}
    if is_replica_set(database):
        options["changeStreamPreAndPostImages"] = {"enabled": True}
    if _ensure_collection(database, ORDERS, options):
        mark_format(database)
    database[ORDERS].create_indexes(list(ORDER_INDEXES))
    for table in CATALOG:
        _ensure_collection(database, table.name, {"validator": catalog_validator(table)})


def is_missing(database: MongoDatabase) -> bool:
    """Whether a database is not there: MongoDB makes one of any name as soon as something is written to it."""
    return where_allowed(
        lambda: not database.list_collection_names(authorizedCollections=True, nameOnly=True), otherwise=False
    )


def require_database(database: MongoDatabase) -> None:
    """Raise ServiceError where a database is not there, for whoever only reads: a misspelt name made an empty shop."""
    if is_missing(database):
        raise ServiceError(missing_text(database))


def missing_text(database: MongoDatabase) -> str:
    """That a database is not there, where its name came from, which there are, and what to do."""
    named = "ECOMMERCE_DATABASE in the environment" if os.environ.get("ECOMMERCE_DATABASE") else "the default"
    others = _databases_with_orders(database)
    there = f"there are orders in {', '.join(map(repr, others))}" if others else "no database there has orders"
    meant = "set ECOMMERCE_DATABASE to the one that is meant, or make this one" if others else "make it"
    return (
        f"there is no database {database.name!r} ({named}) in this MongoDB; {there}: {meant} with `ecommerce up`, "
        "`ecommerce import FILES` or `ecommerce generate`"
    )


def _databases_with_orders(database: MongoDatabase) -> list[str]:
    """The databases of the server that this user may see and that hold an order."""
    client = database.client
    return where_allowed(
        lambda: [
            name for name in sorted(client.list_database_names()) if client[name][ORDERS].find_one({}, {"_id": 1})
        ],
        otherwise=[],
    )


def _ensure_collection(database: MongoDatabase, name: str, options: Mapping[str, Any]) -> bool:
    """Create a collection, or bring it up to date; whether it is new."""
    try:
        try:
            # check_exists would list collections first; a plain create tells the same in one round trip.
            database.create_collection(name, check_exists=False, **options)
            return True
        except OperationFailure as error:
            if error.code != _NAMESPACE_EXISTS:
                raise
        database.command("collMod", name, **options)
    except OperationFailure as error:
        if error.code != UNAUTHORIZED:
            raise
        _require_collection(database, name, options)
    return False


def same_option(found: Any, wanted: Any) -> bool:
    """Whether an option of a collection is as wanted; PyMongo lists them with times that have no zone."""
    return bson.encode({"": found}) == bson.encode({"": wanted})


def _require_collection(database: MongoDatabase, name: str, options: Mapping[str, Any]) -> None:
    """For users with less than an administrator's rights: the collection must be as one of those made it."""
    found = next(iter(database.list_collections(filter={"name": name})), None)
    if found is None or any(not same_option(found["options"].get(key), value) for key, value in options.items()):
        state = "missing" if found is None else "not as this version needs it"
        raise ServiceError(
            f"collection {name!r} of database {database.name!r} is {state}, and this MongoDB user may not change that: "
            "run `python -m ecommerce.security.bootstrap` as the administrator"
        )
