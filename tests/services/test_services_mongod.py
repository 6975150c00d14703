"""The embedded MongoDB starts on its old data, wherever it listens, and says in one line why it does not start."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo import MongoClient

from ecommerce.errors import ServiceError
from ecommerce.services.mongod import mongod
from tests.ports import free_port


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("mongod home")  # the space is on purpose: homes have such names


def count_after_insert(port: int) -> int:
    client: Any
    with MongoClient(f"mongodb://127.0.0.1:{port}/?replicaSet=ecommerce") as client:
        client.shop.orders.insert_one({})
        return int(client.shop.orders.count_documents({}))


def test_starts_again_on_the_same_data_on_another_port_and_after_a_kill(home: Path) -> None:
    port = free_port()
    daemon = mongod(home, port).start()
    assert count_after_insert(port) == 1
    daemon.stop()

    port = free_port()
    daemon = mongod(home, port).start()
    try:
        assert count_after_insert(port) == 2
        daemon.kill()
        daemon.start()
        assert count_after_insert(port) == 3
    finally:
        daemon.stop()


def test_listens_on_loopback_only_alone_on_its_data_and_leaves_nothing_when_stopped(home: Path) -> None:
    daemon = mongod(home, free_port()).start()
    try:
        process = psutil.Process(daemon.pid)
        listening = {c.laddr[0] for c in process.net_connections(kind="inet") if c.status == psutil.CONN_LISTEN}
        assert listening == {"127.0.0.1"}
        with pytest.raises(ServiceError, match=r"mongo is in use by another mongod: run `ecommerce down`"):
            mongod(home, free_port()).start()
    finally:
        daemon.stop()
    assert not process.is_running()
    assert not (home / "run" / "mongod.service.json").exists()


def test_a_taken_port_is_named_with_its_owner_and_the_setting(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ServiceError, match=rf"port {port} .* taken by \S+ \(process \d+\).*ECOMMERCE_MONGO_PORT"):
            mongod(tmp_path, port).start()


def test_data_of_another_version_is_said_to_be(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "mongo", tmp_path / "mongo")
    turtle = tmp_path / "mongo" / "WiredTiger.turtle"
    turtle.write_bytes(turtle.read_bytes().replace(b"major=1", b"major=9"))
    with pytest.raises(ServiceError, match=r"mongo was written by another version of MongoDB: .*logs/mongod.log"):
        mongod(tmp_path, free_port()).start()
