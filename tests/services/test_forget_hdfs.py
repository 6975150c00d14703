"""A person is forgotten on HDFS, too: no file, no trash, no block of a DataNode keeps them; snapshots are named."""

import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.forget.forget import forget
from ecommerce.forget.person import ask_to_forget
from ecommerce.forget.remains import what_remains
from ecommerce.mongo import MongoDatabase
from ecommerce.services.hdfs import Hdfs
from ecommerce.settings import Settings
from tests.archiving import an_order, insert, with_archive
from tests.searching import places_of
from tests.services.test_archive_failures import hadoop
from tests.services.test_forget import IDENTITIES, PERSON, assert_forgotten, figures, import_from_inbox

pytestmark = pytest.mark.slow

HDFS_REMOVES_BLOCKS_SECONDS = 90
"""A DataNode hears at its next heartbeats which blocks are of no file any more, and removes them in the background."""


def test_on_hdfs_no_file_no_trash_and_no_block_keeps_the_person(
    settings: Settings, database: MongoDatabase, hdfs: Hdfs, spark: SparkSession
) -> None:
    on_hdfs = with_archive(settings, f"{hdfs.uri}/forget/{settings.database}")
    # As a cluster's own configuration may have it.
    configuration = spark.sparkContext._jsc.hadoopConfiguration()  # noqa: SLF001
    configuration.set("fs.trash.interval", "60")
    import_from_inbox(on_hdfs, database)
    archive_orders(on_hdfs)
    before = figures(database)
    disks = Path(hdfs.configuration).parent
    everywhere = (f"{hdfs.uri}/", disks)
    found = places_of(IDENTITIES, database, *everywhere)
    assert any(place.startswith("hdfs:") and place.endswith(".parquet") for place in found)
    assert any(place.startswith("hdfs:") and place.endswith(".avro") for place in found)
    assert any(Path(place).name.startswith("blk_") for place in found), "the blocks on the DataNode's disk"
    assert "Snapshots of HDFS" not in what_remains(on_hdfs)
    forget(on_hdfs, ask_to_forget(on_hdfs, user_id=PERSON).run_id)
    assert_forgotten(on_hdfs, database, before)
    assert places_of(IDENTITIES, database, f"{hdfs.uri}/") == set()
    deadline = time.monotonic() + HDFS_REMOVES_BLOCKS_SECONDS
    while left := places_of(IDENTITIES, database, *everywhere):
        assert time.monotonic() < deadline, left
        time.sleep(1)
    configuration.unset("fs.trash.interval")


def test_snapshots_of_hdfs_are_named_for_they_keep_what_was_removed(
    settings: Settings, database: MongoDatabase, hdfs: Hdfs, spark: SparkSession
) -> None:
    """Only an administrator makes them, and only one can remove them."""
    on_hdfs = with_archive(settings, f"{hdfs.uri}/kept/{settings.database}")
    insert(database, [an_order(1)])
    archive_orders(on_hdfs)
    system, kept = hadoop(spark, f"{hdfs.uri}/kept")
    system.allowSnapshot(kept)
    assert "Snapshots" not in what_remains(on_hdfs)
    names = ("monday", "tuesday")
    for name in names:
        system.createSnapshot(kept, name)
    assert f"Snapshots of HDFS keep removed files until somebody deletes them, of {hdfs.uri}/kept: monday, tuesday" in (
        what_remains(on_hdfs)
    )
    for name in names:
        system.deleteSnapshot(kept, name)
    system.disallowSnapshot(kept)
