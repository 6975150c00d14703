"""A shop with orders of its own gets no made-up ones: the generator's schedule is deployed paused, once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from ecommerce.mongo import GENERATOR, ORDERS, MongoDatabase
from ecommerce.services.generator_schedule import SCHEDULE, deployments_file, is_own_shop
from ecommerce.services.prefect import PREFECT_FILE, wanted_deployments
from ecommerce.services.records import run_directory, write_json
from ecommerce.settings import Settings


class Holds:
    """A collection that holds something, or nothing."""

    def __init__(self, something: bool) -> None:
        self.something = something

    def find_one(self, *_: object) -> dict[str, Any] | None:
        return {"_id": 1} if self.something else None


def database(*filled: str) -> MongoDatabase:
    return cast("MongoDatabase", {name: Holds(name in filled) for name in (GENERATOR, ORDERS)})


@pytest.mark.parametrize(
    ("filled", "demo", "begun", "own"),
    [
        ((), False, False, True),
        ((), True, False, False),
        ((ORDERS,), False, False, True),
        ((ORDERS,), True, False, True),
        ((ORDERS,), True, True, False),
        ((ORDERS, GENERATOR), False, False, False),
        ((ORDERS, GENERATOR), True, False, False),
    ],
)
def test_a_shop_is_somebodys_own_where_nothing_was_made_up(
    tmp_path: Path, filled: tuple[str, ...], demo: bool, begun: bool, own: bool
) -> None:
    settings = Settings(home=tmp_path)
    if begun:
        write_json(run_directory(settings.home_directory) / "first-data-begun.json", {})
    assert is_own_shop(database(*filled), settings, demo=demo) is own


def server_with(*names: str) -> Callable[[str, Any], Any]:
    flows = [{"id": name, "name": name.partition("/")[0]} for name in names]
    deployments = [{"flow_id": name, "name": name.partition("/")[2]} for name in names]
    return lambda path, _: flows if path.startswith("/flows") else deployments


def test_only_the_generator_is_paused_and_only_where_it_was_not_deployed_yet(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert deployments_file(settings, server_with(), own_shop=False) == PREFECT_FILE
    chosen = server_with(SCHEDULE)
    assert deployments_file(settings, chosen, own_shop=True) == PREFECT_FILE, "it stays as somebody chose"

    file = deployments_file(settings, server_with("summarize-orders/hourly"), own_shop=True)
    copy, original = wanted_deployments(yaml.safe_load(file.read_text())), wanted_deployments()
    assert [{**one, "active": False} for one in original[SCHEDULE]["schedules"]] == copy.pop(SCHEDULE)["schedules"]
    del original[SCHEDULE]
    assert copy == original
