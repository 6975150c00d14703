"""The archiver, also when it forgets a person, is killed with all it started, at every moment that matters, twice in a
row and while it recovers.

After the next run every order is in exactly one place with its content, and the figures, sampled throughout by another
process, never moved. A third one opens `main` of the table all the time: never an order twice, never one that is hot.
Kills are real: SIGKILL to the process group, Spark's JVM included.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pymongo import MongoClient
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.maintain import compact_archive
from ecommerce.archive.run import COMMITTED
from ecommerce.archive.runs import unfinished_run
from ecommerce.check import check_orders
from ecommerce.documents.anonymous import anonymous
from ecommerce.documents.bson_codec import encode_order
from ecommerce.documents.order import OrderDocument, Refund
from ecommerce.forget.forget import forget
from ecommerce.forget.person import ask_to_forget
from ecommerce.forget.records import FORGET_RUNS
from ecommerce.ingest.accept import accept_orders
from ecommerce.ingest.encoded_order import EncodedOrder
from ecommerce.mongo import MongoDatabase, get_database
from ecommerce.schema import prepare_database
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from tests.archiving import an_order, assert_one_place, insert, with_archive
from tests.drills.kill_cases import CASES, CHANGE_AND_FORGET, Case
from tests.unit.test_structure import ROOT

pytestmark = pytest.mark.drill

AT_A_TIME = 3
PROCESS_TIMEOUT_SECONDS = 900

FORGOTTEN = 1
"""A user with archived and open orders, who is forgotten."""


class Drill:
    """What all cases share: services, quickly starting JVMs, and the process that samples the figures."""

    def __init__(self, mongo_uri: str, hdfs_uri: str, directory: Path, environment: dict[str, str]) -> None:
        self.mongo_uri = mongo_uri
        self.hdfs_uri = hdfs_uri
        self.directory = directory
        self.environment = environment
        self.client: MongoClient[dict[str, Any]] = MongoClient(mongo_uri)

    def settings(self, number: int, case: Case) -> Settings:
        directory = self.directory / str(number)
        settings = Settings(mongo_uri=self.mongo_uri, database=f"kill_{number}", home=directory)
        return with_archive(
            settings, f"{self.hdfs_uri}/kill/{number}" if case.place == "hdfs" else directory / "archive"
        )

    def start(self, settings: Settings, command: str, kill_at: str) -> "subprocess.Popen[bytes]":
        environment = self.environment | {
            "ECOMMERCE_MONGO_URI": self.mongo_uri,
            "ECOMMERCE_DATABASE": settings.database,
            "ECOMMERCE_HOME": str(settings.home),
            "ECOMMERCE_ARCHIVE_URI": str(settings.archive_uri),
            "ECOMMERCE_KILL_AT": kill_at,
        }
        return subprocess.Popen(
            [sys.executable, "-m", "tests.archiver_process", command],
            cwd=ROOT,
            env=environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )


@pytest.fixture(scope="module")
def drill(mongo_uri: str, hdfs_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    directory = tmp_path_factory.mktemp("kills")
    # Ninety JVMs are started to be killed: the quick compiler alone, and an archive of Spark's classes, which the first
    # archiver leaves in the cache if there is none.
    environment = {**os.environ, "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1"}
    drill = Drill(mongo_uri, hdfs_uri, directory, environment)
    first = drill.settings(0, Case((), place="file"))
    prepare(first)
    process = drill.start(first, "archive", "")
    _, errors = process.communicate(timeout=PROCESS_TIMEOUT_SECONDS)
    assert process.returncode == 0, errors.decode()[-2000:]
    drill.client.drop_database("drill")
    watchers = {}
    for name in ("kpi_sampler", "table_reader"):
        with (directory / f"{name}.log").open("wb") as log:
            command = [sys.executable, "-m", f"tests.{name}", mongo_uri]
            watchers[name] = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    yield drill
    for name, watcher in watchers.items():
        assert watcher.poll() is None, (directory / f"{name}.log").read_text()[-3000:]
        watcher.terminate()
        watcher.wait(timeout=30)


def prepare(settings: Settings) -> list[Any]:
    """Orders of three days in many chunks, some open ones; the ledger counts them."""
    database = get_database(settings)
    database.client.drop_database(database.name)
    prepare_database(database)
    orders = [an_order(i, day=i % 3, items=i % 3) for i in range(60)]
    orders += [an_order(100 + i, status="Pending") for i in range(3)]
    insert(database, orders)
    advance(database)
    return orders


def refunded(database: MongoDatabase, orders: list[OrderDocument]) -> list[OrderDocument]:
    """Every third archived order comes again with a refund, and every ninth with two; the orders as they are now."""
    for count, every in ((1, 3), (2, 9)):
        later = [
            replace(order, refunds=tuple(Refund(at, order.updated_at, Decimal(1 + at)) for at in range(count)))
            for order in orders
            if order.order.order_id < 60 and order.order.order_id % every == 1
        ]
        batch = [EncodedOrder(order.order.order_id, encode_order(order)) for order in later]
        assert accept_orders(database, batch, is_news=lambda _stored, _incoming: True).changed == len(later)
        by_id = {order.order.order_id: order for order in (*orders, *later)}
        orders = list(by_id.values())
    return orders


@contextmanager
def watched(drill: Drill, settings: Settings) -> Iterator[None]:
    """The sampler and the reader look at the database while this lasts, and the sampler has looked once before."""
    name = settings.database
    catalog = f"sqlite:///{settings.home / 'catalog' / 'archive.db'}"
    (settings.home / "catalog").mkdir(parents=True, exist_ok=True)
    drill.client["drill"]["watched"].insert_one({"_id": name, "catalog": catalog})
    wait_for_sample(drill, name, 1)
    yield
    samples = sum(row["times"] for row in answers(drill, name))
    wait_for_sample(drill, name, samples + 1)
    looks = table_seen(drill, name)["looks"]
    deadline = time.monotonic() + 300
    while table_seen(drill, name)["looks"] == looks:
        assert time.monotonic() < deadline, "the reader does not look"
        time.sleep(0.05)
    drill.client["drill"]["watched"].delete_one({"_id": name})


def answers(drill: Drill, name: str) -> list[dict[str, Any]]:
    return list(drill.client["drill"]["answers"].find({"_id.database": name}))


def table_seen(drill: Drill, name: str) -> dict[str, Any]:
    """What the reader of the table has seen."""
    return drill.client["drill"]["tables"].find_one({"_id": name}) or {"looks": 0, "orders": 0}


def wait_for_sample(drill: Drill, name: str, count: int) -> None:
    deadline = time.monotonic() + 300
    while sum(row["times"] for row in answers(drill, name)) < count:
        assert time.monotonic() < deadline, "the sampler does not answer"
        time.sleep(0.05)


def kill(drill: Drill, settings: Settings, command: str, moment: str) -> None:
    """Run an archiver and have it killed."""
    timed = moment == "while writing"
    process = drill.start(settings, command, "" if timed else moment)
    if timed:
        kill_while_writing(process, settings)
    _, errors = process.communicate(timeout=PROCESS_TIMEOUT_SECONDS)
    assert process.returncode == -signal.SIGKILL, f"not killed at {moment}: {errors.decode()[-2000:]}"


def kill_while_writing(process: "subprocess.Popen[bytes]", settings: Settings) -> None:
    """Kill when the export has begun: planned is recorded, and its Spark job is about to write or writes."""
    database = get_database(settings)
    deadline = time.monotonic() + PROCESS_TIMEOUT_SECONDS
    while unfinished_run(database) is None and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.7)
    os.killpg(process.pid, signal.SIGKILL)


def play(drill: Drill, number: int, case: Case) -> tuple[Settings, list[Any]]:
    """The case: orders, kills, and the run that finishes."""
    settings = drill.settings(number, case)
    orders = prepare(settings)
    if case.command == "compact":
        archive_orders(settings)
        late = [an_order(200 + i, day=i % 2) for i in range(20)]
        insert(get_database(settings), late)
        advance(get_database(settings))
        archive_orders(settings)
        orders += late
    stand_in = 0
    if case.command in ("change", CHANGE_AND_FORGET):
        archive_orders(settings)
        orders = refunded(get_database(settings), orders)
        advance(get_database(settings))
    if case.command == "forget":
        archive_orders(settings)
        stand_in = ask_to_forget(settings, user_id=FORGOTTEN).number
    with watched(drill, settings):
        for moment in case.kills:
            kill(drill, settings, "forget" if stand_in else case.command, moment)
            if case.command in ("change", CHANGE_AND_FORGET):
                assert check_orders(get_database(settings), settings).differences == ()
            if case.command == CHANGE_AND_FORGET and not stand_in:
                stand_in = ask_to_forget(settings, user_id=FORGOTTEN).number
        if stand_in:
            for request in get_database(settings)[FORGET_RUNS].find():
                assert forget(settings, request["_id"]).state == "committed"
            orders = [anonymous(one, stand_in) if one.order.user_id == FORGOTTEN else one for one in orders]
        else:
            compact_archive(settings) if case.command == "compact" else archive_orders(settings)
    return settings, orders


@pytest.fixture(scope="module")
def played(drill: Drill, spark: SparkSession, request: pytest.FixtureRequest) -> Iterator[dict[Case, Any]]:
    """Every selected case, several at a time, each with its own database and archive."""
    selected = {item.callspec.params.get("case") for item in request.session.items if hasattr(item, "callspec")}
    chosen = [(number, case) for number, case in enumerate(CASES, 1) if case in selected]
    threads = ThreadPoolExecutor(AT_A_TIME)
    yield {case: threads.submit(play, drill, number, case) for number, case in chosen}
    threads.shutdown(cancel_futures=True)


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= 60
    assert len(set(CASES)) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_kill_loses_nothing_doubles_nothing_and_moves_no_figure(
    drill: Drill, played: dict[Case, Any], spark: SparkSession, case: Case
) -> None:
    settings, orders = played[case].result(timeout=1500)
    database = get_database(settings)
    assert all(run["state"] == COMMITTED for run in database["archive_runs"].find())
    assert unfinished_run(database) is None
    assert_one_place(spark, settings, database, orders)
    assert {row["_id"] for row in database["orders"].find({}, {"_id": 1})} == {100, 101, 102}
    (answer,) = answers(drill, settings.database)
    assert answer["times"] >= 2
    seen = table_seen(drill, settings.database)
    assert seen["looks"] >= 2
    assert seen["orders"] >= 60
    assert "wrong" not in seen, seen["wrong"]
    database.client.drop_database(database.name)
