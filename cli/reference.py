"""`python -m cli.reference` writes docs/reference/: pages made of the code, which a test holds to it."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import typer
from pydantic_core import PydanticUndefined

from cli.app import app
from cli.kpis import ABOUT_FIGURES
from ecommerce.doctor.checkup import CHECKS
from ecommerce.importing.reasons import REASONS
from ecommerce.kpis.figures import ITEM_FIGURES, SHOP_FIGURES, Kpis
from ecommerce.metrics import METRICS
from ecommerce.security.roles import ROLES, USERS
from ecommerce.services.prefect import REPOSITORY, wanted_deployments
from ecommerce.settings import SET_BY_OPERATORS, Settings

DIRECTORY = REPOSITORY / "docs" / "reference"
NOTE = "<!-- Made by `python -m cli.reference` from the code. Do not edit. -->\n"


def pages() -> dict[str, str]:
    """Every page by its file name."""
    made = {
        "commands.md": _commands(),
        "settings.md": _settings(),
        "reason-codes.md": _reasons(),
        "kpis.md": _kpis(),
        "deployments.md": _deployments(),
        "metrics.md": _metrics(),
        "checks.md": _checks(),
        "roles.md": _roles(),
    }
    return {name: NOTE + text for name, text in made.items()}


def _commands() -> str:
    lines = [
        "# Commands\n",
        "Exit code 0: it worked; 1: it did not; 2: options or input are wrong.\n",
        "`ecommerce --version` prints the version, `ecommerce --install-completion` makes the shell complete commands",
        "and options. `--debug`, before or after a command, prints the traceback of an error, too.\n",
    ]
    group: Any = typer.main.get_command(app)
    for name, command in group.commands.items():
        arguments = [one for one in command.params if one.param_type_name == "argument"]
        options = [one for one in command.params if one.param_type_name == "option" and "--help" not in one.opts]
        usage = " ".join(
            ["ecommerce", name, *("[OPTIONS]" for _ in options[:1]), *(_metavar(one) for one in arguments)]
        )
        lines += [f"## {name}", "", f"`{usage}`", "", _paragraphs(command.help), ""]
        rows = [(_metavar(one), one.help or "", "") for one in arguments]
        rows += [(_flags(one), one.help or "", _default(one.default)) for one in options]
        if rows:
            lines += [*_table(("option", "what it does", "default"), rows), ""]
    return "\n".join(lines)


def _flags(option: Any) -> str:
    return " ".join(f"`{flag}`" for flag in (*option.opts, *option.secondary_opts))


def _metavar(argument: Any) -> str:
    text = (argument.metavar or argument.name or "").upper()
    return f"{text}…" if argument.nargs == -1 else text


def _settings() -> str:
    rows = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default is PydanticUndefined else _default(field.default)
        variable = f"`ecommerce_{name}`" if name in SET_BY_OPERATORS else ""
        says = field.description or _SETTINGS.get(name, "")
        rows.append((f"`ECOMMERCE_{name.upper()}`", f"{says}{_bounds(field.metadata)}", default, variable))
    about = (
        "Environment variables; an empty one counts as not set. Where a Prefect Variable is named, flow runs and the\n"
        "commands that run flows look at it first, each time they run: set it in Prefect's UI (Variables), or by\n"
        "`prefect variable set NAME VALUE`. A parameter that is given for one run goes before both."
    )
    return _page("Settings", about, ("variable", "what it says", "default", "Prefect Variable"), rows)


def _bounds(metadata: Sequence[Any]) -> str:
    """The least and the most that a setting may be, in a sentence; nothing where there are none."""
    least = next((one.ge for one in metadata if hasattr(one, "ge")), None)
    most = next((one.le for one in metadata if hasattr(one, "le")), None)
    if least is None or most is None:
        return ""
    return f" {least:,} to {most:,}."


_SETTINGS = {
    "database": "Name of the MongoDB database.",
    "mongo_port": "Port of the embedded MongoDB.",
    "namenode_port": "Port of the embedded NameNode.",
    "dashboard_port": "Port of the dashboard.",
    "prefect_port": "Port of the embedded Prefect server.",
}
"""What settings say whose names and bounds say it all in the code."""


def _reasons() -> str:
    about = "Why a row is in `rejected_rows`: its `code`, with a sentence in `reason`."
    rows = [(f"`{code}`", text) for code, text in REASONS.items()]
    return _page("Reason codes", about, ("code", "what it means"), rows)


def _kpis() -> str:
    about = "The fields of `ecommerce kpis --json`, in its order; [kpis.md](../kpis.md) has the definitions."
    hints = get_type_hints(Kpis)
    blank: Any = {one.name: _blank(hints[one.name]) for one in fields(Kpis)}
    rows = [
        (f"`{name}`", _type(hints[name]), _span_of(name), "items" if name in ITEM_FIGURES else "")
        for name in Kpis(**blank).to_json_dict()
    ]
    return _page("Figures", about, ("figure", "form", "of", "filtered by category and warehouse"), rows)


def _span_of(name: str) -> str:
    """What orders a figure is of."""
    return "all of the shop, whatever the span" if name in SHOP_FIGURES else "" if name in ABOUT_FIGURES else "the span"


def _blank(hint: Any) -> Any:
    origin = get_origin(hint)
    blanks = {int: 0, Decimal: Decimal(0), datetime: datetime.now(UTC), tuple: (), Mapping: {}}
    return blanks.get(origin or hint)


def _type(hint: Any) -> str:
    """A type in the words of JSON."""
    plain = {"Decimal": "decimal text", "int": "number", "datetime": "time", "str": "text", "float": "number"}
    arguments = get_args(hint)
    if get_origin(hint) is tuple:
        return f"list of {_type(arguments[0])}"
    if arguments and arguments[-1] is type(None):
        return f"{_type(arguments[0])} or null"
    if arguments:
        return f"{{name: {_type(arguments[1])}}}"
    if hasattr(hint, "_fields"):
        return "{" + ", ".join(hint._fields) + "}"
    if is_dataclass(hint) and isinstance(hint, type):
        return {"OrderGroup": "{orders, revenue}", "ItemGroup": "{quantity, …}"}.get(
            hint.__name__, "{" + ", ".join(one.name for one in fields(hint)) + "}"
        )
    return str(plain.get(hint.__name__, hint.__name__))


def _deployments() -> str:
    rows = []
    for name, entry in wanted_deployments().items():
        crons = ", ".join(f"`{schedule['cron']}` {schedule['timezone']}" for schedule in entry.get("schedules", []))
        queue = entry["work_pool"].get("work_queue_name", "default")
        rows.append((f"`{name}`", entry["description"], crons or "on demand", queue))
    about = "`prefect deployment run NAME -p parameter=value` starts one by hand."
    return _page("Deployments", about, ("name", "what it does", "when", "work queue"), rows)


def _metrics() -> str:
    rows = [(f"`{name}`", text) for name, text in METRICS.items()]
    about = (
        "What `ecommerce metrics` prints and `ecommerce metrics --serve HOST:PORT` serves. The dashboard's own "
        "process\ntells on its `/metrics` how its refresh is: `ecommerce_tick_seconds`, `ecommerce_tick_lag_seconds`,\n"
        "`ecommerce_ticks` and `ecommerce_tick_failed`."
    )
    return _page("Metrics", about, ("metric", "what it says"), rows)


def _checks() -> str:
    rows = [
        (check.name, (check.look.__doc__ or "").strip().splitlines()[0], ", ".join(check.needs)) for check in CHECKS
    ]
    about = "What `ecommerce doctor` looks at, in its order."
    return _page("The doctor's checks", about, ("check", "what must be", "needs"), rows)


def _roles() -> str:
    lines = ["# MongoDB roles", ""]
    users = [(f"`{user}`", ", ".join(f"`{role}`" for role in roles)) for user, roles in USERS.items()]
    lines += [*_table(("user of docker-compose.yml", "roles"), users), ""]
    for role in ROLES:
        inherits = f" Has all of {', '.join(f'`{name}`' for name in role.inherits)}." if role.inherits else ""
        on_server = f" On the server, by the role `{role.on_server}` of `admin`: {', '.join(role.server)}."
        inherits += on_server if role.server else ""
        rows = [(f"`{name}`", ", ".join(sorted(actions))) for name, actions in sorted(role.collections.items())]
        lines += [f"## {role.name}", "", role.why + inherits, "", *_table(("collection", "actions"), rows), ""]
    return "\n".join(lines)


def _page(title: str, about: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A page that is one table, and what is said above it."""
    return "\n".join([f"# {title}", "", about, "", *_table(columns, rows), ""])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"

    return [line(head), line(["---"] * len(head)), *(line([" ".join(cell.split()) for cell in row]) for row in rows)]


def _default(value: Any) -> str:
    if value is None or value == () or value is False:
        return ""
    if isinstance(value, Path):
        # The same on every machine.
        value = str(value).replace(str(Path.home()), "~")
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value, default=str)}`"


def _paragraphs(text: str | None) -> str:
    return "\n".join(line.strip() for line in (text or "").strip().splitlines())


def main() -> None:
    """Write the pages, and remove those that are no more."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    made = pages()
    for path in DIRECTORY.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (DIRECTORY / name).write_text(text)


if __name__ == "__main__":
    main()
