"""What commands share: the services they need, the Prefect server they report to, progress on a terminal."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from ecommerce.errors import InputError, ServiceError, SettingsError
from ecommerce.progress import Progress, silent, watched_by
from ecommerce.services.environment import HEARTBEAT_SECONDS, prefect_api
from ecommerce.services.ports import http_answers
from ecommerce.settings import Settings, get_settings

if TYPE_CHECKING:
    from prefect import Flow

Result = TypeVar("Result")


def use_prefect(settings: Settings) -> None:
    """Point Prefect, before it is imported, at the running server of this home; without one it starts its own.

    A server of its own keeps its history in the same place, so that a later `ecommerce up` shows these runs too.
    What the user's environment says goes first.
    """
    home = settings.home_directory / "prefect"
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"ECOMMERCE_HOME: {home} cannot be made ({error.strerror}): set it to another folder"
        ) from None
    os.environ.setdefault("PREFECT_HOME", str(home))
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    # The run's log goes to the server; the terminal gets progress, the result and one line for an error.
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    # A first start migrates the history database: 14 s on two idle cores, more on busy ones.
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
    # A server that runs crashes runs that do not say so often that they live, this process's too.
    os.environ.setdefault("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", str(HEARTBEAT_SECONDS))
    api = prefect_api(settings)
    if "PREFECT_API_URL" not in os.environ and http_answers(f"{api}/health"):
        os.environ["PREFECT_API_URL"] = api


@contextmanager
def services(*, hdfs: bool = False) -> Iterator[Settings]:
    """The settings, with MongoDB (and HDFS) answering: an embedded one that does not run is started meanwhile."""
    from ecommerce.services.on_demand import embedded_services

    settings = get_settings()
    with embedded_services(settings, hdfs=hdfs):
        yield settings


def run_flow(flow: "Flow[..., Result]", /, **parameters: Any) -> Result:
    """Run a flow function in this process, drawing its progress on the terminal, and return its result.

    Raises InputError where a parameter is outside its bounds, ServiceError where the Prefect server goes away, and what
    the flow raises.
    """
    from httpx import TransportError
    from prefect.exceptions import ParameterTypeError

    try:
        flow.validate_parameters(parameters)
    except ParameterTypeError as error:
        raise InputError("; ".join(line.strip(" -") for line in str(error).splitlines()[1:])) from None
    _start_prefect_where_none_runs()
    with terminal_progress(flow.name.replace("-", " ")) as progress, watched_by(progress):
        try:
            return flow(**parameters)
        except TransportError as error:
            server = os.environ.get("PREFECT_API_URL", "that was started for this command")
            raise ServiceError(
                f"the Prefect server {server} does not answer ({error}): run the command again, "
                "every step can be run again; `ecommerce status` says how the services are"
            ) from None


def _start_prefect_where_none_runs() -> None:
    """Start the temporary server that Prefect would start by itself, deaf to Ctrl-C; Prefect ends it with this process.

    In this process's group it would end with the first Ctrl-C, and the run, which then has to say that it was stopped,
    would try to reach it for another minute. A blocked signal stays blocked in the processes that a thread starts.
    """
    from prefect.settings import PREFECT_API_URL

    if PREFECT_API_URL.value():
        return
    # 3 s of processor time, so only where there is no server.
    from prefect.server.api.server import SubprocessASGIServer

    failures: list[Exception] = []

    def start() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            SubprocessASGIServer().start()
        except Exception as error:
            failures.append(error)

    starting = threading.Thread(target=start, daemon=True)
    starting.start()
    starting.join()
    if failures:
        raise ServiceError(f"a temporary Prefect server does not start: {failures[0]}")


@contextmanager
def terminal_progress(title: str) -> Iterator[Progress]:
    """A Progress that draws a bar with rate and time left on standard error; silent where that is not a terminal."""
    if not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[what]} {task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(title, total=None, what="", rate="")

        def report(done: int, total: int | None, what: str) -> None:
            speed = bars.tasks[0].speed
            bars.update(bar, completed=done, total=total, what=what, rate=f"{speed:,.0f}/s" if speed else "")

        yield report
