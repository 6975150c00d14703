"""How service processes are known again: by marks in their environment, which their descendants inherit.

A record can be missing where a process was killed at the wrong moment; a mark cannot.
"""

import contextlib
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from ecommerce.services.records import identity, process_of

HOME_MARK = "ECOMMERCE_SERVICE_OF"
NAME_MARK = "ECOMMERCE_SERVICE_NAME"
SUPERVISOR_MARK = "ECOMMERCE_SERVICE_SUPERVISOR"
"""Environment variables of every service process and its descendants: its home, its service, who will stop it."""

_STOP_ORDER = ("prefect-worker", "dashboard", "prefect-server", "postgres", "datanode", "namenode", "mongod")


def marks(home: Path, name: str) -> dict[str, str]:
    """The environment that makes a process and its descendants known as part of a service that this process runs."""
    return {HOME_MARK: _one_name(home), NAME_MARK: name, SUPERVISOR_MARK: identity()}


def _one_name(home: Path) -> str:
    """The home may be named over a symbolic link at one time and without it at another."""
    return str(home.resolve())


def marked_processes(home: Path, name: str | None = None, supervisor: str | None = None) -> list[psutil.Process]:
    """Every process of this user that belongs to a service of `home` (to the one named, started by the one given)."""
    expected = {HOME_MARK: _one_name(home), NAME_MARK: name, SUPERVISOR_MARK: supervisor}
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            continue
        if all(environment.get(mark) == value for mark, value in expected.items() if value is not None):
            found.append(process)
    return found


def orphans(home: Path) -> dict[str, list[psutil.Process]]:
    """The service processes of `home` whose supervisor has died, by service, those that others need last."""
    found: dict[str, list[psutil.Process]] = {}
    for process in marked_processes(home):
        with contextlib.suppress(psutil.Error, OSError):
            environment = process.environ()
            if process_of(environment.get(SUPERVISOR_MARK, "")) is None:
                found.setdefault(environment.get(NAME_MARK, ""), []).append(process)
    return {name: found[name] for name in sorted(found, key=stop_rank)}


def stop_rank(name: str) -> int:
    """When to stop a service among the others: those that others need last."""
    return _STOP_ORDER.index(name) if name in _STOP_ORDER else -1


def end_processes(processes: Sequence[psutil.Process], timeout_seconds: float) -> None:
    """Ask processes to end, wait, and kill what is left. psutil refuses to signal a reused process id."""
    for process in processes:
        _signal(process, signal.SIGTERM)
        # One that is stopped handles no signal before it goes on; `down` waited two minutes for a Prefect server.
        _signal(process, signal.SIGCONT)
    alive = wait_for_end(processes, timeout_seconds)
    for process in alive:
        _signal(process, signal.SIGKILL)
    wait_for_end(alive, 5)


def wait_for_end(processes: Sequence[psutil.Process], timeout_seconds: float) -> list[psutil.Process]:
    """Wait until processes have ended, and return those that have not in time.

    A zombie has ended: where nobody collects it, as in a container without an init, waiting for more takes for ever.
    """
    deadline = time.monotonic() + timeout_seconds
    while (alive := [process for process in processes if _lives(process)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return alive


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _signal(process: psutil.Process, number: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)
