"""Whole commands, from the prompt to the prompt, and whole runs by the worker, with as little to do as there is."""

import json
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from benchmarks.bench_up import an_environment, ecommerce
from benchmarks.common import Result, main, timed

RUN_TIMEOUT_SECONDS = 120
NOTHING_TO_DO = (
    # name, what to reach, command
    ("`ecommerce kpis`", "≤ 1.2", ("kpis", "--json")),
    ("`ecommerce status`", "≤ 1.2", ("status",)),
    ("`ecommerce summarize`, nothing new", "≤ 2.5", ("summarize",)),
    ("`ecommerce archive --dry-run`", "≤ 2.5", ("archive", "--dry-run")),
)


def run(quick: bool) -> Iterator[Result]:
    """Commands while `up` runs, runs of its worker, and a command that has to start its services: medians of 7."""
    times = 1 if quick else 7
    with tempfile.TemporaryDirectory(prefix="ecommerce-bench-") as home:
        environment = an_environment(home)
        try:
            ecommerce(environment, "up", "--detach")
            for name, target, command in NOTHING_TO_DO:
                ecommerce(environment, *command)  # pays for what is cold
                yield Result(name, _median(times, lambda c=command: _seconds(environment, c)), "s", target)
            name = "a run by the worker, nothing new: creation to Completed"
            yield Result(name, _median(times, lambda: _run_seconds(environment)), "s", "≤ 5")
        finally:
            ecommerce(environment, "down")
        alone = _median(min(times, 3), lambda: _seconds(environment, ("summarize",)))
        yield Result("`ecommerce summarize`, its services to start and stop", alone, "s")


def _median(times: int, measure: Any) -> float:
    return statistics.median(measure() for _ in range(times))


def _seconds(environment: Mapping[str, str], command: tuple[str, ...]) -> float:
    with timed() as clock:
        ecommerce(environment, *command)
    return clock.seconds


def _run_seconds(environment: Mapping[str, str]) -> float:
    """Seconds from a run's creation to its end, by the server's clock."""
    (deployment,) = [
        one for one in _api(environment, "deployments/filter", {}) if "summarize_orders" in (one["entrypoint"] or "")
    ]
    run = _api(environment, f"deployments/{deployment['id']}/create_flow_run", {})
    deadline = time.monotonic() + RUN_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        (found,) = _api(environment, "flow_runs/filter", {"flow_runs": {"id": {"any_": [run["id"]]}}})
        if found["state_type"] in ("COMPLETED", "FAILED", "CRASHED"):
            assert found["state_type"] == "COMPLETED", found["state"]
            return (datetime.fromisoformat(found["end_time"]) - datetime.fromisoformat(run["created"])).total_seconds()
        time.sleep(0.2)
    raise TimeoutError(f"no end after {RUN_TIMEOUT_SECONDS} s: {found['state_name']}")


def _api(environment: Mapping[str, str], path: str, body: Mapping[str, Any]) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{environment['ECOMMERCE_PREFECT_PORT']}/api/{path}",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - as above
        return json.load(answer)


if __name__ == "__main__":
    main("Commands", run)
