"""One archiver at a time, across processes and machines: a lease in MongoDB that its holder renews.

A holder that died on this machine is seen at once by its process id; one on another machine when its lease ends. The
lease keeps two archivers from getting into each other's way. What keeps the orders safe does not depend on it: states
move by compare-and-set, every export has its own directory, and a purge transaction can commit only once.
"""

import os
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import psutil
from pymongo.errors import DuplicateKeyError, PyMongoError

from ecommerce.archive.errors import ArchiveBusyError, ArchiveError
from ecommerce.mongo import MongoDatabase

ARCHIVE_LEASE = "archive_lease"
LEASE_SECONDS = 60
RENEW_SECONDS = 10

_ID = "archiver"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Lease:
    """A held lease. `check` raises once it was lost."""

    def __init__(self, database: MongoDatabase) -> None:
        self._leases = database[ARCHIVE_LEASE]
        self._token = uuid.uuid4().hex
        self._lost = threading.Event()
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="archive-lease", daemon=True)

    def check(self) -> None:
        """Raise ArchiveError where another process has taken over."""
        if self._lost.is_set():
            raise ArchiveError(
                "another process took the archive's lease over, because this one did not renew it in time"
            )

    def acquire(self) -> None:
        """Take the lease. Raises ArchiveBusyError where a living process holds it."""
        # An upsert may not compare with the server's clock, so the document is there before; nobody holds it at first.
        with suppress(DuplicateKeyError):
            self._leases.update_one({"_id": _ID}, {"$setOnInsert": {"expires_at": _EPOCH}}, upsert=True)
        if not self._take({"$expr": {"$lt": ["$expires_at", "$$NOW"]}}):
            holder = self._leases.find_one({"_id": _ID}) or {}
            if not _is_dead(holder) or not self._take({"token": holder["token"]}):
                raise ArchiveBusyError(
                    f"another archiver is at work: process {holder.get('pid')} on {holder.get('host')}, "
                    f"since {holder.get('acquired_at')}; wait for it, or end that process"
                )
        self._thread.start()

    def release(self) -> None:
        """Give the lease back."""
        self._released.set()
        self._thread.join(timeout=RENEW_SECONDS)
        self._leases.update_one({"_id": _ID, "token": self._token}, {"$set": {"expires_at": _EPOCH}})

    def _take(self, condition: dict[str, Any]) -> bool:
        owner = {
            "token": self._token,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "process_started": psutil.Process().create_time(),
            "acquired_at": "$$NOW",
            "expires_at": {"$add": ["$$NOW", LEASE_SECONDS * 1000]},
        }
        return bool(self._leases.update_one({"_id": _ID} | condition, [{"$set": owner}]).matched_count)

    def _renew(self) -> None:
        update = [{"$set": {"expires_at": {"$add": ["$$NOW", LEASE_SECONDS * 1000]}}}]
        while not self._released.wait(RENEW_SECONDS):
            try:
                result = self._leases.update_one({"_id": _ID, "token": self._token}, update)
            except PyMongoError:
                continue  # an election takes seconds, the lease lasts a minute
            if not result.matched_count:
                self._lost.set()
                return


def _is_dead(holder: dict[str, Any]) -> bool:
    """Whether a holder was a process of this machine that is gone."""
    if holder.get("host") != socket.gethostname():
        return False
    try:
        return bool(abs(psutil.Process(holder["pid"]).create_time() - holder["process_started"]) > 1)
    except psutil.NoSuchProcess:
        return True


@contextmanager
def archive_lease(database: MongoDatabase) -> Iterator[Lease]:
    """Hold the lease. Raises ArchiveBusyError where another process holds it."""
    lease = Lease(database)
    lease.acquire()
    try:
        yield lease
    finally:
        lease.release()
