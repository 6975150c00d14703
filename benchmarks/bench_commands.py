"""Whole commands, from the prompt to the prompt, and whole runs by the worker, with as little to do as there is.

With ECOMMERCE_BENCH_BEFORE=<a checkout of an older version> each is measured beside that version's, in turns, so that
whatever else the machine does meets both.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from typing import TypeVar

from benchmarks.bench_up import an_environment
from benchmarks.common import Result, formatted, main, timed
from ecommerce.prefect_api import call

BEFORE = "ECOMMERCE_BENCH_BEFORE"
RUN_TIMEOUT_SECONDS = 300
NOTHING_TO_DO = (
    # name, what to reach, command
    ("`ecommerce kpis`", "≤ 1.2", ("kpis", "--json")),
    ("`ecommerce status`", "≤ 1.2", ("status",)),
    ("`ecommerce summarize`, nothing new", "≤ 2.5", ("summarize",)),
    ("`ecommerce archive --dry-run`", "≤ 2.5", ("archive", "--dry-run")),
)

Environment = Mapping[str, str]
Measured = TypeVar("Measured", float, tuple[float, float])


def run(quick: bool) -> Iterator[Result]:
    """Commands while `up` runs, runs of its worker, and a command that has to start its services: medians of 7."""
    times = 1 if quick else 7
    before = os.environ.get(BEFORE)
    with ExitStack() as homes:
        environments = [homes.enter_context(a_home(checkout)) for checkout in ((None, before) if before else (None,))]
        with ExitStack() as up:
            for environment in environments:
                up.enter_context(_up(environment))
            for name, target, command in NOTHING_TO_DO:
                seconds = _in_turns(environments, lambda e, c=command: _seconds(e, c), times)  # type: ignore[misc]
                yield _result(name, [[wall for wall, _ in one] for one in seconds], target)
                yield _result(f"{name}: processor time", [[processor for _, processor in one] for one in seconds])
            runs = _in_turns(environments, _run_seconds, times)
            yield _result("a run by the worker, nothing new: creation to Completed", runs, "≤ 5")
        alone = _in_turns(environments, lambda e: _seconds(e, ("summarize",))[0], min(times, 3))
        yield _result("`ecommerce summarize`, its services to start and stop", alone)


@contextmanager
def a_home(checkout: str | None) -> Iterator[Environment]:
    """The environment of commands of this version or of a checkout, with a home of their own."""
    with tempfile.TemporaryDirectory(prefix="ecommerce-bench-") as home:
        yield {**an_environment(home), **({"PYTHONPATH": checkout} if checkout else {})}


@contextmanager
def _up(environment: Environment) -> Iterator[None]:
    try:
        _command(environment, "up", "--detach")
        yield
    finally:
        _command(environment, "down")


def _in_turns(
    environments: list[Environment], measure: Callable[[Environment], Measured], times: int
) -> list[list[Measured]]:
    """What was measured for each environment, in turns."""
    for environment in environments:
        measure(environment)  # pays for what is cold
    rounds = [[measure(environment) for environment in environments] for _ in range(times)]
    return [list(of_one) for of_one in zip(*rounds, strict=True)]


def _result(name: str, seconds: list[list[float]], target: str = "") -> Result:
    """The median of this version; beside it the least, and the other version's."""
    texts = [f"{formatted(statistics.median(one))}, least {formatted(min(one))}" for one in seconds]
    beside = f"least {formatted(min(seconds[0]))}" + (f"; before: {texts[1]}" if texts[1:] else "")
    return Result(name, statistics.median(seconds[0]), "s", target, beside)


def _command(environment: Environment, *arguments: str) -> None:
    # Not the program `ecommerce`, which is this version's. Python looks into the folder that it is started in first.
    command = [sys.executable, "-c", "from cli.app import main; main()", *arguments]
    subprocess.run(
        command,
        env=dict(environment),
        cwd=environment.get("PYTHONPATH"),
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _seconds(environment: Environment, command: tuple[str, ...]) -> tuple[float, float]:
    """Seconds of the whole command, and of processor time of its own process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with timed() as clock:
        _command(environment, *command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return clock.seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _run_seconds(environment: Environment) -> float:
    """Seconds from a run's creation to its end, by the server's clock."""
    ask = partial(call, f"http://127.0.0.1:{environment['ECOMMERCE_PREFECT_PORT']}/api", timeout_seconds=60)
    deployments = ask("/deployments/filter", {})
    (deployment,) = [one for one in deployments if "summarize_orders" in (one["entrypoint"] or "")]
    run = ask(f"/deployments/{deployment['id']}/create_flow_run", {})
    deadline = time.monotonic() + RUN_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        (found,) = ask("/flow_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}})
        if found["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
            assert found["state_type"] == "COMPLETED", found["state"]
            return (datetime.fromisoformat(found["end_time"]) - datetime.fromisoformat(run["created"])).total_seconds()
        time.sleep(0.2)
    raise TimeoutError(f"no end after {RUN_TIMEOUT_SECONDS} s: {found['state_name']}")


if __name__ == "__main__":
    main("Commands", run)
