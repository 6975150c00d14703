"""MongoDB: reached, new enough, a replica set, holding what this version needs, and on the same clock."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pymongo.errors import OperationFailure, PyMongoError

from ecommerce.doctor.findings import Problem
from ecommerce.documents.bson_codec import CODEC_OPTIONS
from ecommerce.documents.catalog import CATALOG
from ecommerce.documents.indexes import ORDER_INDEXES
from ecommerce.documents.validator import catalog_validator, order_validator
from ecommerce.errors import SettingsError
from ecommerce.mongo import ORDERS, MongoDatabase, get_database, is_replica_set
from ecommerce.schema import is_missing, missing_text, same_option
from ecommerce.services.records import read_record
from ecommerce.services.supervisor import start_it, why_stopped
from ecommerce.settings import Settings
from ecommerce.shop import read_shop, require_same_shop
from ecommerce.summaries.state import why_of_other_hours

WIRE_VERSION_MIN = 17
"""MongoDB 6.0: pre-images in change streams."""

CLOCK_SECONDS_MAX = 60
OPLOG_SECONDS_MIN = 2 * 3600
"""The hourly flow follows what the oplog has; two missed runs are no accident."""

OPLOG_FULL_SHARE = 0.9
"""A young server's oplog is short and not full."""

_AUTHENTICATION_FAILED, _UNAUTHORIZED = 18, 13

PREPARE = (
    "start any flow with a user who may (the embedded one may), or run `python -m ecommerce.security.bootstrap` "
    "as the administrator: both make what is missing"
)


def mongodb(settings: Settings) -> str:
    """The server answers this user."""
    where = "ECOMMERCE_MONGO_URI" if settings.mongo_uri else f"the embedded MongoDB on port {settings.mongo_port}"
    try:
        database = get_database(settings)
        database.client.admin.command("ping")
        database[ORDERS].find_one({}, {"_id": 0, "updated_at": 1})
    except OperationFailure as error:
        if error.code == _AUTHENTICATION_FAILED:
            raise Problem(
                f"{where} refuses the user or the password", "put the right ones into ECOMMERCE_MONGO_URI"
            ) from None
        raise Problem(
            f"the user of {where} may not read {ORDERS!r}: {error.details.get('codeName') if error.details else error}",
            "give the user a role of docs/security.md, or use the URI of a user that has one",
        ) from None
    except PyMongoError as error:
        why = str(error).split(" (configured")[0][:200]
        if settings.mongo_uri:
            raise Problem(f"{where} does not answer: {why}", "check host, port and network of the URI") from None
        why = why_stopped(read_record(settings.home_directory, "mongod")) or why
        raise Problem(f"{where} does not answer: {why}", start_it(settings, "mongod")) from None
    return "answers"


def mongodb_version(settings: Settings) -> str:
    """The server is MongoDB 6.0 or newer."""
    hello = _hello(settings)
    if hello["maxWireVersion"] < WIRE_VERSION_MIN:
        raise Problem(
            f"the server speaks wire version {hello['maxWireVersion']}, needed is {WIRE_VERSION_MIN} (MongoDB 6.0)",
            "upgrade it, one major version at a time",
        )
    return f"wire version {hello['maxWireVersion']}"


def replica_set(settings: Settings) -> str:
    """The server has transactions and change streams, and takes writes."""
    hello = _hello(settings)
    if not is_replica_set(get_database(settings)):
        raise Problem(
            "the server is not a replica set: no transactions, so nothing can be archived, and figures are recomputed "
            "from all orders",
            "start it with --replSet (one node is enough) and call replSetInitiate once: docs/deployment.md",
        )
    if not hello.get("isWritablePrimary"):
        raise Problem(
            f"the server takes no writes: it is not primary of {hello.get('setName')!r}",
            "look at rs.status(); name all members and the replica set in ECOMMERCE_MONGO_URI",
        )
    return str(hello.get("setName") or "sharded cluster")


def clock(settings: Settings) -> str:
    """This machine's clock and the server's agree: windows, cutoffs and lags are computed here, stamps are there."""
    apart = abs((_hello(settings)["localTime"] - datetime.now(UTC)).total_seconds())
    if apart > CLOCK_SECONDS_MAX:
        raise Problem(f"this clock and MongoDB's are {apart:,.0f} s apart", "let both machines follow NTP")
    return f"{apart:.1f} s apart"


def validators(settings: Settings) -> str:
    """The server itself refuses documents that are not as defined."""
    database = get_database(settings)
    if is_missing(database):
        what, _, remedy = missing_text(database).partition(": ")
        raise Problem(what, remedy)
    found = _collections(database)
    wanted = {ORDERS: order_validator(), **{table.name: catalog_validator(table) for table in CATALOG}}
    missing = [name for name in wanted if name not in found]
    if missing:
        raise Problem(f"collections are missing: {', '.join(missing)}", PREPARE)
    weak = [
        name
        for name, validator in wanted.items()
        if not same_option(found[name].get("validator"), validator)
        or found[name].get("validationAction", "error") != "error"
        or found[name].get("validationLevel", "strict") != "strict"
    ]
    if weak:
        raise Problem(f"the validator of {', '.join(weak)} is not this version's", PREPARE)
    return f"{len(wanted)} collections validated"


def images(settings: Settings) -> str:
    """`orders` keeps what a document was before a change, which the summaries are advanced from."""
    options = _collections(get_database(settings)).get(ORDERS, {})
    if not options.get("changeStreamPreAndPostImages", {}).get("enabled"):
        raise Problem(
            f"changeStreamPreAndPostImages is off for {ORDERS!r}: every change leads to a rebuild of the summaries",
            PREPARE,
        )
    return "on"


def oplog(settings: Settings) -> str:
    """The oplog reaches back further than the time between two advances of the summaries."""
    local = get_database(settings).client.get_database("local", CODEC_OPTIONS)
    try:
        size = local.command("collStats", "oplog.rs")
        times = [
            found["wall"] for order in (1, -1) for found in local["oplog.rs"].find(sort=[("$natural", order)], limit=1)
        ]
    except OperationFailure as error:
        if error.code != _UNAUTHORIZED:
            raise
        return "not for this user to see"
    if len(times) < 2:
        return "not for a sharded cluster's clients to see"
    seconds = (times[1] - times[0]).total_seconds()
    megabytes = size["maxSize"] / 2**20
    if seconds < OPLOG_SECONDS_MIN and size["size"] > OPLOG_FULL_SHARE * size["maxSize"]:
        raise Problem(
            f"the oplog of {megabytes:,.0f} MB reaches back {seconds:,.0f} s: summaries that are advanced "
            "later are built anew",
            f"enlarge it: `db.adminCommand({{replSetResizeOplog: 1, size: Double({max(990, 4 * megabytes):.0f})}})`",
        )
    return f"reaches back {seconds / 3600:,.1f} hours"


def indexes(settings: Settings) -> str:
    """The secondary indexes of `orders`."""
    present = set(get_database(settings)[ORDERS].index_information())
    missing = [str(index.document["name"]) for index in ORDER_INDEXES if index.document["name"] not in present]
    if missing:
        raise Problem(f"{ORDERS!r} lacks the index {', '.join(missing)}: plans and checks read every order", PREPARE)
    return f"{len(present) - 1} beside _id"


def _hello(settings: Settings) -> Mapping[str, Any]:
    hello: Mapping[str, Any] = get_database(settings).client.admin.command("hello", codec_options=CODEC_OPTIONS)
    return hello


def _collections(database: MongoDatabase) -> dict[str, Mapping[str, Any]]:
    return {found["name"]: found.get("options", {}) for found in database.list_collections()}


def shop(settings: Settings) -> str:
    """The settings say no other currency or time zone than the shop has."""
    database = get_database(settings)
    try:
        require_same_shop(database, settings)
    except SettingsError as error:
        what, _, remedy = str(error).partition(": ")
        raise Problem(what, remedy) from None
    if edited := why_of_other_hours(database):
        what, _, remedy = edited.partition(". ")
        raise Problem(what, remedy)
    found = read_shop(database)
    return f"{found.time_zone}, now {datetime.now(found.zone):%Y-%m-%d %H:%M}, {found.currency}"
