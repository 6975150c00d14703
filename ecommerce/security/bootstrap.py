"""`python -m ecommerce.security.bootstrap`: make a fresh mongod with authentication ready for the pipeline.

The replica set, the administrator, roles, users, collections and indexes; again at every start, which changes nothing
but what a new version or a new password changes. Run on the server's own loopback: MongoDB lets the first user be made
from there only. Reads ECOMMERCE_REPLICA_SET_MEMBER, MONGO_ROOT_PASSWORD and MONGO_<USER>_PASSWORD.
"""

import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.write_concern import WriteConcern

from ecommerce.archive.runs import prepare_archive
from ecommerce.documents.bson_codec import CODEC_OPTIONS
from ecommerce.errors import EcommerceError, SettingsError
from ecommerce.importing.loading.ledger import prepare_ledger
from ecommerce.mongo import MongoDatabase
from ecommerce.schema import prepare_database
from ecommerce.security.roles import ROLES, USERS, role_command, roles_of, server_role_command
from ecommerce.settings import get_settings
from ecommerce.summaries.images import let_images_expire

ROOT = "root"
REPLICA_SET = "ecommerce"
PRIMARY_TIMEOUT_SECONDS = 60

_AUTHENTICATION_FAILED, _UNAUTHORIZED, _ALREADY_INITIALIZED, _DUPLICATE = 18, 13, 23, {51002, 51003}


def bootstrap(port: int, member: str, database: str, passwords: Mapping[str, str]) -> None:
    """Make the mongod on loopback's `port` ready; `passwords` are those of "root" and of every one of USERS.

    Raises SettingsError where the administrator's password is not the server's, PyMongoError where it does not answer.
    """
    _initiate(port, member)
    _make_administrator(port, passwords[ROOT])
    with _connect(port, username=ROOT, password=passwords[ROOT]) as client:
        pipeline = client.get_database(database, codec_options=CODEC_OPTIONS, write_concern=WriteConcern("majority"))
        make_roles(pipeline)
        for user in USERS:
            fields = {"pwd": passwords[user], "roles": roles_of(user, database)}
            _create_or_update(pipeline, "User", user, fields)
        prepare_database(pipeline)
        prepare_archive(pipeline)
        prepare_ledger(pipeline)
        let_images_expire(pipeline)


def make_roles(database: MongoDatabase) -> None:
    """Create the roles, or bring them up to date."""
    for role in ROLES:
        _create_or_update(database, "Role", role.name, role_command(role, database.name))
        if role.server:
            _create_or_update(database.client.admin, "Role", role.on_server, server_role_command(role))


def _create_or_update(database: MongoDatabase, what: str, name: str, fields: Mapping[str, Any]) -> None:
    try:
        database.command(f"create{what}", name, **fields)
    except OperationFailure as error:
        if error.code not in _DUPLICATE:
            raise
        database.command(f"update{what}", name, **fields)


def _connect(port: int, username: str | None = None, password: str | None = None) -> MongoClient[dict[str, Any]]:
    uri = f"mongodb://127.0.0.1:{port}/?directConnection=true"
    return MongoClient(uri, tz_aware=True, username=username, password=password)


def _initiate(port: int, member: str) -> None:
    """Make the server a replica set of one, whose other members and clients know it as `member` (host:port)."""
    with _connect(port) as client:
        try:
            members = [{"_id": 0, "host": member}]
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        except OperationFailure as error:
            # With an administrator there is nobody who may ask without a password: then it is a replica set already.
            if error.code not in (_ALREADY_INITIALIZED, _UNAUTHORIZED):
                raise
        deadline = time.monotonic() + PRIMARY_TIMEOUT_SECONDS
        while not client.admin.command("hello")["isWritablePrimary"]:
            if time.monotonic() >= deadline:
                raise SettingsError(
                    f"mongod on port {port} has not become primary in {PRIMARY_TIMEOUT_SECONDS} s as member "
                    f"{member!r}: ECOMMERCE_REPLICA_SET_MEMBER must be a name by which the server reaches itself"
                )
            time.sleep(0.1)


def _make_administrator(port: int, password: str) -> None:
    with _connect(port) as client:
        try:
            client.admin.command("createUser", ROOT, pwd=password, roles=["root"])
        except OperationFailure as error:
            if error.code not in (_UNAUTHORIZED, *_DUPLICATE):
                raise
    with _connect(port, username=ROOT, password=password) as client:
        try:
            client.admin.command("ping")
        except OperationFailure as error:
            if error.code != _AUTHENTICATION_FAILED:
                raise
            raise SettingsError(
                "MONGO_ROOT_PASSWORD is not the password of this server's user root: it was set when the data was "
                "first made; put that one back, or change it on the server (docs/security.md)"
            ) from None


def main() -> None:
    """Read the environment and do it."""
    names = {user: f"MONGO_{user.upper()}_PASSWORD" for user in (ROOT, *USERS)}
    passwords = {user: os.environ.get(name, "") for user, name in names.items()}
    missing = [names[user] for user, password in passwords.items() if not password]
    if missing:
        raise SettingsError(f"{', '.join(missing)} must be set: see .env.example")
    member = os.environ.get("ECOMMERCE_REPLICA_SET_MEMBER", "mongo:27017")
    bootstrap(int(member.rpartition(":")[2]), member, get_settings().database, passwords)
    print(f"MongoDB is ready: replica set {REPLICA_SET} of {member}, users {', '.join(USERS)}")


if __name__ == "__main__":
    try:
        main()
    except (EcommerceError, PyMongoError) as error:
        sys.exit(f"error: {error}")
