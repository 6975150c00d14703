"""The program as a person runs it: in a shell without the tests' variables, in a home of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from ecommerce.jvm import SPARK
from ecommerce.services.environment import settings_environment
from ecommerce.services.postgres import why_no_postgres
from ecommerce.services.records import read_record
from ecommerce.settings import Settings
from tests.ports import free_port

PROGRAM = str(Path(sys.executable).parent / "ecommerce")
NO_POSTGRES = why_no_postgres(Path(tempfile.gettempdir()))
"""Why Prefect's history is in SQLite here, such as a checkout that the account of Postgres may not enter."""

POSTGRES_SERVICES = [] if NO_POSTGRES else ["postgres"]
SERVICES = ["mongod", "namenode", "datanode", *POSTGRES_SERVICES, "prefect-server", "prefect-worker", "dashboard"]
START_SECONDS = 300
"""A first start takes 40 s on two idle cores: it makes half a year of orders and archives half of them."""


def ecommerce(
    settings: Settings, *arguments: str, shell: Mapping[str, str] | None = None, within: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run the program, with what else is in somebody's shell, and within another program, such as `unshare`."""
    environment = clean_environment(settings) | dict(shell or {})
    return subprocess.run(
        [*within, PROGRAM, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )


def printed(settings: Settings, *arguments: str, shell: Mapping[str, str] | None = None) -> str:
    """What the program prints, which must succeed."""
    ended = ecommerce(settings, *arguments, shell=shell)
    assert ended.returncode == 0, f"{arguments}: {ended.stdout}{ended.stderr}"
    return ended.stdout


def clean_environment(settings: Settings) -> dict[str, str]:
    """As in a user's terminal: what the tests set for Prefect and their own Spark must not reach it."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", *SPARK))}
    return inherited | settings_environment(settings) | {"COLUMNS": "200"}


class Up:
    """A running `ecommerce up` with its output in a file."""

    def __init__(
        self,
        settings: Settings,
        *arguments: str,
        shell: Mapping[str, str] | None = None,
        within: tuple[str, ...] = (),
    ) -> None:
        self.settings = settings
        self.output = settings.home / f"up-{time.monotonic_ns()}.txt"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [*within, PROGRAM, "up", *arguments],
                env=clean_environment(settings) | dict(shell or {}),
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def wait_for(self, pattern: str, seconds: float = START_SECONDS) -> str:
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.text)):
            assert self.process.poll() is None, self.text
            assert time.monotonic() < deadline, f"{pattern} not in: {self.text}"
            time.sleep(0.1)
        return found.group()

    @property
    def text(self) -> str:
        return self.output.read_text()

    def end(self, how: signal.Signals) -> int:
        """Signal it as a terminal does: the whole process group, which its services must not be part of."""
        os.killpg(self.process.pid, how)
        return self.process.wait(120)


def new_settings(home: Path) -> Settings:
    ports = {f"{name}_port": free_port() for name in ("mongo", "namenode", "dashboard", "prefect")}
    return Settings(home=home, **ports)  # type: ignore[arg-type]


def states(settings: Settings) -> dict[str, dict[str, object]]:
    """What `ecommerce status --json` says of each service."""
    answer = json.loads(ecommerce(settings, "status", "--json").stdout)
    return {state["name"]: state for state in answer["services"]}


def pid_of(settings: Settings, name: str) -> int:
    record = read_record(settings.home_directory, name)
    assert record is not None
    return record.pid


def wait_until(holds: Callable[[], object], seconds: float, what: Callable[[], object] = lambda: None) -> None:
    """Wait for a condition; `what` says why it took too long."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what()
        time.sleep(0.2)
