"""`ecommerce forget` and `ecommerce expire`: they name what goes and ask, and Prefect learns no name."""

import os
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest
from bson import Int64

from ecommerce.forget.records import FORGET_RUNS
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.prefect_api import call
from tests.archiving import an_order, insert
from tests.programs import PROGRAM
from tests.services.test_json_output import api, ecommerce, environment

pytestmark = pytest.mark.slow

__all__ = ["api", "environment"]

EMAIL = "somebody@example.com"


@pytest.fixture
def shop(database: MongoDatabase) -> MongoDatabase:
    """Old and open orders, some of them of user 7, who has a record."""
    insert(database, [an_order(at, day=at % 2) for at in range(20)])
    insert(database, [an_order(100 + at, status="Pending", user_id=7) for at in range(3)])
    database["users"].insert_one({"_id": Int64(7), "user_id": Int64(7), "name": "Some Body", "email": EMAIL})
    return database


def run_plainly(environment: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [PROGRAM, *arguments], env={**os.environ, **environment}, capture_output=True, text=True, timeout=300
    )


def test_a_person_is_forgotten_by_a_request_whose_id_tells_nothing(
    environment: Mapping[str, str], api: str, shop: MongoDatabase
) -> None:
    ecommerce(environment, "archive")
    refused = run_plainly(environment, "forget", "--email", EMAIL)
    assert refused.returncode == 2
    assert "hot orders: 3" in refused.stderr
    assert "--yes" in refused.stderr
    assert shop[FORGET_RUNS].count_documents({}) == 0
    assert shop[ORDERS].count_documents({"order.user_id": 7}) == 3
    asked, _ = ecommerce(environment, "forget", "--user", "7", "--ask-only")
    assert shop[ORDERS].count_documents({"order.user_id": 7}) == 3
    done, said = ecommerce(environment, "forget", "--user", "7", "--yes")
    assert (done["state"], done["done"]["hot_orders"], done["done"]["archived_orders"]) == ("committed", 3, 1)
    assert any("oplog" in line for line in said)
    assert shop[ORDERS].count_documents({"order.user_id": 7}) == 0
    run = call(api, f"/flow_runs/{done['run']['id']}")
    assert run["parameters"] == {"request": done["request"]}
    assert EMAIL not in str(run)
    record: dict[str, Any] = shop[FORGET_RUNS].find_one({"_id": done["request"]}) or {}
    assert "person" not in record
    assert "number" not in record
    # Another request for the same person, which nobody confirmed, would name them.
    assert shop[FORGET_RUNS].find_one({"_id": asked["request"]}) is None


def test_orders_of_long_ago_are_removed_when_somebody_agrees(
    environment: Mapping[str, str], shop: MongoDatabase
) -> None:
    ecommerce(environment, "archive")
    before, _ = ecommerce(environment, "kpis")
    refused = run_plainly(environment, "expire", "--older-than", "1")
    assert refused.returncode == 2
    assert "20 archived orders" in refused.stderr
    done, _ = ecommerce(environment, "expire", "--older-than", "1", "--yes")
    assert done["orders"] == 20
    after, _ = ecommerce(environment, "kpis")
    assert (after["orders"], after["revenue"]) == (before["orders"], before["revenue"])
    assert (before["archived_orders"], after["archived_orders"]) == (20, 0)
    again, _ = ecommerce(environment, "expire", "--older-than", "1", "--yes")
    assert again["orders"] == 0
