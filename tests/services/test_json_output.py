"""`--json` of every command: one document on standard output, the run on standard error, nothing else."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.app import COMMANDS
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.prefect_api import call
from ecommerce.services.environment import prefect_environment, settings_environment
from ecommerce.services.prefect import server
from ecommerce.settings import Settings
from tests.archiving import an_order, insert
from tests.ports import free_port
from tests.prefect_stack import bring_history
from tests.programs import PROGRAM

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prefect server that outlives its commands."""
    settings = Settings(home=tmp_path_factory.mktemp("prefect"), prefect_port=free_port())
    bring_history(settings)
    running = server(settings, settings_environment(settings) | prefect_environment(settings)).start()
    yield f"{running.address}/api"
    running.stop()


@pytest.fixture
def environment(archive: Settings, database: MongoDatabase, api: str) -> dict[str, str]:
    """Commands with an archive in a folder: what HDFS says is not what is looked at here."""
    return {**os.environ, **settings_environment(archive), "PREFECT_API_URL": api}


LINES_WITHOUT_A_RUN: dict[str, list[str]] = {
    # what each is called with, beside --json, in a database with one order
    "status": [""],
    "rejected": ["", "--limit 0"],
    "mapping": ["draft {lines}"],
    "kpis": ["", "--start 2026-01-01 --end 2026-01-02"],
    "order": ["1"],
    "query": ["{sql}", "{sql} --explain"],
    "expire": ["--older-than 5 --yes"],
    "upgrade": ["", "--dry-run"],
    "shop": ["", "--currency EUR --yes"],
    "doctor": [""],
    "metrics": [""],
}
OF_OTHER_TESTS = {"generate", "summarize", "archive", "restore", "check", "import", "forget", "up", "down"}
"""Commands with runs or services, which the tests below ask for one after the other."""


def test_every_command_is_looked_at() -> None:
    assert set(LINES_WITHOUT_A_RUN) | OF_OTHER_TESTS == set(COMMANDS)


@pytest.mark.parametrize("command", LINES_WITHOUT_A_RUN)
def test_a_command_prints_one_document(
    command: str, environment: Mapping[str, str], database: MongoDatabase, tmp_path: Path
) -> None:
    insert(database, [an_order(1)])
    lines = tmp_path / "lines.csv"
    lines.write_text("Order ID,Order Date,SKU,Quantity,Unit Price\n1,2026-01-01,7,2,9.50\n")
    given = {"{lines}": str(lines), "{sql}": "SELECT count(*) AS orders FROM orders"}
    for line in LINES_WITHOUT_A_RUN[command]:
        arguments = [given.get(word, word) for word in line.split()]
        done = subprocess.run(
            [PROGRAM, command, *arguments, "--json"], env=environment, capture_output=True, text=True, timeout=200
        )
        # What is wrong with services that do not run here is what these two are asked for.
        assert done.returncode == 0 or command in ("status", "doctor"), done.stderr
        assert json.loads(done.stdout), done.stderr


def test_metrics_and_a_mapping_say_in_json_what_they_say_in_their_own_form(
    environment: Mapping[str, str], database: MongoDatabase, tmp_path: Path
) -> None:
    insert(database, [an_order(1)])
    document, _ = ecommerce(environment, "metrics")
    values = {(one["name"], *one["labels"].values()): one["value"] for one in document["metrics"]}
    assert values["ecommerce_up",] == 1
    assert all(one["help"] for one in document["metrics"])
    lines = tmp_path / "lines.csv"
    lines.write_text("Order ID,Order Date,SKU,Quantity,Unit Price\n1,2026-01-01,7,2,9.50\n")
    document, _ = ecommerce(environment, "mapping", "draft", str(lines))
    assert yaml.safe_load(document["yaml"]) == document["mapping"]
    assert document["mapping"]


def test_forgetting_a_person_prints_its_request(environment: Mapping[str, str], database: MongoDatabase) -> None:
    insert(database, [an_order(1)])
    (user,) = [document["order"]["user_id"] for document in database[ORDERS].find()]
    asked, _ = ecommerce(environment, "forget", "--user", str(user), "--ask-only")
    assert asked["found"]["hot_orders"] == 1


HOW_FAR = re.compile(r"[a-z ]+: (at work|[\d,]+( of [\d,]+)? [a-z ]+)")


def ecommerce(environment: Mapping[str, str], *arguments: str, ends_with: int = 0) -> tuple[dict[str, Any], list[str]]:
    done = subprocess.run([PROGRAM, *arguments, "--json"], env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == ends_with, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    # On a busy machine work takes minutes, and each minute says how far it is.
    return document, [line for line in done.stderr.splitlines() if not HOW_FAR.fullmatch(line)]


def test_every_flow_command_prints_its_result_and_names_its_run(
    environment: Mapping[str, str], api: str, tmp_path: Path
) -> None:
    made, said = ecommerce(
        environment, "generate", "--orders", "500", "--start", "2026-01-01", "--end", "2026-01-03", "--users", "50"
    )
    assert made["accepted"] == 500
    run = made["run"]
    assert said == [f"run: {run['name']} {run['url']}"]
    assert run["url"] == f"{api.removesuffix('/api')}/runs/flow-run/{run['id']}"
    assert call(api, f"/flow_runs/{run['id']}")["name"] == run["name"]

    summarized, said = ecommerce(environment, "summarize")
    assert {"mode", "changes", "lag_seconds", "as_of", "run"} <= summarized.keys()
    assert len(said) == 1

    planned, said = ecommerce(environment, "archive", "--include-open", "--dry-run")
    assert planned["plan"]["orders"] == 500
    assert [day["day"] for day in planned["plan"]["days"]] == ["2026-01-01", "2026-01-02"]
    assert planned["archive_runs"] == []
    archived, said = ecommerce(environment, "archive", "--include-open", "--yes")
    assert [(one["kind"], one["state"], one["orders"]) for one in archived["archive_runs"]] == [
        ("archive", "committed", 500)
    ]
    assert len(said) == 1, "no warning of a JVM"
    restored, said = ecommerce(environment, "restore", "--start", "2026-01-01", "--end", "2026-01-02")
    assert {name: restored[name] for name in ("start", "end", "orders")} == {
        "start": "2026-01-01",
        "end": "2026-01-02",
        "orders": 500,
    }
    assert len(said) == 1, "no warning of a JVM"
    checked, said = ecommerce(environment, "check", "--no-archive")
    assert checked["run"]["name"] in said[0]


def test_an_import_prints_each_file_also_where_it_failed(environment: Mapping[str, str], tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text("{}\n" * 10)
    document, said = ecommerce(environment, "import", str(bad), ends_with=1)
    (file,) = document["files"]
    assert file["path"] == str(bad)
    assert file["error"]
    assert document["rejected"] == file["rejected"] > 0
    assert said[0].startswith("run: ") and said[-1].startswith("error: ")


def test_up_and_down_need_no_run(tmp_path: Path, environment: Mapping[str, str]) -> None:
    assert ecommerce(environment, "down") == ({"stopped": False}, [])
    done = subprocess.run([PROGRAM, "up", "--json"], env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: --json: only with --detach")
