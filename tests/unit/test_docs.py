"""The documentation is held to the code: reference pages, commands, links, alerts and their runbook."""

import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
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
MAKEFILE = (REPOSITORY / "Makefile").read_text()
SERVICES = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())["services"]
DEPLOYMENTS = {
    f"{one['entrypoint'].rpartition('.')[2].replace('_', '-')}/{one['name']}"
    for one in yaml.safe_load((REPOSITORY / "deployments" / "prefect.yaml").read_text())["deployments"]
}
RUNBOOK = (REPOSITORY / "docs" / "runbook.md").read_text()


def test_the_reference_pages_are_what_the_code_says() -> None:
    written = {path.name: path.read_text() for path in DIRECTORY.glob("*.md")}
    assert written == pages(), "run `python -m cli.reference`"


COMPOSE_OPTIONS = {
    "build": set(),
    "config": {"--resolve-image-digests"},
    "cp": set(),
    "down": {"--volumes"},
    "exec": {"-T"},
    "logs": {"--follow", "--tail"},
    "ps": set(),
    "run": {"--env", "--no-deps", "--rm", "-T", "--volume"},
    "start": set(),
    "stop": set(),
    "up": {"--detach", "--wait"},
}
"""What the pages use of Docker's own command; `docker compose SUBCOMMAND --help` has all of it."""

NOT_OURS = {"chmod", "cp", "export", "git", "hadoop", "install", "sed", "true", "{"}
"""Programs in the pages whose options are not for us to hold."""

USAGE_ERROR: Any = typer.BadParameter.__base__
"""Typer brings its own Click, of which this is not public."""

PLACEHOLDERS = {"--to …": "--to 2026-02-01", "…": "2026-01-01", " N ": " 5 "}


def shell_lines(path: Path) -> list[str]:
    """The commands of a page's shell blocks, without comments; a line that ends in a backslash goes on."""
    blocks = re.findall(r"^```sh\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)
    lines = (re.sub(r"(^|\s)# .*", "", line) for block in blocks for line in block.replace("\\\n", " ").splitlines())
    return [line.strip() for line in lines if line.strip()]


def commands() -> list[tuple[str, str]]:
    """(page, command) of every command in a shell block, and of every one in a sentence that is one of ours."""
    found = []
    for path in DOCS:
        if DIRECTORY not in path.parents:
            texts = [(part, True) for line in shell_lines(path) for part in re.split(r" (?:&&|\|\||\|) ", line)]
            texts += [(text, False) for text in re.findall(r"`([^`\n]+)`", path.read_text())]
            ours = r"(\.venv/bin/)?(ecommerce|prefect|python -m|docker compose|make) .+"
            found += [(path.name, text) for text, in_block in texts if in_block or re.fullmatch(ours, text)]
    return sorted(set(found))


@pytest.mark.parametrize(("page", "text"), commands(), ids=lambda value: value)
def test_every_command_in_the_documentation_is_one_with_its_options_and_values(page: str, text: str) -> None:
    words = shlex.split(re.sub(r" [<>] .*| \[.*\]", "", filled(text)))
    in_environment = [re.match(r"[A-Z_]+=|2026", word) is not None for word in words]
    hold(words[in_environment.index(False) :])


@pytest.mark.parametrize(
    "text",
    [
        "ecommerce archiv",
        "ecommerce archive --older 30",
        "ecommerce archive --older-than-days many",
        "ecommerce restore --start 2026-01-01",
        "docker compose exec archivist ecommerce archive",
        "docker compose exec archiver ecommerce archive --older 30",
        "docker compose up --detatch",
        "prefect deployment run archive-orders/nightly",
        "prefect deployment schedule pause archive-orders/nightly 1",
        "make instal",
        "python -m benchmark",
        "ecomerce up",
    ],
)
def test_a_command_that_is_none_would_be_found(text: str) -> None:
    with pytest.raises((AssertionError, USAGE_ERROR)):
        hold(text.split())


def filled(text: str) -> str:
    """A command with something for its placeholders."""
    for placeholder, something in PLACEHOLDERS.items():
        text = text.replace(placeholder, something)
    return text


def hold(words: list[str]) -> None:
    """Fail where a command is not one, or would refuse its options."""
    match [words[0].removeprefix(".venv/bin/"), *words[1:]]:
        case ["ecommerce", name, *rest]:
            group: Any = typer.main.get_command(app)
            assert name in group.commands
            if rest:
                group.commands[name].make_context(name, rest)
        case ["prefect", "deployment", "run", name, *_]:
            assert name in {*DEPLOYMENTS, PLACEHOLDERS["…"]}
        case ["prefect", "deployment", "schedule", "ls" | "pause" | "resume", name, *_]:
            assert name in DEPLOYMENTS
        case ["prefect", "deploy", *_]:
            pass
        case ["python", "-m", module, *_]:
            assert importlib.util.find_spec(module)
        case ["make", target, *variables]:
            assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE)
            assert all(f"$({one.partition('=')[0]})" in MAKEFILE for one in variables)
        case ["docker", "compose", *rest]:
            hold_compose(rest)
        case [program, *_]:
            assert program in NOT_OURS


def hold_compose(words: list[str]) -> None:
    """The same for `docker compose`: services and profiles are those of the file."""
    if words[:1] == ["--profile"]:
        assert any(words[1] in service.get("profiles", []) for service in SERVICES.values())
        words = words[2:]
    subcommand, *rest = words
    options = [word for word in rest if word.startswith("-")]
    if subcommand in {"exec", "run"}:
        with_value = {"--env", "--volume"}
        values = [at + 1 for at, word in enumerate(rest) if word in with_value]
        words = [word for at, word in enumerate(rest) if at not in values]
        service, *inner = [word for word in words if word not in COMPOSE_OPTIONS[subcommand]]
        assert service in SERVICES
        if not inner:
            return
        if inner[0] in {"ecommerce", "prefect", "python"}:
            hold(inner)
        return
    assert set(options) <= COMPOSE_OPTIONS[subcommand]
    names = [word.partition(":")[0] for word in rest if not word.startswith("-") and not word.isdigit()]
    assert set(names[1:] if subcommand == "cp" else names) <= SERVICES.keys()


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


def test_the_site_is_built_without_a_broken_link(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / "zensical.toml", tmp_path)
    shutil.copytree(REPOSITORY / "docs", tmp_path / "docs")
    built = subprocess.run(
        [Path(sys.executable).with_name("zensical"), "build", "--strict"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    pages = {path.relative_to(tmp_path / "docs").with_suffix(".html") for path in (tmp_path / "docs").rglob("*.md")}
    site = tmp_path / "build" / "site"
    assert {page for page in pages if not (site / page).exists()} == set()


def test_no_page_of_the_site_is_missing_from_its_navigation_or_links_out_of_it() -> None:
    navigation = (REPOSITORY / "zensical.toml").read_text()
    for path in (REPOSITORY / "docs").rglob("*.md"):
        page = path.relative_to(REPOSITORY / "docs")
        assert f'"{page}"' in navigation, f"{page} has no place in zensical.toml"
        out = re.findall(r"\]\(((?:\.\./)+[^)]*)\)", path.read_text())
        assert [link for link in out if link.count("../") > len(page.parts) - 1] == [], (
            f"{page} links to what the site lacks"
        )
