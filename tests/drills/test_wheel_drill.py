"""The wheel, installed without a checkout, used from an empty directory: `ecommerce up`, import, kpis, archive."""

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecommerce.services.environment import settings_environment
from ecommerce.settings import Settings
from tests.ports import free_port
from tests.wheel import ROOT, build_wheel

pytestmark = pytest.mark.drill


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """The programs of an environment that has the wheel, and of this one only what the wheel needs."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    python = environment / "bin" / "python"
    command: list[str | Path] = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps"]
    subprocess.run([*command, build_wheel(tmp_path)], check=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))
    # A path in a .pth file is searched, but the .pth files in it are not read: this checkout's is one of them.
    (site / "packages_of_the_tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
    prefect = (Path(sys.executable).parent / "prefect").read_text().split("\n", 1)[1]
    (environment / "bin" / "prefect").write_text(f"#!{python}\n{prefect}")
    (environment / "bin" / "prefect").chmod(0o755)
    return environment / "bin"


@pytest.fixture
def empty_directory(tmp_path: Path) -> Path:
    directory = tmp_path / "empty"
    directory.mkdir()
    return directory


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    ports = {f"{name}_port": free_port() for name in ("mongo", "namenode", "dashboard", "prefect")}
    settings = Settings(home=tmp_path / "home", **ports)  # type: ignore[arg-type]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PYTHON"))}
    return inherited | settings_environment(settings) | {"COLUMNS": "200"}


@pytest.fixture
def up(programs: Path, empty_directory: Path, environment: dict[str, str]) -> Iterator[None]:
    def run(*arguments: str) -> None:
        command: list[str | Path] = [programs / "ecommerce", *arguments]
        subprocess.run(command, cwd=empty_directory, env=environment, check=True, timeout=400)

    run("up", "--detach", "--no-demo")
    yield
    run("down")


def test_everything_works_without_a_checkout(
    up: None, programs: Path, empty_directory: Path, environment: dict[str, str]
) -> None:
    def printed(program: str, *arguments: str) -> str:
        command: list[str | Path] = [programs / program, *arguments]
        done = subprocess.run(
            command, cwd=empty_directory, env=environment, capture_output=True, text=True, timeout=400
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return str(done.stdout)

    where = printed("python", "-c", "import ecommerce, flows, dashboard, cli; print(ecommerce.__file__)")
    assert str(ROOT) not in where
    printed("ecommerce", "import", str(ROOT / "tests/data/superstore_flat"))
    assert json.loads(printed("ecommerce", "kpis", "--json"))["orders"] == 27
    assert "27 orders of 27 days" in printed("ecommerce", "archive")
    assert json.loads(printed("ecommerce", "kpis", "--json"))["orders"] == 27
    printed("ecommerce", "doctor")
    assert not list(empty_directory.iterdir())
