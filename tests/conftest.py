"""Real services for the tests: started once per session, on free ports, in a temporary directory."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from ecommerce.java import java_home
from ecommerce.mongo import MongoDatabase, get_database
from ecommerce.schema import prepare_database
from ecommerce.services.hdfs import Hdfs, start_hdfs
from ecommerce.services.mongod import start_mongod
from ecommerce.settings import Settings
from tests.ports import free_port

# How long an example takes says something of the machine, which others use too, and nothing of the program. The
# examples are the same in each run, so that a change is what makes a test fail; `make drill` draws new ones.
hypothesis.settings.register_profile(
    "shared machine",
    deadline=None,
    derandomize="ECOMMERCE_NEW_EXAMPLES" not in os.environ,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large],
)
hypothesis.settings.load_profile("shared machine")


@pytest.fixture(scope="session")
def service_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("services")


@pytest.fixture(scope="session")
def mongo_uri(service_home: Path) -> Iterator[str]:
    """A real mongod, a single-node replica set."""
    port = free_port()
    executor = start_mongod(service_home, port)
    yield f"mongodb://127.0.0.1:{port}/?replicaSet=ecommerce"
    executor.stop()


@pytest.fixture(scope="session")
def hdfs(service_home: Path) -> Iterator[Hdfs]:
    """A real NameNode and DataNode, started for the first test that asks. Their daemons may be killed and started."""
    settings = Settings()
    running = start_hdfs(service_home, free_port(), java_home(settings), settings.cache)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def hdfs_uri(hdfs: Hdfs) -> str:
    """`hdfs://127.0.0.1:<port>` of the session's HDFS."""
    return hdfs.uri


@pytest.fixture
def settings(mongo_uri: str, tmp_path: Path) -> Settings:
    """Settings of one test: its own database on the session's server, its own home."""
    return Settings(mongo_uri=mongo_uri, database=f"test_{uuid.uuid4().hex[:12]}", home=tmp_path / "home")


@pytest.fixture
def database(settings: Settings) -> Iterator[MongoDatabase]:
    """A prepared database of one test, dropped afterwards."""
    database = get_database(settings)
    prepare_database(database)
    yield database
    database.client.drop_database(database.name)


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A temporary Prefect server that runs of flows report to."""
    # Its telemetry writes while the runs do, and SQLite then says "database is locked".
    os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield
