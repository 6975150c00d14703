"""Start, readiness and stop of one service process, by mirakuru, with errors that people can read."""

import atexit
import contextlib
import os
import pwd
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

import psutil
from mirakuru import Executor, SimpleExecutor
from mirakuru.base import cleanup_subprocesses
from mirakuru.exceptions import ProcessExitedWithError, ProcessFinishedWithError, TimeoutExpired

from ecommerce.errors import ServiceError
from ecommerce.jvm import Changes
from ecommerce.processes import birth, is_stopped
from ecommerce.services.disks import full_disk
from ecommerce.services.logs import Say, log_excerpt
from ecommerce.services.marks import end_processes, marked_processes, marks
from ecommerce.services.records import ServiceRecord, identity, remove_record, write_record
from ecommerce.timers import when_slow

# At exit mirakuru would kill every process of this user whose mark CONTAINS our process id: process 110 would take the
# services of process 1102 with it. Whoever starts a daemon here stops it, and `down` finds what a SIGKILL left.
atexit.unregister(cleanup_subprocesses)

STOP_TIMEOUT_SECONDS = 30
SAY_AFTER_SECONDS = 5.0
"""A service ends within two seconds as a rule."""
LOG_BYTES_MAX = 20_000_000
"""A log longer than this is put aside at the next start; one older log is kept."""


class Daemon(Executor):
    """A service process in its own session (a terminal's Ctrl-C does not reach it), its output in a log file.

    `start()` returns when `ready` says so; `answers` says later whether it still does, which may be less than to be
    ready; `stop()` ends it and everything that it started. While it runs, it has a record in `home`/run.
    """

    def __init__(  # noqa: PLR0913 - what differs between seven services, by keyword
        self,
        name: str,
        command: Sequence[str],
        *,
        home: Path,
        address: str,
        ready: Callable[["Daemon"], bool],
        answers: Callable[["Daemon"], bool] | None = None,
        explain: Callable[["Daemon"], str | None] = lambda _: None,
        start_timeout_seconds: float = 120,
        environment: Changes | None = None,
        cwd: Path | None = None,
        account: pwd.struct_passwd | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        before_launch: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.home = home
        self.address = address
        self.log = home / "logs" / f"{name}.log"
        self._ready = ready
        self._answers = answers or ready
        self._explain = explain
        self._account = account
        self._before_launch = before_launch
        self._start_timeout_seconds = start_timeout_seconds
        self._cancelled = False
        changes: dict[str, Any] = {**(environment or {}), **marks(home, name)}
        super().__init__(
            list(command),
            cwd=str(cwd) if cwd else None,
            timeout=start_timeout_seconds,
            sleep=0.05,
            stop_signal=stop_signal,
            envvars=changes,  # what is None in it, the process does not get
        )

    @property
    def _popen_kwargs(self) -> dict[str, Any]:
        # mirakuru's preexec_fn is not safe while other threads start other services; the same is a flag of Popen.
        kwargs: dict[str, Any] = super()._popen_kwargs
        kwargs.pop("preexec_fn")
        if self._account:
            kwargs |= {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}
        return kwargs | {
            "env": {name: value for name, value in kwargs["env"].items() if value is not None},
            "start_new_session": True,
            "stdin": subprocess.DEVNULL,
            "stdout": self._output,
            "stderr": self._output,
        }

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def launch(self) -> Self:
        """Start the process without waiting for it."""
        if self._cancelled:
            raise ServiceError(f"the start of {self.name} was stopped")
        self._timeout = self._start_timeout_seconds
        self._before_launch()
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            if self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX:
                self.log.replace(self.log.with_suffix(".log.1"))
            with self.log.open("ab") as self._output:
                SimpleExecutor.start(self)
        except OSError as error:
            raise ServiceError(f"{self.name} cannot be started: {error}") from None
        self._record()
        return self

    def _record(self) -> None:
        assert self.process is not None  # noqa: S101 - called when it has just been started
        # A process that ended already leaves no record; waiting for it tells why.
        with contextlib.suppress(psutil.NoSuchProcess):
            pid = self.process.pid
            record = ServiceRecord(self.name, self.address, pid, birth(pid), identity(), str(self.log))
            write_record(self.home, record)

    def await_ready(self) -> Self:
        """Wait until the launched process answers. Raises ServiceError with what its log says where it does not."""
        try:
            self.wait_for(self.check_subprocess)
        except ProcessExitedWithError as error:
            raise ServiceError(self._complaint(f"ended with code {error.exit_code} at its start")) from None
        except TimeoutExpired:
            raise ServiceError(self._complaint(f"did not answer in {self._start_timeout_seconds:.0f} s")) from None
        except BaseException:
            if not self._cancelled:  # else whoever cancelled it stops it, gently
                self.kill()
            raise
        return self

    def start(self) -> Self:
        return self.launch().await_ready()

    def answers(self) -> bool:
        """Whether the process, which was ready before, answers now."""
        return not is_stopped(self.pid) and self._answers(self)

    def cancel(self) -> None:
        """Make a start that another thread waits for fail at once."""
        self._cancelled = True

    def pre_start_check(self) -> bool:
        return False

    def check_subprocess(self) -> bool:
        if self._cancelled:
            raise ServiceError(f"the start of {self.name} was stopped")
        return bool(super().check_subprocess())

    def after_start_check(self) -> bool:
        if self.process is not None and self.process.poll() == 0:
            self._clear_process()
            raise ServiceError(self._complaint("ended at its start"))
        return self._ready(self)

    def wake(self) -> None:
        """Let a process go on that somebody stopped (SIGSTOP): it handles no other signal before."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGCONT)

    def stop(self, stop_signal: int | None = None, expected_returncode: int | None = None) -> Self:
        self.wake()
        self._timeout = STOP_TIMEOUT_SECONDS
        # A JVM ends with 143 on SIGTERM, Prefect with 1: it has ended, which is what was asked.
        with contextlib.suppress(ProcessFinishedWithError):
            super().stop(stop_signal, expected_returncode)
        end_processes(marked_processes(self.home, self.name, identity()), timeout_seconds=5)
        remove_record(self.home, self.name)
        return self

    def _complaint(self, what: str) -> str:
        """One line about a failed start: what is known about it, else what the log says."""
        if full := full_disk(self.home):
            # Its log may lack the reason, for the same reason.
            return f"{self.name} {what}: {full}; see {self.log}"
        if explanation := self._explain(self):
            return explanation
        excerpt = log_excerpt(self.log)
        return f"{self.name} {what}{f': {excerpt}' if excerpt else ''}; see {self.log}"


def said_when_slow(say: Say, daemon: Daemon) -> AbstractContextManager[None]:
    """Say what is waited for where a service does not end within seconds."""
    line = f"waiting for {daemon.name} (process {daemon.pid}) to end: it is killed after {STOP_TIMEOUT_SECONDS} s"
    return when_slow(SAY_AFTER_SECONDS, say, line)
