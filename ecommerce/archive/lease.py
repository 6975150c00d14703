"""One archiver at a time, across processes and machines: a lease in MongoDB that its holder renews.

A holder that died where process ids mean the same as here (this boot of this machine, the same container) is seen at
once; any other when its lease ends. The lease keeps two archivers from getting into each other's way. What keeps the
orders safe does not depend on it: states move by compare-and-set, every export has its own directory, and a purge
transaction can commit only once.
"""

import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psutil
from pymongo.errors import DuplicateKeyError, PyMongoError

from ecommerce.archive.errors import ArchiveBusyError, ArchiveError
from ecommerce.documents.kinds import EPOCH
from ecommerce.gate import OLD_LEASE, OLD_LEASE_ID, format_of
from ecommerce.mongo import MongoDatabase
from ecommerce.processes import birth, is_born, process_space

ARCHIVE_LEASE = "archiver_lease"
LEASE_SECONDS = 60
RENEW_SECONDS = 10
UNRENEWED_SECONDS = 2.5 * RENEW_SECONDS
"""A living holder would have renewed its lease meanwhile."""

_ID = OLD_LEASE_ID
_HELD = {"_id": _ID, "$expr": {"$gte": ["$expires_at", "$$NOW"]}}


def lease_collection(database: MongoDatabase) -> str:
    """Where the lease is: in a database of version 0.1.0 where its archivers take it, too."""
    return OLD_LEASE if format_of(database) == 1 else ARCHIVE_LEASE


def require_free_lease(database: MongoDatabase) -> None:
    """Raise ArchiveBusyError where a living process holds the lease: a look before Spark is started for nothing."""
    holder = database[lease_collection(database)].find_one(_HELD)
    # Where it may be dead, taking the lease finds out.
    if holder and _is_of_this_place(holder) and not _is_dead(holder):
        raise _busy(holder)


def is_at_work(database: MongoDatabase) -> bool:
    """Whether an archiver holds the lease; one that died here does not, one elsewhere until its lease ends."""
    holder = database[ARCHIVE_LEASE].find_one(_HELD)
    return holder is not None and not _is_dead(holder)


class Lease:
    """A held lease. `check` raises once it was lost."""

    def __init__(self, database: MongoDatabase) -> None:
        self._leases = database[lease_collection(database)]
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
            self._leases.update_one({"_id": _ID}, {"$setOnInsert": {"expires_at": EPOCH}}, upsert=True)
        if not self._take({"$expr": {"$lt": ["$expires_at", "$$NOW"]}}):
            holder = self._leases.find_one({"_id": _ID}) or {}
            if not (_is_dead(holder) or self._is_of_another_time(holder)) or not self._take(_unchanged(holder)):
                raise _busy(holder)
        self._thread.start()

    def release(self) -> None:
        """Give the lease back."""
        self._released.set()
        self._thread.join(timeout=RENEW_SECONDS)
        self._leases.update_one({"_id": _ID, "token": self._token}, {"$set": {"expires_at": EPOCH}})

    def _take(self, condition: dict[str, Any]) -> bool:
        owner = {
            "token": self._token,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "process_born": birth(os.getpid()),
            "process_space": process_space(),
            "acquired_at": "$$NOW",
            "expires_at": {"$add": ["$$NOW", LEASE_SECONDS * 1000]},
        }
        return bool(self._leases.update_one({"_id": _ID} | condition, [{"$set": owner}]).matched_count)

    def _is_of_another_time(self, holder: dict[str, Any]) -> bool:
        """Whether the server's clock was set back behind a lease that nobody renews: it would end only then."""
        far = {"$expr": {"$gt": ["$expires_at", {"$add": ["$$NOW", 2 * LEASE_SECONDS * 1000]}]}}
        if self._leases.find_one({"_id": _ID} | far, {"_id": 1}) is None:
            return False
        time.sleep(UNRENEWED_SECONDS)
        return self._leases.find_one(_unchanged(holder) | {"_id": _ID}, {"_id": 1}) is not None

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


def _busy(holder: dict[str, Any]) -> ArchiveBusyError:
    return ArchiveBusyError(
        f"another archiver is at work: process {holder.get('pid')} on {holder.get('host')}, "
        f"since {holder.get('acquired_at')}; wait for it, or end that process. Where it died with its "
        f"machine, its lease ends within {LEASE_SECONDS} s"
    )


def _unchanged(holder: dict[str, Any]) -> dict[str, Any]:
    return {"token": holder.get("token"), "expires_at": holder.get("expires_at")}


def _is_of_this_place(holder: dict[str, Any]) -> bool:
    space = process_space()
    return space is not None and holder.get("process_space") == space


def _is_dead(holder: dict[str, Any]) -> bool:
    """Whether a holder was a process of this place that is gone; of other places that cannot be known."""
    if not _is_of_this_place(holder):
        return False
    pid, born = holder.get("pid"), holder.get("process_born")
    if not isinstance(pid, int) or not isinstance(born, str):
        return True  # somebody edited the lease: its holder, where there is one, finds it lost
    try:
        return not is_born(pid, born)
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
