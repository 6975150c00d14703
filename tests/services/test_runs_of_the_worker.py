"""Runs by a worker, and commands: no JVM is started for nothing."""

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ecommerce.mongo import MongoDatabase, get_database
from ecommerce.schema import prepare_database
from ecommerce.settings import Settings
from tests.archiving import an_order, insert
from tests.losing_proxy import losing_proxy
from tests.prefect_stack import PrefectStack, prefect_stack
from tests.programs import ecommerce

ARCHIVE = "archive-orders/daily"

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def java(home: Path) -> Path:
    """A Java that notes that it was started, and does no more."""
    program = home / "java" / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\necho started >> "{home}/java/started"\nexit 1\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return home / "java"


@pytest.fixture(scope="module")
def database(mongo_uri: str, home: Path) -> MongoDatabase:
    database = get_database(Settings(mongo_uri=mongo_uri, database="test_runs", home=home))
    prepare_database(database)
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    # Old ones are not finished, finished ones are young: nothing goes for its age.
    insert(database, [an_order(i, status="Pending") for i in range(20)])
    insert(database, [an_order(100 + i, order_time=today - timedelta(days=3)) for i in range(20)])
    return database


@pytest.fixture(scope="module")
def stack(mongo_uri: str, home: Path, java: Path, database: MongoDatabase) -> Iterator[PrefectStack]:
    settings = Settings(mongo_uri=mongo_uri, database="test_runs", home=home)
    with prefect_stack(settings, home) as stack:
        nothing_else = {"JAVA_HOME": str(java), "PATH": f"{java / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        stack.environment = {**stack.environment, **nothing_else}
        stack.pause("generate-orders/hourly")
        with stack.worker():
            yield stack


@pytest.mark.parametrize("limit", [{}, {"max_hot_orders": 50}, {"max_hot_bytes": 10**9}])
def test_an_archive_that_has_nothing_to_do_starts_no_jvm(
    stack: PrefectStack, java: Path, limit: dict[str, Any]
) -> None:
    (run,) = stack.wait(stack.ask(ARCHIVE, **limit))
    assert run.state_name == "Completed", stack.log(run.id)
    assert "nothing was moved" in str(run.state and run.state.message)
    options = [f"--{name.replace('_', '-')}={value}" for name, value in limit.items()]
    # Without an archive of its own: that of this home would be HDFS, which is two JVMs.
    nothing_else = {"JAVA_HOME": str(java)}
    done = ecommerce(stack.settings, "archive", *options, shell=nothing_else)
    assert (done.returncode, done.stdout) == (0, "nothing to archive\n"), done.stderr
    assert not (java / "started").exists()


def test_a_run_has_its_result_though_the_answer_to_its_end_was_lost(stack: PrefectStack) -> None:
    with losing_proxy(stack.settings.prefect_port, "COMPLETED") as (port, lost):
        api = {"PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}
        done = ecommerce(stack.settings, "generate", "--orders", "5", shell=api)
    assert len(lost) == 1
    assert done.returncode == 0, done.stdout + done.stderr
    assert "accepted: 5" in done.stdout


def test_an_archive_that_has_something_to_do_would_have_been_noticed(stack: PrefectStack, java: Path) -> None:
    (run,) = stack.wait(stack.ask(ARCHIVE, older_than_days=1))
    assert run.state_name == "Failed", stack.log(run.id)
    assert (java / "started").exists()


def test_a_run_keeps_the_name_that_a_person_gave_it(stack: PrefectStack) -> None:
    named, other = (stack.ask(ARCHIVE, named=name, dry_run=True) for name in ("plan for the board, March", None))
    (ours, made) = stack.wait(named, other)
    assert (ours.name, ours.state_name) == ("plan for the board, March", "Completed")
    assert made.name.startswith("plan archive before ")
