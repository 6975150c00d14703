"""Processes that work on the summaries until they are killed, forked in 20 ms from one that has imported everything."""

import os
import signal
import subprocess
import sys
from types import TracebackType

from ecommerce.settings import Settings

_NURSERY = """
import os, signal, sys
from ecommerce.kpis import KpiStore
from ecommerce.mongo import get_database
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from ecommerce.summaries.compact import compact
from ecommerce.summaries.rebuild import rebuild

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
uri, name = sys.argv[1:]
works = {"advance": advance, "compact": compact, "rebuild": rebuild}
print("ready", flush=True)
for line in sys.stdin:
    pid = os.fork()
    if pid:
        print(pid, flush=True)
        continue
    database = get_database(Settings(mongo_uri=uri, database=name))
    while True:
        for work in line.split():
            works[work](database)
"""


class Workers:
    """Starts and kills the processes of one test."""

    def __init__(self, settings: Settings) -> None:
        assert settings.mongo_uri is not None
        self._nursery = subprocess.Popen(
            [sys.executable, "-c", _NURSERY, settings.mongo_uri.get_secret_value(), settings.database],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._running: list[int] = []
        assert self._answer() == "ready"

    def start(self, *works: str) -> int:
        """Start a process that does these works ("advance", "compact", "rebuild") over and over; its id."""
        assert self._nursery.stdin is not None
        self._nursery.stdin.write(" ".join(works) + "\n")
        self._nursery.stdin.flush()
        self._running.append(int(self._answer()))
        return self._running[-1]

    def kill(self) -> None:
        """Kill all that were started, each wherever it is."""
        while self._running:
            os.kill(self._running.pop(), signal.SIGKILL)

    def _answer(self) -> str:
        assert self._nursery.stdout is not None
        return self._nursery.stdout.readline().strip()

    def __enter__(self) -> "Workers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._nursery.kill()
        self._nursery.wait(30)
