"""Real services for the tests: started once per session, on free ports, in a temporary directory."""

import os
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from ecommerce import mongo
from ecommerce.archive.spark import spark_session
from ecommerce.importing.naive_times import use_zone
from ecommerce.java import java_home
from ecommerce.mongo import MongoDatabase, get_database
from ecommerce.schema import prepare_database
from ecommerce.services.hdfs import Hdfs, embedded_hdfs
from ecommerce.services.mongod import mongod
from ecommerce.settings import Settings
from tests.ports import free_port
from tests.shared_folder import shared_folder

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tests.prefect_stack import PrefectStack

NEW_EXAMPLES = "ECOMMERCE_NEW_EXAMPLES" in os.environ

# How long an example takes says something of the machine, which others use too, and nothing of the program. The
# examples are the same in each run, so that a change is what makes a test fail; `make drill` draws new ones, and more.
hypothesis.settings.register_profile(
    "shared machine",
    deadline=None,
    derandomize=not NEW_EXAMPLES,
    max_examples=300 if NEW_EXAMPLES else 50,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large],
)
# For `make test-fast`.
hypothesis.settings.register_profile("fast", hypothesis.settings.get_profile("shared machine"), max_examples=10)
hypothesis.settings.load_profile("shared machine")


# What a script starts in the background ignores Ctrl-C, and so would all that the tests start and then interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Here, so that the process that starts the others makes it, and removes it when they have ended.
shared_folder()

LONGEST = (
    "test_upgrade.py",
    "test_archive_approval.py",
    "test_archived_changes.py",
    "test_foreign_environment.py",
    "test_run_parameters.py",
    "test_services_up.py",
    "test_hung_spark.py",
    "test_archive_damage.py",
    "test_archive_failures.py",
    "test_late_work.py",
    "test_stuck_runs.py",
    "test_one_edit.py",
    "test_dashboard_orders.py",
    "test_archive.py",
    "test_dashboard_access.py",
    "test_json_output.py",
    "test_order_search.py",
)
"""Files whose tests take longest, longest first. Each goes to one process as a whole; the others wait for the last."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the tests without services are last and fill the gaps."""

    def place(item: pytest.Item) -> tuple[bool, int]:
        return "unit" in item.path.parts, LONGEST.index(item.path.name) if item.path.name in LONGEST else len(LONGEST)

    items.sort(key=place)


@pytest.fixture(autouse=True)
def zone_of_no_shop() -> None:
    """Times without a zone are of UTC, whatever shop the test before it imported into: 3 unit tests failed by that."""
    use_zone("UTC")


@pytest.fixture(scope="session")
def service_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("services")


@pytest.fixture(scope="session")
def mongo_uri(service_home: Path) -> Iterator[str]:
    """A real mongod, a single-node replica set."""
    port = free_port()
    executor = mongod(service_home, port).start()
    yield f"mongodb://127.0.0.1:{port}/?replicaSet=ecommerce"
    executor.stop()


@pytest.fixture(scope="session")
def hdfs(service_home: Path) -> Iterator[Hdfs]:
    """A real NameNode and DataNode, started for the first test that asks. Their daemons may be killed and started."""
    settings = Settings()
    running = embedded_hdfs(service_home, free_port(), java_home(settings), settings.cache).start()
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


@pytest.fixture
def archive(settings: Settings, tmp_path: Path) -> Settings:
    """Settings of one test, with an archive in a folder of its own."""
    return settings.model_copy(update={"archive_uri": (tmp_path / "archive").as_uri()})


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator["SparkSession"]:
    """One Spark for all tests of the session: starting it takes seconds."""
    with spark_session(Settings(home=tmp_path_factory.mktemp("spark"))) as session:
        yield session


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A temporary Prefect server that runs of flows report to."""
    # Its telemetry writes while the runs do, and SQLite then says "database is locked".
    os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture
def flow_settings(settings: Settings, monkeypatch: pytest.MonkeyPatch, prefect_server: None) -> Settings:
    """A flow's own look at the settings sees those of the test."""
    monkeypatch.setattr(mongo, "get_settings", lambda: settings)
    return settings


@pytest.fixture
def stack(settings: Settings, database: MongoDatabase, tmp_path: Path) -> Iterator["PrefectStack"]:
    """A Prefect server of one test, with the project's deployments."""
    from tests.prefect_stack import prefect_stack

    with prefect_stack(settings, tmp_path / "prefect") as stack:
        yield stack
