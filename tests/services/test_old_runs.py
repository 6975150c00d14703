"""Prefect's history does not grow for ever: runs that ended long ago go, with what belongs to them, and no others."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, LogFilter, LogFilterFlowRunId
from prefect.exceptions import ObjectNotFound
from prefect.states import Completed, Failed, Running, Suspended

from ecommerce.prefect_api import call, embedded_api
from tests.prefect_stack import PrefectStack

pytestmark = pytest.mark.slow

DELETE, SUMMARIZE = "delete-old-runs/daily", "summarize-orders/hourly"
NOW = datetime.now(UTC)


def run_of(stack: PrefectStack, days_ago: int, *states: Any) -> UUID:
    """A run that went through the states so many days ago, told to the server's database: its API knows now alone."""
    run = stack.ask(SUMMARIZE, at=NOW + timedelta(days=3))
    for state in states:
        stack.client.set_flow_run_state(run, state, force=True)
    with closing(sqlite3.connect(stack.settings.home / "prefect" / "prefect.db", timeout=60)) as history, history:
        moment = NOW - timedelta(days=days_ago)
        for name in ("start_time", "end_time"):
            changed = f"update flow_run set {name} = ? where id = ? and {name} is not null"  # noqa: S608 - one of two
            history.execute(changed, (f"{moment:%Y-%m-%d %H:%M:%S.%f}", str(run)))
    return run


def belongings(stack: PrefectStack, run: UUID) -> tuple[int, int]:
    """How many lines of log and how many artifacts a run has."""
    logs = stack.client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run])))
    its = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
    return len(logs), len(stack.client.read_artifacts(artifact_filter=its))


@pytest.mark.timeout(600)
def test_runs_that_ended_long_ago_are_deleted_and_no_others(stack: PrefectStack) -> None:
    old = [run_of(stack, 91, Running(), Completed()), run_of(stack, 100, Running(), Failed())]
    kept = [
        run_of(stack, 5, Running(), Completed()),
        run_of(stack, 200, Running()),
        run_of(stack, 200, Running(), Suspended(timeout_seconds=10**8)),
        run_of(stack, 0),
    ]
    api = embedded_api(stack.settings)
    for run in (old[0], kept[0]):
        call(api, "/artifacts/", {"key": "archive-run", "type": "markdown", "data": "x", "flow_run_id": str(run)})
        line = {"name": "test", "level": 20, "message": "x", "timestamp": NOW.isoformat(), "flow_run_id": str(run)}
        call(api, "/logs/", [line])  # type: ignore[arg-type]
    stack.until(lambda: belongings(stack, old[0]) == (1, 1))
    with stack.worker():
        (done,) = stack.wait(stack.ask(DELETE))
        assert done.state_name == "Completed", stack.log(done.id)
        assert done.name == f"delete runs before {datetime.now(UTC) - timedelta(days=90):%Y-%m-%d}"
        assert "2 runs that ended before" in str(done.state and done.state.message)
        for gone in old:
            with pytest.raises(ObjectNotFound):
                stack.client.read_flow_run(gone)
        for left in kept:
            stack.client.read_flow_run(left)
        stack.until(lambda: belongings(stack, old[0]) == (0, 0))
        assert belongings(stack, kept[0]) == (1, 1)

        call(api, "/variables/", {"name": "ecommerce_keep_runs_days", "value": 4})
        (done,) = stack.wait(stack.ask(DELETE))
        assert "1 run that ended before" in str(done.state and done.state.message), stack.log(done.id)
    with pytest.raises(ObjectNotFound):
        stack.client.read_flow_run(kept[0])
