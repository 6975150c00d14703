"""Whatever dies in the middle of an import: started again, it ends like one clean run."""

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from ecommerce.errors import ServiceError
from ecommerce.importing.import_files import import_paths
from ecommerce.importing.loading import workers
from ecommerce.importing.loading.file_import import ImportOptions
from ecommerce.importing.loading.retries import with_patience
from ecommerce.importing.loading.workers import PROCESSES, processes_ahead
from ecommerce.ingest.past_versions import PAST_VERSIONS
from ecommerce.mongo import IMPORTS, ORDERS, REJECTED_ROWS, MongoDatabase, get_database
from ecommerce.services.mongod import mongod
from ecommerce.settings import Settings
from tests.import_samples import complete_row, raw_orders
from tests.ports import free_port
from tests.runbook import row_of
from tests.transactions import short_transactions

IN_PROCESSES = ImportOptions(max_rejected_share=1.0, processes_from_bytes=0)


def rows_of(count: int) -> Iterator[bytes]:
    """Orders with everything that makes a rerun hard: bad rows, repeated orders, and news of orders far before."""
    chance = random.Random(count)
    for number in range(count):
        row = complete_row(number, order={"total_amount": round(chance.random() * 1000, 2)})
        yield json.dumps(row).encode()
        match chance.randint(0, 60):
            case 0:
                yield json.dumps(complete_row(number, status="Paused") | {"extra": 1}).encode()
            case 1:
                yield json.dumps(complete_row(chance.randint(0, number), status="Delivered")).encode()
            case 2:
                yield json.dumps(complete_row(chance.randint(0, number), order={"total_amount": number})).encode()
            case 3:
                yield json.dumps(row).encode()[: chance.randint(1, 300)]


def state(database: MongoDatabase) -> Any:
    """Everything that an import leaves behind and that does not tell the time of day."""
    rejected = list(database[REJECTED_ROWS].find().sort("_id"))
    past = list(database[PAST_VERSIONS].find().sort("_id"))
    return raw_orders(database), rejected, past


def killed_and_clean(settings: Settings, database: MongoDatabase, file: Path, kills: int, within: float) -> None:
    import_paths(database, [file], options=IN_PROCESSES)
    clean = state(database)
    for name in (ORDERS, REJECTED_ROWS, PAST_VERSIONS, IMPORTS):
        database[name].delete_many({})
    assert settings.mongo_uri is not None
    uri = settings.mongo_uri.get_secret_value()
    command = [sys.executable, "-m", "tests.import_process", uri, settings.database, str(file)]
    chance = random.Random(kills)
    for _ in range(kills):
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        time.sleep(chance.uniform(0, within))
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert psutil.wait_procs(workers, timeout=20)[1] == [], "a decoding process outlives its parent"
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    assert state(database) == clean
    states = database[IMPORTS].distinct("state")
    assert set(states) <= {"interrupted", "done"}


def test_an_import_killed_and_started_again_ends_like_a_clean_one(
    settings: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    file = tmp_path / "orders.jsonl"
    file.write_bytes(b"\n".join(rows_of(12_000)))
    with short_transactions(database):
        killed_and_clean(settings, database, file, kills=3, within=1.5)


@pytest.mark.drill
def test_twenty_kills_of_a_large_import(settings: Settings, database: MongoDatabase, tmp_path: Path) -> None:
    file = tmp_path / "orders.jsonl"
    file.write_bytes(b"\n".join(rows_of(200_000)))
    with short_transactions(database):
        killed_and_clean(settings, database, file, kills=20, within=4.0)


def decoding_processes() -> list[psutil.Process]:
    """Those of this process's children; others may be the services of other tests."""
    return [
        child
        for child in psutil.Process().children()
        if "ecommerce.importing.loading.decoding_process" in child.cmdline()
    ]


def test_processes_that_were_started_ahead_decode_the_file_and_end_with_it(
    database: MongoDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, small = tmp_path / "orders.jsonl", tmp_path / "small.jsonl"
    file.write_bytes(b"\n".join(rows_of(8_000)))
    small.write_bytes(b"\n".join(rows_of(10)))
    with processes_ahead([small]):
        assert not decoding_processes()
    with processes_ahead([small, file]):
        assert len(decoding_processes()) == PROCESSES
    assert not decoding_processes()
    with processes_ahead([file]):
        monkeypatch.setattr(workers, "Worker", None)  # no other is started
        assert import_paths(database, [file], options=ImportOptions(max_rejected_share=1.0)).accepted
    assert not decoding_processes()
    assert database[ORDERS].count_documents({}) == 8_000
    assert "external_id" in database[ORDERS].index_information()


def test_a_decoding_process_that_dies_is_an_error_and_not_a_hang(database: MongoDatabase, tmp_path: Path) -> None:
    file = tmp_path / "orders.jsonl"
    file.write_bytes(b"\n".join(rows_of(20_000)))
    killed = threading.Event()

    def kill_one(done: int, _total: int | None, _what: str) -> None:
        if done and not killed.is_set():
            killed.set()
            decoding_processes()[-1].kill()

    with pytest.raises(ServiceError, match=r"a decoding process ended with -9 .* start the import again") as raised:
        import_paths(database, [file], options=IN_PROCESSES, progress=kill_one)
    row_of(str(raised.value))
    assert killed.is_set()
    assert not decoding_processes()
    (record,) = database[IMPORTS].find()
    assert (record["state"], "a decoding process" in record["error"]) == ("failed", True)
    assert record["error"].startswith("orders.jsonl: ")
    import_paths(database, [file], options=IN_PROCESSES)
    assert database[ORDERS].count_documents({}) == 20_000


def test_a_server_that_restarts_in_the_middle_is_waited_for(tmp_path: Path) -> None:
    port = free_port()
    executor = mongod(tmp_path, port).start()
    settings = Settings(mongo_uri=f"mongodb://127.0.0.1:{port}/?replicaSet=ecommerce", database="test")
    database = get_database(settings)
    file = tmp_path / "orders.jsonl"
    file.write_bytes(b"\n".join(rows_of(20_000)))
    restarted: list[Any] = []

    def restart(done: int, _total: int | None, _what: str) -> None:
        if done and not restarted:
            executor.stop(signal.SIGKILL)
            restarted.append(None)
            threading.Timer(1.0, lambda: restarted.append(mongod(tmp_path, port).start())).start()

    try:
        report = import_paths(database, [file], options=IN_PROCESSES, progress=restart)
        assert report.files[0].balanced
        assert database[ORDERS].count_documents({}) == 20_000
    finally:
        for running in [executor, *restarted[1:]]:
            running.stop()


def test_two_imports_of_one_file_at_once_end_like_one(database: MongoDatabase, tmp_path: Path) -> None:
    file = tmp_path / "orders.jsonl"
    file.write_bytes(b"\n".join(json.dumps(complete_row(n)).encode() for n in range(8_000)))
    reports: list[Any] = []
    threads = [threading.Thread(target=lambda: reports.append(import_paths(database, [file]))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(report.accepted for report in reports) == 8_000
    assert sum(report.unchanged for report in reports) == 16_000
    assert database[ORDERS].count_documents({}) == 8_000


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OperationFailure("out of disk", 14031), "disk is full: make room, then start the import again"),
        (OperationFailure("WT_PANIC: No space left on device", 8), "disk is full: make room, then start"),
        (OperationFailure("not authorized on shop", 13), "does not let this user write: .* give the user readWrite"),
    ],
)
def test_what_waiting_does_not_help_is_said_at_once(error: Exception, message: str) -> None:
    def write() -> None:
        raise error

    with pytest.raises(ServiceError, match=message) as raised:
        with_patience(write)
    assert row_of(str(raised.value)).startswith("MongoDB")


def test_a_server_that_stays_away_is_an_error_that_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecommerce.importing.loading.retries.PATIENCE_SECONDS", 0.5)
    client: MongoClient[Any] = MongoClient(f"mongodb://127.0.0.1:{free_port()}", serverSelectionTimeoutMS=200)
    (tmp_path / "orders.jsonl").write_bytes(b"{}")
    with client, pytest.raises(ServiceError, match=r"has not answered for 0\.5 s.*start the import again") as away:
        import_paths(client["test"], [tmp_path / "orders.jsonl"])
    assert row_of(str(away.value)).startswith("MongoDB has not answered")
