"""How long the server keeps a moment readable: long enough for a rebuild, however many orders there are."""

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.errors import OperationFailure

from ecommerce.mongo import MongoDatabase
from ecommerce.summaries.images import REFUSED

WINDOW = "minSnapshotHistoryWindowInSeconds"

ORDERS_PER_SECOND = 10_000
"""A tenth of the speed that a rebuild promises: the window of 300 s that servers have by default does for 3 000 000."""


@contextmanager
def moment_kept(database: MongoDatabase, orders: int) -> Iterator[None]:
    """Within the block a moment stays readable for as long as reading this many orders may take.

    The window is one of the whole server and costs it disk, so it is raised for the block only. Where the server does
    not let this user do so, it stays as it is.
    """
    admin, needed = database.client.admin, orders // ORDERS_PER_SECOND
    try:
        before = admin.command({"getParameter": 1, WINDOW: 1})[WINDOW]
        if needed > before:
            admin.command({"setParameter": 1, WINDOW: needed})
    except OperationFailure as error:
        if error.code not in REFUSED:
            raise
        needed = before = 0
    try:
        yield
    finally:
        if needed > before:
            admin.command({"setParameter": 1, WINDOW: before})
