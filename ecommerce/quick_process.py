"""A Python process that imports a lot and lives for seconds: what Python does around that is left out.

Of 2.0 s of processor time of a command that runs a flow, 0.3 s went into looking for garbage among imported objects,
which all stay, and 0.45 s into taking the modules apart at the end, whose memory goes back with the process anyway.
"""

import atexit
import gc
import os
import sys
from collections.abc import Callable

GARBAGE_AFTER = 300_000
"""New objects between two looks for garbage: imports make a million that stay."""


def run_to_its_end(work: Callable[[], object]) -> None:
    """Do the work and end the process with its exit code, after its threads and everything registered with atexit."""
    gc.set_threshold(GARBAGE_AFTER, 20, 20)
    code: list[int] = []
    # What is registered first is called last.
    atexit.register(lambda: _end(code[0]) if code else None)
    try:
        work()
        code.append(0)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            code.append(end.code or 0)
        raise


def _end(code: int) -> None:
    # Where `logging` was imported before, it would be called after this.
    if "logging" in sys.modules:
        sys.modules["logging"].shutdown()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass  # the reader of a pipe left
    except (OSError, ValueError):
        return  # Python says what is wrong with them
    os._exit(code)
