"""What the Prefect server knows of the generator's schedule, written down for the runs that catch up on it."""

from datetime import UTC, datetime, timedelta

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound

from ecommerce.generate.into_mongodb.schedule_pauses import note_schedule
from ecommerce.mongo import get_database
from flows.own_run import deployment_id

GENERATOR = "generate-orders/hourly"

DEPLOYING = timedelta(seconds=10)
"""A deployment that is deployed again changes its schedules in the same request."""


def look_at_schedule() -> None:
    """Note whether the generator's schedule is paused. Every hourly flow does; a run without a deployment does not."""
    if deployment_id() is None:
        return
    with get_client(sync_client=True) as client:
        try:
            deployment = client.read_deployment_by_name(GENERATOR)
        except ObjectNotFound:
            return
    paused = deployment.paused or not any(schedule.active for schedule in deployment.schedules)
    changed = max((schedule.updated for schedule in deployment.schedules if schedule.updated), default=None)
    if changed is None or deployment.updated is None or changed <= deployment.updated + DEPLOYING:
        # `ecommerce up`, which deploys at each start, changed it last, or a person did before.
        changed = None
    plain = datetime.fromtimestamp(changed.timestamp(), UTC) if changed else None
    note_schedule(get_database(), paused=paused, changed=plain, now=datetime.now(UTC))
