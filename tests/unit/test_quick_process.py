"""A process that skips what Python does at its end still ends as one that does not: threads, atexit, output, code."""

import os
import subprocess
import sys
from pathlib import Path

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


def test_a_module_that_is_imported_for_its_use_runs_when_it_is_used(tmp_path: Path) -> None:
    package = tmp_path / "large"
    package.mkdir()
    (package / "__init__.py").write_text("import large.part as part\nimport large.broken as broken\n")
    (package / "part.py").write_text("print('part runs')\nimport large.part\nVALUE = 3\n")
    (package / "broken.py").write_text("1 / 0\n")
    (tmp_path / "program.py").write_text(
        """
import inspect, threading
from ecommerce.quick_process import import_when_used
import_when_used("large.part")
import_when_used("large.broken")
import large, large.part
from large import part
print(part.__name__, part.__spec__.name, inspect.getsourcefile(part) == part.__file__, "unused")
found = []
threads = [threading.Thread(target=lambda: found.append(part.VALUE)) for _ in range(3)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(found)
print(hasattr(part, "OTHER"), type(part).__name__)
for _ in range(2):
    try:
        large.broken.VALUE
    except ZeroDivisionError:
        print("broken")
"""
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"}
    done = subprocess.run(
        [sys.executable, str(tmp_path / "program.py")], env=environment, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == [
        "large.part large.part True unused", "part runs", "[3, 3, 3]", "False module", "broken", "broken"
    ], done.stderr  # fmt: skip
