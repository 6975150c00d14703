"""The one MongoDB client, and what the database must hold before anything is written to it."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import CollectionInvalid, ConfigurationError, InvalidURI, OperationFailure, PyMongoError
from pymongo.write_concern import WriteConcern

from ecommerce.documents.bson_codec import CODEC_OPTIONS
from ecommerce.documents.catalog import CATALOG
from ecommerce.documents.indexes import ORDER_INDEXES
from ecommerce.documents.validator import catalog_validator, order_validator
from ecommerce.errors import ServiceError
from ecommerce.settings import Settings, get_settings

Document = dict[str, Any]
MongoDatabase = Database[Document]

ORDERS = "orders"
ARCHIVED_ORDERS = "archived_orders"
"""Ids of archived orders: {_id: order_id, content_hash, order_date, run_id}, written by the purge's transactions."""

SERVER_SELECTION_TIMEOUT_MS = 5_000
_UNAUTHORIZED, _NAMESPACE_EXISTS = 13, 48


def embedded_uri(settings: Settings) -> str:
    """URI of the embedded single-node replica set."""
    return f"mongodb://127.0.0.1:{settings.mongo_port}/?replicaSet=ecommerce"


def mongo_uri(settings: Settings) -> str:
    """URI of the server that the settings name. May hold credentials: never print it, print `safe_uri`."""
    return settings.mongo_uri.get_secret_value() if settings.mongo_uri else embedded_uri(settings)


@lru_cache(maxsize=8)
def _client(uri: str) -> MongoClient[Document]:
    try:
        return MongoClient(
            uri,
            tz_aware=True,
            appname="ecommerce-pipeline",
            retryWrites=True,
            serverSelectionTimeoutMS=SERVER_SELECTION_TIMEOUT_MS,
        )
    except (InvalidURI, ConfigurationError, ValueError) as error:
        raise ServiceError(f"ECOMMERCE_MONGO_URI is not a usable MongoDB address: {error}") from None


def get_database(settings: Settings | None = None) -> MongoDatabase:
    """The pipeline's database: majority writes, aware UTC times. The client is shared by the whole process."""
    settings = settings or get_settings()
    return _client(mongo_uri(settings)).get_database(
        settings.database, codec_options=CODEC_OPTIONS, write_concern=WriteConcern(w="majority")
    )


def is_replica_set(database: MongoDatabase) -> bool:
    """Whether the server has transactions and change streams (a replica set member or mongos)."""
    hello = database.client.admin.command("hello")
    return "setName" in hello or hello.get("msg") == "isdbgrid"


def prepare_database(database: MongoDatabase) -> None:
    """Create or bring up to date the collections, validators and indexes. Safe to call at any time, by anyone."""
    images = {"enabled": True} if is_replica_set(database) else None
    options: Document = {"validator": order_validator(), "validationLevel": "strict", "validationAction": "error"}
    _ensure_collection(database, ORDERS, options | ({"changeStreamPreAndPostImages": images} if images else {}))
    database[ORDERS].create_indexes(list(ORDER_INDEXES))
    for table in CATALOG:
        _ensure_collection(database, table.name, {"validator": catalog_validator(table)})


def _ensure_collection(database: MongoDatabase, name: str, options: Mapping[str, Any]) -> None:
    try:
        # check_exists would list collections first; a plain create tells the same in one round trip.
        database.create_collection(name, check_exists=False, **options)
        return
    except CollectionInvalid:
        pass
    except PyMongoError as error:
        if getattr(error, "code", None) == _UNAUTHORIZED:
            _require_collection(database, name, options)
            return
        if getattr(error, "code", None) != _NAMESPACE_EXISTS:
            raise
    try:
        database.command("collMod", name, **options)
    except OperationFailure as error:
        if error.code != _UNAUTHORIZED:
            raise
        _require_collection(database, name, options)


def _require_collection(database: MongoDatabase, name: str, options: Mapping[str, Any]) -> None:
    """For users with less than an administrator's rights: the collection must be as one of those made it."""
    found = next(iter(database.list_collections(filter={"name": name})), None)
    if found is None or any(found["options"].get(key) != value for key, value in options.items()):
        state = "missing" if found is None else "not as this version needs it"
        raise ServiceError(
            f"collection {name!r} of database {database.name!r} is {state}, and this MongoDB user may not change that: "
            "run `python -m ecommerce.security.bootstrap` as the administrator"
        )
