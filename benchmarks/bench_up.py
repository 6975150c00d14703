"""How long `ecommerce up` takes on an empty home until everything answers with figures; again on its data; `down`."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks.common import Result, main, timed
from ecommerce.services.ports import free_port

COMMAND = str(Path(sys.executable).parent / "ecommerce")


def run(quick: bool) -> Iterator[Result]:
    """Start and stop everything in a home of its own, twice (quick: once)."""
    with tempfile.TemporaryDirectory(prefix="ecommerce-bench-") as home:
        environment = an_environment(home)
        for what in ("up, empty home, to first figures", "up again on its data")[: 1 if quick else 2]:
            try:
                with timed() as clock:
                    ecommerce(environment, "up", "--detach")
                    assert json.loads(ecommerce(environment, "kpis", "--json"))["orders"] > 0
                yield Result(what, clock.seconds, "s", "≤ 60")
            finally:
                with timed() as clock:
                    ecommerce(environment, "down")
            yield Result("down", clock.seconds, "s")


def an_environment(home: str) -> Mapping[str, str]:
    """The environment of commands that have this home and ports of their own.

    Python keeps what it compiled, as it does by itself: a machine that forbids it compiles our modules in each command.
    """
    ports = {f"ECOMMERCE_{name}_PORT": str(free_port()) for name in ("MONGO", "NAMENODE", "DASHBOARD", "PREFECT")}
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | ports | {"ECOMMERCE_HOME": home}


def ecommerce(environment: Mapping[str, str], *arguments: str) -> str:
    """Run a command and return what it printed. Raises CalledProcessError where it failed."""
    command = [COMMAND, *arguments]
    return subprocess.run(command, env=dict(environment), check=True, stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main("Up", run)
