"""A person is forgotten in a shop that came from version 0.1.0: the files that `upgrade` left do not keep them."""

import shutil
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.selection import Selection
from ecommerce.check import check_orders
from ecommerce.forget.forget import forget
from ecommerce.forget.person import ask_to_forget
from ecommerce.settings import Settings
from ecommerce.upgrade import upgrade_database
from tests.drilled import drilled_but
from tests.version_0_1_0 import Frozen, bring_back

pytestmark = pytest.mark.slow


def users_in_files(folder: Path) -> Counter[int]:
    """How often each user is in a file of Parquet below a folder, whatever it is there for."""
    orders = (pq.read_table(file, partitioning=None)["order"] for file in folder.rglob("*.parquet"))
    return Counter(order["user_id"] for column in orders for order in column.to_pylist())


@pytest.mark.parametrize("name", drilled_but(("whole", "exported", "compaction_verified"), "compaction_verified"))
def test_neither_run_directories_nor_what_was_staged_keep_the_person(
    spark: SparkSession, settings: Settings, tmp_path: Path, name: str
) -> None:
    left: Frozen = bring_back(name, settings, tmp_path / "frozen")
    archive = tmp_path / "frozen" / "archive"
    ((person, times), *_) = users_in_files(archive).most_common(1)
    assert times
    # Another database had its archive there, too, and may not be upgraded yet.
    others = archive / "orders" / "run=20250101T000000-abcdef", archive / "_staging" / "20250102T000000-abcdef"
    file = next(archive.rglob("*.parquet"))
    for other in others:
        (other / "order_date=2025-01-01").mkdir(parents=True)
        shutil.copy(file, other / "order_date=2025-01-01")
    theirs = {path: path.read_bytes() for other in others for path in other.rglob("*.parquet")}
    upgrade_database(left.database, left.settings)
    archive_orders(left.settings, Selection(older_than_days=0))
    done = forget(left.settings, ask_to_forget(left.settings, user_id=person).run_id)
    assert done.state == "committed"
    assert done.done["run_directories"]
    assert {path: path.read_bytes() for path in theirs} == theirs
    for other in others:
        shutil.rmtree(other)
    assert users_in_files(archive)[person] == 0
    report = check_orders(left.database, left.settings)
    assert (report.differences, report.damaged) == ((), ())
    left.database.client.drop_database(left.database.name)
