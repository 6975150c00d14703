"""Processes that advance are killed at any moment: no change is lost and none counts twice."""

import random
import threading
import time

import pytest

from ecommerce.documents.bson_codec import decode_order
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from ecommerce.summaries.state import load_state
from tests.summaries_data import STATUSES, accept, random_order
from tests.summaries_recount import recount
from tests.summaries_workers import Workers


class Traffic(threading.Thread):
    """Orders that come and change without a pause until `stop`."""

    def __init__(self, database: MongoDatabase) -> None:
        super().__init__()
        self.database = database
        self.rng = random.Random(11)
        self.orders = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        while not self.stopped.is_set():
            accept(self.database, [random_order(self.rng, self.orders + number) for number in range(20)])
            self.orders += 20
            some = {"_id": {"$in": self.rng.sample(range(self.orders), 10)}}
            self.database[ORDERS].update_many(some, {"$set": {"delivery.status": self.rng.choice(STATUSES)}})
            time.sleep(0.01)

    def __enter__(self) -> "Traffic":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.join()


def position(database: MongoDatabase) -> int:
    state = load_state(database)
    assert state is not None
    return state.seq


def wait_for_progress(database: MongoDatabase, before: int) -> None:
    deadline = time.monotonic() + 60
    while position(database) == before:
        assert time.monotonic() < deadline, "the workers do not advance"
        time.sleep(0.002)


def kill_while_advancing(database: MongoDatabase, settings: Settings, kills: int, *works: str) -> None:
    advance(database)
    rng = random.Random(5)
    with Workers(settings) as workers, Traffic(database) as traffic:
        for _ in range(kills):
            before = position(database)
            for _ in range(2):
                workers.start(*works)
            wait_for_progress(database, before)
            time.sleep(rng.uniform(0, 0.1))
            workers.kill()
    advance(database)
    figures = compute_kpis(database).to_json_dict()
    expected = recount((decode_order(document) for document in database[ORDERS].find()), step="day")
    assert {name: figures[name] for name in expected} == expected
    assert figures["orders"] == traffic.orders


def test_killing_two_that_advance_loses_nothing_and_doubles_nothing(
    database: MongoDatabase, settings: Settings
) -> None:
    kill_while_advancing(database, settings, 5, "advance")


@pytest.mark.drill
def test_killing_two_that_advance_50_times(database: MongoDatabase, settings: Settings) -> None:
    kill_while_advancing(database, settings, 50, "advance")


@pytest.mark.drill
def test_killing_two_that_advance_compact_and_rebuild_50_times(database: MongoDatabase, settings: Settings) -> None:
    kill_while_advancing(database, settings, 50, "advance", "compact", "rebuild")
