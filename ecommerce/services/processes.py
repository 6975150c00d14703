"""Start, readiness and stop of one service process, by mirakuru, with errors that people can read."""

import atexit
import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import psutil
from mirakuru import Executor, SimpleExecutor
from mirakuru.base import cleanup_subprocesses
from mirakuru.exceptions import ProcessExitedWithError, ProcessFinishedWithError, TimeoutExpired

from ecommerce.errors import ServiceError

# At exit mirakuru would kill every process of this user whose mark CONTAINS our process id: process 110 would take the
# services of process 1102 with it. Whoever starts a daemon here stops it, and `down` finds what a SIGKILL left.
atexit.unregister(cleanup_subprocesses)

MARK = "ECOMMERCE_SERVICE_OF"
"""Environment variable of every service process and its descendants: the home that it belongs to."""

LOOPBACK = "127.0.0.1"
STOP_TIMEOUT_SECONDS = 30
EXCERPT_LENGTH = 300


class Daemon(Executor):
    """A service process in its own session (a terminal's Ctrl-C does not reach it), its output in a log file.

    `start()` returns when `ready` says so; `stop()` ends it and everything that it started.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        home: Path,
        ready: Callable[["Daemon"], bool],
        start_timeout_seconds: float = 120,
        environment: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.log = home / "logs" / f"{name}.log"
        self._ready = ready
        self._start_timeout_seconds = start_timeout_seconds
        super().__init__(
            list(command),
            cwd=str(cwd) if cwd else None,
            timeout=start_timeout_seconds,
            sleep=0.05,
            envvars={**(environment or {}), MARK: str(home)},
        )

    @property
    def _popen_kwargs(self) -> dict[str, Any]:
        # mirakuru's preexec_fn is not safe while other threads start other services; the same is a flag of Popen.
        kwargs = super()._popen_kwargs
        kwargs.pop("preexec_fn")
        return kwargs | {"start_new_session": True, "stdin": -3, "stdout": self._output, "stderr": self._output}

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def launch(self) -> Self:
        """Start the process without waiting for it."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._timeout = self._start_timeout_seconds
        with self.log.open("ab") as self._output:
            try:
                SimpleExecutor.start(self)
            except OSError as error:
                raise ServiceError(f"{self.name} cannot be started: {error}") from None
        return self

    def await_ready(self) -> Self:
        """Wait until the launched process answers. Raises ServiceError with what its log says where it does not."""
        try:
            self.wait_for(self.check_subprocess)
        except ProcessExitedWithError as error:
            raise ServiceError(
                f"{self.name} ended with code {error.exit_code} at its start{self.complaint()}"
            ) from None
        except TimeoutExpired:
            raise ServiceError(
                f"{self.name} did not answer within {self._start_timeout_seconds:.0f} s{self.complaint()}"
            ) from None
        except BaseException:
            self.kill()
            raise
        return self

    def start(self) -> Self:
        return self.launch().await_ready()

    def pre_start_check(self) -> bool:
        return False

    def after_start_check(self) -> bool:
        if self.process is not None and self.process.poll() == 0:
            self._clear_process()
            raise ServiceError(f"{self.name} ended at its start{self.complaint()}")
        return self._ready(self)

    def stop(self, stop_signal: int | None = None, expected_returncode: int | None = None) -> Self:
        self._timeout = STOP_TIMEOUT_SECONDS
        # A JVM ends with 143 on SIGTERM, Prefect with 1: it has ended, which is what was asked.
        with contextlib.suppress(ProcessFinishedWithError):
            super().stop(stop_signal, expected_returncode)
        return self

    def complaint(self) -> str:
        """What the log says about a failure, as the end of an error message."""
        return f": {excerpt}; see {self.log}" if (excerpt := log_excerpt(self.log)) else f"; see {self.log}"


_TELLING = ("Exception", "ERROR", "FATAL", "Error", "error:", '"s":"F"', '"s":"E"')


def log_excerpt(log: Path, telling: Sequence[str] = _TELLING) -> str:
    """The first telling line among a log's last 64 kB, else its last line; empty where there is none."""
    try:
        with log.open("rb") as content:
            size = content.seek(0, os.SEEK_END)
            content.seek(max(0, size - 65_536))
            lines = [line.strip() for line in content.read().decode(errors="replace").splitlines() if line.strip()]
    except OSError:
        return ""
    chosen = [line for line in lines if any(word in line for word in telling)] or lines
    return chosen[-1][:EXCERPT_LENGTH] if chosen else ""


def answers(port: int, host: str = LOOPBACK) -> bool:
    """Whether something accepts connections on a port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def listening_ports(pid: int) -> list[int]:
    """The TCP ports that a process of ours listens on."""
    try:
        connections = psutil.Process(pid).net_connections(kind="tcp")
    except psutil.Error:
        return []
    return sorted({c.laddr[-1] for c in connections if c.status == psutil.CONN_LISTEN})


def require_free_port(port: int, setting: str, service: str) -> None:
    """Raise ServiceError that names the owner where a port is taken."""
    with socket.socket() as probe:
        # As the servers do: a port in TIME_WAIT is free, one that is listened on is not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            return
        except OSError:
            pass
    raise ServiceError(
        f"port {port} for {service} is taken{_owner_of(port)}: stop that, or set {setting} to a free port"
    )


def _owner_of(port: int) -> str:
    # Other users' processes may not be looked at.
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.pid and port in connection.laddr:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""


def end_processes(processes: Sequence[psutil.Process], timeout_seconds: float = STOP_TIMEOUT_SECONDS) -> None:
    """Ask processes to end, wait, and kill what is left. psutil refuses to signal a reused process id."""
    for process in processes:
        _signal(process, signal.SIGTERM)
    _, alive = psutil.wait_procs(processes, timeout=timeout_seconds)
    for process in alive:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=5)


def _signal(process: psutil.Process, number: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)


def marked_processes(home: Path) -> list[psutil.Process]:
    """Every process of this user that a service of `home` is, or descends from."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(home):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def wait_until(condition: Callable[[], bool], timeout_seconds: float, pause_seconds: float = 0.05) -> bool:
    """Whether a condition came true in time."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause_seconds)
    return True
