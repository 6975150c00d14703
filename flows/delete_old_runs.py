"""Deletes flow runs that ended long ago from Prefect's history, with their logs, task runs and artifacts."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import TERMINAL_STATES
from prefect.exceptions import ObjectNotFound
from pydantic import Field

from ecommerce.readable import counted
from flows.common import TASK_SECONDS, finished, pipeline_flow, scheduled_time
from flows.forms import AS_SET, AsSet, Unset, chosen, settings_by_operators
from flows.progress import progress_artifact

PAGE = 200
"""Runs of one request."""


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS)
def delete_runs_before(moment: datetime) -> int:
    """Delete the runs that ended before `moment`; returns how many. One that has not ended is never among them."""
    ended = FlowRunFilter(
        end_time=FlowRunFilterEndTime(before_=moment),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=sorted(TERMINAL_STATES))),
    )
    deleted = 0
    with get_client(sync_client=True) as client, progress_artifact("delete runs") as progress:
        while runs := client.read_flow_runs(flow_run_filter=ended, limit=PAGE):
            for run in runs:
                delete_with_artifacts(client, run.id)
                deleted += 1
                progress(deleted, None, "runs")
    return deleted


def delete_with_artifacts(client: SyncPrefectClient, run: UUID) -> None:
    """Delete a run; Prefect deletes its task runs and its log with it, and leaves its artifacts."""
    its = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run]))
    for artifact in client.read_artifacts(artifact_filter=its):
        client.delete_artifact(artifact.id)
    try:
        client.delete_flow_run(run)
    except ObjectNotFound:
        get_run_logger().info("run %s was deleted by somebody else meanwhile", run)


def run_name(parameters: dict[str, Any]) -> str:
    """What a run deletes."""
    days = days_kept(parameters.get("keep_days", AS_SET))
    return f"delete runs before {scheduled_time() - timedelta(days=days):%Y-%m-%d}"


def days_kept(given: int | AsSet) -> int:
    """For how many days runs are kept."""
    return chosen(given, settings_by_operators("keep").keep_runs_days)


@pipeline_flow("delete-old-runs", run_name)
def delete_old_runs(
    keep_days: Annotated[
        Annotated[int, Field(ge=1, le=36_500)] | Unset,
        Field(
            description="Runs that ended more whole days ago are deleted. Empty: as the setting keep_runs_days says, "
            "90 unless changed."
        ),
    ] = AS_SET,
) -> int:
    """Delete what ended long ago; returns how many runs. Orders and archive runs are not touched, nor runs to come."""
    moment = datetime.now(UTC) - timedelta(days=days_kept(keep_days))
    deleted = delete_runs_before(moment)
    return finished(deleted, f"deleted: {counted(deleted, 'run')} that ended before {moment:%Y-%m-%d %H:%M}")
