"""What docs/architecture.md says is added by one entry is: a status and a preset of the generator."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.compose.compose_file import REPOSITORY

STATUSES = "ecommerce/documents/statuses.py"
PRESETS = "ecommerce/generate/presets"
ENTRY = '    Status("Lost", rank=3, finished=True, counted=False, aliases=("lost_in_transit",)),\n'
PROGRAM = """
from typing import get_args
import ecommerce.documents.indexes, ecommerce.summaries.advance, dashboard.figures
from ecommerce.documents.statuses import canonical, is_finished
from ecommerce.generate.model import life
from flows.generate_orders import Preset
print(canonical("LOST_in_transit"), is_finished("lost"))
print(*(life.STATUSES[at] for at in (life.PENDING, life.SHIPPED, life.DELIVERED, life.CANCELLED, life.RETURNED)))
print(*get_args(Preset))
"""


@pytest.mark.slow
@pytest.mark.parametrize("behind", ["STATUSES: tuple[Status, ...] = (\n", 'aliases=("completed", "complete")),\n'])
def test_a_status_and_a_preset_are_one_entry_each(tmp_path: Path, behind: str) -> None:
    for package in ("ecommerce", "flows", "dashboard"):
        shutil.copytree(REPOSITORY / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))

    def edit(name: str, old: str, new: str) -> None:
        text = (tmp_path / name).read_text()
        assert text.count(old) == 1, old
        (tmp_path / name).write_text(text.replace(old, new))

    edit(STATUSES, behind, behind + ENTRY)
    module = (tmp_path / PRESETS / "b2b.py").read_text().replace("B2B = ", "BOOKS = ").replace('"b2b"', '"books"')
    (tmp_path / PRESETS / "books.py").write_text(module)
    edit(f"{PRESETS}/__init__.py", "(MARKETPLACE, GROCERY, B2B)", "(MARKETPLACE, GROCERY, B2B, BOOKS)")
    edit(f"{PRESETS}/__init__.py", "import B2B\n", "import B2B\nfrom ecommerce.generate.presets.books import BOOKS\n")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == [
        "Lost True",
        "Pending Shipped Delivered Cancelled Returned",
        "marketplace grocery b2b books",
    ]
