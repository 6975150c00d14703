"""A process that skips what Python does at its end still ends as one that does not: threads, atexit, output, code."""

import subprocess
import sys

import pytest

PROGRAM = """
import atexit, logging, sys, threading, time
from ecommerce.quick_process import run_to_its_end

class Handler(logging.Handler):
    def flush(self):
        print("flushed")

def work():
    logging.getLogger().addHandler(Handler())
    atexit.register(print, "atexit")
    threading.Thread(target=lambda: (time.sleep(0.2), print("thread"))).start()
    print("work")
    END

run_to_its_end(work)
"""


@pytest.mark.parametrize(
    ("end", "code"), [("pass", 0), ("sys.exit()", 0), ("sys.exit(3)", 3), ("sys.exit('no')", 1), ("1 / 0", 1)]
)
def test_it_ends_as_python_does(end: str, code: int) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM.replace("END", end)], capture_output=True, text=True)
    assert done.returncode == code
    assert done.stdout.split() == ["work", "thread", "atexit", "flushed"]
    assert ("no" in done.stderr, "ZeroDivisionError" in done.stderr) == ("no" in end, end == "1 / 0")
