"""What commands share: the services they need, the Prefect server they report to, progress on a terminal."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from cli.terminal import terminal_progress
from ecommerce.errors import EcommerceError, InputError, ServiceError, SettingsError
from ecommerce.prefect_api import embedded_api, require_prefect
from ecommerce.progress import watched_by
from ecommerce.quick_process import end_at_once, import_when_used
from ecommerce.services.command_runs import close_killed_runs, forget_run, note_run
from ecommerce.services.environment import HEARTBEAT_SECONDS
from ecommerce.services.ports import http_answers, listens
from ecommerce.settings import Settings, get_settings
from flows import UNUSED_BY_RUNS
from flows.sending import wait_until_sent

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.schemas.objects import FlowRun

Result = TypeVar("Result")

API_URL = "PREFECT_API_URL"
SEND_SECONDS = 5.0

_runs: list[dict[str, str | None]] = []
_temporary_server = False

_GIVEN_API = os.environ.get(API_URL)
"""The server that the user names; later the variable may hold one that was found or started here."""


def _use_prefect(settings: Settings) -> None:
    """Tell Prefect, before it is imported, where its files are and how much to say. What the user set goes first."""
    home = settings.home_directory / "prefect"
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"ECOMMERCE_HOME: {home} cannot be made ({error.strerror}): set it to another folder"
        ) from None
    if "PREFECT_HOME" not in os.environ:
        # A profile is one of the folder that is Prefect's home; this home's has none of the user's.
        os.environ |= {"PREFECT_HOME": str(home)}
        os.environ.pop("PREFECT_PROFILE", None)
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    # The run's log goes to the server; the terminal gets progress, the result and one line for an error.
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    # A server that is stopped meanwhile is one line of ours; Prefect's threads each print what they could not send.
    os.environ.setdefault("PREFECT_LOGGING_INTERNAL_LEVEL", "CRITICAL")
    logging.raiseExceptions = False
    import_when_used(*UNUSED_BY_RUNS)
    # A server that runs crashes runs that do not say so often that they live, this process's too.
    os.environ.setdefault("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", str(HEARTBEAT_SECONDS))


@contextmanager
def services(
    *, mongo: bool = True, hdfs: bool = False, prefect: bool = False, creates: bool = False
) -> Iterator[Settings]:
    """The settings, with MongoDB (HDFS, a Prefect server) answering: what does not run is started meanwhile.

    A temporary Prefect server keeps its history in the same place, so that a later `ecommerce up` shows these runs too.
    Raises ServiceError where the database is not there; a command that `creates` it says so.
    """
    global _temporary_server
    from ecommerce.services.on_demand import PREFECT, embedded_services, prefect_address
    from ecommerce.services.silent import await_prefect

    settings = get_settings()
    if prefect and (_GIVEN_API or embedded_api(settings)).rstrip("/") == embedded_api(settings):
        await_prefect(settings, PREFECT)
    if prefect and _GIVEN_API and not listens(_GIVEN_API):
        raise _prefect_error(_GIVEN_API, "does not answer")
    needs_server = prefect and not finds_prefect(settings)
    if prefect and not needs_server:
        _require_prefect()
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


def finds_prefect(settings: Settings) -> bool:
    """Whether there is a Prefect server: that of the environment, of this home, or of the user's Prefect profile."""
    _use_prefect(settings)
    if API_URL in os.environ:
        return True
    api = embedded_api(settings)
    if http_answers(f"{api}/health"):
        os.environ[API_URL] = api
        return True
    from prefect.settings import PREFECT_API_URL

    return bool(PREFECT_API_URL.value())


def _require_prefect() -> None:
    """Raise NotPrefect where something else answers at the address that the environment or a profile names."""
    if _GIVEN_API:
        require_prefect(_GIVEN_API.rstrip("/"))
    elif API_URL not in os.environ:
        from prefect.settings import PREFECT_API_URL

        require_prefect(str(PREFECT_API_URL.value()).rstrip("/"), "PREFECT_API_URL of your Prefect profile")


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
            if _of_prefect(error) is not None:
                # It was asked for a minute, and would be as long again about the run's end, its log and its events.
                without_server.enter_context(temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}))
                gone.append(error)
                end_at_once()
            raise
        returned.append(value.data if isinstance(value, State) else value)
        return value

    watched.fn = keep_what_it_returns
    title = flow.name.replace("-", " ")
    with at_server(), _not_silent(), without_server, terminal_progress(title) as progress, watched_by(progress):
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
            if (named := _of_prefect(error)) is None:
                raise
            # What stopped the work comes before a server that cannot be told so.
            raise failed[-1] if failed else named from None
        finally:
            if not gone:
                _send_what_waits()
            if _runs:
                forget_run(get_settings().home_directory, str(_runs[-1]["id"]))


@contextmanager
def at_server() -> Iterator[None]:
    """Prefect's clients talk to the server that `services` found or started.

    Prefect may have been imported, and have read the environment, before the server was started.
    """
    from prefect.settings import PREFECT_API_URL, temporary_settings

    server = os.environ.get(API_URL)
    # To make settings anew takes Prefect 0.1 s.
    if server is None or server == PREFECT_API_URL.value():
        yield
        return
    with temporary_settings({PREFECT_API_URL: server}):
        yield


@contextmanager
def _not_silent() -> Iterator[None]:
    """The process ends with one line where the server that it works with is silent for too long."""
    from prefect.settings import PREFECT_API_URL

    from cli.silent_server import ends_when_silent
    from ecommerce.services.on_demand import PREFECT
    from ecommerce.services.records import ServiceRecord, read_record
    from ecommerce.services.silent import silence

    settings, api = get_settings(), str(PREFECT_API_URL.value()).rstrip("/")

    def own() -> ServiceRecord | None:
        record = read_record(settings.home_directory, PREFECT)
        return record if record and record.process() and api == f"{record.address}/api" else None

    def process() -> str:
        record = own()
        return record.born if record else ""

    def says(seconds: float) -> str:
        record = own()
        named = silence(settings, record, seconds) if record else str(_prefect_error(api, "does not answer"))
        return f"{named}. What was done is kept, and every step can be run again"

    with ends_when_silent(api, process, says):
        yield


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
    note_run(get_settings().home_directory, str(flow_run.id), _GIVEN_API)
    print(f"run: {flow_run.name}" + (f" {url}" if url else ""), file=sys.stderr)


def _of_prefect(error: Exception) -> ServiceError | None:
    """What an error of Prefect's client says of its server; None for another error."""
    from httpx import TransportError
    from prefect.exceptions import PrefectHTTPStatusError
    from prefect.settings import PREFECT_API_URL

    from ecommerce.services.on_demand import prefect_address

    server = PREFECT_API_URL.value()
    if isinstance(error, PrefectHTTPStatusError):
        code = error.response.status_code
        if code not in (401, 403) and code < 500:
            return None
        what = "refuses us" if code < 500 else "fails, as where its database is away or on a full disk"
        return _prefect_error(server, f"{what} ({code})")
    # A RuntimeError is what Prefect makes of a server that it does not reach at a run's start.
    if not isinstance(error, TransportError) and "Failed to reach API" not in str(error):
        return None
    if not _GIVEN_API and prefect_address(get_settings()) is None:
        return _prefect_error(server, "was stopped while this worked, as `ecommerce down` does")
    reason = f" ({error})" if isinstance(error, TransportError) and str(error) else ""
    return _prefect_error(server, f"does not answer{reason}")


def _prefect_error(server: str | None, what: str) -> ServiceError:
    remedy = "every step can be run again; `ecommerce status` says how the services are"
    if _GIVEN_API:
        remedy = (
            "it is the one of PREFECT_API_URL in the environment: correct that (and PREFECT_API_KEY or "
            f"PREFECT_API_AUTH_STRING), or unset it to use this home's own; {remedy}"
        )
    return ServiceError(f"the Prefect server {server} {what}: {remedy}")


def _send_what_waits() -> None:
    """Send the run's last log lines and events: when Prefect would, at exit, a temporary server is gone."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    wait_until_sent(SEND_SECONDS)
    APILogWorker.drain_all(timeout=SEND_SECONDS)
    EventsWorker.drain_all(timeout=SEND_SECONDS)
