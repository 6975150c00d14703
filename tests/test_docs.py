"""The documentation is held to the code: reference pages, commands, links, alerts and their runbook."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from cli.app import app
from cli.reference import DIRECTORY, pages
from dashboard.metrics import TICK_METRICS
from ecommerce.metrics import METRICS
from tests.compose.compose_file import REPOSITORY

DOCS = sorted([REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *(REPOSITORY / "docs").rglob("*.md")])
ALERTS = yaml.safe_load((REPOSITORY / "deployments/docker/prometheus/alerts.yml").read_text())["groups"][0]["rules"]
RUNBOOK = (REPOSITORY / "docs" / "runbook.md").read_text()


def test_the_reference_pages_are_what_the_code_says() -> None:
    written = {path.name: path.read_text() for path in DIRECTORY.glob("*.md")}
    assert written == pages(), "run `python -m cli.reference`"


def shell_lines(path: Path) -> list[str]:
    """The commands of a page's shell blocks; a line that ends in a backslash goes on."""
    blocks = re.findall(r"^```sh\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)
    return [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def ecommerce_commands() -> list[tuple[str, str]]:
    """(page, arguments) of every use of our own command in the documentation, in blocks and in sentences."""
    found = []
    for path in DOCS:
        texts = [line.partition(" #")[0] for line in shell_lines(path)]
        texts += re.findall(r"`([^`\n]+)`", path.read_text())
        for text in texts:
            match = re.search(r"(?:^|[\s/])ecommerce ((?:[a-z]+)(?: .*)?)$", text.replace(" || true", "").strip())
            if match and DIRECTORY not in path.parents:
                found.append((path.name, match[1].partition(" > ")[0].partition(" | ")[0]))
    return sorted(set(found))


@pytest.mark.parametrize(("page", "arguments"), ecommerce_commands(), ids=lambda value: value)
def test_every_command_in_the_documentation_exists_with_its_options(page: str, arguments: str) -> None:
    group: Any = typer.main.get_command(app)
    name, *words = arguments.split()
    assert name in group.commands, f"{page}: ecommerce {arguments}"
    known = {option for parameter in group.commands[name].params for option in parameter.opts} | {"--help"}
    used = {word.partition("=")[0].strip("[]") for word in words if word.startswith(("-", "[-"))}
    assert used <= known, f"{page}: ecommerce {arguments}"


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_every_alert_uses_metrics_that_exist_and_has_its_page_in_the_runbook(alert: dict[str, Any]) -> None:
    assert set(re.findall(r"ecommerce_\w+", alert["expr"])) <= METRICS.keys() | TICK_METRICS.keys()
    assert f"\n## {alert['alert']}\n" in RUNBOOK
    assert alert["annotations"]["runbook"] == f"docs/runbook.md#{alert['alert'].lower()}"


def test_the_documentation_names_no_machine_of_ours() -> None:
    for path in DOCS:
        assert not re.search(r"/(?:root|work|home/\w+)/", path.read_text()), path
