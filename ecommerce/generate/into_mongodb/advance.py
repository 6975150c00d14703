"""Open orders whose time has come are shipped, delivered, cancelled or returned.

The open orders are found by a partial index that holds only them, so that neither the search nor the inserts depend on
how many orders there are. What happens next follows from an order's id (`life`), so running this twice, or two of it at
once, changes nothing more. Only generated orders are touched: those whose id has a registered number and their hour.
A cancelled order puts its goods back in the transaction that cancels it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
from bson import Decimal128, Int64
from pymongo import UpdateMany
from pymongo.client_session import ClientSession
from pymongo.errors import BulkWriteError

from ecommerce.documents.indexes import OPEN_ORDERS_INDEX
from ecommerce.documents.kinds import HOUR_MS, to_scaled
from ecommerce.documents.validator import order_validator
from ecommerce.generate.into_mongodb.encode import refund_document
from ecommerce.generate.into_mongodb.stock import Place, put_back
from ecommerce.generate.into_mongodb.store import SERIES
from ecommerce.generate.model.charges import Paid, is_refunded, refunds_of
from ecommerce.generate.model.draws import Ints
from ecommerce.generate.model.life import CANCELLED, DELIVERED, PENDING, SHIPPED, STATUSES, lives
from ecommerce.generate.model.rhythm import from_ms, to_ms
from ecommerce.generate.model.windows import hours_in, series_numbers
from ecommerce.generate.presets import PRESETS
from ecommerce.generate.presets.shape import Preset
from ecommerce.mongo import ORDERS, MongoDatabase, is_replica_set
from ecommerce.progress import Progress, silent

READ_ORDERS = 50_000
WRITE_ORDERS = 2_000
FAILED_VALIDATION = 121
STATEMENT_ORDERS = 100
"""A statement looks up when each of its orders took the step. One for each order takes three times as long, and one
for thousands too, because it looks from the start of its list each time."""


@dataclass(slots=True)
class Advanced:
    """How many orders took a step, by the status they reached."""

    shipped: int = 0
    delivered: int = 0
    cancelled: int = 0
    returned: int = 0

    @property
    def orders(self) -> int:
        """All orders that took a step."""
        return self.shipped + self.delivered + self.cancelled + self.returned

    def counts(self) -> dict[str, int]:
        return asdict(self)


def advance_life(database: MongoDatabase, moment: datetime, progress: Progress = silent) -> Advanced:
    """Bring every open generated order into the state it has at `moment`; `updated_at` is the time of its last step.

    An order that was changed by someone else after that time is left as it is.
    """
    moment_ms = to_ms(moment)
    series = {record["_id"]: record for record in database[SERIES].find()}
    result = Advanced()
    if not series:
        return result
    database[ORDERS].create_indexes([OPEN_ORDERS_INDEX])
    for status in (PENDING, SHIPPED):
        for order_ids, times in _open_orders(database, STATUSES[status]):
            for preset, reached, ids, changed in _steps(order_ids, times, status, series, moment_ms):
                name = STATUSES[reached].lower()
                taken = _take_step(database, preset, ids, changed, status, reached)
                setattr(result, name, getattr(result, name) + taken)
                progress(result.orders, None, "orders advanced")
    return result


def _open_orders(database: MongoDatabase, status: str) -> Iterator[tuple[Ints, Ints]]:
    """(ids, order times) of the orders of one status, read from the index alone."""
    found = database[ORDERS].find(
        {"delivery.status": status},
        {"order.order_time": 1},
        hint=OPEN_ORDERS_INDEX.document["name"],
        batch_size=READ_ORDERS,
    )
    ids: list[int] = []
    times: list[int] = []
    for document in found:
        order_id, order = document["_id"], document.get("order")
        time = order.get("order_time") if isinstance(order, dict) else None
        if type(order_id) is not Int64 or not isinstance(time, datetime):  # no order: somebody wrote it in a shell
            continue
        ids.append(order_id)
        times.append(to_ms(time))
        if len(ids) == READ_ORDERS:
            yield np.array(ids, dtype=np.int64), np.array(times, dtype=np.int64)
            ids, times = [], []
    if ids:
        yield np.array(ids, dtype=np.int64), np.array(times, dtype=np.int64)


def _steps(
    order_ids: Ints, times: Ints, status: int, series: dict[int, dict[str, Any]], moment_ms: int
) -> Iterator[tuple[Preset, int, list[int], list[int]]]:
    """(preset, status reached, ids, times of the change) of orders that are due, so many at a time."""
    numbers = series_numbers(order_ids)
    own_hour = hours_in(order_ids) == times // HOUR_MS
    for number in np.unique(numbers[own_hour]).tolist():
        record = series.get(number)
        if record is None:
            continue
        mine = own_hour & (numbers == number)
        preset = PRESETS[record["preset"]]
        life = lives(order_ids[mine], times[mine], preset, record["speed"])
        reached, changed = life.at(moment_ms)
        for step in np.unique(reached).tolist():
            # Never back, where a later version of the presets gives an open order another life than it had.
            if step in (status, PENDING):
                continue
            ids, at = order_ids[mine][reached == step].tolist(), changed[reached == step].tolist()
            for first in range(0, len(ids), WRITE_ORDERS):
                yield preset, step, ids[first : first + WRITE_ORDERS], at[first : first + WRITE_ORDERS]


def _take_step(  # noqa: PLR0913 - one step of many orders
    database: MongoDatabase,
    preset: Preset,
    ids: list[int],
    changed: list[int],
    status: int,
    reached: int,
    *,
    only_orders: bool = False,
) -> int:
    """Let orders take a step, those that are still in the status they had and were not changed later. How many did.

    All or nothing where the server has transactions, with the goods that cancelled orders put back.
    """

    def take(session: ClientSession | None) -> int:
        if reached != CANCELLED:
            return _move(database, preset, dict(zip(ids, changed, strict=True)), status, reached, session, only_orders)
        open_still = {"_id": {"$in": ids}, "delivery.status": STATUSES[status], "$and": [order_validator()]}
        before = {order["_id"]: order for order in database[ORDERS].find(open_still, session=session)}
        due = {
            order_id: at
            for order_id, at in zip(ids, changed, strict=True)
            if order_id in before and to_ms(before[order_id]["updated_at"]) < at
        }
        cancelled = _move(database, preset, due, status, reached, session, only_orders)
        put_back(database, _units(before[order_id] for order_id in due), session)
        return cancelled

    try:
        if not is_replica_set(database):
            return take(None)
        with database.client.start_session() as session:
            return session.with_transaction(take)
    except BulkWriteError as error:
        # One of them is no order, and MongoDB lets nobody change it. Looking for those each time would take twice as
        # long, and there are hardly ever any.
        if only_orders or any(one["code"] != FAILED_VALIDATION for one in error.details["writeErrors"]):
            raise
        return _take_step(database, preset, ids, changed, status, reached, only_orders=True)


def _move(  # noqa: PLR0913 - as above
    database: MongoDatabase,
    preset: Preset,
    moves: Mapping[int, int],
    status: int,
    reached: int,
    session: ClientSession | None,
    only_orders: bool,
) -> int:
    """Let orders, given with the time of the change, take a step. How many did."""
    refunds = _refunds(database, preset, moves, reached, session)
    statements: list[UpdateMany] = [
        _statement([order_id], [moves[order_id]], status, reached, only_orders, refund)
        for order_id, refund in refunds.items()
    ]
    ids = [order_id for order_id in moves if order_id not in refunds]
    for first in range(0, len(ids), STATEMENT_ORDERS):
        some = ids[first : first + STATEMENT_ORDERS]
        statements.append(_statement(some, [moves[order_id] for order_id in some], status, reached, only_orders))
    if not statements:
        return 0
    return database[ORDERS].bulk_write(statements, ordered=False, session=session).modified_count


def _statement(
    ids: list[int],
    changed: list[int],
    status: int,
    reached: int,
    only_orders: bool,
    refund: dict[str, Any] | None = None,
) -> UpdateMany:
    """Lets these orders take a step; a refund is that of all of them."""
    of_statement, times = [Int64(order_id) for order_id in ids], [from_ms(at) for at in changed]
    position = {"$indexOfArray": [{"$literal": of_statement}, "$_id"]}
    time = {"$arrayElemAt": [{"$literal": times}, position]}
    news: dict[str, Any] = {"delivery.status": STATUSES[reached], "updated_at": time}
    if reached == DELIVERED:
        news["delivery.actual_time"] = time
    update: list[dict[str, Any]] = [{"$set": news}]
    if refund:
        # Where somebody else has refunded it, that is the refund. It stands before `updated_at`, which is the last.
        refunds = {"refunds": {"$ifNull": ["$refunds", {"$literal": [refund]}]}}
        update = [{"$set": news | refunds}, {"$unset": "updated_at"}, {"$set": {"updated_at": time}}]
    found: dict[str, Any] = {
        "_id": {"$in": of_statement},
        "delivery.status": STATUSES[status],
        "$expr": {"$lt": ["$updated_at", time]},
    }
    if only_orders:
        found["$and"] = [order_validator()]
    return UpdateMany(found, update)


def _refunds(
    database: MongoDatabase, preset: Preset, moves: Mapping[int, int], reached: int, session: ClientSession | None
) -> dict[int, dict[str, Any]]:
    """The refunds of those orders that get money back when they end."""
    ids = np.fromiter(moves, np.int64, len(moves))
    ids = ids[is_refunded(preset, ids, np.full(len(ids), reached))]
    if not len(ids):
        return {}
    query: dict[str, Any] = {"_id": {"$in": [Int64(order_id) for order_id in ids.tolist()]}, **order_validator()}
    orders = list(database[ORDERS].find(query, {"order": 1, "order_items": {"$slice": 1}}, session=session))
    if not orders:
        return {}

    def amounts(name: str) -> Ints:
        return np.array([_scaled(order["order"].get(name)) for order in orders])

    firsts: list[Mapping[str, Any]] = [
        order["order_items"][0] if order["order_items"] else {"order_item_id": 0} for order in orders
    ]
    paid = Paid(
        total=amounts("total_amount"),
        tax=amounts("tax_amount"),
        shipping=amounts("shipping_amount"),
        tenths=amounts("discount") // 1_000,
        first_item=np.array([int(item["order_item_id"]) for item in firsts]),
        first_price=np.array([_scaled(item.get("price")) if item.get("quantity") else 0 for item in firsts]),
    )
    known = np.array([int(order["_id"]) for order in orders])
    found = refunds_of(preset, known, np.full(len(known), reached), paid)
    columns = (known, found.amount, found.tax, found.shipping, found.item_id)
    return {
        order_id: refund_document(preset, from_ms(moves[order_id]), amount, tax, shipping, item_id=item_id)
        for order_id, amount, tax, shipping, item_id in zip(*(column.tolist() for column in columns), strict=True)
        if amount and tax + shipping <= amount  # somebody may have edited the order
    }


def _scaled(amount: Decimal128 | None) -> int:
    return to_scaled(amount.to_decimal()) if amount is not None else 0


def _units(orders: Iterator[Mapping[str, Any]]) -> Counter[Place]:
    units: Counter[Place] = Counter()
    for order in orders:
        for item in order["order_items"]:
            units[item["product_id"], item["warehouse_id"]] += item["quantity"]
    return units
