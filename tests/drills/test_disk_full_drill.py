"""A disk that runs full, of all services or of each by itself, is named, what it ended comes back when there is
room, and no order is lost.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.drill, pytest.mark.timeout(1800)]


@pytest.mark.parametrize("drill", ["disk_full", "disk_full_each"])
def test_a_full_disk_is_named_and_what_it_ended_comes_back(tmp_path: Path, drill: str) -> None:
    namespaces = ["--mount"] if os.geteuid() == 0 else ["--map-current-user", "--keep-caps", "--mount"]
    command = ["unshare", *namespaces, sys.executable, "-m", f"tests.drills.{drill}", str(tmp_path / "disk")]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=Path(__file__).parents[2], timeout=1700, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
