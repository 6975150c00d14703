"""Life goes on: open orders whose time has come are shipped, delivered, cancelled or returned.

The open orders are found by a partial index that holds only them, so that neither the search nor the inserts depend on
how many orders there are. What happens next follows from an order's id (`life`), so running this twice, or two of it at
once, changes nothing more. Only generated orders are touched: those whose id has a registered number and their hour.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
from bson import Int64
from pymongo import UpdateOne

from ecommerce.generate.draws import Ints
from ecommerce.generate.life import DELIVERED, PENDING, SHIPPED, STATUSES, lives
from ecommerce.generate.presets import PRESETS
from ecommerce.generate.rhythm import HOUR_MS, from_ms, to_ms
from ecommerce.generate.store import SERIES
from ecommerce.generate.windows import hours_in, series_numbers
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.progress import Progress, silent

READ_ORDERS = 50_000
WRITE_ORDERS = 2_000


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
        """The counts by name."""
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
    for status in (PENDING, SHIPPED):
        for order_ids, times in _open_orders(database, STATUSES[status]):
            for changes, counts in _steps(order_ids, times, status, series, moment_ms):
                database[ORDERS].bulk_write(changes, ordered=False)
                for name, count in counts.items():
                    setattr(result, name, getattr(result, name) + count)
                progress(result.orders, None, "orders advanced")
    return result


def _open_orders(database: MongoDatabase, status: str) -> Iterator[tuple[Ints, Ints]]:
    """(ids, order times) of the orders of one status, read from the index alone."""
    found = database[ORDERS].find(
        {"delivery.status": status}, {"order.order_time": 1}, hint="open_orders", batch_size=READ_ORDERS
    )
    ids: list[int] = []
    times: list[int] = []
    for document in found:
        ids.append(document["_id"])
        times.append(to_ms(document["order"]["order_time"]))
        if len(ids) == READ_ORDERS:
            yield np.array(ids, dtype=np.int64), np.array(times, dtype=np.int64)
            ids, times = [], []
    if ids:
        yield np.array(ids, dtype=np.int64), np.array(times, dtype=np.int64)


def _steps(
    order_ids: Ints, times: Ints, status: int, series: dict[int, dict[str, Any]], moment_ms: int
) -> Iterator[tuple[list[Any], dict[str, int]]]:
    numbers = series_numbers(order_ids)
    own_hour = hours_in(order_ids) == times // HOUR_MS
    for number in np.unique(numbers[own_hour]).tolist():
        record = series.get(number)
        if record is None:
            continue
        mine = own_hour & (numbers == number)
        life = lives(order_ids[mine], times[mine], PRESETS[record["preset"]], record["speed"])
        reached, changed = life.at(moment_ms)
        # Never back, where a later version of the presets gives an open order another life than it had.
        due = (reached != status) & (reached != PENDING)
        rows = list(zip(order_ids[mine][due].tolist(), reached[due].tolist(), changed[due].tolist(), strict=True))
        for first in range(0, len(rows), WRITE_ORDERS):
            batch = rows[first : first + WRITE_ORDERS]
            names = [STATUSES[code].lower() for _, code, _ in batch]
            yield [_step(*row, status) for row in batch], {name: names.count(name) for name in set(names)}


def _step(order_id: int, reached: int, changed_ms: int, status: int) -> UpdateOne:
    time = from_ms(changed_ms)
    news: dict[str, Any] = {"delivery.status": STATUSES[reached], "updated_at": time}
    if reached == DELIVERED:
        news["delivery.actual_time"] = time
    return UpdateOne(
        {"_id": Int64(order_id), "delivery.status": STATUSES[status], "updated_at": {"$lt": time}}, {"$set": news}
    )
