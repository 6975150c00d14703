"""A checkout in a folder with odd characters, which has the default home in it, as `make install` leaves it."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecommerce.services.environment import settings_environment
from ecommerce.services.marks import marked_processes
from tests.programs import new_settings
from tests.wheel import ROOT

pytestmark = [pytest.mark.drill, pytest.mark.timeout(900)]

ODD = "My Projects #1 100%20s jürgen"
PARTS = ("ecommerce", "flows", "dashboard", "cli", "deployments", "pyproject.toml", "README.md", "LICENSE")


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """A checkout with a .venv/ of its own, which has this one's packages."""
    checkout = tmp_path / "place" / ODD
    for part in PARTS:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        checkout.mkdir(parents=True, exist_ok=True)
        copy(ROOT / part, checkout / part)
    environment = checkout / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))
    # A path in a .pth file is searched, but the .pth files in it are not read: this checkout's is one of them.
    (site / "packages_of_the_tests.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python")]
    options = ["install", "--quiet", "--no-deps", "--no-build-isolation", "--editable", "."]
    subprocess.run([*pip, *options], check=True, cwd=checkout)
    yield checkout
    assert marked_processes(checkout / ".ecommerce") == []


def test_all_of_it_works_in_a_checkout_with_odd_characters(checkout: Path, tmp_path: Path) -> None:
    ports = settings_environment(new_settings(tmp_path))
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PYTHON"))}
    environment = {**inherited, **ports, "COLUMNS": "200"}
    del environment["ECOMMERCE_HOME"]

    def done(*arguments: str) -> str:
        command = [str(checkout / ".venv" / "bin" / "ecommerce"), *arguments]
        ended = subprocess.run(
            command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=400, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return str(ended.stdout)

    done("up", "--detach", "--no-demo")
    try:
        done("generate", "--orders", "2000", "--start", "2025-01-01", "--end", "2025-01-21")
        done("archive", "--older-than-days", "30")
        done("check")
        assert "are in orders_restored" in done("restore", "--start", "2025-01-02", "--end", "2025-01-03")
        assert json.loads(done("kpis", "--json"))["archived_orders"] > 1_500
    finally:
        done("down")
    assert any((checkout / ".ecommerce" / "hdfs" / "data").glob("current/BP-*"))
    assert [path.name for path in checkout.parent.iterdir()] == [ODD]
