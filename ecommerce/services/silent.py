"""A service of this home that runs and does not answer: waited for until it does, or is started again, or for too long.

Its ports are open, so whoever asks it waits: a command asked a Prefect server that was stopped (SIGSTOP) for 7 minutes.
"""

import sys
import time
from collections.abc import Callable

from ecommerce.errors import ServiceError
from ecommerce.services.ports import http_answers
from ecommerce.services.records import ServiceRecord, locked_at_once, process_of, read_record
from ecommerce.services.supervisor import running_supervisor, start_it, up_state, why_stopped
from ecommerce.settings import Settings

SILENT_SECONDS_MAX = 90.0
"""For one process. An `up` that runs has started another one by then, as a rule."""
STOPPED_SECONDS_MAX = 10.0
"""For a process that is stopped where no `up` runs."""
SAY_SECONDS = 5.0
"""Then what is waited for is said."""
ASK_SECONDS = 5.0
LOOK_SECONDS = 0.5


def await_process(settings: Settings, name: str) -> None:
    """Wait for a service whose process is stopped. Raises ServiceError where it stays so."""
    _await_well(settings, name, lambda record: bool(why_stopped(record)))


def await_prefect(settings: Settings, name: str) -> None:
    """Wait for a Prefect server of this home that runs and does not answer. Raises ServiceError where it stays so."""
    if up_state(settings.home_directory).get("state") == "starting":
        return  # whoever needs it waits for its start
    _await_well(settings, name, lambda record: not prefect_answers(record))


def prefect_answers(record: ServiceRecord) -> bool:
    """Whether a Prefect server says anything within some seconds."""
    return not why_stopped(record) and http_answers(f"{record.address}/api/health", ASK_SECONDS)


def silence(settings: Settings, record: ServiceRecord, seconds: float) -> str:
    """That a service is silent, why as far as that is known, and what to do."""
    why = why_stopped(record) or f"its process {record.pid} runs, but was silent for {seconds:.0f} s"
    what = f"{record.name} at {record.address} is silent"
    if record.name == "prefect-server":
        what = f"the Prefect server {record.address} does not answer"
    return f"{what}: {why}; {start_it(settings, record.name)}"


def _await_well(settings: Settings, name: str, is_silent: Callable[[ServiceRecord], bool]) -> None:
    home = settings.home_directory
    silent_one, since, said = "", time.monotonic(), False
    while (record := read_record(home, name)) and record.process() and is_silent(record):
        if process_of(record.supervisor) is None:
            return  # nobody's any more: it is ended, and another one started
        now = time.monotonic()
        if record.born != silent_one or _is_being_started(settings, name):
            silent_one, since = record.born, now
        longest = SILENT_SECONDS_MAX
        if why_stopped(record) and running_supervisor(home) is None:
            longest = STOPPED_SECONDS_MAX
        if now - since > longest:
            raise ServiceError(silence(settings, record, now - since))
        if now - since > SAY_SECONDS and not said:
            print(f"{name} does not answer: waiting for {longest:.0f} s at most", file=sys.stderr, flush=True)
            said = True
        time.sleep(LOOK_SECONDS)


def _is_being_started(settings: Settings, name: str) -> bool:
    service = "hdfs" if name in ("namenode", "datanode") else name
    with locked_at_once(settings.home_directory, f"{service}.start", shared=True) as free:
        return not free
