"""The flows: summarize-orders publishes the last hours and the lag, check-orders fails where a figure is wrong."""

import json
import logging
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.sorting import ArtifactSort

from ecommerce.check.report import FiguresDiffer
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.settings import Settings
from ecommerce.shop import Shop, write_shop
from flows import check_orders as check_module
from flows import summarize_orders as summarize_module
from flows.check_orders import check_orders
from flows.summarize_orders import summarize_orders, warn_of_lag
from tests.summaries_data import accept, random_orders


@pytest.fixture(autouse=True)
def settings_of_check(flow_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_module, "get_settings", lambda: flow_settings)


def newest_artifact(key: str) -> Any:
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])), sort=ArtifactSort.CREATED_DESC
        )
    return found[0]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_a_run_takes_in_what_changed_and_publishes_the_last_hours(database: MongoDatabase, zone: str) -> None:
    write_shop(database, Shop("USD", zone))
    now = datetime.now(UTC).replace(microsecond=0)
    orders = [
        msgspec.structs.replace(order, order=msgspec.structs.replace(order.order, order_time=now))
        for order in random_orders(30)
    ]
    accept(database, orders)
    assert summarize_orders().mode == "rebuilt"
    accept(database, random_orders(70)[30:])
    done = summarize_orders(hours=48)
    assert (done.mode, done.changes, done.compacted_deltas, done.lag_grows) == ("advanced", 40, 1, False)
    assert done.lag_seconds < 60
    artifact = newest_artifact("last-hours")
    rows = json.loads(artifact.data) if isinstance(artifact.data, str) else artifact.data
    assert rows[0][f"hour ({zone})"] == f"{now.astimezone(ZoneInfo(zone)):%Y-%m-%d %H}:00"
    assert rows[0]["orders"] == 30
    assert "Lag" in artifact.description


@pytest.mark.parametrize(
    ("lags", "grows", "warns"),
    [([0.5], False, False), ([9.0, 2.0], False, False), ([70.0], False, True), ([6.0, 7.0, 8.0], True, True)],
)
def test_a_lag_that_grows_is_warned_of(
    lags: list[float], grows: bool, warns: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(summarize_module, "get_run_logger", lambda: logging.getLogger("lag"))
    assert warn_of_lag(lags, warn_lag_seconds=60.0) is grows
    assert bool([record for record in caplog.records if record.levelname == "WARNING"]) is warns


def test_a_wrong_figure_fails_the_check_until_it_is_mended(database: MongoDatabase) -> None:
    accept(database, random_orders(40))
    assert check_orders().is_good
    database[ORDERS].delete_one({"_id": 7})
    with pytest.raises(FiguresDiffer, match="order cells of"):
        check_orders()
    assert "they differ" in newest_artifact("check").data
    # The figures are right, and the order is gone: that is for a person to say.
    with pytest.raises(FiguresDiffer, match=r"order 7, deleted at .*accept-lost"):
        check_orders(repair=True)
    with pytest.raises(FiguresDiffer, match="1 order was counted once"):
        check_orders()
    assert check_orders(accept_lost=True).accepted == 1
    assert check_orders().differences == ()
