"""A real mongod with a key file, authentication, and the roles and users of docker-compose.yml."""

import base64
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ecommerce.mongo import MongoDatabase, get_database
from ecommerce.security.bootstrap import ROOT, bootstrap
from ecommerce.security.roles import USERS
from ecommerce.services.mongod import find_mongod
from ecommerce.settings import Settings

PASSWORDS = {user: f"{user}-secret" for user in (ROOT, *USERS)}


@dataclass(frozen=True)
class SecuredMongo:
    """The running server; it holds one pipeline's database, `ecommerce`."""

    port: int
    home: Path

    def uri(self, user: str, password: str | None = None) -> str:
        source = "admin" if user == ROOT else "ecommerce"
        where = f"127.0.0.1:{self.port}/ecommerce?replicaSet=ecommerce&authSource={source}"
        return f"mongodb://{user}:{password or PASSWORDS[user]}@{where}"

    def settings(self, user: str, **more: object) -> Settings:
        return Settings.model_validate({"mongo_uri": self.uri(user), "home": self.home / user} | more)

    def database(self, user: str) -> MongoDatabase:
        return get_database(self.settings(user))


@contextmanager
def secured_mongod(directory: Path, port: int) -> Iterator[SecuredMongo]:
    """Start it as deployments/docker/mongo.sh does and make it ready as the service `mongo-init` does."""
    key, data = directory / "replica-set.key", directory / "data"
    data.mkdir(parents=True)
    key.write_bytes(base64.b64encode(os.urandom(756)))
    key.chmod(0o400)
    process = subprocess.Popen(
        [
            str(find_mongod()), "--dbpath", str(data), "--bind_ip", "127.0.0.1", "--port", str(port),
            "--replSet", "ecommerce", "--keyFile", str(key), "--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "100",
            "--unixSocketPrefix", str(data),
        ],
        stdout=(directory / "mongod.log").open("wb"),
        stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        bootstrap(port, f"127.0.0.1:{port}", "ecommerce", PASSWORDS)
        yield SecuredMongo(port, directory)
    finally:
        process.kill()
        process.wait()
