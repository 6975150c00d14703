"""`ecommerce up` and Prefect: runs that die are called crashed, a work pool that is deleted comes back."""

import signal
import time
from typing import Any

import httpx
import psutil
import pytest

from ecommerce.settings import Settings
from tests.programs import Up, pid_of, states, wait_until
from tests.services.test_services_up import settings

__all__ = ["settings"]


def asked(at: Settings, path: str, body: dict[str, object]) -> Any:
    answer = httpx.post(f"http://127.0.0.1:{at.prefect_port}/api/{path}", json=body, timeout=60)
    return answer.raise_for_status().json()


@pytest.mark.drill
def test_a_run_that_dies_with_or_without_its_worker_is_called_crashed_at_once(settings: Settings) -> None:
    up = Up(settings)
    up.wait_for("Look first")
    (backfill,) = asked(settings, "deployments/filter", {"deployments": {"name": {"any_": ["backfill"]}}})
    span = {"orders": 3_000_000, "start": "2026-01-01", "end": "2026-03-01"}
    for kill_worker in (False, True):
        run = asked(settings, f"deployments/{backfill['id']}/create_flow_run", {"parameters": span})
        found = {"flow_runs": {"id": {"any_": [run["id"]]}}}

        def state(found: dict[str, Any] = found) -> str:
            return str(asked(settings, "flow_runs/filter", found)[0]["state_name"])

        wait_until(lambda: state() == "Running", 60)
        worker = psutil.Process(pid_of(settings, "prefect-worker"))
        children = worker.children(recursive=True)
        for process in [worker, *children] if kill_worker else children:
            process.kill()
        wait_until(lambda: state() == "Crashed", 30)
    assert up.end(signal.SIGINT) == 0


@pytest.mark.drill
def test_a_work_pool_that_somebody_deletes_in_the_ui_comes_back(settings: Settings) -> None:
    up = Up(settings)
    up.wait_for("Look first")
    api = f"http://127.0.0.1:{settings.prefect_port}/api"
    httpx.delete(f"{api}/work_pools/ecommerce", timeout=60).raise_for_status()
    worker = states(settings)["prefect-worker"]
    assert worker["healthy"] is False
    assert "was deleted, so that their runs do not start" in str(worker["reason"])
    assert "mends it within" in str(worker["reason"])
    up.wait_for("had been deleted; they were deployed again", 120)
    deployment = httpx.get(f"{api}/deployments/name/summarize-orders/hourly").json()
    run = httpx.post(f"{api}/deployments/{deployment['id']}/create_flow_run", json={}).json()
    deadline = time.monotonic() + 120
    while (state := httpx.get(f"{api}/flow_runs/{run['id']}").json()["state_name"]) != "Completed":
        assert time.monotonic() < deadline, state
        time.sleep(1)
    assert states(settings)["prefect-worker"]["healthy"] is True
    assert up.end(signal.SIGTERM) == 0
