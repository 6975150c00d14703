"""What was done about a window: the moment whose state its orders are stored in, and whether its stock was taken.

Both are written down, so that a run which was stopped and started again later takes from the stock what the orders
that are there took: an order that was stored Pending and cancelled since took its goods and put them back, one that
was stored Cancelled did neither.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

import numpy as np
from pymongo import UpdateOne
from pymongo.client_session import ClientSession

from ecommerce.generate.into_mongodb.stock import take_stock
from ecommerce.generate.model.catalog import CatalogSpec
from ecommerce.generate.model.draws import Ints
from ecommerce.generate.model.windows import Window
from ecommerce.mongo import MongoDatabase, is_replica_set

WINDOWS = "generator_windows"
"""{_id: series and limits, moment_ms}, and for the stock {_id: that and the first product, until_ms, at}."""

STOCK_PRODUCTS = 10_000
"""Products whose stock is taken in one transaction: a fifth of a second of the minute that one may last."""


def stored_moments(database: MongoDatabase, windows: Sequence[Window], moment_ms: int) -> dict[Window, int]:
    """The moment that the orders of each window are stored as of: that of the first run that began it, by default this.

    The orders of live mode are stored as they are born.
    """
    moments = {window: window.start_ms for window in windows if window.mode == "live"}
    others = {window: _identity(window) for window in windows if window.mode != "live"}
    if others:
        begun = {"moment_ms": moment_ms, "at": datetime.now(UTC)}
        identities = list(set(others.values()))
        changes = [UpdateOne({"_id": identity}, {"$setOnInsert": begun}, upsert=True) for identity in identities]
        database[WINDOWS].bulk_write(changes, ordered=False)
        first = {record["_id"]: record["moment_ms"] for record in database[WINDOWS].find({"_id": {"$in": identities}})}
        moments |= {window: first[identity] for window, identity in others.items()}
    return moments


def first_hour(database: MongoDatabase, window: Window) -> int:
    """Start (ms) of the first hour that was ever begun in the window's series of hours; its own where none was."""
    begun = {"_id": {"$gte": f"{window.series}|", "$lt": f"{window.series}}}"}}
    # The series has no limits in it, so the start follows; all starts since 2001 have thirteen digits.
    first = database[WINDOWS].find_one(begun, {"_id": 1}, sort=[("_id", 1)])
    return int(first["_id"].removeprefix(f"{window.series}|").split("|")[0]) if first else window.start_ms


def finished_windows(database: MongoDatabase, windows: Sequence[Window]) -> set[Window]:
    """Those whose orders are all stored: the stock of the first products is taken last."""
    records = {f"{_identity(window)}|0": window for window in windows}
    found = database[WINDOWS].find({"_id": {"$in": list(records)}})
    return {window for record in found if (window := records[record["_id"]]).end_ms <= record["until_ms"]}


def take_stock_once(database: MongoDatabase, spec: CatalogSpec, sold: dict[Window, Ints]) -> None:
    """Take the stock of windows, but not of those whose stock was taken before, so many products at a time.

    The first products come last, so that their record says that a window is done.
    """
    now = datetime.now(UTC)
    with_transactions = is_replica_set(database)
    for first in reversed(range(0, spec.products if sold else 0, STOCK_PRODUCTS)):
        of_part = {window: units[first : first + STOCK_PRODUCTS] for window, units in sold.items()}
        if not with_transactions:
            _take_part(database, spec, of_part, first, now, None)
            continue
        with database.client.start_session() as session:
            session.with_transaction(partial(_take_part, database, spec, of_part, first, now))


def _take_part(
    database: MongoDatabase,
    spec: CatalogSpec,
    sold: dict[Window, Ints],
    first: int,
    now: datetime,
    session: ClientSession | None,
) -> None:
    """Take the stock of the products from index `first` on, and write down for which windows that was done."""
    identities = {window: f"{_identity(window)}|{first}" for window in sold}
    found = database[WINDOWS].find({"_id": {"$in": list(set(identities.values()))}}, session=session)
    taken_until = {record["_id"]: record["until_ms"] for record in found}
    new = [window for window in sold if window.end_ms > taken_until.get(identities[window], 0)]
    if not new:
        return
    records = [
        UpdateOne({"_id": identities[window]}, {"$max": {"until_ms": window.end_ms}, "$set": {"at": now}}, upsert=True)
        for window in new
    ]
    database[WINDOWS].bulk_write(records, session=session)
    take_stock(database, spec, first, np.sum([sold[window] for window in new], axis=0), now, session)


def _identity(window: Window) -> str:
    """One record for each window; one for all seconds of live mode, which come in their order."""
    return window.series if window.mode == "live" else f"{window.series}|{window.start_ms}|{window.end_ms}"
