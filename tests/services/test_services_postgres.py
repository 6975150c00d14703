"""The embedded Postgres: made once, found again, back after a kill, and Prefect's history in it."""

import asyncio
import json
import os
import signal
import stat
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import psutil
import pytest

from ecommerce.errors import ServiceError
from ecommerce.services.daemons import Daemon
from ecommerce.services.marks import marked_processes
from ecommerce.services.postgres import database_uri, ensure_database, postgres
from ecommerce.services.prefect_database import choose_history
from ecommerce.services.records import read_record
from ecommerce.settings import Settings
from tests.programs import NO_POSTGRES, Up, ecommerce, new_settings
from tests.runbook import row_of

pytestmark = [pytest.mark.skipif(NO_POSTGRES is not None, reason=str(NO_POSTGRES)), pytest.mark.slow]

ODD_NAME = "a home's ö 100%20 #1?"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    # Its parents are for this user alone, which is nothing to the account that root's Postgres runs as.
    return tmp_path / ODD_NAME


@pytest.fixture
def server(home: Path) -> Iterator[Daemon]:
    running = postgres(home).start()
    ensure_database(home, "prefect")
    yield running
    running.stop()
    assert marked_processes(home) == []


def value_of(home: Path, query: str, uri: str | None = None) -> Any:
    async def ask() -> Any:
        connection = await asyncpg.connect(uri or database_uri(home, "prefect"))
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_databases_are_made_once_and_open_to_nobody_without_the_password(home: Path, server: Daemon) -> None:
    ensure_database(home, "prefect")
    ensure_database(home, "catalog")
    assert value_of(home, "SELECT count(*) FROM pg_database WHERE datname IN ('prefect', 'catalog')") == 2
    assert value_of(home, "CREATE EXTENSION IF NOT EXISTS pg_trgm") is None
    without = f"postgresql://ecommerce@{server.address}/prefect"
    with pytest.raises(asyncpg.InvalidPasswordError):
        value_of(home, "SELECT 1", without.replace("@", ":wrong@"))
    for path, mode in ((home / "postgres", 0o700), (home / "postgres" / "password", 0o600)):
        assert stat.S_IMODE(path.stat().st_mode) == mode
    assert psutil.Process(server.pid).uids().real != 0


def test_a_killed_server_starts_again_on_its_port_with_what_was_committed(home: Path, server: Daemon) -> None:
    value_of(home, "CREATE TABLE kept (number int)")
    value_of(home, "INSERT INTO kept VALUES (7)")
    address = server.address
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    server.kill()
    server.start()
    assert server.address == address
    assert value_of(home, "SELECT number FROM kept") == 7


def test_a_lock_file_that_names_another_process_is_no_obstacle(home: Path) -> None:
    first = postgres(home).start()
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)
    psutil.Process(first.pid).wait(10)
    lock = home / "postgres" / "data" / "postmaster.pid"
    lock.write_text(lock.read_text().replace(str(first.pid), str(os.getpid()), 1))
    second = postgres(home).start()
    second.stop()
    assert first.stop()


def test_a_cluster_that_was_left_half_made_is_made_anew(home: Path) -> None:
    half = home / "postgres.new" / "data"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    running = postgres(home).start()
    ensure_database(home, "prefect")
    assert value_of(home, "SELECT 1") == 1
    running.stop()


def test_an_empty_folder_is_filled(home: Path) -> None:
    (home / "postgres").mkdir(parents=True)
    postgres(home).start().stop()
    assert (home / "postgres" / "data" / "PG_VERSION").exists()


@pytest.mark.parametrize("lost", ["data", "data/PG_VERSION", "password"])
def test_data_that_is_not_whole_is_named_and_never_made_over(home: Path, lost: str) -> None:
    postgres(home).start().stop()
    part, kept = home / "postgres" / lost, home / "kept"
    part.rename(kept)
    with pytest.raises(ServiceError) as raised:
        postgres(home)
    assert row_of(str(raised.value)) == "the data of the embedded Postgres in … lacks …"
    assert f"{home / 'postgres'} lacks {lost}" in str(raised.value)
    assert not part.exists()
    kept.rename(part)
    postgres(home).start().stop()


def test_a_history_that_was_begun_in_sqlite_stays_there(home: Path) -> None:
    settings = Settings(home=home)
    (home / "prefect").mkdir(parents=True)
    (home / "prefect" / "prefect.db").touch()
    choice = choose_history(settings)
    assert not choice.postgres
    assert choice.remark and str(home / "prefect" / "prefect.db") in choice.remark
    (home / "prefect" / "prefect.db").unlink()
    assert choose_history(settings).postgres
    (home / "prefect" / "prefect.db").touch()
    assert choose_history(settings).postgres, "decided once"


def test_without_postgres_the_history_is_in_sqlite_and_the_reason_is_one_line(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecommerce.services.postgres.find_spec", lambda name: None)
    choice = choose_history(Settings(home=home))
    assert not choice.postgres
    assert choice.remark == "Prefect's history is in SQLite: there is no wheel of Postgres for this platform"


def test_prefect_goes_on_after_its_postgres_was_killed(tmp_path: Path) -> None:
    home = tmp_path
    settings = new_settings(home)
    up = Up(settings)
    try:
        up.wait_for("Look first")
        api = f"http://127.0.0.1:{settings.prefect_port}/api"
        record = read_record(home, "postgres")
        assert record is not None
        os.kill(record.pid, signal.SIGKILL)
        up.wait_for("postgres was ended by signal 9; it was started again", 60)
        request = urllib.request.Request(  # noqa: S310 - http on loopback
            f"{api}/deployments/filter", data=b"{}", headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            assert len(json.load(answer)) >= 7
        assert not (home / "prefect" / "prefect.db").exists()
    finally:
        up.end(signal.SIGINT)
    assert marked_processes(home) == []
    assert ecommerce(settings, "summarize").returncode == 0, "a temporary server on the same history"
    assert marked_processes(home) == []
