"""A command alone has its services while it runs; commands at once share them; the last one out ends them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cli.app import GO_ON
from ecommerce.mongo import ORDERS, get_database
from ecommerce.services.environment import settings_environment
from ecommerce.services.marks import marked_processes, wait_for_end
from ecommerce.services.records import read_record
from ecommerce.settings import Settings
from tests.ports import free_port
from tests.programs import PROGRAM, clean_environment, pid_of

pytestmark = pytest.mark.slow

COMMAND = """
import sys
from ecommerce.mongo import get_database
from ecommerce.services.on_demand import embedded_services
from ecommerce.settings import get_settings

with embedded_services(get_settings(), hdfs="hdfs" in sys.argv) as settings:
    get_database(settings)["used"].insert_one({})
    print("using", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, mongo_port=free_port(), namenode_port=free_port())


@pytest.fixture
def commands(settings: Settings) -> Iterator[list["Command"]]:
    started: list[Command] = []
    yield started
    for command in started:
        command.process.kill()
        command.process.wait()
    wait_until_nothing_runs(settings)


class Command:
    """A process that uses the embedded services until it is told to end."""

    def __init__(self, settings: Settings, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *arguments],
            env={**os.environ, **settings_environment(settings)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_using(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "using\n"

    def end(self) -> tuple[int, str]:
        _, errors = self.process.communicate("\n", timeout=60)
        return self.process.returncode, errors


def wait_until_nothing_runs(settings: Settings) -> None:
    assert wait_for_end(marked_processes(settings.home_directory), 30) == []


def test_commands_that_start_at_once_share_one_service_until_the_last_has_ended(
    settings: Settings, commands: list[Command]
) -> None:
    commands += [Command(settings), Command(settings), Command(settings)]
    for command in commands:
        command.wait_until_using()
    shared = pid_of(settings, "mongod")
    assert commands[0].end() == (0, "")
    assert commands[1].end() == (0, "")
    assert pid_of(settings, "mongod") == shared
    assert psutil.pid_exists(shared)
    assert commands[2].end() == (0, "")
    assert marked_processes(settings.home_directory) == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_service_ends_after_its_command_however_that_ended(
    settings: Settings, commands: list[Command], how: signal.Signals
) -> None:
    commands.append(Command(settings))
    commands[0].wait_until_using()
    assert len(marked_processes(settings.home_directory)) == 1
    commands[0].process.send_signal(how)
    commands[0].process.wait()
    wait_until_nothing_runs(settings)


@pytest.mark.drill
def test_ctrl_c_ends_a_flow_its_prefect_server_and_its_services(settings: Settings) -> None:
    command = subprocess.Popen(
        [PROGRAM, "generate", "--orders", "2000000", "--start", "2026-01-01", "--end", "2026-02-01"],
        env=clean_environment(settings),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    database = get_database(settings)
    deadline = time.monotonic() + 120
    while read_record(settings.home, "mongod") is None or database[ORDERS].find_one() is None:
        assert command.poll() is None and time.monotonic() < deadline
        time.sleep(0.2)
    started = psutil.Process(command.pid).children(recursive=True)
    server = read_record(settings.home, "prefect-server")
    assert server is not None and server.process() in started, "a Prefect server of its own"
    os.killpg(command.pid, signal.SIGINT)
    _, errors = command.communicate(timeout=30)
    said = ["new database 'ecommerce'", "run: generate 2026-01-01 to 2026-02-01", f"stopped. {GO_ON}"]
    # A line a minute says how far it is.
    lines = [line for line in errors.splitlines() if not line.startswith("generate orders: ")]
    assert (command.returncode, lines) == (130, said)
    assert wait_for_end(started, 10) == []
    wait_until_nothing_runs(settings)


@pytest.mark.drill
def test_what_a_killed_keeper_left_is_ended_and_started_anew(settings: Settings, commands: list[Command]) -> None:
    commands.append(Command(settings))
    commands[0].wait_until_using()
    record = read_record(settings.home_directory, "mongod")
    assert record is not None
    os.kill(int(record.supervisor.partition(":")[0]), signal.SIGKILL)
    commands[0].process.kill()
    commands[0].process.wait()
    assert record.process() is not None

    commands.append(Command(settings))
    commands[1].wait_until_using()
    assert pid_of(settings, "mongod") != record.pid
    assert record.process() is None
    assert commands[1].end() == (0, "")


@pytest.mark.drill
def test_a_command_that_needs_the_archive_gets_hdfs_too(settings: Settings, commands: list[Command]) -> None:
    commands.append(Command(settings, "hdfs"))
    commands[0].wait_until_using()
    assert {record.name for name in ("namenode", "datanode") if (record := read_record(settings.home, name))} == {
        "namenode",
        "datanode",
    }
    assert commands[0].end() == (0, "")
    assert marked_processes(settings.home_directory) == []


def test_another_port_than_the_running_one_is_refused_with_the_right_setting(
    settings: Settings, commands: list[Command]
) -> None:
    commands.append(Command(settings))
    commands[0].wait_until_using()
    commands.append(Command(settings.model_copy(update={"mongo_port": free_port()})))
    code, errors = commands[1].end()
    assert code == 1
    assert f"runs on port {settings.mongo_port}" in errors
    assert f"set ECOMMERCE_MONGO_PORT={settings.mongo_port}" in errors
