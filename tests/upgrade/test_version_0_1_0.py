"""What version 0.1.0 left is there as it left it, so that a test that starts from it starts from the real thing."""

from pathlib import Path

import pytest

from ecommerce.archive.run import COMMITTED, SUPERSEDED
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, MongoDatabase
from ecommerce.settings import Settings
from tests.version_0_1_0 import UNFINISHED, bring_back


def test_the_frozen_database_has_what_a_shop_leaves(
    settings: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    frozen = bring_back("whole", settings, tmp_path / "frozen")
    database = frozen.database
    runs = list(database["archive_runs"].find().sort("_id", 1))
    assert [(run["kind"], run["state"]) for run in runs] == [
        ("archive", COMMITTED),
        ("archive", COMMITTED),
        ("compact", COMMITTED),
        ("archive", COMMITTED),
    ]
    assert database[SUPERSEDED].count_documents({}) == 3
    assert all(run["replaced_days"] for run in runs[:2])
    assert runs[3]["per_day"][0]["orders"] == 3, "the late orders' day has another run"
    assert database[ARCHIVED_ORDERS].count_documents({}) == len(frozen.restored) == frozen.kpis["archived_orders"]
    assert database[ORDERS].count_documents({}) == frozen.kpis["hot_orders"]
    assert database["summary_deltas"].count_documents({}) > 1
    assert frozen.kpis["by_status"]["canceled"] > 0
    assert len(list(frozen.files.glob("archive/orders/run=*/order_date=*/*.parquet"))) == 5


@pytest.mark.parametrize("name", UNFINISHED)
def test_each_unfinished_run_is_in_its_state(
    settings: Settings, database: MongoDatabase, tmp_path: Path, name: str
) -> None:
    frozen = bring_back(name, settings, tmp_path / "frozen")
    (run,) = frozen.database["archive_runs"].find({"unfinished": True})
    state = name.removeprefix("compaction_")
    assert run["kind"] == ("compact" if name.startswith("compaction_") else "archive")
    assert run["state"] == ("published" if state == "half_purged" else state)
    assert 0 < frozen.kpis["archived_orders"] < 12 if state == "half_purged" else True
