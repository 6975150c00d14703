"""Where the embedded Prefect keeps its history: in Postgres, else in a SQLite file. Decided once per home."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ecommerce.services.postgres import database_uri, ensure_database, why_no_postgres
from ecommerce.services.records import read_json, write_json
from ecommerce.settings import Settings

POSTGRES = "postgres"
DATABASE = "prefect"

_SQLITE_PATIENCE = {
    # On a machine with more to do than it can, SQLite's lock was not had in the default 10 s, and runs got lost.
    "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
    "PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT": "30",
}


@dataclass(frozen=True, slots=True)
class HistoryChoice:
    """Where Prefect's history is, and what the user should hear about it."""

    postgres: bool
    remark: str | None = None


def choose_history(settings: Settings) -> HistoryChoice:
    """Decide and record where Prefect's history of this home is.

    Postgres where it can be run, unless an earlier version began a history in SQLite: paused schedules, variables and
    runs are there, and are not left behind silently.
    """
    home = settings.home_directory
    file = sqlite_history(home)
    record = home / "prefect" / "history.json"
    recorded = read_json(record).get("kind")
    if recorded != POSTGRES and file.exists():
        remark = (
            f"Prefect's history stays in SQLite, where it was begun: {file}. "
            "To begin a new one in Postgres, which does not lock up under load, move that file away"
        )
        return HistoryChoice(postgres=False, remark=remark)
    if (reason := why_no_postgres(home)) is not None:
        return HistoryChoice(postgres=False, remark=f"Prefect's history is in SQLite: {reason}")
    if recorded != POSTGRES:
        record.parent.mkdir(parents=True, exist_ok=True)
        write_json(record, {"kind": POSTGRES})
    return HistoryChoice(postgres=True)


def history_environment(settings: Settings, choice: HistoryChoice) -> Mapping[str, str]:
    """What tells Prefect's server where its history is; the embedded Postgres runs already where it is needed.

    For the server alone: its password is nothing for flow runs or the dashboard.
    """
    home = settings.home_directory
    if not choice.postgres:
        # A quoted URI in the URL: a `?` of the path would begin its options.
        url = f"sqlite+aiosqlite:///file:{quote(str(sqlite_history(home)))}?uri=true"
        return {"PREFECT_API_DATABASE_CONNECTION_URL": url, **_SQLITE_PATIENCE}
    ensure_database(home, DATABASE)
    return {"PREFECT_API_DATABASE_CONNECTION_URL": database_uri(home, DATABASE, "postgresql+asyncpg")}


def sqlite_history(home: Path) -> Path:
    """The file that version 0.1.0 used, and that is used where no Postgres can be had."""
    return home / "prefect" / "prefect.db"
