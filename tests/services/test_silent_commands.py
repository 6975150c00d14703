"""Commands end with one line where a service that they need is silent."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

import pytest
from pydantic import SecretStr

from ecommerce.errors import ServiceError
from ecommerce.mongo import get_database
from ecommerce.schema import prepare_database
from ecommerce.services import silent, supervisor
from ecommerce.services.daemons import Daemon
from ecommerce.services.silent import await_prefect, await_process
from ecommerce.settings import Settings
from tests.frozen import a_service, freeze, service, settings
from tests.prefect_stack import PrefectStack, prefect_stack
from tests.programs import clean_environment, pid_of
from tests.runbook import row_of

pytestmark = pytest.mark.slow

__all__ = ["service", "settings"]

STOPS_ITS_SERVER = """
import os, signal
from cli import runtime, silent_server
silent_server.SILENT_SECONDS_MAX, silent_server.ASK_SECONDS = 3, 1
note_run = runtime.note_run
def note_and_stop(*run):
    note_run(*run)
    os.kill(int(os.environ["SERVER"]), signal.SIGSTOP)
runtime.note_run = note_and_stop
from cli.app import main
main()
"""
"""A command whose server is stopped when its run has begun."""


def test_a_command_does_not_wait_for_ever_for_a_silent_server(
    settings: Settings, service: Daemon, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(silent, "SILENT_SECONDS_MAX", 2)
    monkeypatch.setattr(silent, "SAY_SECONDS", 0.5)
    monkeypatch.setattr(silent, "prefect_answers", lambda _: service.answers())  # it has no such page
    await_prefect(settings, service.name)
    freeze(service)
    for wait in (await_prefect, await_process):
        with pytest.raises(ServiceError) as raised:
            wait(settings, service.name)
        message = str(raised.value)
        assert row_of(message) == "the Prefect server … does not answer: …"
        assert f"its process {service.pid} is stopped, as by `kill -STOP` (`kill -CONT {service.pid}` lets" in message
        assert "; wait: `ecommerce up`, which runs" in message
    assert "prefect-server does not answer: waiting for 2 s at most" in capsys.readouterr().err
    monkeypatch.setattr(silent, "SILENT_SECONDS_MAX", 60)
    waker = Timer(0.5, service.wake)
    waker.start()
    await_prefect(settings, service.name)
    waker.join()


def test_so_it_is_with_other_services(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silent, "STOPPED_SECONDS_MAX", 0.5)
    (settings.home_directory / "run" / supervisor.STATE).unlink()
    its = a_service(settings, "namenode").start()
    freeze(its)
    with pytest.raises(ServiceError) as raised:
        await_process(settings, "namenode")
    assert row_of(str(raised.value)) == "… at … is silent: …"
    assert f"`kill -CONT {its.pid}` lets it go on" in str(raised.value)
    its.kill()


@pytest.fixture
def stack(settings: Settings, mongo_uri: str, tmp_path: Path) -> Iterator[PrefectStack]:
    its = {"mongo_uri": SecretStr(mongo_uri), "database": f"test_{uuid.uuid4().hex[:12]}"}
    settings = settings.model_copy(update=its)
    database = get_database(settings)
    prepare_database(database)
    with prefect_stack(settings, tmp_path / "prefect") as stack:
        yield stack
    database.client.drop_database(database.name)


@pytest.mark.timeout(600)
def test_a_command_ends_where_its_server_is_silent_in_the_middle(stack: PrefectStack) -> None:
    server = pid_of(stack.settings, "prefect-server")
    its = clean_environment(stack.settings) | {"SERVER": str(server)}
    command = subprocess.Popen(
        [sys.executable, "-c", STOPS_ITS_SERVER, "summarize"], env=its, stderr=subprocess.PIPE, text=True
    )
    assert command.stderr is not None
    try:
        while not (line := command.stderr.readline()).startswith("run: "):
            assert line
        begin = time.monotonic()
        _, said = command.communicate(timeout=60)
    finally:
        os.kill(server, signal.SIGCONT)
    assert command.returncode == 1, said
    assert time.monotonic() - begin < 30
    *_, error = said.splitlines()
    assert error.startswith("error: "), said
    message = error.removeprefix("error: ")
    assert row_of(message) == "the Prefect server … does not answer: …"
    assert f"its process {server} is stopped" in message
