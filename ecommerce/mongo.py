"""The one MongoDB client."""

import os
import socket
from collections.abc import Callable
from functools import cache, lru_cache
from importlib.metadata import version
from typing import Any, TypeVar

from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from ecommerce.documents.bson_codec import CODEC_OPTIONS
from ecommerce.errors import ServiceError
from ecommerce.settings import Settings, get_settings

Document = dict[str, Any]
MongoDatabase = Database[Document]

T = TypeVar("T")

ORDERS = "orders"
ARCHIVED_ORDERS = "archived_orders"
"""Ids of archived orders: {_id: order_id, content_hash, order_date, run_id}, written by the purge's transactions."""
ARCHIVED_CHANGES = "archived_changes"
"""Later versions of archived orders, until an archive run has put them into the rows."""
IMPORTS = "imports"
"""What was read of which file, a document for each import of a file."""
REJECTED_ROWS = "rejected_rows"
"""Rows that were not taken in, each with its reason."""
GENERATOR = "generator"
"""What the generator has to remember of itself: {_id: "catalog", …}, with the last id of each table."""

SERVER_SELECTION_TIMEOUT_MS = 5_000

UNAUTHORIZED = 13
"""The error code of what this user may not do."""


def mongo_uri(settings: Settings) -> str:
    """URI of the server that the settings name. May hold credentials: never print it."""
    if settings.mongo_uri:
        return settings.mongo_uri.get_secret_value()
    return f"mongodb://127.0.0.1:{settings.mongo_port}/?replicaSet=ecommerce"  # the embedded one, a single node


APPLICATION = "ecommerce-pipeline"
"""By what MongoDB knows our connections; in version 0.1.0 that was all of it."""


def application_name(database: str) -> str:
    """How this process's connections call themselves: program, version, database, host, process; 128 bytes at most."""
    host = socket.gethostname()[:30]
    return f"{APPLICATION} {program_version()} {database} {host} {os.getpid()}"


@cache
def program_version() -> str:
    """This program's version."""
    return version(APPLICATION)


@lru_cache(maxsize=8)
def _client(uri: str, name: str) -> MongoClient[Document]:
    try:
        return MongoClient(
            uri,
            tz_aware=True,
            datetime_conversion="DATETIME_AUTO",
            appname=name,
            retryWrites=True,
            serverSelectionTimeoutMS=SERVER_SELECTION_TIMEOUT_MS,
        )
    except (InvalidURI, ConfigurationError, ValueError) as error:
        raise ServiceError(f"ECOMMERCE_MONGO_URI is not a usable MongoDB address: {error}") from None


def get_database(settings: Settings | None = None) -> MongoDatabase:
    """The pipeline's database: majority writes, aware UTC times. The client is shared by the whole process."""
    settings = settings or get_settings()
    return _client(mongo_uri(settings), application_name(settings.database)).get_database(
        settings.database, codec_options=CODEC_OPTIONS, write_concern=WriteConcern(w="majority")
    )


COUNTED_MAX = 20_000
"""Documents that are counted one by one, in 6 ms, also in each tick of a dashboard."""


def count_few(collection: Collection[Document]) -> int:
    """How many documents a collection has; of more than COUNTED_MAX what MongoDB says, which a kill may leave off."""
    counted = collection.count_documents({}, limit=COUNTED_MAX + 1)
    return counted if counted <= COUNTED_MAX else max(counted, collection.estimated_document_count())


def where_allowed(read: Callable[[], T], otherwise: T) -> T:
    """What `read` returns; `otherwise` where this user may not read that."""
    try:
        return read()
    except OperationFailure as error:
        if error.code != UNAUTHORIZED:
            raise
        return otherwise


def in_transaction(database: MongoDatabase, work: Callable[[ClientSession], T]) -> T:
    """What `work` returns, done in a transaction, again after a write conflict; whatever it raises undoes it."""
    with database.client.start_session() as session:
        return session.with_transaction(
            work, read_concern=ReadConcern("snapshot"), write_concern=WriteConcern(w="majority")
        )


def is_replica_set(database: MongoDatabase) -> bool:
    """Whether the server has transactions and change streams (a replica set member or mongos)."""
    hello = database.client.admin.command("hello")
    return "setName" in hello or hello.get("msg") == "isdbgrid"
