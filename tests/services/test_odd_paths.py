"""A home, a cache, an archive or a file may lie under any path that a person chose: `My Shop`, `jürgen`, `100 %`."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.mongo import MongoDatabase
from ecommerce.services.marks import marked_processes
from ecommerce.settings import Settings
from tests.archiving import an_order, assert_one_place, insert
from tests.programs import NO_POSTGRES, SERVICES, ecommerce, new_settings, printed, states
from tests.unit.test_odd_paths import ODD

pytestmark = pytest.mark.slow


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[Settings]:
    """Settings whose home and cache lie under odd names; nothing else is in the folder that holds them."""
    home = tmp_path / "place" / ODD
    home.mkdir(parents=True)
    settings = new_settings(home)
    yield settings
    ecommerce(settings, "down")
    assert marked_processes(home) == []


@pytest.mark.timeout(600)
def test_all_of_it_works_in_a_home_with_odd_characters(odd: Settings, tmp_path: Path) -> None:
    days = ("--start", "2025-01-01", "--end", "2025-01-21")
    printed(odd, "up", "--detach", "--no-demo")
    assert {name: state["state"] for name, state in states(odd).items()} == dict.fromkeys(SERVICES, "up")
    printed(odd, "generate", "--orders", "2000", *days)
    printed(
        odd, "generate", "--orders", "500", *days, "--seed", "7", "--to", str(tmp_path / "made"), "--format", "json"
    )
    (orders,) = (tmp_path / "made").glob("orders*")
    named = tmp_path / f"orders {ODD}.jsonl"
    shutil.move(orders, named)
    printed(odd, "import", str(named))
    printed(odd, "archive", "--older-than-days", "30")
    assert "2025-01-03 are in orders_restored" in printed(
        odd, "restore", "--start", "2025-01-02", "--end", "2025-01-03"
    )
    kpis = json.loads(printed(odd, "kpis", "--json"))
    assert kpis["archived_orders"] > 1_500
    assert kpis["archived_orders"] + kpis["hot_orders"] == kpis["orders"] >= 2_000
    assert run_of_the_worker(odd, "check-orders/daily") == "COMPLETED"
    printed(odd, "down")
    assert [path.name for path in odd.home.parent.iterdir()] == [ODD]
    assert any((odd.home / "hdfs" / "data").glob("current/BP-*"))
    assert (odd.home / "postgres" / "data").exists() == (NO_POSTGRES is None)
    assert (odd.home / "logs" / "spark.log").exists()


def run_of_the_worker(settings: Settings, deployment: str) -> str:
    """Have Prefect's worker run a deployment, and return how it ended."""
    api = f"http://127.0.0.1:{settings.prefect_port}/api"
    found = httpx.get(f"{api}/deployments/name/{deployment}").json()
    run = httpx.post(f"{api}/deployments/{found['id']}/create_flow_run", json={}, timeout=60).json()
    deadline = time.monotonic() + 240
    while run["state_type"] not in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") and time.monotonic() < deadline:
        time.sleep(1)
        run = httpx.get(f"{api}/flow_runs/{run['id']}", timeout=60).json()
    return str(run["state_type"])


def test_a_file_archive_is_the_very_folder_that_was_named(
    spark: SparkSession, settings: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    # Hadoop takes no colon in a name that it matches with a pattern.
    place = tmp_path / "place" / (ODD.replace(":", "") + "'\\")
    archive = settings.model_copy(update={"archive_uri": f"file:{place}"})
    orders = [an_order(i, day=i % 3) for i in range(30)]
    insert(database, orders)
    archive_orders(archive)
    assert_one_place(spark, archive, database, orders)
    assert [path.name for path in place.parent.iterdir()] == [place.name]
    assert list(place.glob("*/orders/data/*/*.parquet"))
