"""`ecommerce up` and `ecommerce down`: one stack for each home, found again however it ended."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import psutil

from ecommerce.errors import EcommerceError, ServiceError
from ecommerce.services.daemons import STOP_TIMEOUT_SECONDS as SERVICE_SECONDS
from ecommerce.services.environment import settings_environment
from ecommerce.services.logs import TIMED_LINES, Say, without_time
from ecommerce.services.marks import end_processes, orphans, stop_rank, wait_for_end
from ecommerce.services.records import (
    identity,
    locked_at_once,
    process_of,
    read_records,
    remove_record,
    run_directory,
    write_json,
)
from ecommerce.services.stack import Stack
from ecommerce.services.supervisor import (
    FAILED,
    STARTING,
    STATE,
    STOPPING,
    UP,
    is_stopping,
    running_supervisor,
    stopped_up,
    up_state,
)
from ecommerce.settings import Settings

STOP_TIMEOUT_SECONDS = 240
"""All services have ended in five as a rule; each is killed where it has not after its own time."""

SAY_SECONDS = 10.0
"""Between two lines about what is waited for."""

START_TIMEOUT_SECONDS = 600


def run(settings: Settings, say: Say, started: Callable[[], None], *, demo: bool | None) -> None:
    """Start everything, call `started`, and stay until Ctrl-C or SIGTERM; then stop everything in reverse order.

    With `demo`, a database that holds no order and no product gets some first; None: as `wants_demo` says.
    Raises ServiceError where it already runs for this home, or where something cannot be started.
    """
    home = settings.home_directory
    state = run_directory(home) / STATE
    with locked_at_once(home, "up") as alone:
        if not alone:
            raise ServiceError(_why_not_alone(home))
        _end_orphans(home, say)
        _await_commands(home, say)
        stack = Stack(settings, say, demo=demo)
        failure: dict[str, str] = {}

        def is_up() -> None:
            write_json(state, {"supervisor": identity(), "state": UP, "remarks": stack.remarks})
            started()

        try:
            # Also where a shell started us with SIGINT ignored.
            with _handling(signal.default_int_handler):
                write_json(state, {"supervisor": identity(), "state": STARTING})
                stack.start()
                stack.watch(is_up)
        except KeyboardInterrupt:
            say("stopping")
        except EcommerceError as error:
            failure = {"error": str(error)}
            raise
        finally:
            # A second Ctrl-C does not stop the stopping.
            with _handling(signal.SIG_IGN):
                # On a full disk the services are stopped all the same.
                with suppress(ServiceError):
                    write_json(state, {"supervisor": identity(), "state": STOPPING, **failure})
                stack.stop()
                with suppress(ServiceError):
                    if failure:
                        write_json(state, {"supervisor": identity(), "state": FAILED, **failure})
                    else:
                        state.unlink(missing_ok=True)


def run_detached(settings: Settings, *, demo: bool | None) -> list[str]:
    """Start `run` in a process of its own and wait until everything answers; what it remarked of the shop.

    Raises ServiceError where something does not answer.
    """
    asked = [] if demo is None else ["--demo" if demo else "--no-demo"]
    home = settings.home_directory
    log = home / "logs" / "up.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "cli.app", "up", *asked],
            env={**os.environ, **settings_environment(settings), TIMED_LINES: "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    mine = identity(child.pid)
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        state = up_state(home)
        if state.get("supervisor") == mine and state.get("state") == UP:
            return [*state.get("remarks", [])]
        if child.poll() is not None:
            lines = log.read_text(errors="replace").strip().splitlines()
            raise ServiceError(
                without_time(lines[-1]).removeprefix("error: ") if lines else f"`ecommerce up` ended; see {log}"
            )
        time.sleep(0.2)
    child.terminate()
    raise ServiceError(f"the services did not start within {START_TIMEOUT_SECONDS} s; see {log}")


def stop(settings: Settings, say: Say) -> bool:
    """Stop what `run` started for this home, whatever became of it; whether there was anything."""
    home = settings.home_directory
    supervisor = running_supervisor(home)
    if supervisor is not None:
        supervisor.terminate()
        # Where it is stopped itself (SIGSTOP) it handles no signal before it goes on.
        supervisor.send_signal(signal.SIGCONT)
        if _await_end(home, supervisor, say):
            say(f"process {supervisor.pid} does not stop its services: it is killed")
            supervisor.kill()
            wait_for_end([supervisor], 5)
    found = _end_orphans(home, say)
    if busy := _busy(home):
        say(f"{', '.join(busy)}: in use by a command, and stopped when that ends")
    (home / "run" / STATE).unlink(missing_ok=True)
    return found or supervisor is not None


def _why_not_alone(home: Path) -> str:
    """What the `up` that holds the lock does."""
    supervisor = running_supervisor(home)
    by = f" (process {supervisor.pid})" if supervisor else ""
    if is_stopping(home):
        return f"the services of {home} are being stopped{by}: `ecommerce up` starts them again when that has ended"
    if stopped := stopped_up(home):
        return f"already running in {home}, but {': '.join(stopped)}"
    return f"already running in {home}{by}: see `ecommerce status` for the addresses; `ecommerce down` stops it"


def _await_end(home: Path, supervisor: psutil.Process, say: Say) -> bool:
    """Wait for an `up` to stop its services, and say now and then which of them it waits for; whether it still runs."""
    deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
    while wait_for_end([supervisor], SAY_SECONDS):
        if time.monotonic() > deadline:
            return True
        left = [record for record in read_records(home) if record.process()]
        named = ", ".join(f"{one.name} (process {one.pid})" for one in sorted(left, key=lambda it: stop_rank(it.name)))
        say(f"waiting for {named or f'process {supervisor.pid}'} to end: a service is killed after {SERVICE_SECONDS} s")
    return False


def _end_orphans(home: Path, say: Say) -> bool:
    """End the services whose supervisor died without stopping them; whether there were any."""
    left = orphans(home)
    if left:
        say(f"ending what an earlier run left behind: {', '.join(left)}")
    for processes in left.values():
        end_processes(processes, timeout_seconds=30)
    for record in read_records(home):
        if record.process() is None:
            remove_record(home, record.name)
    return bool(left)


def _await_commands(home: Path, say: Say) -> None:
    """Wait until the services that commands started for themselves have ended: data has one server at a time."""
    if busy := _busy(home):
        say(f"waiting for a command that uses {', '.join(busy)} to end")
        while _busy(home):
            time.sleep(0.2)


def _busy(home: Path) -> list[str]:
    """The services that somebody runs at this moment."""
    return [record.name for record in read_records(home) if record.process() and process_of(record.supervisor)]


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP are handled like this meanwhile."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    # Under nohup a terminal that closes is no reason to stop.
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
