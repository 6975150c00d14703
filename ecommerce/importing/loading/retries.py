"""What the import does when the server fails: wait and try again where that is right, else say what to do."""

import time
from collections.abc import Callable
from typing import TypeVar

from pymongo.errors import ConnectionFailure, ExecutionTimeout, OperationFailure, PyMongoError

from ecommerce.errors import ServiceError, without_topology

T = TypeVar("T")

PATIENCE_SECONDS = 120.0
"""How long a server may be away: a restart of mongod with recovery of a large journal took 20 s."""

_PAUSE_SECONDS = 0.5
_OUT_OF_DISK = 14031
_UNAUTHORIZED = (13, 18)
_LABELS = ("TransientTransactionError", "RetryableWriteError", "UnknownTransactionCommitResult")
_RETRYABLE_CODES = (
    6, 7, 89, 91, 112, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436, 251, 24, 246, 50,
)  # fmt: skip
"""Not reachable, shutting down, no primary, write conflict, interrupted, no such transaction, lock or time limit."""


def with_patience(write: Callable[[], T], patience_seconds: float | None = None) -> T:
    """Call `write`, which may be called again at any time, until the server has taken it.

    Raises ServiceError once the server was away for longer than `patience_seconds` (PATIENCE_SECONDS), or where waiting
    does not help.
    """
    patience_seconds = PATIENCE_SECONDS if patience_seconds is None else patience_seconds
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            return write()
        except PyMongoError as error:
            if not _passes(error):
                raise _explained(error) from error
            if time.monotonic() > deadline:
                said = without_topology(error)
                raise ServiceError(
                    f"MongoDB has not answered for {patience_seconds:g} s: {said}; what was imported is safe: look into"
                    " the server's log (a full disk stops it), then start the import again"
                ) from error
            time.sleep(_PAUSE_SECONDS)


def _passes(error: PyMongoError) -> bool:
    if isinstance(error, (ConnectionFailure, ExecutionTimeout)):
        return True
    if any(error.has_error_label(label) for label in _LABELS):
        return True
    return isinstance(error, OperationFailure) and error.code in _RETRYABLE_CODES


def _explained(error: PyMongoError) -> Exception:
    code = getattr(error, "code", None)
    # mongod 6 says it as an unknown error with the system's text, later ones with a code of its own.
    if code == _OUT_OF_DISK or "No space left on device" in str(error):
        return ServiceError("MongoDB's disk is full: make room, then start the import again; what was imported is safe")
    if code in _UNAUTHORIZED:
        return ServiceError(f"MongoDB does not let this user write: {error}; give the user readWrite on the database")
    return error
