"""Figures that cannot go on from where they stand are rebuilt, while others write and rebuild."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from ecommerce.errors import ServiceError
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.summaries.advance import advance
from ecommerce.summaries.changes import latest_time
from ecommerce.summaries.rebuild import rebuild
from ecommerce.summaries.state import BUCKETS, STATE, load_state, move_state
from tests.beside import Beside
from tests.runbook import row_of
from tests.summaries_data import accept, random_orders
from tests.summaries_ledger import assert_exact


def lose_token(database: MongoDatabase) -> None:
    """Go on from an event that the oplog does not have, as after it was cut."""
    with database[ORDERS].watch() as stream:
        accept(database, random_orders(1, seed=9))
        token = next(stream)["_id"]
    a_second_before = f"{int(token['_data'][2:10], 16) - 1:08X}"
    token["_data"] = token["_data"][:2] + a_second_before + token["_data"][10:]
    go_on_from(database, token)


def go_on_from(database: MongoDatabase, token: dict[str, Any]) -> None:
    """Write a position as the program does."""
    state = load_state(database)
    assert state is not None
    assert move_state(database, state, replace(state, token=token))


def lose_images(database: MongoDatabase) -> None:
    database.command("collMod", ORDERS, changeStreamPreAndPostImages={"enabled": False})
    database[ORDERS].update_many({}, {"$set": {"delivery.status": "Shipped"}})


LOSSES: dict[str, Callable[[MongoDatabase], object]] = {
    "the token": lose_token,
    "a token that is none": lambda database: go_on_from(database, {"_data": 5}),
    "a token of another text": lambda database: go_on_from(database, {"_data": "82zz"}),
    "the state": lambda database: database[STATE].delete_many({}),
    "the images": lose_images,
    "the orders": lambda database: database[ORDERS].drop(),
    "the format": lambda database: database[STATE].update_one({}, {"$set": {"format": 0}}),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_what_cannot_go_on_is_rebuilt(database: MongoDatabase, loss: str) -> None:
    accept(database, random_orders(120))
    advance(database)
    seq = (load_state(database) or pytest.fail()).seq
    LOSSES[loss](database)
    accept(database, random_orders(30, seed=2))
    advanced = advance(database)
    assert advanced.mode == "rebuilt"
    assert advanced.reason
    assert advanced.seq > seq or loss in ("the state", "the format")
    assert_exact(database)
    accept(database, random_orders(200, seed=3))
    assert advance(database).mode == "advanced"
    assert_exact(database)


def test_a_rebuild_while_writers_write_loses_nothing(database: MongoDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecommerce.summaries.ranges.ORDERS_PER_RANGE", 50)
    monkeypatch.setattr("ecommerce.bson_reading.batches.BATCH_DOCUMENTS", 30)
    accept(database, random_orders(500))
    numbers = count(1)

    def write() -> None:
        number = next(numbers)
        accept(database, random_orders(500 + number, seed=5)[-1:])
        database[ORDERS].update_one({"_id": number % 500}, {"$set": {"delivery.location": f"L{number}"}})

    with Beside(write):
        for _ in range(4):
            rebuild(database)
            advance(database)
    advance(database)
    assert_exact(database)


def snapshot_window(database: MongoDatabase) -> int:
    answer = database.client.admin.command("getParameter", 1, minSnapshotHistoryWindowInSeconds=1)
    return int(answer["minSnapshotHistoryWindowInSeconds"])


def test_a_rebuild_of_many_orders_keeps_its_moment_readable_for_longer(
    database: MongoDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(database, random_orders(400))
    before, seen = snapshot_window(database), []
    monkeypatch.setattr("ecommerce.summaries.history.ORDERS_PER_SECOND", 1)
    rebuild(database, progress=lambda *_: seen.append(snapshot_window(database)))
    assert set(seen) == {max(before, 400)}
    assert snapshot_window(database) == before


def test_a_moment_that_is_no_longer_readable_is_an_error_that_says_what_to_do(
    database: MongoDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, before = database.client.admin, snapshot_window(database)
    orders = random_orders(100)
    accept(database, orders[:50])
    advance(database)
    moment = latest_time(database)
    monkeypatch.setattr("ecommerce.summaries.rebuild._Rebuild.snapshot_time", lambda _: moment)
    admin.command("setParameter", 1, minSnapshotHistoryWindowInSeconds=0)
    try:
        accept(database, orders[50:])
        with pytest.raises(ServiceError, match="raise its parameter minSnapshotHistoryWindowInSeconds") as refused:
            rebuild(database)
        assert row_of(str(refused.value)).startswith("the server keeps a moment readable")
    finally:
        admin.command("setParameter", 1, minSnapshotHistoryWindowInSeconds=before)
    assert compute_kpis(database).orders == 100
    assert_exact(database)


def test_rebuilds_at_once_leave_one_epoch(database: MongoDatabase) -> None:
    accept(database, random_orders(300))
    with ThreadPoolExecutor(3) as threads:
        for rebuilding in [threads.submit(rebuild, database) for _ in range(3)]:
            rebuilding.result()
    assert_exact(database)
    state = load_state(database)
    assert state is not None
    assert {part["_id"].split(":")[0] for part in database[BUCKETS].find({}, {"_id": 1})} == {state.epoch}
