"""What the dashboard reads of the pipeline: flows and imports that failed, stocks that run low."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dashboard.pipeline import read_failures, read_low_stock, read_pipeline
from dashboard.pipeline_cards import pipeline_cards
from dashboard.prefect_runs import FlowRun
from ecommerce.documents.catalog import Inventory
from ecommerce.importing.reasons import NO_ROWS
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from tests.dashboard_shop import put_catalog


def add_import(database: MongoDatabase, file: str, state: str, ago: timedelta, **more: object) -> None:
    database["imports"].insert_one({"file": file, "state": state, "started_at": datetime.now(UTC) - ago, **more})


def test_a_failed_import_is_told_with_its_reason_until_the_file_succeeds(
    database: MongoDatabase, settings: Settings
) -> None:
    hour = timedelta(hours=1)
    add_import(database, "/in/bad.csv", "failed", 2 * hour, error="no mapping knows its columns")
    add_import(database, "/in/cut.csv", "interrupted", hour)
    add_import(database, "/in/good.csv", "failed", 3 * hour, error="was mended")
    add_import(database, "/in/good.csv", "done", hour)
    add_import(database, "/in/old.csv", "failed", timedelta(days=30), error="long ago")
    told = {failure.what: failure.reason for failure in read_failures(database, settings)}
    assert told == {
        "import of bad.csv": "no mapping knows its columns",
        "import of cut.csv": "it was interrupted: it goes on with the next import of this file",
    }
    add_import(database, "/in/bad.csv", "done", timedelta(0))
    assert [failure.what for failure in read_failures(database, settings)] == ["import of cut.csv"]


def test_a_file_without_a_row_asks_whether_it_is_the_file(database: MongoDatabase, settings: Settings) -> None:
    add_import(database, "/in/nothing.csv", "done", timedelta(hours=1), read=0, empty=True)
    add_import(database, "/in/good.csv", "done", timedelta(hours=1), read=2, empty=False)
    cards = pipeline_cards(read_pipeline(database, settings), 0, 0, ZoneInfo("UTC"))
    assert cards["imports"].count(NO_ROWS) == 1


def test_a_failed_flow_is_told_with_its_reason_until_it_succeeds(
    prefect_server: None, database: MongoDatabase, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect import flow
    from prefect.settings import PREFECT_API_URL

    monkeypatch.setenv("PREFECT_API_URL", str(PREFECT_API_URL.value()))

    @flow(name="breaks")
    def breaks(broken: bool) -> None:
        if broken:
            raise ValueError("HDFS does not answer: see that the NameNode runs")

    def told() -> list[str]:
        """The other tests' flows, some of which failed, are on the same server."""
        return [failure.what for failure in read_failures(database, settings) if failure.what == "breaks"]

    def last_run() -> FlowRun:
        return next(run for run in read_pipeline(database, settings).flow_runs or () if run.flow == "breaks")

    with pytest.raises(ValueError, match="HDFS"):
        breaks(True)
    assert last_run().state == "FAILED"
    assert last_run().reason == "ValueError: HDFS does not answer: see that the NameNode runs"
    assert told() == ["breaks"]
    breaks(False)
    assert last_run().reason == ""
    assert told() == []


def test_only_stocks_at_or_below_the_threshold_are_low(database: MongoDatabase) -> None:
    quantities = enumerate([50, 3, 11, 0, 10])
    put_catalog(database, {"inventory": [Inventory(number, 1, quantity) for number, quantity in quantities]})
    assert [low.quantity for low in read_low_stock(database, 10)] == [0, 3, 10]
