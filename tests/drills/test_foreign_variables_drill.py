"""Each variable that another Spark, Hadoop, Java or Prefect leaves in a shell, alone: orders go to the archive all the
same, on the same days and with the same hashes. All of them at once are in test_stuck_drill.py.
"""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from ecommerce.services.marks import marked_processes
from ecommerce.settings import Settings
from tests.foreign_shell import foreign_shell
from tests.programs import ecommerce, new_settings

pytestmark = [pytest.mark.drill, pytest.mark.timeout(1800)]

FIRST = date(2025, 1, 1)
OF_THE_ARCHIVE = (
    "SPARK_HOME",
    "SPARK_CONF_DIR",
    "SPARK_LOCAL_DIRS",
    "SPARK_REMOTE",
    "HADOOP_CONF_DIR",
    "HADOOP_HOME",
    "HADOOP_USER_NAME",
    "YARN_CONF_DIR",
    "PYSPARK_PYTHON",
    "PYSPARK_DRIVER_PYTHON",
    "PYSPARK_SUBMIT_ARGS",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "TZ",
    "LC_ALL",
    "http_proxy",
)
OF_PREFECT = (
    "HOME",
    "PREFECT_PROFILE",
    "PREFECT_API_KEY",
    "PREFECT_SERVER_API_AUTH_STRING",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL",
    "PREFECT_API_DATABASE_CONNECTION_URL",
    "HTTPS_PROXY",
    "ALL_PROXY",
)


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return foreign_shell(tmp_path_factory.mktemp("shell"))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    settings = new_settings(tmp_path_factory.mktemp("home"))
    done(settings, {}, "up", "--detach", "--no-demo")
    end = FIRST + timedelta(days=len(OF_THE_ARCHIVE) + 3)
    done(settings, {}, "generate", "--orders", "2000", "--start", f"{FIRST}", "--end", f"{end}")
    yield settings
    ecommerce(settings, "down")
    assert marked_processes(settings.home_directory) == []


def done(settings: Settings, shell: dict[str, str], *arguments: str) -> str:
    ended: subprocess.CompletedProcess[str] = ecommerce(settings, *arguments, shell=shell)
    assert ended.returncode == 0, f"{arguments}: {ended.stdout}{ended.stderr}"
    assert "Traceback" not in ended.stderr
    return ended.stdout


def test_every_variable_of_the_shell_is_here(shell: dict[str, str]) -> None:
    assert set(shell) == {*OF_THE_ARCHIVE, *OF_PREFECT}


@pytest.mark.parametrize("name", OF_THE_ARCHIVE)
def test_a_day_goes_to_the_archive(shop: Settings, shell: dict[str, str], name: str) -> None:
    before = json.loads(done(shop, {}, "kpis", "--json"))
    last = FIRST + timedelta(days=2 + OF_THE_ARCHIVE.index(name))
    age = (datetime.now(UTC).date() - last).days
    done(shop, {name: shell[name]}, "archive", "--older-than-days", f"{age}")
    after = json.loads(done(shop, {name: shell[name]}, "kpis", "--json"))
    assert after["archived_orders"] > before["archived_orders"]
    assert {key: after[key] for key in ("orders", "revenue", "quantity")} == {
        key: before[key] for key in ("orders", "revenue", "quantity")
    }


@pytest.mark.parametrize("name", OF_PREFECT)
def test_a_flow_of_prefect_runs_here(shop: Settings, shell: dict[str, str], name: str) -> None:
    done(shop, {name: shell[name]}, "summarize")


@pytest.mark.parametrize("name", ["", "SPARK_CONF_DIR", "TZ"])
def test_days_and_hashes_are_those_of_mongodb(shop: Settings, shell: dict[str, str], name: str) -> None:
    """After the others: a zone of the shell or of its Spark moved no order to another day."""
    done(shop, {name: shell[name]} if name else {}, "check")
