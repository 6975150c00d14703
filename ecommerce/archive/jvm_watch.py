"""Ends a JVM that hangs. Every call into it would wait for ever, also those by which a run ends whose time is up."""

import logging
import threading
import time
from contextlib import suppress
from contextvars import copy_context
from typing import Any

import psutil

log = logging.getLogger(__name__)

ASKS = 10
"""How often the JVM is asked within the time in which it has to answer once."""


def end_when_hung(gateway: Any, seconds: float) -> None:
    """Watch the JVM of a Py4J gateway until it ends, and kill it when it has not answered for `seconds`.

    Whoever waits for it gets the error of a JVM that ended. A machine that sleeps does not count: the clock stands.
    """
    answered_at = time.monotonic()

    def ask() -> None:
        nonlocal answered_at
        with suppress(Exception):  # it ended
            while True:
                gateway.jvm.java.lang.System.nanoTime()
                answered_at = time.monotonic()
                time.sleep(seconds / ASKS)

    def watch() -> None:
        while asking.is_alive():
            asking.join(seconds / ASKS)
            if time.monotonic() - answered_at > seconds:
                log.error("Spark's JVM (process %d) did not answer for %.0f s: it is killed", process.pid, seconds)
                process.kill()
                return

    process = gateway.proc
    asking = threading.Thread(target=ask, name="jvm-asked", daemon=True)
    asking.start()
    # In the caller's context, so that the line is in the log of the run that starts the JVM.
    threading.Thread(target=copy_context().run, args=(watch,), name="jvm-watched", daemon=True).start()


def kill_children(name: str) -> None:
    """Kill this process's JVM of that name."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if any(name in argument for argument in child.cmdline()):
                child.kill()
