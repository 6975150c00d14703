"""The environment of service processes: what they must agree on with the process that starts them, made explicit."""

import os
from pathlib import Path

from pydantic import SecretStr

from ecommerce.prefect_api import embedded_api
from ecommerce.settings import Settings

KEPT = "PREFECT_LOGGING_"
"""Of the shell's variables for Prefect: how much it says may be asked for."""

OF_EVERY_SERVICE = {"PYTHONUNBUFFERED": "1", "ECOMMERCE_CURRENCY": "", "ECOMMERCE_TIMEZONE": ""}
"""The shop is recorded in the database before a service starts. With the two settings of the shell from which `up` was
called every run failed after `ecommerce shop --time-zone` had moved the shop."""

HEARTBEAT_SECONDS = 30
"""Between two signs of life of a flow run; the least that Prefect takes."""


def settings_environment(settings: Settings) -> dict[str, str]:
    """Every setting as its `ECOMMERCE_*` variable, paths absolute: a child may run in another directory."""
    environment = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, Path):
            value = value.expanduser().absolute()
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        # An empty variable counts as not set, so it also hides one that this process may have inherited.
        environment[f"ECOMMERCE_{name.upper()}"] = "" if value is None else str(value)
    return environment


def prefect_environment(settings: Settings) -> dict[str, str | None]:
    """What makes Prefect's processes ours: their files under home, loopback, no telemetry, runs picked up in 2 s.

    Nothing of the shell's own Prefect reaches them: with its PREFECT_SERVER_DATABASE_CONNECTION_URL the embedded server
    would write into that database, with its PREFECT_API_KEY the worker would show a stranger's key.
    """
    foreign = [name for name in os.environ if name.startswith("PREFECT_") and not name.startswith(KEPT)]
    home = settings.home_directory / "prefect"
    api = embedded_api(settings)
    return dict.fromkeys(foreign, None) | {
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": api,
        "PREFECT_UI_API_URL": api,
        # Nobody asked for it, and on SQLite it meets "database is locked".
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        # A run starts 11 s after it is due instead of 24 s with the default of 10 s.
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        # A run that waits for another one of its deployment starts 15 s after that ends at most, by default 30 s. Each
        # time that it is looked at, the worker writes two lines into its log.
        "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "15",
        "PREFECT_WORKER_WEBSERVER_HOST": "127.0.0.1",
        "PREFECT_WORKER_WEBSERVER_PORT": "0",
        "PREFECT_LOGGING_LEVEL": "INFO",
        # The day and the zone, too: a log is read days later.
        "PREFECT_LOGGING_FORMATTERS_STANDARD_DATEFMT": "%z %Y-%m-%dT%H:%M:%S",
        # The commands silence their own terminal; a service's terminal is its log file.
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "INFO",
        "PREFECT_CLI_COLORS": "false",
        "PREFECT_CLI_PROMPT": "false",
    }


def service_environment(settings: Settings, java_home: Path | None) -> dict[str, str | None]:
    """The environment of the worker, of the flow runs that it starts, and of the dashboard."""
    environment = settings_environment(settings) | prefect_environment(settings) | OF_EVERY_SERVICE
    if java_home is not None:
        environment["JAVA_HOME"] = str(java_home)
        environment["PATH"] = os.pathsep.join((str(java_home / "bin"), os.environ.get("PATH", os.defpath)))
    return environment
