"""Ends a command that waits for a Prefect server that is silent: Prefect asks it six times, for a minute each time."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ecommerce.services.ports import listens
from ecommerce.services.silent import ASK_SECONDS, SILENT_SECONDS_MAX
from flows.sending import SENDING

_ASKING = os.path.join("prefect", "client", "base.py")  # noqa: PTH118 - the end of a name of a file
_ASKING_FROM_ANOTHER_THREAD = "run_coro_as_sync"


@contextmanager
def ends_when_silent(api: str, process: Callable[[], str], says: Callable[[float], str]) -> Iterator[None]:
    """End this process with one line where it waits for a server that has been silent for SILENT_SECONDS_MAX.

    `process` identifies the server's process where that is known: a new one has its own time. Work that needs no server
    meanwhile goes on. `says` is the line, of the seconds.
    """
    ended, this_thread = threading.Event(), threading.get_ident()

    def watch() -> None:
        since, known = time.monotonic(), process()
        while not ended.wait(ASK_SECONDS):
            now = time.monotonic()
            if process() != known or not _waits_for_prefect(this_thread) or listens(f"{api}/health", ASK_SECONDS):
                since, known = now, process()
            elif now - since > SILENT_SECONDS_MAX and not ended.is_set():
                _end(says(now - since))

    threading.Thread(target=watch, name="silent-server", daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _waits_for_prefect(thread: int) -> bool:
    """Whether a thread, or one that sends in its place, waits for an answer of Prefect's API."""
    frames = sys._current_frames()  # noqa: SLF001 - no public function looks at another thread
    senders = [one.ident for one in threading.enumerate() if one.name.startswith(SENDING)]
    return any(_asks(frames[one]) for one in (thread, *senders) if one in frames)


def _asks(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.endswith(_ASKING) or frame.f_code.co_name == _ASKING_FROM_ANOTHER_THREAD:
            return True
        frame = frame.f_back
    return False


def _end(line: str) -> None:
    """End at once: nothing that the process would do at its end is answered, either."""
    sys.stdout.flush()
    show_cursor = "\x1b[?25h\n" if sys.stderr.isatty() else ""  # the bar hides it
    print(f"{show_cursor}error: {line}", file=sys.stderr, flush=True)
    os._exit(1)
