"""Services are killed one by one and all at once, a DataNode stays away: no order and no figure is lost."""

from datetime import datetime
from typing import Any

import pytest

from tests.compose.prometheus import firing, start_prometheus, wait_for
from tests.compose.shop import ORDERS, figures, kpis, run_deployment
from tests.compose.stack import Stack
from tests.drills.compose.test_forbidden_drill import administrator, running

pytestmark = [pytest.mark.drill, pytest.mark.timeout(2400)]


@pytest.fixture(scope="module")
def known(shop: Stack) -> dict[str, Any]:
    """The figures before anything was killed."""
    return figures(shop)


def test_nobody_gives_metrics_any_more(watched: Stack) -> None:
    """What Prometheus says of it is asked after the kills of the others: its rule waits for two minutes."""
    assert "PipelineDown" not in firing(watched)
    watched.kill("metrics")


@pytest.mark.parametrize("service", ["mongo", "postgres", "redis", "spark-worker-1", "archiver", "namenode"])
def test_a_service_is_killed_and_the_next_archive_run_goes_through(
    shop: Stack, known: dict[str, Any], service: str
) -> None:
    shop.kill(service)
    shop.start(service)
    run_deployment(shop, "archive-orders/daily")
    assert figures(shop) == known


def test_without_metrics_prometheus_says_that_the_pipeline_is_down(watched: Stack) -> None:
    """The case in which no metric says so."""
    wait_for("PipelineDown", 360, lambda: "PipelineDown" in firing(watched))


def test_everything_is_killed_at_once_and_comes_back_with_every_order(shop: Stack, known: dict[str, Any]) -> None:
    shop.start("metrics")
    shop.kill(*running(shop))
    shop.up()
    start_prometheus(shop)
    assert figures(shop) == known


def test_one_datanode_dies_and_every_archived_order_is_still_read(shop: Stack) -> None:
    """After the kill of everything: the check finds that nothing was lost in it, either."""
    shop.compose("stop", "--timeout", "0", "datanode-1")
    assert kpis(shop)["archived_orders"] > ORDERS * 0.95
    run_deployment(shop, "check-orders/daily")
    shop.start("datanode-1")


def test_archived_orders_come_back(shop: Stack, known: dict[str, Any]) -> None:
    run_deployment(shop, "restore-orders/on-demand", start="2026-01-01", end="2026-01-02")
    with administrator(shop) as client:
        restored = client.ecommerce.orders_restored.count_documents({})
        days = {"$gte": datetime(2026, 1, 1), "$lt": datetime(2026, 1, 3)}
        assert restored == client.ecommerce.archived_orders.count_documents({"order_date": days}) > ORDERS * 0.95
    assert figures(shop) == known
