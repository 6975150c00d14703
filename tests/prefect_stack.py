"""A Prefect server of its own with the project's deployments, and a process worker that a test stops and starts."""

import fcntl
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.client.schemas.objects import FlowRun
from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Scheduled

from ecommerce.java import java_home
from ecommerce.prefect_api import embedded_api
from ecommerce.services import prefect as services
from ecommerce.services.daemons import Daemon
from ecommerce.services.environment import service_environment
from ecommerce.services.records import read_record
from ecommerce.settings import Settings
from tests.ports import free_port
from tests.shared_folder import shared_folder

RUN_SECONDS = 240
"""The longest that a run may take on a busy machine."""


EVENTS_SECONDS = 30
"""The longest that events of this process may take to be sent."""


class PrefectStack:
    """The running server; its worker is started by `worker()`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.environment = service_environment(settings, java_home(settings))
        self.client = SyncPrefectClient(api=embedded_api(settings))

    @contextmanager
    def worker(self) -> Iterator[Daemon]:
        """A process worker, until the end of the block."""
        daemon = services.worker(self.settings, self.environment)
        daemon.start()
        try:
            # As `up` does: a run is one process instead of three, of a second of processor time each.
            services.start_runs_directly(self.settings)
            yield daemon
        finally:
            daemon.stop()

    @contextmanager
    def in_this_process(self) -> Iterator[None]:
        """Within the block this process's Prefect is this server, and events go to it.

        Prefect sends all events of a process to the server that the first one went to. Sent from beside another test's
        server they would be lost with it, so what sends them is ended before and after.
        """
        EventsWorker.drain_all(timeout=EVENTS_SECONDS)
        try:
            with temporary_settings({PREFECT_API_URL: str(self.client.api_url)}):
                yield
        finally:
            EventsWorker.drain_all(timeout=EVENTS_SECONDS)

    def deploy(self) -> None:
        """Deploy everything, as each `ecommerce up` does."""
        services.deployment(self.settings, self.environment).start().finish()

    def pause(self, deployment: str) -> None:
        """Pause a deployment's schedules: the hour may begin while a test counts orders."""
        found = self.client.read_deployment_by_name(deployment)
        for schedule in found.schedules:
            self.client.update_deployment_schedule(found.id, schedule.id, active=False)

    def ask(self, deployment: str, at: datetime | None = None, named: str | None = None, **parameters: Any) -> UUID:
        """Ask for a run of a deployment, by default now and without a name; returns its id."""
        found = self.client.read_deployment_by_name(deployment)
        state: Any = Scheduled(scheduled_time=at or datetime.now(UTC))
        asked = self.client.create_flow_run_from_deployment(found.id, parameters=parameters, state=state, name=named)
        return asked.id

    def wait(self, *runs: UUID, seconds: float = RUN_SECONDS) -> list[FlowRun]:
        """The runs when they have ended."""
        self.until(lambda: all(self._ended(run) for run in runs), seconds)
        return [self.client.read_flow_run(run) for run in runs]

    def until(self, condition: Callable[[], Any], seconds: float = RUN_SECONDS) -> Any:
        """Wait for a condition, and return what it says. Fails with the states of all runs where it stays false."""
        deadline = time.monotonic() + seconds
        while not (answer := condition()):
            states = [f"{run.name}: {run.state_name}" for run in self.client.read_flow_runs()]
            assert time.monotonic() < deadline, f"not within {seconds} s: {'; '.join(states)}"
            time.sleep(0.5)
        return answer

    def until_suspended(self, run: UUID) -> None:
        """Wait until a run waits for a person, and its process has ended.

        A worker that is given a run back whose process has not ended yet dies of it (Prefect 3.8).
        """
        self.until(lambda: self.client.read_flow_run(run).state_name in ("Suspended", "Failed", "Crashed", "Completed"))
        assert self.client.read_flow_run(run).state_name == "Suspended", self.log(run)
        worker = read_record(self.settings.home_directory, "prefect-worker")
        assert worker
        self.until(lambda: not psutil.Process(worker.pid).children())

    def _ended(self, run: UUID) -> bool:
        state = self.client.read_flow_run(run).state
        return state is not None and state.is_final()

    def until_logged(self, run: UUID, text: str) -> None:
        """Wait until a run's log has a text: its last lines arrive some seconds after its end."""
        deadline = time.monotonic() + 60
        while text not in (log := self.log(run)):
            assert time.monotonic() < deadline, f"{text!r} is not in: {log}"
            time.sleep(0.5)

    def log(self, run: UUID) -> str:
        """The run's log, a line for each message, with its level."""
        lines = self.client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run])), limit=200)
        return "\n".join(f"{line.level} {line.message}" for line in lines)


_deployed = shared_folder() / "prefect-deployed.db"
"""The history of the first server, with its tables made and everything deployed: 10 s of two cores. All processes of
the tests copy it."""


@contextmanager
def prefect_stack(settings: Settings, home: Path) -> Iterator[PrefectStack]:
    """A server with the deployments for these settings, its files in `home`."""
    settings = settings.model_copy(update={"prefect_port": free_port(), "home": home})
    stack = PrefectStack(settings)
    server = services.server(settings, stack.environment)
    try:
        with _one_maker():
            known = bring_history(settings)
            if not known:
                _make_history(stack, server)
        if known:
            server.start()
        yield stack
    finally:
        server.stop()


@contextmanager
def _one_maker() -> Iterator[None]:
    """One process at a time makes the history; those that wait meanwhile find it."""
    with _deployed.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make_history(stack: PrefectStack, server: Daemon) -> None:
    """Start the server without a history, deploy everything, and keep what it has written by then."""
    server.start()
    services.ensure_work_pool(stack.settings)
    stack.deploy()
    _keep(_history(stack.settings))


def bring_history(settings: Settings) -> bool:
    """Put the history with tables and deployments where a new server looks for its own; whether there is one yet."""
    history = _history(settings)
    if not _deployed.exists() or history.exists():
        return False
    history.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(_deployed, history)
    return True


def _history(settings: Settings) -> Path:
    return settings.home_directory / "prefect" / "prefect.db"


def _keep(history: Path) -> None:
    """Copy a history without its runs: those of the schedules would be late in the server that begins with the copy."""
    unfinished = _deployed.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(history)) as source, closing(sqlite3.connect(unfinished)) as copy:
        source.backup(copy)
        for table in ("flow_run", "flow_run_state"):
            copy.execute(f"DELETE FROM {table}")  # noqa: S608 - names of this file
        copy.commit()
    unfinished.replace(_deployed)
