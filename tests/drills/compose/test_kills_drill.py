"""Services are killed one by one and all at once, a DataNode stays away: no order and no figure is lost."""

import json

import pytest

from tests.compose.shop import check, figures, kpis, run_deployment
from tests.compose.stack import Stack
from tests.drills.compose.test_forbidden_drill import running

pytestmark = [pytest.mark.drill, pytest.mark.timeout(2400)]


@pytest.mark.parametrize("service", ["mongo", "postgres", "redis", "spark-worker-1", "archiver", "namenode"])
def test_a_service_is_killed_and_the_next_archive_run_goes_through(shop: Stack, service: str) -> None:
    before = figures(shop)
    shop.kill(service)
    shop.up()
    run_deployment(shop, "archive-orders/daily")
    assert figures(shop) == before


def test_everything_is_killed_at_once_and_comes_back_with_every_order(shop: Stack) -> None:
    before = figures(shop)
    shop.kill(*running(shop))
    shop.up()
    assert figures(shop) == before


def test_one_datanode_dies_and_every_archived_order_is_still_read(shop: Stack) -> None:
    """After the kill of everything: the check finds that nothing was lost in it, either."""
    shop.compose("stop", "--timeout", "0", "datanode-1")
    assert check(shop)["archived_orders"] > 1900
    shop.up()


def test_archived_orders_come_back(shop: Stack) -> None:
    before = kpis(shop)
    restored = json.loads(
        shop.execute("archiver", "ecommerce", "restore", "--start", "2026-01-01", "--end", "2026-01-02", "--json")
    )
    assert restored["orders"] == before["archived_orders"]
    assert kpis(shop) == before | {"as_of": kpis(shop)["as_of"]}
