"""HDFS goes down, or into safe mode, at each step of whatever writes the archive.

Each time: one line that says what is wrong and what to do, every order in one place, no figure moved, and the next run
finishes what was begun.
"""

import time
from datetime import timedelta
from decimal import Decimal

import pytest
from msgspec.structs import replace
from pyspark.sql import SparkSession

from ecommerce.archive import edits, expire, maintain
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.expire import expire_orders
from ecommerce.archive.maintain import compact_archive
from ecommerce.archive.reading import read
from ecommerce.documents.order import OrderDocument, Refund
from ecommerce.forget import steps as forgetting
from ecommerce.forget.forget import forget
from ecommerce.forget.person import ask_to_forget
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import ARCHIVED_CHANGES, ARCHIVED_ORDERS, ORDERS, MongoDatabase
from ecommerce.services.hdfs import Hdfs
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from tests.archiving import OF_ARCHIVER, an_order, assert_one_place, at_moment, insert
from tests.drills.hdfs_faults import DOWN, SAYS, Faults, at_each, faults, is_sound, nothing_is_lost
from tests.services.test_archive_failures import ORDERS_MADE, goes_on, on_hdfs
from tests.summaries_data import accept

__all__ = ["faults", "on_hdfs"]

pytestmark = pytest.mark.drill

FORGOTTEN = 3


def test_one_that_is_down_from_the_start_is_named_at_once(
    spark: SparkSession, on_hdfs: Settings, database: MongoDatabase, hdfs: Hdfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Iceberg asked for a minute and a half for the description of a table that is there."""
    faults = Faults(spark, hdfs, monkeypatch, DOWN)
    insert(database, ORDERS_MADE[:10])
    archive_orders(on_hdfs)
    insert(database, ORDERS_MADE[10:])
    advance(database)
    faults.begin()
    try:
        began = time.monotonic()
        faults.fails(lambda: archive_orders(on_hdfs))
        assert time.monotonic() - began < 45
        nothing_is_lost(database, ORDERS_MADE)
    finally:
        faults.end()
    goes_on(spark, on_hdfs, database, ORDERS_MADE)
    is_sound(database, on_hdfs)


@at_each(
    "export:before", "export:branched", "export:done", "export:recorded", "verify:before", "verify:recorded",
    "purge:before-chunk", "purge:done", "publish:before", "publish:ready", "publish:recorded", "commit:before",
)  # fmt: skip
def test_at_each_step_of_an_archive_run(
    faults: Faults, on_hdfs: Settings, database: MongoDatabase, spark: SparkSession, moment: str
) -> None:
    insert(database, ORDERS_MADE)
    advance(database)
    with faults.at(moment):
        faults.fails(lambda: archive_orders(on_hdfs))
        nothing_is_lost(database, ORDERS_MADE)
    goes_on(spark, on_hdfs, database, ORDERS_MADE)
    is_sound(database, on_hdfs)


@pytest.mark.parametrize("fault", SAYS)
def test_where_rows_of_orders_that_stayed_are_deleted(
    faults: Faults, on_hdfs: Settings, database: MongoDatabase, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that changed after its export is superseded: publishing writes the branch once more."""
    insert(database, ORDERS_MADE)
    advance(database)
    later = timedelta(days=1)
    changed = [replace(one, updated_at=one.updated_at + later) for one in ORDERS_MADE if one.order.order_id == 7]
    with monkeypatch.context() as until_then, pytest.raises(KeyboardInterrupt):
        at_moment(until_then, "verify:recorded", lambda: _change_and_stop(database, changed))
        archive_orders(on_hdfs)
    with faults.at("publish:before"):
        faults.fails(lambda: archive_orders(on_hdfs))
        nothing_is_lost(database, ORDERS_MADE)
    orders = [one for one in ORDERS_MADE if one.order.order_id != 7] + changed
    goes_on(spark, on_hdfs, database, orders)
    is_sound(database, on_hdfs)


def _change_and_stop(database: MongoDatabase, orders: list[OrderDocument]) -> None:
    for order in orders:
        database[ORDERS].update_one({"_id": order.order.order_id}, {"$set": {"updated_at": order.updated_at}})
    raise KeyboardInterrupt


@at_each(
    "export:before", "export:branched", "export:deleted", "export:done", "verify:before", "publish:before",
    "publish:ready", "commit:before", "commit:left", down=("export:deleted", "publish:ready", "commit:left"),
)  # fmt: skip
def test_at_each_step_of_a_run_of_changes(
    faults: Faults, on_hdfs: Settings, database: MongoDatabase, spark: SparkSession, moment: str
) -> None:
    insert(database, ORDERS_MADE)
    advance(database)
    archive_orders(on_hdfs)
    refunded = [replace(one, refunds=(Refund(1, one.updated_at, Decimal(1)),)) for one in ORDERS_MADE[::3]]
    accept(database, refunded)
    advance(database)
    with faults.at(moment, *OF_ARCHIVER):
        faults.fails(lambda: archive_orders(on_hdfs))
        nothing_is_lost(database, ORDERS_MADE)
    archive_orders(on_hdfs)
    assert database[ARCHIVED_CHANGES].count_documents({}) == 0
    by_id = {one.order.order_id: one for one in (*ORDERS_MADE, *refunded)}
    assert_one_place(spark, on_hdfs, database, by_id.values())
    is_sound(database, on_hdfs)


@at_each("merge:before", down=("merge:before", "merge:stretch", "expire:before"))
def test_at_each_step_of_maintenance(
    faults: Faults, on_hdfs: Settings, database: MongoDatabase, spark: SparkSession, moment: str
) -> None:
    insert(database, ORDERS_MADE)
    advance(database)
    archive_orders(on_hdfs)
    late = [an_order(100 + number, day=number % 2) for number in range(10)]
    insert(database, late)
    advance(database)
    archive_orders(on_hdfs)
    with faults.at(moment, maintain):
        faults.fails(lambda: compact_archive(on_hdfs))
        nothing_is_lost(database, [*ORDERS_MADE, *late])
    compact_archive(on_hdfs)
    assert_one_place(spark, on_hdfs, database, [*ORDERS_MADE, *late])
    is_sound(database, on_hdfs)


@at_each(
    "edit:before", "edit:deleted", "edit:appended", "edit:written", "edit:published", "forget:before-entries",
    "forget:before-erase", "forget:manifests-written",
    down=("edit:deleted", "edit:published", "forget:before-entries", "forget:manifests-written"),
)  # fmt: skip
def test_at_each_step_of_forgetting_a_person(
    faults: Faults, on_hdfs: Settings, database: MongoDatabase, moment: str
) -> None:
    insert(database, ORDERS_MADE)
    advance(database)
    archive_orders(on_hdfs)
    request = ask_to_forget(on_hdfs, user_id=FORGOTTEN)
    before = compute_kpis(database)
    with faults.at(moment, edits, forgetting):
        faults.fails(lambda: forget(on_hdfs, request.run_id))
        nothing_is_lost(database, ORDERS_MADE)
    assert forget(on_hdfs, request.run_id).state == "committed"
    users = read(columns=["order.user_id"], settings=on_hdfs)["order.user_id"].to_pylist()
    assert FORGOTTEN not in users
    assert request.number in users
    after = compute_kpis(database)
    assert (after.orders, after.revenue) == (before.orders, before.revenue)
    is_sound(database, on_hdfs)


@at_each("expire:noted", "edit:deleted", "edit:written", down=("edit:written",))
def test_at_each_step_of_removing_what_is_very_old(
    faults: Faults, on_hdfs: Settings, database: MongoDatabase, moment: str
) -> None:
    insert(database, ORDERS_MADE)
    advance(database)
    archive_orders(on_hdfs)
    with faults.at(moment, edits, expire):
        faults.fails(lambda: expire_orders(on_hdfs, 1))
        assert compute_kpis(database).orders == len(ORDERS_MADE)
    expire_orders(on_hdfs, 1)
    assert database[ARCHIVED_ORDERS].count_documents({}) == 0
    assert read(settings=on_hdfs).num_rows == 0
    assert compute_kpis(database).orders == len(ORDERS_MADE)
    is_sound(database, on_hdfs)
