"""The tutorial, command by command, as a newcomer would type it: from nothing to the first archived day."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.compose.compose_file import REPOSITORY
from tests.conftest import free_port
from tests.test_docs import shell_lines

SAME = (
    "orders",
    "revenue",
    "average_order_value",
    "quantity",
    "by_status",
    "by_payment_type",
    "by_category",
    "late_share",
)


@pytest.mark.drill
@pytest.mark.timeout(900)
def test_the_tutorial(tmp_path: Path) -> None:
    (tmp_path / ".venv").symlink_to(sys.prefix)
    ports = {f"ECOMMERCE_{name}_PORT": str(free_port()) for name in ("MONGO", "NAMENODE", "DASHBOARD", "PREFECT")}
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "ECOMMERCE_"))}
    environment |= ports | {"ECOMMERCE_HOME": str(tmp_path / ".ecommerce")}

    def run(line: str) -> None:
        done = subprocess.run(
            ["bash", "-ec", line], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"

    lines = shell_lines(REPOSITORY / "docs" / "tutorial.md")
    assert lines[0] == "make install"
    try:
        for line in lines[1:]:
            run(line)
    finally:
        subprocess.run([str(tmp_path / ".venv/bin/ecommerce"), "down"], env=environment, cwd=tmp_path, check=False)
    before, after = _figures(tmp_path / "before.json"), _figures(tmp_path / "after.json")
    assert {name: before[name] for name in SAME} == {name: after[name] for name in SAME}
    assert before["archived_orders"] == 0 < after["archived_orders"]
    assert before["orders"] > 10_000


def _figures(path: Path) -> dict[str, Any]:
    figures: dict[str, Any] = json.loads(path.read_text())
    return figures
