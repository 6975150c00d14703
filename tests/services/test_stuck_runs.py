"""Flow runs that would never start are found and named at once, and an `up` that runs mends them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.states import Pending

from ecommerce.doctor.checkup import CHECKS
from ecommerce.doctor.findings import OK, PROBLEM, Finding, examine
from ecommerce.mongo import MongoDatabase
from ecommerce.services import stuck
from ecommerce.services.prefect import WORK_POOL, wanted_deployments
from ecommerce.services.records import identity, run_directory, write_json
from ecommerce.services.stuck import mend, stuck_problem, worker_problem
from ecommerce.settings import Settings
from tests.prefect_stack import PrefectStack, prefect_stack
from tests.services.test_doctor import PREFECT

SUMMARIZE = "summarize-orders/hourly"


@pytest.fixture
def stack(settings: Settings, database: MongoDatabase, tmp_path: Path) -> Iterator[PrefectStack]:
    with prefect_stack(settings, tmp_path / "prefect") as stack:
        yield stack


def doctor(stack: PrefectStack) -> Finding:
    (finding,) = examine(stack.settings, [check for check in CHECKS if check.name == "stuck runs"])
    return finding


def mended(stack: PrefectStack) -> list[str]:
    """What an `up` that runs says when it looks for what is stuck."""
    said: list[str] = []
    mend(stack.settings, said.append, stack.deploy)
    return said


@pytest.mark.timeout(600)
def test_a_work_pool_that_was_deleted_is_named_and_made_again(stack: PrefectStack) -> None:
    assert doctor(stack).state == OK
    assert (stuck_problem(stack.settings), mended(stack)) == (None, [])
    stack.client._client.delete(f"/work_pools/{WORK_POOL}").raise_for_status()  # noqa: SLF001 - its own method refuses a pool with runs
    lost = stack.ask(SUMMARIZE)
    found = doctor(stack)
    assert found.state == PROBLEM
    assert f"the work pool of {', '.join(sorted(wanted_deployments()))} was deleted" in found.says
    assert "1 late run(s) will not start, as their work pool was deleted" in found.says
    assert "deploy again: `ecommerce up` does" in found.remedy
    assert "`ecommerce up` does" in (stuck_problem(stack.settings) or "")

    runs_already = {"supervisor": identity(), "state": "up"}
    write_json(run_directory(stack.settings.home_directory) / "up.json", runs_already)
    waiting = doctor(stack).remedy
    assert f"wait: `ecommerce up`, which runs (process {os.getpid()}), mends it within 40 s" in waiting
    assert "deploy again" not in waiting
    assert "wait: `ecommerce up`, which runs" in (stuck_problem(stack.settings) or "")

    deployed, cancelled = mended(stack)
    assert "had been deleted; they were deployed again" in deployed
    assert "was cancelled, as its work pool had been deleted" in cancelled
    assert stack.client.read_flow_run(lost).state_name == "Cancelled"
    assert doctor(stack).state == OK
    says = "no worker takes runs of the work pool 'ecommerce'"
    (worker,) = examine(stack.settings, [check for check in CHECKS if check.name == "workers"])
    assert (worker.state, worker.says) == (PROBLEM, says)
    assert "wait: `ecommerce up`, which runs" in worker.remedy
    assert (worker_problem(stack.settings) or "").startswith(f"{says}: wait: `ecommerce up`, which runs")
    with stack.worker():
        assert worker_problem(stack.settings) is None
        (run,) = stack.wait(stack.ask(SUMMARIZE))
    assert run.state_name == "Completed", stack.log(run.id)


@pytest.mark.timeout(600)
def test_a_deployment_that_was_deleted_is_named_and_made_again(stack: PrefectStack) -> None:
    stack.client.delete_deployment(stack.client.read_deployment_by_name(SUMMARIZE).id)
    problems = [one for one in examine(stack.settings, CHECKS) if one.state == PROBLEM and one.check in PREFECT]
    assert [problem.check for problem in problems] == ["deployments", "workers"]
    assert problems[0].says == f"not deployed: {SUMMARIZE}"
    assert "`ecommerce up` does" in problems[0].remedy
    assert f"not deployed: {SUMMARIZE}" in (stuck_problem(stack.settings) or "")

    (said,) = mended(stack)
    assert said == f"{SUMMARIZE} had been deleted; it was deployed again, with its schedule"
    assert stack.client.read_deployment_by_name(SUMMARIZE).schedules[0].active
    assert (stuck_problem(stack.settings), mended(stack)) == (None, [])


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
    assert f"`prefect flow-run delete {left}`" in found.remedy
    assert mended(stack) == [], "five minutes are not over"
    monkeypatch.setattr(stuck, "CRASH_PENDING_SECONDS", 0)
    (said,) = mended(stack)
    assert "it is called crashed, so that others can start" in said
    assert stack.client.read_flow_run(left).state_name == "Crashed"
    with stack.worker():
        (run,) = stack.wait(stack.ask(SUMMARIZE))
    assert run.state_name == "Completed", stack.log(run.id)
