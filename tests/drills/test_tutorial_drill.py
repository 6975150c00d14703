"""The documentation, command by command, as a newcomer would type it: the tutorial, then every other page."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ecommerce.services.ports import http_answers
from tests.command_lines import __file__ as COMMAND_LINES
from tests.compose.compose_file import REPOSITORY
from tests.ports import free_port
from tests.unit.test_docs import commands, filled, shell_lines

pytestmark = [pytest.mark.drill, pytest.mark.timeout(900)]

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
SAMPLES = REPOSITORY / "tests" / "data"
TUTORIAL = shell_lines(REPOSITORY / "docs" / "tutorial.md")

ORDERS_MAX = 2_000
"""More orders than this are made as so many: the pages' millions are for benchmarks/."""

NOT_HERE = {
    "ecommerce up": "it runs already",
    "ecommerce up --demo": "it runs already",
    "ecommerce up --no-demo": "it runs already",
    "ecommerce up --no-demo --detach": "of a shop of one's own",
    "ecommerce down": "the tutorial's last line",
    "ecommerce import": "only a name there",
    "ecommerce generate --rate 20": "until Ctrl-C; test_power_cut_drill.py has it",
}


@dataclass(frozen=True)
class Newcomer:
    """Somebody in an empty folder with the packages installed, on ports of their own."""

    folder: Path
    environment: dict[str, str]

    def run(self, line: str, *, lines: str | None = None) -> str:
        started = time.monotonic()
        done = subprocess.run(
            ["bash", "-ec", line],
            cwd=self.folder,
            env=self.environment,
            input=lines,
            capture_output=True,
            text=True,
            check=False,
        )
        print(f"{time.monotonic() - started:5.1f} s  {line}")
        assert done.returncode == 0, f"{line}\n{done.stdout[-5000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def figures(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / name).read_text())
        return found

    def port(self, service: str) -> str:
        return self.environment[f"ECOMMERCE_{service}_PORT"]


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newcomer]:
    folder = tmp_path_factory.mktemp("newcomer")
    (folder / ".venv").symlink_to(sys.prefix)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "ECOMMERCE_"))}
    environment |= {
        f"ECOMMERCE_{name}_PORT": str(free_port()) for name in ("MONGO", "NAMENODE", "DASHBOARD", "PREFECT")
    }
    environment["ECOMMERCE_HOME"] = str(folder / ".ecommerce")
    # Spark is started for a few seconds of work, again and again: the first compiler alone is faster.
    environment["JAVA_TOOL_OPTIONS"] = "-XX:TieredStopAtLevel=1"
    somebody = Newcomer(folder, environment)
    yield somebody
    somebody.run(".venv/bin/ecommerce down")


def test_the_tutorial(newcomer: Newcomer) -> None:
    assert (TUTORIAL[0], TUTORIAL[-1]) == ("make install", ".venv/bin/ecommerce down")
    for line in TUTORIAL[1:-1]:
        newcomer.run(line)
    before, after = newcomer.figures("before.json"), newcomer.figures("after.json")
    assert {name: before[name] for name in SAME} == {name: after[name] for name in SAME}
    assert before["archived_orders"] == 0 < after["archived_orders"]
    assert before["orders"] > 10_000
    assert http_answers(f"http://127.0.0.1:{newcomer.port('DASHBOARD')}/app", timeout_seconds=60)


def test_your_own_shop_of_the_readme(newcomer: Newcomer) -> None:
    """In a clone where the demo was tried: before the tutorial's shop is used again."""
    section = (REPOSITORY / "README.md").read_text().partition("## Your own shop")[2].partition("\n## ")[0]
    install, *lines = (line.partition(" #")[0].strip() for line in section.split("```")[1].splitlines()[1:])
    assert install == "make install"
    at_home = f"export HOME={newcomer.folder}"
    newcomer.run("\n".join([at_home, *lines]))
    own = f"export ECOMMERCE_HOME={newcomer.folder}/my-shop"
    try:
        assert "currency: EUR\ntime zone: Europe/Berlin" in newcomer.run(f"{own}\n.venv/bin/ecommerce shop")
        assert "orders: 0 hot, 0 archived" in newcomer.run(f"{own}\n.venv/bin/ecommerce status")
    finally:
        newcomer.run(f"{own}\n.venv/bin/ecommerce down")
    newcomer.run(".venv/bin/ecommerce up --detach")


def test_every_command_of_the_other_pages(newcomer: Newcomer) -> None:
    lay_out_files(newcomer.folder)
    (run,) = {text for _, text in commands() if text.startswith(".venv/bin/prefect deployment run")}
    api = f"http://127.0.0.1:{newcomer.port('PREFECT')}/api"
    assert "Completed" in newcomer.run(f"PREFECT_API_URL={api} {run} --watch")
    newcomer.run(f"{sys.executable} {COMMAND_LINES}", lines="\n".join(other_lines()))


def other_lines() -> list[str]:
    """Our own commands of all pages, each set of options once, but those that the tutorial has."""
    lines = {_shape(text): text for page, text in sorted(commands(), reverse=True) if page != "tutorial.md"}
    done = {_shape(line) for line in TUTORIAL}
    wanted = [text.removeprefix(".venv/bin/") for shape, text in lines.items() if shape not in done]
    # In this order nothing is left to archive when `archive` comes: Spark's start is most of what it takes.
    not_here = {_shape(line) for line in NOT_HERE}
    return [_small(line) for line in sorted(wanted) if line.startswith("ecommerce ") and _shape(line) not in not_here]


def _shape(line: str) -> tuple[str, ...]:
    """What is the same for commands that differ in values only."""
    words = line.removeprefix(".venv/bin/").split()
    values = {at for at, word in enumerate(words) if at and words[at - 1].startswith("--") and word[0].isdigit()}
    return tuple(sorted(word for at, word in enumerate(words) if at not in values))


def _small(line: str) -> str:
    return re.sub(r"(?<=--orders )\d+", lambda found: str(min(int(found[0]), ORDERS_MAX)), filled(line))


def lay_out_files(folder: Path) -> None:
    """The files that the pages' examples speak of."""
    export = SAMPLES / "superstore" / "orders_export.csv"
    for place in ("path/to", "folder", "exports", "more"):
        (folder / place).mkdir(parents=True)
    for place in ("path/to/orders.csv", "folder/orders.csv", "exports/orders.csv"):
        shutil.copy(export, folder / place)
    (folder / "more" / "orders.csv.gz").write_bytes(gzip.compress(export.read_bytes()))
    shutil.copy(SAMPLES / "superstore" / "orders.jsonl", folder)
    shutil.copy(SAMPLES / "superstore" / "products.csv", folder)
    shutil.copy(SAMPLES / "superstore_flat" / "superstore_flat.csv", folder)
    page = (REPOSITORY / "docs" / "mappings.md").read_text()
    mapping = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "tables:" not in block]
    (folder / "shop.yaml").write_text("\n".join(mapping))
    (folder / "bestellungen.csv").write_text("\n".join(re.findall(r"^    (B.*)$", page, re.MULTILINE)) + "\n")
