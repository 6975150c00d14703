"""One name for each thing: an option of a command is called as the flow's parameter, and as the setting behind it."""

from typing import Any

import pytest
import typer
from prefect import Flow
from prefect.utilities.importtools import import_object

from cli.app import COMMANDS, app
from cli.old_names import OLD_NAMES, renamed
from ecommerce.generate.first import FIRST_CATALOG
from ecommerce.settings import SET_BY_OPERATORS, Settings
from flows.forms import AS_SET
from tests.unit.test_deployments import DEPLOYMENTS, flow_of, form_of

FLOWS = {
    "archive": "flows.archive_orders.archive_orders",
    "restore": "flows.restore_orders.restore_orders",
    "check": "flows.check_orders.check_orders",
    "import": "flows.import_files.import_files",
    "summarize": "flows.summarize_orders.summarize_orders",
    "generate": "flows.generate_orders.generate_orders",
}
OF_COMMANDS_ALONE = {"--json", "--help", "--check", "--approve", "--yes", "--refuse"}
"""How a command prints and asks; `import --check` runs no flow."""

GROUP: Any = typer.main.get_command(app)


def options_of(command: str) -> set[str]:
    parameters = [one for one in GROUP.commands[command].params if one.param_type_name == "option"]
    return {flag for one in parameters for flag in one.opts} - OF_COMMANDS_ALONE


@pytest.mark.parametrize("command", FLOWS)
def test_an_option_is_called_as_the_parameter_of_the_flow(command: str) -> None:
    flow: Any = import_object(FLOWS[command])
    accepted = {f"--{name.replace('_', '-')}" for name in flow.fn.__annotations__}
    assert options_of(command) <= accepted


@pytest.mark.parametrize("command", OLD_NAMES)
def test_old_names_go_on_working_with_a_word(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = options_of(command)
    for old, new in OLD_NAMES[command].items():
        assert old not in options
        assert new in options
        assert renamed(command, [old, "5", "--json", f"{old}=6"]) == [new, "5", "--json", f"{new}=6"]
        assert capsys.readouterr().err == f"warning: {old}: now called {new}; the old name goes on working\n"
        assert renamed(command, [new, "5"]) == [new, "5"]
    assert capsys.readouterr().err == ""
    assert set(OLD_NAMES) <= set(COMMANDS)


SCRIPTS = {
    "status": "--json",
    "generate": "--orders --seed --start --end --rate --to --format",
    "archive": "--older-than --dry-run --include-open --max-orders --max-bytes --compact-from",
    "restore": "--from --to",
    "kpis": "--json --from --to --currency",
    "check": "--json --repair --no-archive",
    "import": "--mapping --encoding --max-rejected --replay",
    "up": "--detach --demo --no-demo --json",
    "order": "--json",
}
"""Options that were documented before they had the names of parameters: people's scripts use them."""


@pytest.mark.parametrize("command", SCRIPTS)
def test_what_scripts_use_is_taken(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    parameters = GROUP.commands[command].params
    options = {flag for one in parameters for flag in (*one.opts, *one.secondary_opts)}
    old = OLD_NAMES.get(command, {})
    for option in SCRIPTS[command].split():
        assert renamed(command, [option])[0] in options
        said = f"warning: {option}: now called {old[option]}" if option in old else ""
        assert capsys.readouterr().err.startswith(said) and bool(said) == (option in old)


def test_what_operators_set_is_a_setting_that_a_form_names() -> None:
    described = " ".join(str(flow_of(one).parameters.properties) for one in DEPLOYMENTS)
    for name in SET_BY_OPERATORS:
        assert name in Settings.model_fields
        assert name in described, f"no form says that {name} fills a field"


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda one: one["entrypoint"].split(".")[-1])
def test_no_field_that_a_setting_fills_shows_a_number_that_is_used_when_it_is_emptied(deployment: Any) -> None:
    flow: Flow[..., Any] = flow_of(deployment)
    for name, field in form_of(flow).items():
        by_setting = "as the setting" in " ".join(field["description"].split())
        is_empty = "default" not in field and name not in flow.parameters.required
        if field.get("type") == "boolean" or {"type": "boolean"} in field.get("anyOf", ()):
            # Prefect's form sends false for a switch that nobody touched, so that one has to begin as None.
            is_empty = field.get("default") is None
            assert "default" in field
        assert by_setting == is_empty, name
    assert repr(AS_SET) == "as set"


def test_forms_of_generation_show_what_they_are_for() -> None:
    shown = {
        one["name"]: set(flow_of(one).parameters.properties) for one in DEPLOYMENTS if "generat" in str(one["tags"])
    }
    shop = {"preset", "seed", "catalog", "orders"}
    assert shown["hourly"] == shop | {"catch_up_hours"}
    assert shown["backfill"] == shop | {"start", "end"}
    assert shown["live"] == shop | {"rate", "speed"}
    assert shown["files"] == shop | {"start", "end", "to", "format", "bad_rows", "processes"}
    for one in DEPLOYMENTS:
        if "generat" in str(one["tags"]):
            group = flow_of(one).parameters.definitions["Catalog"]["properties"]
            assert list(group) == ["locale", "users", "products"], "what belongs together is one group"
            assert all(field["description"] for field in group.values())
            assert f"{FIRST_CATALOG.users:,}" in group["users"]["description"]
