"""The Prefect server that commands report to: which it is, and what to say where it is away or silent."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from ecommerce.errors import ServiceError, SettingsError
from ecommerce.prefect_api import embedded_api, require_prefect
from ecommerce.quick_process import import_when_used
from ecommerce.services.environment import HEARTBEAT_SECONDS
from ecommerce.services.ports import http_answers, listens
from ecommerce.settings import Settings, get_settings
from flows import UNUSED_BY_RUNS

API_URL = "PREFECT_API_URL"

GIVEN_API = os.environ.get(API_URL)
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


def has_server(settings: Settings) -> bool:
    """Whether there is a server to report to; one that is silent or being started again is waited for.

    Raises ServiceError where the one that is named does not answer, NotPrefect where something else does.
    """
    from ecommerce.services.on_demand import PREFECT
    from ecommerce.services.silent import await_prefect

    if (GIVEN_API or embedded_api(settings)).rstrip("/") == embedded_api(settings):
        await_prefect(settings, PREFECT)
    if GIVEN_API and not listens(GIVEN_API):
        raise server_error(GIVEN_API, "does not answer")
    if not finds_prefect(settings):
        return False
    _require_prefect()
    return True


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
    if GIVEN_API:
        require_prefect(GIVEN_API.rstrip("/"))
    elif API_URL not in os.environ:
        from prefect.settings import PREFECT_API_URL

        require_prefect(str(PREFECT_API_URL.value()).rstrip("/"), "PREFECT_API_URL of your Prefect profile")


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
def not_silent() -> Iterator[None]:
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
        named = silence(settings, record, seconds) if record else str(server_error(api, "does not answer"))
        return f"{named}. What was done is kept, and every step can be run again"

    with ends_when_silent(api, process, says):
        yield


def error_of_server(error: Exception) -> ServiceError | None:
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
        return server_error(server, f"{what} ({code})")
    # A RuntimeError is what Prefect makes of a server that it does not reach at a run's start.
    if not isinstance(error, TransportError) and "Failed to reach API" not in str(error):
        return None
    if not GIVEN_API and prefect_address(get_settings()) is None:
        return server_error(server, "was stopped while this worked, as `ecommerce down` does")
    reason = f" ({error})" if isinstance(error, TransportError) and str(error) else ""
    return server_error(server, f"does not answer{reason}")


def server_error(server: str | None, what: str) -> ServiceError:
    remedy = "every step can be run again; `ecommerce status` says how the services are"
    if GIVEN_API:
        remedy = (
            "it is the one of PREFECT_API_URL in the environment: correct that (and PREFECT_API_KEY or "
            f"PREFECT_API_AUTH_STRING), or unset it to use this home's own; {remedy}"
        )
    return ServiceError(f"the Prefect server {server} {what}: {remedy}")
