"""What commands share: the services that they need, and a flow that runs in their process with its progress."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from cli.prefect_server import API_URL, GIVEN_API, at_server, error_of_server, has_server, not_silent
from cli.terminal import terminal_progress
from ecommerce.errors import EcommerceError, InputError
from ecommerce.prefect_api import embedded_api
from ecommerce.progress import watched_by
from ecommerce.quick_process import end_at_once
from ecommerce.services.command_runs import close_killed_runs, forget_run, note_run
from ecommerce.settings import Settings, get_settings
from flows.sending import SEND_SECONDS

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.schemas.objects import FlowRun

Result = TypeVar("Result")

_runs: list[dict[str, str | None]] = []
_temporary_server = False


@contextmanager
def services(
    *, mongo: bool = True, hdfs: bool = False, prefect: bool = False, creates: bool = False
) -> Iterator[Settings]:
    """The settings, with MongoDB (HDFS, a Prefect server) answering: what does not run is started meanwhile.

    A temporary Prefect server keeps its history in the same place, so that a later `ecommerce up` shows these runs too.
    Raises ServiceError where the database is not there; a command that `creates` it says so.
    """
    global _temporary_server
    from ecommerce.services.on_demand import embedded_services, prefect_address

    settings = get_settings()
    needs_server = prefect and not has_server(settings)
    if mongo and settings.mongo_uri is not None:
        _look_for_database(settings, creates)
    with embedded_services(settings, mongo=mongo, hdfs=hdfs, prefect=needs_server):
        if mongo and settings.mongo_uri is None:
            _look_for_database(settings, creates)
        own_server = prefect_address(settings) or embedded_api(settings)
        close_killed(settings, own_server)
        if not needs_server:
            yield settings
            return
        os.environ[API_URL], _temporary_server = own_server, True
        try:
            yield settings
        finally:
            del os.environ[API_URL]
            _temporary_server = False


def _look_for_database(settings: Settings, creates: bool) -> None:
    """Say that a database is new; where the command does not make it, raise ServiceError."""
    from ecommerce.mongo import get_database
    from ecommerce.schema import is_missing, require_database

    database = get_database(settings)
    if not creates:
        require_database(database)
    elif is_missing(database):
        print(f"new database {database.name!r}", file=sys.stderr)


def close_killed(settings: Settings, own_server: str) -> None:
    """Call runs of earlier commands crashed whose process was killed, and say so."""
    for name in close_killed_runs(settings.home_directory, own_server):
        print(f"run {name!r} is called crashed: the process of its command was killed", file=sys.stderr)


def run_flow(flow: "Flow[..., Result]", /, **parameters: Any) -> Result:
    """Run a flow function in this process, drawing its progress on the terminal, and return its result.

    Call it inside `services(prefect=True)`.

    Raises InputError where a parameter is outside its bounds, ServiceError where the Prefect server goes away, and what
    the flow raises.
    """
    from httpx import TransportError
    from prefect.client.schemas import State
    from prefect.exceptions import MissingResult, ParameterTypeError, PrefectHTTPStatusError
    from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    from flows.own_run import send_no_heartbeats_at_home

    of_its_server = (PrefectHTTPStatusError, TransportError, RuntimeError)
    try:
        flow.validate_parameters(parameters)
    except ParameterTypeError as error:
        # A line for each type that a parameter may have; that of its default says nothing to a user.
        lines = [line.strip(" -") for line in str(error).splitlines()[1:] if "is-instance[AsSet]" not in line]
        raise InputError("; ".join(lines)) from None
    watched = flow.with_options(on_running=[*(flow.on_running_hooks or ()), _name_run])
    returned: list[Any] = []
    failed: list[EcommerceError] = []
    gone: list[Exception] = []
    without_server = ExitStack()

    @wraps(flow.fn)
    def keep_what_it_returns(*arguments: Any, **named: Any) -> Any:
        try:
            value = flow.fn(*arguments, **named)
        except EcommerceError as error:
            failed.append(error)
            raise
        except of_its_server as error:
            if error_of_server(error) is not None:
                # It was asked for a minute, and would be as long again about the run's end, its log and its events.
                without_server.enter_context(temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}))
                gone.append(error)
                end_at_once()
            raise
        returned.append(value.data if isinstance(value, State) else value)
        return value

    watched.fn = keep_what_it_returns
    title = flow.name.replace("-", " ")
    with at_server(), not_silent(), without_server, terminal_progress(title) as progress, watched_by(progress):
        send_no_heartbeats_at_home()
        try:
            result: Result = watched(**parameters)
            return result
        except MissingResult:
            # The server noted the run's end, its answer was lost, and what Prefect reads back has no result.
            if not returned:
                raise
            return cast(Result, returned[-1])
        except of_its_server as error:
            if (named := error_of_server(error)) is None:
                raise
            # What stopped the work comes before a server that cannot be told so.
            raise failed[-1] if failed else named from None
        finally:
            if not gone:
                _send_what_waits()
            if _runs:
                forget_run(get_settings().home_directory, str(_runs[-1]["id"]))


def given(**parameters: Any) -> dict[str, Any]:
    """Those parameters of a flow that were given; the others are as they are set."""
    return {name: value for name, value in parameters.items() if value is not None}


def last_run() -> dict[str, str | None] | None:
    """Name, id and page of the last run of this process, None before any; a temporary server has no page."""
    return _runs[-1] if _runs else None


def _name_run(flow: Any, flow_run: "FlowRun", state: Any) -> None:
    """Say on standard error which run this is, once, with its page where there is a server that shows it later."""
    if _runs and _runs[-1]["id"] == str(flow_run.id):
        return
    from prefect.utilities.urls import url_for

    url = None if _temporary_server else url_for("flow-run", flow_run.id)
    _runs.append({"name": flow_run.name, "id": str(flow_run.id), "url": url})
    note_run(get_settings().home_directory, str(flow_run.id), GIVEN_API)
    print(f"run: {flow_run.name}" + (f" {url}" if url else ""), file=sys.stderr)


def _send_what_waits() -> None:
    """Send the run's last log lines and events: when Prefect would, at exit, a temporary server is gone."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=SEND_SECONDS)
    EventsWorker.drain_all(timeout=SEND_SECONDS)
