"""Files of an archive of version 0.1.0 that somebody changed are refused, and nothing is lost by it."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from ecommerce.archive.errors import ArchiveError
from ecommerce.settings import Settings
from ecommerce.upgrade import steps_due, upgrade_database
from tests.upgrade.test_upgrade import all_figures_are_right
from tests.version_0_1_0 import bring_back

pytestmark = pytest.mark.slow


def change_an_amount(file: Path) -> None:
    table = pq.read_table(file)
    orders = table["order"].combine_chunks()
    names = [field.name for field in orders.type]
    parts = {name: orders.field(name) for name in names}
    parts["total_amount"] = pc.add(parts["total_amount"], pa.scalar(1)).cast(parts["total_amount"].type)
    changed = pa.StructArray.from_arrays([parts[name] for name in names], fields=list(orders.type))
    pq.write_table(table.set_column(table.column_names.index("order"), table.schema.field("order"), changed), file)


def add_a_copy(file: Path) -> None:
    shutil.copy(file, file.with_name("part-of-somebody.parquet"))


def put_something_else(file: Path) -> None:
    file.write_bytes(b"PAR1" + b"\0" * 200 + b"PAR1")


DIFFERENT = r"do not hold what was archived on \d{4}-\d\d-\d\d: put them back from a backup"
BROKEN = r"part-\S+\.parquet cannot be read: put it back from a backup"


@pytest.mark.parametrize(
    ("deed", "says"),
    [
        (change_an_amount, DIFFERENT),
        (add_a_copy, DIFFERENT),
        (put_something_else, BROKEN),
        (Path.unlink, DIFFERENT),
    ],
)
def test_files_that_somebody_changed_are_refused_and_nothing_is_lost(
    spark: SparkSession, settings: Settings, tmp_path: Path, deed: Callable[[Path], Any], says: str
) -> None:
    frozen = bring_back("whole", settings, tmp_path / "frozen")
    kept = tmp_path / "kept"
    shutil.copytree(frozen.files / "archive", kept)
    due = steps_due(frozen.database)
    # Of a day that was not merged since: what a merge replaced is read by nobody.
    (newest,) = sorted(frozen.database["archive_runs"].find({"kind": "archive"}), key=lambda run: run["_id"])[-1:]
    (file,) = (frozen.files / "archive" / "orders" / f"run={newest['_id']}").rglob("*.parquet")
    deed(file)
    with pytest.raises(ArchiveError, match=says):
        upgrade_database(frozen.database, frozen.settings)
    assert [step for step in due if step in steps_due(frozen.database)], "it is still due"
    shutil.rmtree(file.parent)
    shutil.copytree(kept / file.parent.relative_to(frozen.files / "archive"), file.parent)
    upgrade_database(frozen.database, frozen.settings)
    all_figures_are_right(frozen)
    frozen.database.client.drop_database(frozen.database.name)
