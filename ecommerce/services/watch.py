"""Starts services again that ended or do not answer, with pauses where that does not help, and notes what comes next.

`status` and `doctor` read that from `home`/run/watch.json: what they promise is what is done.
"""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import psutil

from ecommerce.errors import ServiceError
from ecommerce.processes import is_stopped
from ecommerce.services.daemons import Daemon
from ecommerce.services.disks import full_disk
from ecommerce.services.logs import Say
from ecommerce.services.records import identity, locked, read_record, run_directory, write_json
from ecommerce.services.supervisor import SILENT_SECONDS, WATCHED, Outlook

ASK_SECONDS = 10.0
"""Between two questions whether a service answers."""
SILENT_ANSWERS = 4
"""Questions in a row without an answer: a machine that slept, or did nothing for a minute, is no silent service."""

RESTARTS_MAX = 3
RESTART_WINDOW_SECONDS = 600
RETRY_SECONDS = 60.0
"""After this a service is tried again that could not be started, as on a full disk."""


class Watch:
    """What is known of the services of one home. One thread calls `look`, another one `ask`, each again and again."""

    def __init__(self, home: Path, say: Say) -> None:
        self._home = home
        self._say = say
        self._guard = threading.Lock()
        self._restarts: dict[str, list[float]] = {}
        self._retry_at: dict[str, float] = {}
        self._silence: dict[str, tuple[float, int]] = {}
        """Since when a service does not answer, and how often it was asked since."""
        self._starting: set[str] = set()
        self._errors: dict[str, str] = {}
        self._failed: dict[str, str] = {}
        self._note()

    def look(self, daemons: Sequence[Daemon]) -> None:
        """Start again what ended, is silent for too long, or whose pause is over."""
        for daemon in daemons:
            if daemon.name in self._retry_at:
                self._try_again(daemon)
            elif daemon.process is None:
                continue
            elif not daemon.running():
                code = daemon.process.returncode
                self._restart(daemon, f"was ended by signal {-code}" if code < 0 else f"ended with code {code}")
            elif seconds := self._silent_for(daemon.name):
                stopped = ", its process was stopped" if is_stopped(daemon.pid) else ""
                self._restart(daemon, f"did not answer for {seconds:.0f} s{stopped}")

    def ask(self, daemons: Sequence[Daemon]) -> None:
        """Ask each service that runs whether it answers."""
        # No pool: its threads would be waited for at the end of the process, and one may wait for a silent service.
        threads = [
            threading.Thread(target=self._ask, args=(daemon,), name=f"ask {daemon.name}", daemon=True)
            for daemon in daemons
            if daemon.process is not None and daemon.running()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def note_failure(self, name: str, error: str) -> None:
        """Something else that is done again and again failed; without an error, it went well."""
        with self._guard:
            changed = self._failed.get(name, "") != error
            self._failed[name] = error
        if changed:
            self._note()

    def _ask(self, daemon: Daemon) -> None:
        is_well = _answers(daemon)
        with self._guard:
            was_silent = daemon.name in self._silence
            if is_well or daemon.name in self._starting:
                self._silence.pop(daemon.name, None)
            else:
                since, times = self._silence.get(daemon.name, (time.monotonic(), 0))
                self._silence[daemon.name] = since, times + 1
            changed = was_silent != (daemon.name in self._silence)
        if changed:
            self._note()

    def _silent_for(self, name: str) -> float:
        """For how many seconds a service has been silent, where that is too long; else 0."""
        with self._guard:
            since, times = self._silence.get(name, (0.0, 0))
        seconds = time.monotonic() - since
        return seconds if times >= SILENT_ANSWERS and seconds >= SILENT_SECONDS else 0.0

    def _restart(self, daemon: Daemon, how: str) -> None:
        now = time.monotonic()
        recent = [at for at in self._restarts.get(daemon.name, []) if now - at < RESTART_WINDOW_SECONDS]
        self._restarts[daemon.name] = [*recent, now]
        self._errors[daemon.name] = how
        if len(recent) >= RESTARTS_MAX:
            daemon.kill()
            # One that starts on a full disk and ends as soon as it writes would be away long after there is room.
            full = full_disk(self._home)
            pause = RETRY_SECONDS if full else RESTART_WINDOW_SECONDS
            self._pause(daemon, pause, f"{how} after {RESTARTS_MAX} restarts{full and f': {full}'}")
            self._say(
                f"{daemon.name} {how} and is left down for {pause / 60:g} minutes after {RESTARTS_MAX} restarts"
                f"{full and f': {full}'}; see {daemon.log}"
            )
            return
        try:
            self._start_again(daemon)
            self._say(f"{daemon.name} {how}; it was started again")
        except ServiceError as error:
            self._pause(daemon, RETRY_SECONDS, str(error))
            self._say(f"{daemon.name} {how} and did not start again, which is tried every minute: {error}")

    def _try_again(self, daemon: Daemon) -> None:
        record = read_record(self._home, daemon.name)
        # Meanwhile a command may have started one for itself.
        if time.monotonic() < self._retry_at[daemon.name] or (record and record.process()):
            return
        try:
            self._start_again(daemon)
        except ServiceError as error:
            self._pause(daemon, RETRY_SECONDS, str(error))
            return
        self._say(f"{daemon.name} was started again")

    def _pause(self, daemon: Daemon, seconds: float, why: str) -> None:
        with self._guard:
            self._errors[daemon.name] = why
            self._retry_at[daemon.name] = time.monotonic() + seconds
        self._note()

    def _start_again(self, daemon: Daemon) -> None:
        service = "hdfs" if daemon.name in ("namenode", "datanode") else daemon.name
        with self._guard:
            self._starting.add(daemon.name)
        self._note()
        try:
            # Killed before the lock is waited for: who holds that may wait for this very service.
            daemon.kill()
            with locked(self._home, f"{service}.start"):
                daemon.start()
            with self._guard:
                self._retry_at.pop(daemon.name, None)
                self._errors.pop(daemon.name, None)
        finally:
            with self._guard:
                self._silence.pop(daemon.name, None)
                self._starting.discard(daemon.name)
            self._note()

    def _note(self) -> None:
        """Write down what comes next, for other processes. On a full disk what was written before stays."""

        def at(moment: float) -> datetime:
            return datetime.now(UTC) + timedelta(seconds=moment - time.monotonic())

        with self._guard, suppress(ServiceError):
            outlooks = {
                name: Outlook(
                    starting=name in self._starting,
                    silent_since=at(self._silence[name][0]) if name in self._silence else None,
                    next_start=at(self._retry_at[name]) if name in self._retry_at else None,
                    error=self._failed.get(name) or self._errors.get(name, ""),
                )
                for name in {*self._retry_at, *self._starting, *self._silence, *filter(self._failed.get, self._failed)}
            }
            watched = {"supervisor": identity(), "services": msgspec.to_builtins(outlooks)}
            write_json(run_directory(self._home) / WATCHED, watched)


def _answers(daemon: Daemon) -> bool:
    try:
        return daemon.answers()
    except (OSError, psutil.Error, ServiceError):
        return False
