"""HDFS that goes down or into safe mode at a moment, for the drills: what is said then, and that nothing is lost."""

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest
from pyspark.sql import SparkSession

from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.runs import unfinished_run
from ecommerce.check import check_orders
from ecommerce.documents.order import OrderDocument
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import ARCHIVED_ORDERS, MongoDatabase
from ecommerce.services.hdfs import Hdfs
from ecommerce.settings import Settings
from tests.archiving import at_moment, hot_ids
from tests.services.test_archive_failures import hadoop

DOWN, SAFE_MODE = "down", "in safe mode"
SAYS = {DOWN: "HDFS cannot be reached: start it", SAFE_MODE: "HDFS is in safe mode: it leaves that by itself"}


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

    def fails(self, work: Callable[[], object], *, then: str = "run it again") -> None:
        """The work fails with one line that names the fault and says what to do, at last (a pattern) to do it again."""
        with pytest.raises(ArchiveError, match=SAYS[self.fault]) as failed:
            work()
        assert "\n" not in str(failed.value)
        assert re.search(then, str(failed.value)), failed.value


@pytest.fixture
def faults(fault: str, spark: SparkSession, hdfs: Hdfs, monkeypatch: pytest.MonkeyPatch) -> Faults:
    """The fault that the test is about."""
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


def is_sound(database: MongoDatabase, settings: Settings) -> None:
    """`check` finds nothing, and no run is open."""
    report = check_orders(database, settings)
    assert (report.differences, report.damaged) == ((), ())
    assert unfinished_run(database) is None
