"""A shop of 200 000 orders, half of them archived, moves from UTC to India and is killed on the way.

Its figures are those of a shop that was there from the start.
"""

import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.selection import Selection
from ecommerce.check import check_orders
from ecommerce.generate.into_mongodb.catalog_store import ensure_catalog
from ecommerce.generate.into_mongodb.store import store_windows
from ecommerce.generate.model.catalog import CatalogSpec
from ecommerce.generate.model.windows import span
from ecommerce.hours import hours_of
from ecommerce.kpis import Filters, KpiStore, Span
from ecommerce.mongo import MongoDatabase, get_database
from ecommerce.schema import prepare_database
from ecommerce.services.environment import settings_environment
from ecommerce.settings import Settings
from ecommerce.shop import Shop, read_shop, write_shop
from tests.archiving import with_archive

pytestmark = pytest.mark.drill

ORDERS = 200_000
START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 100
KOLKATA = Shop("USD", "Asia/Kolkata")
PROGRAM = str(Path(sys.executable).parent / "ecommerce")


def fill(database: MongoDatabase) -> None:
    catalog = CatalogSpec(seed=1, locale="en_US", preset="marketplace", users=20_000, products=2_000)
    ensure_catalog(database, catalog)
    window = span(START, START + timedelta(days=DAYS), ORDERS, seed=1, preset="marketplace")
    store_windows(database, catalog, [window], START + timedelta(days=DAYS + 60))


def figures(database: MongoDatabase) -> dict[str, Any]:
    hours, store = hours_of("Asia/Kolkata"), KpiStore(database)
    store.refresh()
    days = [hours.day_start(date(2026, 1, 1) + timedelta(days=day)) for day in (0, 1, 31, 59, DAYS)]
    spans = [Span(), *(Span(first, last) for first in days for last in days if first < last)]
    moving = ("as_of", "hot_orders", "archived_orders")
    said = {str(span): store.kpis(span, Filters()).to_json_dict() for span in spans}
    return {
        span: {name: value for name, value in kpis.items() if name not in moving} for span, kpis in said.items()
    } | {"hours": store.timeline(Span(days[0], days[-1]), Filters(), "hour").rows()}


def shop(settings: Settings, kill_at: str = "") -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, **settings_environment(settings), "ECOMMERCE_KILL_AT": kill_at}
    command = [PROGRAM, "shop", "--time-zone", "Asia/Kolkata", "--yes"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, start_new_session=True)


def test_a_large_shop_moves_and_is_killed_on_the_way(
    settings: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    archived = with_archive(settings, tmp_path / "archive")
    fill(database)
    half = (datetime.now(UTC) - (START + timedelta(days=DAYS / 2))).days
    runs = archive_orders(archived, Selection(older_than_days=half))
    assert sum(run.orders for run in runs) > ORDERS / 3
    for moment in ("shop:day#20", "shop:read", "shop:moved"):
        killed = shop(archived, moment)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert read_shop(database).time_zone == ("Asia/Kolkata" if moment == "shop:moved" else "UTC")
    done = shop(archived)
    assert done.returncode == 0, done.stderr
    there = get_database(settings.model_copy(update={"database": f"{settings.database}_india"}))
    try:
        prepare_database(there)
        write_shop(there, KOLKATA)
        fill(there)
        assert figures(database) == figures(there)
    finally:
        there.client.drop_database(there.name)
    assert check_orders(database, archived).differences == ()
