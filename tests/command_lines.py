"""Runs `ecommerce` command lines from standard input in one process, as starting Python is most of what they take.

Prints each with how it ended; ends with code 1 after the first that failed.
"""

import shlex
import sys
import time

from cli.app import app


def main() -> int:
    """Run them in their order."""
    for line in sys.stdin:
        started = time.monotonic()
        print(f"--- {line.strip()}", flush=True)
        code = app(shlex.split(line)[1:], standalone_mode=False)
        print(f"--- {time.monotonic() - started:.1f} s", flush=True)
        if code:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
