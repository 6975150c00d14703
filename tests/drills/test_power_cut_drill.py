"""A power cut: everything is killed at once in the middle of traffic, import and archive. Nothing is lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from pymongo.read_concern import ReadConcern

from ecommerce.archive.runs import unfinished_run
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, MongoDatabase, get_database
from ecommerce.services.marks import marked_processes
from ecommerce.settings import Settings
from tests.ports import free_port

pytestmark = [pytest.mark.drill, pytest.mark.timeout(1200)]

TODAY = datetime.now(UTC).date()
HOT, IN_FILES = 40_000, 80_000
COMMAND = str(Path(sys.prefix) / "bin" / "ecommerce")


class Machine:
    """A home with its own ports: what runs there is one machine, whose power can be cut."""

    def __init__(self, directory: Path) -> None:
        ports = {name: free_port() for name in ("mongo", "namenode", "dashboard", "prefect")}
        self.settings = Settings.model_validate(
            {"home": directory / "home"} | {f"{name}_port": port for name, port in ports.items()}
        )
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "ECOMMERCE_"))}
        self.environment |= {f"ECOMMERCE_{name.upper()}_PORT": str(port) for name, port in ports.items()}
        self.environment["ECOMMERCE_HOME"] = str(self.settings.home_directory)
        # Spark is started for a few seconds of work: the first compiler alone is faster.
        self.environment["JAVA_TOOL_OPTIONS"] = "-XX:TieredStopAtLevel=1"
        self.directory = directory
        self.started: list[subprocess.Popen[bytes]] = []

    def run(self, *arguments: str) -> str:
        started = time.monotonic()
        done = subprocess.run(
            [COMMAND, *arguments], env=self.environment, cwd=self.directory, capture_output=True, text=True, check=False
        )
        print(f"{time.monotonic() - started:5.1f} s  ecommerce {' '.join(arguments)}")
        assert done.returncode == 0, f"ecommerce {' '.join(arguments)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done.stdout

    def begin(self, *arguments: str) -> psutil.Process:
        """Start a command and leave it to its work."""
        with (self.directory / f"{arguments[0]}.log").open("ab") as log:
            command = subprocess.Popen(
                [COMMAND, *arguments], env=self.environment, cwd=self.directory, stdout=log, stderr=log
            )
        self.started.append(command)
        return psutil.Process(command.pid)

    def cut_power(self) -> None:
        """SIGKILL for every process of this machine: services, supervisor, commands, and what these started."""
        victims = {process.pid: process for process in marked_processes(self.settings.home_directory)}
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("ECOMMERCE_HOME") == self.environment["ECOMMERCE_HOME"]:
                    victims[process.pid] = process
        for victim in victims.values():
            with suppress(psutil.NoSuchProcess):
                os.kill(victim.pid, signal.SIGKILL)
        for command in self.started:
            command.wait()
        psutil.wait_procs(list(victims.values()), timeout=30)
        self.started.clear()

    @property
    def database(self) -> MongoDatabase:
        return get_database(self.settings)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    running = Machine(tmp_path)
    yield running
    running.cut_power()


def ids(database: MongoDatabase, collection: str) -> set[int]:
    """Order ids that a majority has, which is what a power cut may not take back."""
    durable = database.get_collection(collection, read_concern=ReadConcern("majority"))
    return {document["_id"] for document in durable.find({}, {"_id": 1})}


def wait_until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def pause(process: psutil.Process) -> None:
    """As slow as can be: nothing more of what it does happens before the power goes."""
    for one in (process, *process.children(recursive=True)):
        one.suspend()


def test_everything_is_killed_at_once_and_no_order_is_lost(machine: Machine) -> None:
    machine.run("up", "--detach", "--no-demo")
    machine.run("generate", "--orders", str(HOT), "--start", "2026-01-01", "--end", "2026-01-11")
    machine.run("generate", "--to", "shop", "--format", "csv", "--orders", str(IN_FILES), "--seed", "9",
                "--start", str(TODAY - timedelta(days=20)), "--end", str(TODAY - timedelta(days=10)))  # fmt: skip
    database = machine.database

    machine.begin("generate", "--rate", "100")
    archiver = machine.begin("archive", "--older-than-days", "30")
    wait_until(lambda: database[ARCHIVED_ORDERS].find_one())
    pause(archiver)
    before = database[ORDERS].estimated_document_count()
    machine.begin("import", "shop")
    wait_until(lambda: database[ORDERS].estimated_document_count() > before + IN_FILES // 10)
    hot, archived = ids(database, ORDERS), ids(database, ARCHIVED_ORDERS)
    machine.cut_power()

    machine.run("up", "--detach", "--no-demo")
    assert ids(database, ORDERS) | ids(database, ARCHIVED_ORDERS) >= hot | archived
    run = unfinished_run(database)
    assert run is not None and 0 < len(archived) < run.orders, "the archiver was deleting"
    assert database["imports"].find_one({"state": "running"}), "the import was in the middle"
    machine.run("check")

    machine.run("archive", "--older-than-days", "30")
    assert unfinished_run(database) is None
    machine.run("import", "shop")
    hot_after, archived_after = ids(database, ORDERS), ids(database, ARCHIVED_ORDERS)
    assert not hot_after & archived_after
    assert hot_after | archived_after >= hot | archived
    assert len(hot_after | archived_after) >= HOT + IN_FILES
