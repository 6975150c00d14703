"""A service of a home that can be frozen: its ports stay open, and it does nothing."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ecommerce.services import supervisor
from ecommerce.services.daemons import Daemon
from ecommerce.services.ports import listens
from ecommerce.services.records import identity, run_directory, write_json
from ecommerce.services.supervisor import UP
from ecommerce.settings import Settings
from tests.ports import free_port
from tests.programs import new_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of a home whose `up` is this process."""
    settings = new_settings(tmp_path / "home")
    says_it_is(settings, UP)
    return settings


def says_it_is(settings: Settings, state: str) -> None:
    write_json(run_directory(settings.home_directory) / supervisor.STATE, {"supervisor": identity(), "state": state})


def a_service(settings: Settings, name: str = "prefect-server") -> Daemon:
    """A process that answers over HTTP, not started yet."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    url = f"http://127.0.0.1:{port}"
    settings.home_directory.mkdir(exist_ok=True)
    return Daemon(
        name,
        command,
        home=settings.home_directory,
        address=url,
        ready=lambda _: listens(f"{url}/api/health"),
        cwd=settings.home_directory,
    )


@pytest.fixture
def service(settings: Settings) -> Iterator[Daemon]:
    daemon = a_service(settings).start()
    yield daemon
    daemon.kill()


def freeze(daemon: Daemon) -> None:
    assert daemon.pid
    os.kill(daemon.pid, signal.SIGSTOP)
    deadline = time.monotonic() + 10
    while psutil.Process(daemon.pid).status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def until(happens: Callable[[], object], step: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline
        step()
        time.sleep(0.1)
