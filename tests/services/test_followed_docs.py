"""A format, a card and a flow, added as docs/architecture.md says and used: its blocks are applied to a copy."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL

from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.settings import Settings
from tests.compose.compose_file import REPOSITORY
from tests.import_samples import complete_row
from tests.programs import clean_environment

pytestmark = pytest.mark.slow

BLOCK = re.compile(r"^`([^`]+)`:\n\n```(python|diff)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CARD = """
import json
from tests.unit.test_dashboard_cards import ANSWER, cards
from dashboard.downloads import card_csv
from dashboard.views.overview import PICKED, STACKS
figures = ANSWER.kpis.by_warehouse
bars = {row["name"]: row["exact"].split(" ")[0] for row in cards()["pieces"]["rows"]}
assert bars == {name: f"{group.quantity:,}" for name, group in figures.items()}, bars
assert card_csv("pieces", ANSWER) == card_csv("warehouse", ANSWER)
print(PICKED["pieces"], "'pieces'" in str(STACKS))
"""
FLOW = """
from flows.count_orders import count_orders
from prefect.client.orchestration import get_client
print(count_orders(warn_above=0))
with get_client(sync_client=True) as client:
    (run,) = [run for run in client.read_flow_runs() if run.name == "count hot orders"]
print(run.state.message, count_orders.parameters.properties["warn_above"]["description"], sep="\\n")
"""
DEPLOYMENTS = """
from tests.unit.test_deployments import DEPLOYMENTS, flow_of, full_name
print([full_name(one) for one in DEPLOYMENTS if flow_of(one).name == "count-orders"])
"""


def follow(page: Path, directory: Path) -> list[str]:
    """Apply a page's blocks: new modules, and differences with what stands around them. Returns the files."""
    touched = []
    for name, kind, text in BLOCK.findall(page.read_text("utf-8")):
        path = directory / name
        touched.append(name)
        if kind == "python":
            assert not path.exists()
            path.write_text(text)
            continue
        lines = text.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if line[0] in " -")
        assert path.read_text().count(old) == 1, f"{name} has not, or has twice:\n{old}"
        path.write_text(path.read_text().replace(old, "".join(line[1:] for line in lines if line[0] in " +")))
    return touched


@pytest.mark.usefixtures("prefect_server")
def test_what_the_page_says_is_all_there_is_to_do(database: MongoDatabase, settings: Settings, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for package in ("ecommerce", "flows", "dashboard", "cli", "deployments", "tests", "docs"):
        shutil.copytree(REPOSITORY / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    assert len(follow(REPOSITORY / "docs" / "architecture.md", copy)) == 9
    environment = clean_environment(settings) | {"PYTHONPATH": str(copy), "PREFECT_API_URL": PREFECT_API_URL.value()}

    def run(*arguments: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=copy, env=environment, capture_output=True, text=True, timeout=200
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()

    file = tmp_path / "orders.json-seq"
    file.write_text("".join(f"\x1e{json.dumps(complete_row(number))}\n" for number in range(1, 8)))
    run("-m", "cli.app", "import", str(file))
    assert database[ORDERS].count_documents({}) == 7
    assert run("-c", CARD) == ["warehouse True"]
    assert run("-c", FLOW) == ["7", "7 orders are hot", "Warn when there are more orders than this."]
    assert run("-c", DEPLOYMENTS) == ["['count-orders/daily']"]
