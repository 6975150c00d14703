"""What each command imports: seconds of a command's life go into modules that it does not use."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from ecommerce.mongo import MongoDatabase
from ecommerce.services.environment import settings_environment
from ecommerce.settings import Settings
from flows import UNUSED_BY_RUNS
from tests.programs import PROGRAM
from tests.services.test_json_output import api

pytestmark = pytest.mark.slow

__all__ = ["api"]


def imported_by(environment: Mapping[str, str], *arguments: str, ends_with: int = 0) -> set[str]:
    """The modules that a command imports, by Python's own list. It must write nothing else to standard error."""
    command = subprocess.run(
        [sys.executable, "-X", "importtime", PROGRAM, *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )
    modules = set(re.findall(r"^import time: .*\| +(\S+)$", command.stderr, re.MULTILINE))
    others = [line for line in command.stderr.splitlines() if not line.startswith(("import time:", "run: "))]
    assert (command.returncode, others) == (ends_with, []), command.stdout
    return modules


def below(modules: set[str], *packages: str) -> set[str]:
    """Those of `packages` of which something was imported."""
    return {package for package in packages if any(f"{module}.".startswith(f"{package}.") for module in modules)}


@pytest.fixture
def environment(settings: Settings, database: MongoDatabase, api: str, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "inbox").mkdir()
    return {**settings_environment(settings), "PREFECT_API_URL": api}


LARGE = ("prefect", "panel", "pyspark", "pandas", "polars", "pyarrow", "numpy", "faker", "mirakuru")
NOT_FOR_A_FLOW = ("prefect.server", "prefect.cli", "panel", "pyspark", "pandas", "faker", "docker", "apprise")


def test_help_and_version_import_nothing_large(environment: Mapping[str, str]) -> None:
    assert not below(imported_by(environment, "--version"), *LARGE, "pymongo", "pydantic")


def test_status_imports_neither_prefect_nor_what_computes(environment: Mapping[str, str]) -> None:
    modules = imported_by(environment, "status", ends_with=1)  # HDFS does not run here
    assert below(modules, *LARGE) <= {"mirakuru"}


def test_kpis_import_what_reads_the_summaries_and_no_more(environment: Mapping[str, str]) -> None:
    modules = imported_by(environment, "kpis", "--json")
    assert below(modules, *LARGE) <= {"polars", "numpy", "mirakuru"}


def test_a_flow_command_does_not_import_the_server_that_it_talks_to(environment: Mapping[str, str]) -> None:
    modules = imported_by(environment, "summarize")
    assert not below(modules, *NOT_FOR_A_FLOW, "pyarrow")


def test_a_flow_command_imports_what_its_flow_does_and_not_what_others_do(environment: Mapping[str, str]) -> None:
    modules = imported_by(environment, "summarize")
    others = ("check", "importing", "generate.model", "archive.catalog", "archive.archiver", "forget", "upgrade")
    assert not below(modules, *(f"ecommerce.{name}" for name in others))
    modules = imported_by(environment, "archive", "--dry-run")
    assert not below(modules, *(f"ecommerce.{name}" for name in ("check", "importing", "generate.model", "upgrade")))


def test_a_flow_command_does_not_run_the_modules_that_prefect_imports_for_nothing(
    environment: Mapping[str, str],
) -> None:
    program = """
import sys
from cli.app import app
from flows import UNUSED_BY_RUNS
app(["summarize"], standalone_mode=False)
print(*(f"{name} {type(sys.modules[name]).__name__}" for name in UNUSED_BY_RUNS), sep="\\n")
"""
    command = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )
    assert command.stdout.splitlines()[-len(UNUSED_BY_RUNS) :] == [f"{name} _Unused" for name in UNUSED_BY_RUNS], (
        command.stderr
    )


def test_an_archive_that_has_nothing_to_do_does_not_import_spark(environment: Mapping[str, str]) -> None:
    modules = imported_by(environment, "archive", "--dry-run")
    assert not below(modules, *NOT_FOR_A_FLOW)
