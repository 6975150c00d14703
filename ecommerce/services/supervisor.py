"""The process of `ecommerce up` that runs the services of a home, and what to do where one of them is missing.

It starts again what ends or is silent, and deploys again what was deleted; who calls `up` a second time learns that it
runs already.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psutil

from ecommerce.processes import is_stopped
from ecommerce.services.records import ServiceRecord, process_of, read_json, read_record
from ecommerce.settings import Settings

STATE = "up.json"
STARTING, UP, STOPPING, FAILED = "starting", "up", "stopping", "failed"

WATCHED = "watch.json"
"""What `up` does next about the services that are not well."""

MENDING = "mending"
"""In it, beside the services: what an `up` mends in Prefect."""

SILENT_SECONDS = 60.0
"""After this a service that does not answer is killed and started again."""

AGAIN = "Where it does not, `ecommerce down`, then `ecommerce up`"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What `up` does about a service that is not well."""

    starting: bool = False
    """It is starting it at this moment."""
    silent_since: datetime | None = None
    """It does not answer, and is started again when that lasts."""
    next_start: datetime | None = None
    """It is down, and is started then."""
    error: str = ""
    """Why it was, or could not be, started again."""

    def in_words(self) -> str:
        """What is done, and when."""
        if self.starting:
            return "starts it again at this moment"
        if self.next_start is not None:
            seconds = max(0.0, (self.next_start - datetime.now(UTC)).total_seconds())
            return f"starts it again at {self.next_start:%H:%M:%S} UTC, in {seconds:,.0f} s"
        if self.silent_since is not None:
            silent = max(0.0, (datetime.now(UTC) - self.silent_since).total_seconds())
            when = f"when it has been silent for {SILENT_SECONDS:.0f} s"
            return f"kills it and starts it again {when}; it has been for {silent:,.0f} s"
        return f"starts again within seconds what ended, and what is silent for {SILENT_SECONDS:.0f} s"


def up_state(home: Path) -> dict[str, Any]:
    """What the `up` of a home wrote down of itself; nothing where it was stopped, or never ran."""
    return read_json(home / "run" / STATE)


def running_supervisor(home: Path) -> psutil.Process | None:
    """The process that runs the stack of a home."""
    return process_of(str(up_state(home).get("supervisor", "")))


def stopped_up(home: Path) -> tuple[str, str] | None:
    """That the `up` that runs is stopped itself, and what to do; None where it is not, or none runs."""
    supervisor = running_supervisor(home)
    if supervisor is None or not is_stopped(supervisor.pid):
        return None
    says = f"`ecommerce up` (process {supervisor.pid}) is stopped itself, as by `kill -STOP`"
    remedy = f"`kill -CONT {supervisor.pid}` lets it go on; or `ecommerce down`, then `ecommerce up`"
    return f"{says}: nothing that ends is started again", remedy


def is_stopping(home: Path) -> bool:
    """Whether the services of a home are being stopped."""
    return up_state(home).get("state") == STOPPING and running_supervisor(home) is not None


def outlook_of(home: Path, name: str) -> Outlook:
    """What the `up` that runs does about a service."""
    watched = read_json(home / "run" / WATCHED)
    if watched.get("supervisor") != up_state(home).get("supervisor"):
        return Outlook()  # written by an earlier one
    try:
        return msgspec.convert(watched.get("services", {}).get(name, {}), Outlook)
    except msgspec.ValidationError:  # by another version
        return Outlook()


def up_mends(settings: Settings, without: str, seconds: int, name: str = MENDING) -> str:
    """What to do: nothing where `up` runs, which mends it within so many seconds; else what is said.

    Unless it just failed to, or the service that is named is down for longer.
    """
    outlook = outlook_of(settings.home_directory, name)
    is_known = outlook.starting or outlook.next_start or outlook.silent_since
    what = outlook.in_words() if is_known else f"mends it within {seconds} s as a rule"
    return _wait_for_up(settings, outlook, what) or without


def why_stopped(record: ServiceRecord | None) -> str:
    """That the process of a service is stopped, where it is, and what lets it go on; else empty."""
    if record is None or record.process() is None or not is_stopped(record.pid):
        return ""
    return f"its process {record.pid} is stopped, as by `kill -STOP` (`kill -CONT {record.pid}` lets it go on)"


def start_it(settings: Settings, name: str) -> str:
    """What to do where a service does not run, or does not answer."""
    start = "start it: `ecommerce up`"
    if why_stopped(read_record(settings.home_directory, name)):
        start = "let it go on; or `ecommerce down`, then `ecommerce up`"
    outlook = outlook_of(settings.home_directory, name)
    return _wait_for_up(settings, outlook, outlook.in_words()) or start


def _wait_for_up(settings: Settings, outlook: Outlook, what_it_does: str) -> str:
    """That an `up` runs, what it does, and what to do where it cannot; empty where none runs."""
    supervisor = running_supervisor(settings.home_directory)
    if supervisor is None:
        return ""
    process = f"process {supervisor.pid}"
    if is_stopping(settings.home_directory):
        return f"wait: the services are being stopped ({process}); `ecommerce up` starts them when that has ended"
    if stopped := stopped_up(settings.home_directory):
        return ": ".join(stopped)
    last = f" Last error: {outlook.error}." if outlook.error else ""
    return f"wait: `ecommerce up`, which runs ({process}), {what_it_does}.{last} {AGAIN}"
