"""The MongoDB roles of the pipeline's parts, as tables of what each may do with which collection.

Nobody but the administrator may change a validator, drop a collection (but what version 0.1.0 left) or touch another
database: whoever takes over the importer can add orders, but neither delete one nor read a password.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ecommerce.archive.edit_records import TABLE_EDITS
from ecommerce.archive.lease import ARCHIVE_LEASE
from ecommerce.archive.restore import ORDERS_RESTORED
from ecommerce.archive.run import ARCHIVE_RUNS, ARCHIVE_SUMMARY, SUPERSEDED
from ecommerce.attention.told import ATTENTION
from ecommerce.documents.catalog import CATALOG
from ecommerce.forget.records import FORGET_RUNS
from ecommerce.gate import GATE, OLD_BUCKETS, OLD_DELTAS, OLD_LEASE, OLD_STATE
from ecommerce.generate.into_mongodb.schedule_pauses import PAUSES
from ecommerce.generate.into_mongodb.store import SERIES
from ecommerce.generate.into_mongodb.windows_done import WINDOWS
from ecommerce.ingest.expired import EXPIRED_ORDERS
from ecommerce.ingest.forgotten import FORGOTTEN
from ecommerce.ingest.past_versions import PAST_VERSIONS
from ecommerce.mongo import ARCHIVED_CHANGES, ARCHIVED_ORDERS, GENERATOR, IMPORTS, ORDERS, REJECTED_ROWS
from ecommerce.shop import SHOP
from ecommerce.summaries.state import ASIDE, BUCKETS, CHECKS, DELTAS, STATE

Actions = tuple[str, ...]

READ: Actions = ("find", "collStats", "listIndexes")
# An index or a collection that is there already is made again at every start of a flow; that needs the right to.
PREPARE: Actions = ("createCollection", "createIndex")
ADD: Actions = (*READ, *PREPARE, "insert")
WRITE: Actions = (*ADD, "update")
ALL: Actions = (*WRITE, "remove")
# Ingest writes bytes that it encoded itself from checked values, so the server need not validate them again.
DOOR: Actions = (*WRITE, "bypassDocumentValidation")
FOLLOW: Actions = (*READ, "changeStream", "createIndex")
"""Read the documents and what happens to them."""

_CATALOG = tuple(table.name for table in CATALOG)


@dataclass(frozen=True, slots=True)
class Role:
    """A role in the pipeline's database."""

    name: str
    why: str
    collections: Mapping[str, Actions]
    """What it may do with which collection."""
    inherits: tuple[str, ...] = ()
    database: Actions = ("listCollections",)
    """What it may do with the database as a whole."""
    server: Actions = ()
    """What it may do with the server as a whole, by a role of the database `admin`: no other may hold that."""

    @property
    def on_server(self) -> str:
        """The name of that role."""
        return f"ecommerce-{self.name}"


SUMMARIZER = Role(
    "summarizer",
    "Follows `orders` and keeps the summaries; whoever shows figures brings them up to date first.",
    {
        ORDERS: FOLLOW,
        # Later versions of archived orders are counted in their own records.
        **dict.fromkeys((ARCHIVE_SUMMARY, ARCHIVED_CHANGES), WRITE),
        **dict.fromkeys((GATE, SHOP, EXPIRED_ORDERS), READ),
        **dict.fromkeys((STATE, DELTAS, BUCKETS, ASIDE), ALL),
        # A rebuild that finds fewer orders than were counted says so.
        CHECKS: WRITE,
        # After it has taken in what changed, a run tells once what needs attention.
        ATTENTION: ALL,
        REJECTED_ROWS: READ,
        # Every process looks whether the collections are as they must be; making them is the administrator's.
        **dict.fromkeys(_CATALOG, READ),
    },
)

GENERATOR_ROLE = Role(
    "generator",
    "Makes a catalog, orders and their progress; deletes nothing.",
    {
        ORDERS: DOOR,
        **dict.fromkeys((ARCHIVED_ORDERS, EXPIRED_ORDERS, FORGOTTEN, GATE, SHOP), READ),
        **dict.fromkeys((PAST_VERSIONS, ARCHIVED_CHANGES), ADD),
        **dict.fromkeys(_CATALOG, WRITE),
        **dict.fromkeys((GENERATOR, SERIES, WINDOWS, PAUSES), WRITE),
    },
)

IMPORTER = Role(
    "importer",
    "Brings orders and catalog rows in and keeps the import's records; deletes no order.",
    {
        ORDERS: DOOR,
        **dict.fromkeys((ARCHIVED_ORDERS, EXPIRED_ORDERS, FORGOTTEN, GATE, GENERATOR, SHOP), READ),
        **dict.fromkeys((PAST_VERSIONS, ARCHIVED_CHANGES), ADD),
        **dict.fromkeys(_CATALOG, WRITE),
        IMPORTS: WRITE,
        # Rows that were repaired leave `rejected_rows`.
        REJECTED_ROWS: ALL,
    },
)

ARCHIVER = Role(
    "archiver",
    "Moves orders to the archive and back into `orders_restored`, and checks everything; makes and changes no order.",
    {
        ORDERS: (*READ, "createIndex", "remove"),
        # The entry of an archived order gets another content hash when a later version is put into its row.
        ARCHIVED_ORDERS: WRITE,
        # An upgrade fills in what the records of an older version do not tell, and marks the database.
        ARCHIVE_SUMMARY: WRITE,
        **dict.fromkeys((GATE, SHOP), ALL),
        OLD_STATE: WRITE,
        **dict.fromkeys((OLD_DELTAS, OLD_BUCKETS), (*READ, "dropCollection")),
        **dict.fromkeys(
            (ARCHIVE_RUNS, ARCHIVED_CHANGES, TABLE_EDITS, SUPERSEDED, ARCHIVE_LEASE, OLD_LEASE, ORDERS_RESTORED), ALL
        ),
        **dict.fromkeys((IMPORTS, REJECTED_ROWS, PAST_VERSIONS), READ),
    },
    inherits=(SUMMARIZER.name,),
    # An upgrade looks whether programs of other users are connected.
    server=("inprog",),
)

FORGETTER = Role(
    "forgetter",
    "Makes the orders of people who asked to be forgotten anonymous, and removes what identifies them elsewhere.",
    {
        ORDERS: (*READ, "update", "bypassDocumentValidation"),
        ARCHIVED_ORDERS: (*READ, "update", "remove"),
        "users": (*READ, "remove"),
        PAST_VERSIONS: (*READ, "remove"),
        REJECTED_ROWS: (*READ, "update"),
        **dict.fromkeys((FORGOTTEN, FORGET_RUNS, EXPIRED_ORDERS), ALL),
    },
)

DASHBOARD = Role(
    "dashboard",
    "Reads what it shows and brings the summaries up to date; makes, changes and deletes no order.",
    {
        **dict.fromkeys((ARCHIVED_ORDERS, ARCHIVE_RUNS, TABLE_EDITS, IMPORTS, PAST_VERSIONS, REJECTED_ROWS), READ),
        # Which table the archived orders are in.
        ARCHIVE_LEASE: READ,
    },
    inherits=(SUMMARIZER.name,),
)

MONITOR = Role(
    "monitor",
    "Reads what the metrics and the doctor look at.",
    {
        **dict.fromkeys((ORDERS, ARCHIVED_ORDERS, EXPIRED_ORDERS, GATE, SHOP, CHECKS), READ),
        **dict.fromkeys((ARCHIVE_RUNS, ARCHIVE_SUMMARY, IMPORTS, REJECTED_ROWS, STATE, DELTAS, BUCKETS, ASIDE), READ),
        **dict.fromkeys((ARCHIVED_CHANGES, *_CATALOG), READ),
    },
    # Space on the server's disk.
    database=("listCollections", "dbStats"),
)

BI = Role(
    "bi",
    "Reads the summaries of archived days with their sales, the import's records, the shop, the catalog; no order and "
    "no user.",
    dict.fromkeys(
        (ARCHIVE_SUMMARY, ARCHIVE_RUNS, IMPORTS, SHOP, *(name for name in _CATALOG if name != "users")), READ
    ),
)

ROLES = (SUMMARIZER, GENERATOR_ROLE, IMPORTER, ARCHIVER, FORGETTER, DASHBOARD, MONITOR, BI)

USERS: Mapping[str, tuple[str, ...]] = {
    "ingest": (GENERATOR_ROLE.name, IMPORTER.name, SUMMARIZER.name),
    "archive": (ARCHIVER.name, FORGETTER.name),
    "dashboard": (DASHBOARD.name,),
    "monitor": (MONITOR.name,),
    "bi": (BI.name,),
}
"""Users of docker-compose.yml and their roles; each user's password is `MONGO_<USER>_PASSWORD`."""


def roles_of(user: str, database: str) -> list[dict[str, str]]:
    """The roles of one of USERS, as `createUser` wants them."""
    names = USERS[user]
    return [
        *({"role": name, "db": database} for name in names),
        *({"role": role.on_server, "db": "admin"} for role in ROLES if role.server and role.name in names),
    ]


def role_command(role: Role, database: str) -> dict[str, object]:
    """The fields of `createRole` and `updateRole`."""
    # The collection "" is the database as a whole.
    privileges = [
        {"resource": {"db": database, "collection": name}, "actions": sorted(actions)}
        for name, actions in {**role.collections, "": role.database}.items()
    ]
    return {"privileges": privileges, "roles": [{"role": name, "db": database} for name in role.inherits]}


def server_role_command(role: Role) -> dict[str, object]:
    """The same of the role in `admin`."""
    return {"privileges": [{"resource": {"cluster": True}, "actions": list(role.server)}], "roles": []}
