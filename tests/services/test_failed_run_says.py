"""What a run publishes reaches a real server although the run fails right behind it."""

import time
from typing import Any

import pytest
from prefect.artifacts import create_link_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.runtime import flow_run

from ecommerce.errors import InputError
from flows.common import finished, pipeline_flow
from flows.sending import send


@pipeline_flow("fails-behind-a-link", lambda parameters: f"fails: {parameters['fails']}")
def publish_then_end(fails: bool) -> str:
    """A flow whose request is on its way when it ends."""
    send(time.sleep, 1.5)
    send(create_link_artifact, key="published", link="http://127.0.0.1/app")
    if fails:
        raise InputError("no")
    return finished(str(flow_run.id), "published")


@pytest.mark.usefixtures("prefect_server")
def test_what_a_failed_run_published_is_there_and_the_next_run_knows_nothing_of_it() -> None:
    run: dict[str, Any] = {}
    watched = publish_then_end.with_options(on_failure=[lambda _flow, failed, _state: run.update(id=failed.id)])
    with pytest.raises(InputError):
        watched(fails=True)
    again = publish_then_end(fails=False)
    of_runs = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run["id"], again]))
    with get_client(sync_client=True) as client:
        published = client.read_artifacts(artifact_filter=of_runs)
    assert {str(one.flow_run_id) for one in published} == {str(run["id"]), again}
