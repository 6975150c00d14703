"""The archive's lease: one archiver works at a time, and one that died keeps nobody out."""

from types import SimpleNamespace

import pytest
from pyspark.sql import SparkSession

from ecommerce.archive import lease
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.errors import ArchiveBusyError
from ecommerce.archive.lease import ARCHIVE_LEASE, archive_lease
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from tests.archiving import an_order, hot_ids, insert

pytestmark = pytest.mark.slow


def test_a_second_archiver_is_told_who_works(archive: Settings, database: MongoDatabase, spark: SparkSession) -> None:
    insert(database, [an_order(1)])
    with archive_lease(database), pytest.raises(ArchiveBusyError, match=r"process \d+ on"):
        archive_orders(archive)
    assert hot_ids(database) == {1}
    assert len(archive_orders(archive)) == 1


def test_a_dead_archivers_lease_is_taken_over_at_once(database: MongoDatabase) -> None:
    with archive_lease(database):
        database[ARCHIVE_LEASE].update_one({}, {"$set": {"pid": 2**22 + 1}})
        with archive_lease(database) as second:
            second.check()


def test_a_container_with_an_equal_host_name_does_not_take_a_living_archivers_lease(database: MongoDatabase) -> None:
    with archive_lease(database) as first:
        # In the other container this process id is nobody's, or another process's.
        elsewhere = {"pid": 2**22 + 1, "process_space": "08961fbb:pid:[4026532201]"}
        database[ARCHIVE_LEASE].update_one({}, {"$set": elsewhere})
        with (
            pytest.raises(ArchiveBusyError, match=r"another archiver .* its lease ends within 60 s"),
            archive_lease(database),
        ):
            pass
        first.check()


@pytest.mark.parametrize("renewed", [False, True])
def test_a_clock_that_was_set_back_keeps_nobody_out(
    database: MongoDatabase, monkeypatch: pytest.MonkeyPatch, renewed: bool
) -> None:
    def a_while(_: float) -> None:
        if renewed:
            database[ARCHIVE_LEASE].update_one({}, [{"$set": {"expires_at": {"$add": ["$$NOW", 60_000]}}}])

    # Of this module alone: threads of others sleep, too.
    monkeypatch.setattr(lease, "time", SimpleNamespace(sleep=a_while))
    an_hour_on = [{"$set": {"expires_at": {"$add": ["$$NOW", 3_600_000]}, "process_space": "elsewhere"}}]
    with archive_lease(database):
        database[ARCHIVE_LEASE].update_one({}, an_hour_on)
        if renewed:
            with pytest.raises(ArchiveBusyError), archive_lease(database):
                pass
        else:
            with archive_lease(database) as second:
                second.check()
