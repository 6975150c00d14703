"""Somebody with a shell writes anything into `orders` while traffic, ticks and real archive runs go on, all at once.

No process stops, every good order is counted once, every other document is named; mending each brings the figures back.
"""

import random
import time
from pathlib import Path

import bson
import pytest
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.restore import ORDERS_RESTORED, newest_archived_day, restore_orders
from ecommerce.archive.selection import Selection
from ecommerce.check import check_orders
from ecommerce.documents.bson_codec import decode_order
from ecommerce.documents.order import OrderDocument
from ecommerce.documents.stored import NotAnOrder, identity_text, stored_order
from ecommerce.kpis import Filters, KpiStore, Span
from ecommerce.mongo import ARCHIVED_ORDERS, MongoDatabase
from ecommerce.settings import Settings
from ecommerce.summaries.aside import all_aside
from tests.archiving import with_archive
from tests.beside import Beside
from tests.summaries_data import START, accept, document_of, random_order, random_orders
from tests.vandalism import IDENTITIES, Vandal, assert_figures_of

pytestmark = [pytest.mark.drill, pytest.mark.timeout(1800)]

ROUNDS = 6
FIRST, NEW = 400, 10_000
"""Orders at the beginning, and the id of the first that comes later."""


def archived(database: MongoDatabase, settings: Settings) -> list[OrderDocument]:
    """The orders of the archive, typed as they were."""
    newest = newest_archived_day(database)
    if newest is None:
        return []
    database[ORDERS_RESTORED].delete_many({})
    restore_orders(settings, START.date(), newest)
    return [decode_order(document) for document in database[ORDERS_RESTORED].find()]


def assert_right(database: MongoDatabase, settings: Settings, vandal: Vandal, known: set[int]) -> list[OrderDocument]:
    """Figures are those of all that are orders, hot or archived; all others are named. Returns the archived."""
    moved = archived(database, settings)
    hot: list[OrderDocument] = []
    bad: set[str] = set()
    for document in vandal.orders.find():
        try:
            hot.append(stored_order(bson.encode(document)))
        except NotAnOrder:
            bad.add(identity_text(document["_id"]))
    assert_figures_of(database, [*moved, *hot])
    count, named = all_aside(database, limit=1_000)
    assert {one.identity for one in named} == bad
    there = [order.order.order_id for order in [*moved, *hot]]
    assert len(there) == len(set(there)), "an order is in two places"
    assert {str(order_id) for order_id in known} <= {*map(str, there), *bad}
    report = check_orders(database, settings)
    assert (report.differences, report.damaged, report.aside) == ((), (), count)
    return moved


@pytest.mark.parametrize("seed", [1, 2])
def test_a_vandal_stops_neither_traffic_nor_ticks_nor_the_archive(
    database: MongoDatabase, settings: Settings, tmp_path: Path, spark: SparkSession, seed: int
) -> None:
    settings = with_archive(settings, tmp_path / "archive")
    rng = random.Random(seed)
    vandal, store = Vandal(database, rng), KpiStore(database)
    orders = {order.order.order_id: order for order in random_orders(FIRST, seed)}
    accept(database, orders.values())
    chance = random.Random(seed)  # of the traffic's thread alone

    def sell() -> None:
        new = [random_order(chance, NEW + len(orders) + number) for number in range(chance.randint(1, 5))]
        orders.update({order.order.order_id: order for order in new})
        accept(database, new)

    def tick() -> None:
        store.refresh()
        store.kpis(Span(), Filters())

    def archive() -> None:
        runs.extend(run.state for run in archive_orders(settings, Selection(older_than_days=1)))

    runs: list[str] = []
    for _ in range(ROUNDS):
        with Beside(sell, 0.1), Beside(tick, 0.2), Beside(archive) as archiver:
            while not archiver.times and not archiver.raised:
                spoil_some(vandal, orders, rng)
                time.sleep(0.05)
        moved = assert_right(database, settings, vandal, set(orders))
        store.refresh()
    assert runs.count("committed") == len(runs) >= ROUNDS
    assert moved

    for identity in IDENTITIES:
        vandal.orders.delete_one({"_id": identity})
    gone = {entry["_id"] for entry in database[ARCHIVED_ORDERS].find({}, {"_id": 1})}
    for order_id in orders.keys() - gone:
        vandal.put(document_of(orders[order_id]))
    assert_figures_of(database, [*moved, *(orders[order_id] for order_id in orders.keys() - gone)], store)
    assert all_aside(database) == (0, [])
    assert check_orders(database, settings).is_good


def spoil_some(vandal: Vandal, orders: dict[int, OrderDocument], rng: random.Random) -> None:
    """Spoil, mend, add and delete documents, each of which may be archived at this very moment."""
    match rng.randrange(4):
        case 0 | 1:
            for order_id in rng.sample(list(orders), 3):
                vandal.spoil(document_of(orders[order_id]), upsert=False)
        case 2:
            identity = rng.choice([one for one in IDENTITIES if one != 700])
            vandal.add_nonsense(identity)
        case _:
            vandal.orders.delete_one({"_id": rng.choice(IDENTITIES)})
            for order_id in rng.sample(list(orders), 2):
                vandal.put(document_of(orders[order_id]), upsert=False)
