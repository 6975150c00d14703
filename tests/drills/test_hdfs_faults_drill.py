"""HDFS goes down, or into safe mode, at each step of whatever writes the archive.

Each time: one line that says what is wrong and what to do, every order in one place, no figure moved, and the next run
finishes what was begun.
"""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from types import ModuleType

import pytest
from msgspec.structs import replace
from pyspark.sql import SparkSession

from ecommerce.archive import edits, expire, maintain
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.expire import expire_orders
from ecommerce.archive.maintain import compact_archive
from ecommerce.archive.reading import read
from ecommerce.archive.runs import unfinished_run
from ecommerce.check import check_orders
from ecommerce.documents.order import OrderDocument, Refund
from ecommerce.forget import steps as forgetting
from ecommerce.forget.forget import forget
from ecommerce.forget.person import ask_to_forget
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import ARCHIVED_CHANGES, ARCHIVED_ORDERS, ORDERS, MongoDatabase
from ecommerce.services.hdfs import Hdfs
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from tests.archiving import OF_ARCHIVER, an_order, assert_one_place, at_moment, hot_ids, insert, spark
from tests.services.test_archive_failures import ORDERS_MADE, goes_on, hadoop, on_hdfs
from tests.summaries_data import accept

__all__ = ["on_hdfs", "spark"]

pytestmark = pytest.mark.drill

DOWN, SAFE_MODE = "down", "in safe mode"
SAYS = {DOWN: "HDFS cannot be reached: start it", SAFE_MODE: "HDFS is in safe mode: it leaves that by itself"}
FORGOTTEN = 3


class Faults:
    """Brings a fault about at a moment, and ends it."""

    def __init__(self, spark: SparkSession, hdfs: Hdfs, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
        self.spark, self.hdfs, self.monkeypatch, self.fault = spark, hdfs, monkeypatch, fault

    def begin(self) -> None:
        """HDFS is not what it should be."""
        if self.fault == DOWN:
            self.hdfs.namenode.kill()
        else:
            self._safe_mode("ENTER")

    def end(self) -> None:
        """HDFS is what it should be."""
        if self.fault == DOWN:
            self.hdfs.start()
        else:
            self._safe_mode("LEAVE")

    def _safe_mode(self, action: str) -> None:
        system, _ = hadoop(self.spark, f"{self.hdfs.uri}/")
        actions = self.spark.sparkContext._jvm.org.apache.hadoop.fs.SafeModeAction  # type: ignore[union-attr]  # noqa: SLF001
        system.setSafeMode(getattr(actions, action))

    @contextmanager
    def at(self, moment: str, *modules: ModuleType) -> Iterator[None]:
        """HDFS fails when one of the modules reaches the moment; it is whole again when the block ends."""
        came: list[str] = []

        def begin() -> None:
            came.append(moment)
            self.begin()

        with self.monkeypatch.context() as until_then:
            at_moment(until_then, moment, begin, *modules)
            try:
                yield
            finally:
                if came:
                    self.end()
        assert came, f"{moment} was not reached"

    def fails(self, work: Callable[[], object]) -> None:
        """The work fails with one line that names the fault and says what to do."""
        with pytest.raises(ArchiveError, match=SAYS[self.fault]) as failed:
            work()
        assert "\n" not in str(failed.value)
        assert "run it again" in str(failed.value)


@pytest.fixture
def faults(fault: str, spark: SparkSession, hdfs: Hdfs, monkeypatch: pytest.MonkeyPatch) -> Faults:
    return Faults(spark, hdfs, monkeypatch, fault)


def at_each(*moments: str, down: Collection[str] | None = None) -> pytest.MarkDecorator:
    """Safe mode at each of the moments; down at each, or at these: two minutes each, as Iceberg asks on."""
    cases = [(SAFE_MODE, moment) for moment in moments]
    cases += [(DOWN, moment) for moment in (moments if down is None else down)]
    return pytest.mark.parametrize(("fault", "moment"), cases)


def nothing_is_lost(database: MongoDatabase, orders: list[OrderDocument]) -> None:
    """By what MongoDB knows each order is in one place, and the figures count each."""
    archived = {one["_id"] for one in database[ARCHIVED_ORDERS].find({}, {"_id": 1})}
    assert not archived & hot_ids(database)
    assert archived | hot_ids(database) == {order.order.order_id for order in orders}
    assert compute_kpis(database).orders == len(orders)


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


def is_sound(database: MongoDatabase, settings: Settings) -> None:
    report = check_orders(database, settings)
    assert (report.differences, report.damaged) == ((), ())
    assert unfinished_run(database) is None


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
