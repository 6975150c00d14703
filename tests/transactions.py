"""Transactions of clients that were killed, for tests that kill them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ecommerce.mongo import MongoDatabase


@contextmanager
def short_transactions(database: MongoDatabase, seconds: int = 3) -> Iterator[None]:
    """A transaction whose client was killed stands in the way until the server gives it up: not after a minute here."""
    admin: Any
    admin, name = database.client.admin, "transactionLifetimeLimitSeconds"
    before = admin.command("getParameter", 1, **{name: 1})[name]
    admin.command("setParameter", 1, **{name: seconds})
    try:
        yield
    finally:
        admin.command("setParameter", 1, **{name: before})
