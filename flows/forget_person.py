"""Forgets a person, by the id of a request that `ecommerce forget` recorded: Prefect never learns who it is."""

from typing import Annotated, Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import Field

from ecommerce.forget.forget import forget as forget_by_request
from ecommerce.forget.records import ForgetRun
from ecommerce.forget.remains import what_remains
from ecommerce.settings import get_settings
from flows.common import TASK_SECONDS, finished, pipeline_flow


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS, retries=1, retry_delay_seconds=10)
def forget(request: str) -> ForgetRun:
    """Take the request, and others that were left, through their steps."""
    return forget_by_request(get_settings(), request)


def run_name(parameters: dict[str, Any]) -> str:
    """Which request."""
    return f"forget by request {parameters.get('request')}"


@pipeline_flow("forget-person", run_name)
def forget_person(
    request: Annotated[
        str,
        Field(min_length=1, max_length=100, description="Id of a request, as `ecommerce forget --ask-only` prints it."),
    ],
) -> ForgetRun:
    """Remove what identifies a person from MongoDB, the archive and imported files; figures stay as they are."""
    done = forget(request)
    get_run_logger().info("%s. %s", done, what_remains(get_settings()))
    return finished(done, str(done))
