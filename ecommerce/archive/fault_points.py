"""Named moments of an archive run at which a drill may kill the archiver, the way a power cut would.

Without ECOMMERCE_KILL_AT in the environment this does nothing. With it, the process and all that it started (its
process group, so Spark's JVM too) get SIGKILL when the named moment is reached; `name#3` is its third time.
"""

import os
import signal
from collections import Counter

VARIABLE = "ECOMMERCE_KILL_AT"

_reached: Counter[str] = Counter()


def reached(moment: str) -> None:
    """The archiver is at this moment."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    _reached[moment] += 1
    name, _, times = wanted.partition("#")
    if name == moment and _reached[moment] == int(times or 1):
        os.killpg(os.getpgrp(), signal.SIGKILL)
