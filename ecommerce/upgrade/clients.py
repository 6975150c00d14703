"""Which other programs of the pipeline are connected: those of version 0.1.0 know no gate, so they must be gone."""

from collections.abc import Iterator

from pymongo.errors import OperationFailure

from ecommerce.errors import EcommerceError
from ecommerce.mongo import APPLICATION, MongoDatabase, application_name
from ecommerce.readable import counted

_UNAUTHORIZED = 13


class DatabaseInUseError(EcommerceError):
    """Other programs are connected, and it cannot be known what they would write."""


def require_no_others(database: MongoDatabase) -> None:
    """Raise DatabaseInUseError that names the programs of the pipeline that are connected besides this process."""
    if found := sorted(set(_others(database))):
        raise DatabaseInUseError(
            f"the database {database.name!r} is used by {counted(len(found), 'other client')}: {', '.join(found)}; "
            "stop that first (`ecommerce down`, running commands, containers), then run `ecommerce upgrade` again"
        )


def _others(database: MongoDatabase) -> Iterator[str]:
    mine = application_name(database.name)
    for all_users in (True, False):
        listing = {"$currentOp": {"allUsers": all_users, "idleConnections": True, "localOps": True}}
        try:
            for operation in database.client.admin.aggregate([listing]):
                name, address = str(operation.get("appName", "")), operation.get("client")
                program, _, used = (*name.split(" "), "", "")[:3]
                uses_this = (program, used) == (APPLICATION, database.name)
                # A program of 0.1.0 does not say which database it uses.
                if address and name != mine and (uses_this or name == APPLICATION):
                    yield f"{name} at {address.rpartition(':')[0]}"
            return
        except OperationFailure as error:
            # Without the right to see all users' connections, those of this user are seen.
            if error.code != _UNAUTHORIZED or not all_users:
                raise
