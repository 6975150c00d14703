"""Flow runs that would never start are found and named at once, and an `up` that runs mends them."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from prefect.states import Pending

from ecommerce.doctor.checkup import CHECKS
from ecommerce.doctor.findings import OK, PROBLEM, Finding, examine
from ecommerce.services import mending, stuck
from ecommerce.services.mending import mend
from ecommerce.services.prefect import WORK_POOL, wanted_deployments
from ecommerce.services.records import identity, run_directory, write_json
from ecommerce.services.stuck import why_no_runs
from tests.doctoring import PREFECT, finding_of
from tests.prefect_stack import PrefectStack

pytestmark = pytest.mark.slow

SUMMARIZE = "summarize-orders/hourly"
NO_WORKER = "no worker takes runs of the work pool 'ecommerce'"


def doctor(stack: PrefectStack) -> Finding:
    return finding_of(stack.settings, "stuck runs")


def mended(stack: PrefectStack) -> list[str]:
    """What an `up` that runs says when it looks for what is stuck."""
    said: list[str] = []
    mend(stack.settings, said.append, stack.deploy)
    return said


@pytest.mark.timeout(600)
def test_a_work_pool_that_was_deleted_is_named_and_made_again(stack: PrefectStack) -> None:
    assert doctor(stack).state == OK
    assert ((why_no_runs(stack.settings) or "").startswith(NO_WORKER), mended(stack)) == (True, [])
    stack.client._client.delete(f"/work_pools/{WORK_POOL}").raise_for_status()  # noqa: SLF001 - its own method refuses a pool with runs
    lost = stack.ask(SUMMARIZE)
    found = doctor(stack)
    assert found.state == PROBLEM
    assert f"the work pool of {', '.join(sorted(wanted_deployments()))} was deleted" in found.says
    assert "1 late run(s) will not start, as their work pool was deleted" in found.says
    assert "deploy again: `ecommerce up` does" in found.remedy
    assert "`ecommerce up` does" in (why_no_runs(stack.settings) or "")

    runs_already = {"supervisor": identity(), "state": "up"}
    write_json(run_directory(stack.settings.home_directory) / "up.json", runs_already)
    waiting = doctor(stack).remedy
    assert f"wait: `ecommerce up`, which runs (process {os.getpid()}), mends it within 40 s" in waiting
    assert "deploy again" not in waiting
    assert "wait: `ecommerce up`, which runs" in (why_no_runs(stack.settings) or "")

    deployed, cancelled = mended(stack)
    assert "had been deleted; they were deployed again" in deployed
    assert "was cancelled, as its work pool had been deleted" in cancelled
    assert stack.client.read_flow_run(lost).state_name == "Cancelled"
    assert doctor(stack).state == OK
    worker = finding_of(stack.settings, "workers")
    assert (worker.state, worker.says) == (PROBLEM, NO_WORKER)
    assert "wait: `ecommerce up`, which runs" in worker.remedy
    assert (why_no_runs(stack.settings) or "").startswith(f"{NO_WORKER}: wait: `ecommerce up`, which runs")
    with stack.worker():
        assert why_no_runs(stack.settings) is None
        (run,) = stack.wait(stack.ask(SUMMARIZE))
    assert run.state_name == "Completed", stack.log(run.id)


@pytest.mark.timeout(600)
def test_a_deployment_that_was_deleted_is_named_and_made_again(stack: PrefectStack) -> None:
    stack.client.delete_deployment(stack.client.read_deployment_by_name(SUMMARIZE).id)
    problems = [one for one in examine(stack.settings, CHECKS) if one.state == PROBLEM and one.check in PREFECT]
    assert [problem.check for problem in problems] == ["deployments", "workers"]
    assert problems[0].says == f"not deployed: {SUMMARIZE}"
    assert "`ecommerce up` does" in problems[0].remedy
    assert f"not deployed: {SUMMARIZE}" in (why_no_runs(stack.settings) or "")

    (said,) = mended(stack)
    assert said == f"{SUMMARIZE} had been deleted; it was deployed again, with its schedule"
    assert stack.client.read_deployment_by_name(SUMMARIZE).schedules[0].active
    assert ((why_no_runs(stack.settings) or "").startswith(NO_WORKER), mended(stack)) == (True, [])


POOL, QUEUES = f"/work_pools/{WORK_POOL}", f"/work_pools/{WORK_POOL}/queues"


def halt(stack: PrefectStack, what: str, name: str, value: object) -> None:
    """Set something of the work pool, of a queue, or of a deployment's limit."""
    deployment = stack.client.read_deployment_by_name(SUMMARIZE)
    limit = deployment.global_concurrency_limit
    assert limit
    places = {"pool": POOL, "queue": f"{QUEUES}/archive", "deployment": f"/v2/concurrency_limits/{limit.id}"}
    stack.client._client.patch(places[what], json={name: value}).raise_for_status()  # noqa: SLF001 - as above


def obey(remedy: str) -> None:
    """Run the command that a remedy names, in the shell of somebody who knows no Prefect."""
    (command,) = re.findall("`([^`]*prefect [^`]*)`", remedy)
    shell = {"PATH": "/usr/bin:/bin", "HOME": str(Path.home())}
    done = subprocess.run(
        ["/bin/sh", "-c", command], env=shell, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


@pytest.mark.timeout(600)
def test_what_somebody_halted_is_named_with_a_command_that_ends_it_in_any_shell(
    stack: PrefectStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with stack.worker():
        stack.until(lambda: why_no_runs(stack.settings) is None)
        for what, name, value, says in (
            ("pool", "is_paused", True, "the work pool 'ecommerce' is paused"),
            ("pool", "concurrency_limit", 0, "the work pool 'ecommerce' has a concurrency limit of 0"),
            ("queue", "is_paused", True, "the work queue 'archive' is paused"),
            ("queue", "concurrency_limit", 0, "the work queue 'archive' has a concurrency limit of 0"),
            ("deployment", "limit", 0, f"{SUMMARIZE} has a concurrency limit of 0"),
        ):
            halt(stack, what, name, value)
            found = finding_of(stack.settings, "workers")
            assert (found.state, found.says) == (PROBLEM, says)
            assert (why_no_runs(stack.settings) or "").startswith(f"{says}: `PREFECT_API_URL=http://127.0.0.1:")
            obey(found.remedy)
            assert finding_of(stack.settings, "workers").state == OK, says
            assert why_no_runs(stack.settings) is None


@pytest.mark.timeout(600)
def test_a_schedule_that_is_paused_is_named_with_the_command_that_resumes_it(
    stack: PrefectStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    deployment = stack.client.read_deployment_by_name(SUMMARIZE)
    pause = f"/deployments/{deployment.id}/pause_deployment"
    for halted in (lambda: stack.pause(SUMMARIZE), lambda: stack.client._client.post(pause)):  # noqa: SLF001 - as above
        assert finding_of(stack.settings, "schedules").state == OK
        halted()
        found = finding_of(stack.settings, "schedules")
        assert (found.state, f"not running by themselves: {SUMMARIZE} " in found.says) == (PROBLEM, True)
        obey(found.remedy)
    assert finding_of(stack.settings, "schedules").state == OK


@pytest.mark.timeout(600)
def test_a_run_whose_worker_died_before_it_was_running_gives_its_place_back(
    stack: PrefectStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = stack.ask(SUMMARIZE)
    stack.client.set_flow_run_state(left, Pending())
    assert doctor(stack).state == OK, "a run is Pending for some seconds as a rule"
    monkeypatch.setattr(stuck, "PENDING_SECONDS_MAX", 0)
    found = doctor(stack)
    assert found.state == PROBLEM
    assert "is Pending for" in found.says
    assert f"flow-run delete {left}`" in found.remedy
    assert "has not begun (workers: none online)" in found.says
    assert mended(stack) == [], "five minutes are not over"
    monkeypatch.setattr(mending, "CRASH_PENDING_SECONDS", 0)
    (said,) = mended(stack)
    assert "it is called crashed, so that others can start" in said
    assert stack.client.read_flow_run(left).state_name == "Crashed"
    with stack.worker():
        (run,) = stack.wait(stack.ask(SUMMARIZE))
    assert run.state_name == "Completed", stack.log(run.id)
