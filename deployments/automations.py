"""`python deployments/automations.py`: what the Prefect server does by itself. Running it again changes nothing.

A run whose process is gone is crashed once its heartbeats stop, so that it holds no concurrency slot for ever. Not with
`--one-machine`: there the worker sees its runs end, and is itself watched. A run that stays Pending is crashed. With
ALERT_WEBHOOK_URL set, runs that fail or are late, and a missing archive, are sent there, as a JSON object with
`subject` and `body`.
"""

import os
import sys
from contextlib import suppress
from datetime import timedelta

from prefect.automations import (
    Automation,
    ChangeFlowRunState,
    EventTrigger,
    Posture,
    ResourceSpecification,
    SendNotification,
)
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.schemas.objects import StateType

from ecommerce.services.environment import HEARTBEAT_SECONDS

SILENCE = timedelta(seconds=4 * HEARTBEAT_SECONDS)
"""After this a run is taken for dead: three beats may be late, on a machine that is busy with it."""

ALERT_BLOCK = "pipeline-alerts"
PENDING_LIMIT = timedelta(minutes=10)
"""A process starts within seconds; on a machine that is busy, within a minute."""

ARCHIVE_LIMIT = timedelta(hours=26)
"""The archive is due each day; it may wait for another run and take an hour."""

ENDED = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed", "TimedOut")}
REPLACED = ["Tell of a failed archive or check"]
"""Names of automations that version 0.1.0 made and that others replace."""


def crash_dead_runs() -> Automation:
    """A run that sent a heartbeat and then neither another one nor its end is crashed."""
    return Automation(
        name="Crash runs whose process is gone",
        description="No heartbeat for two minutes: the worker or its machine died.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.heartbeat", *ENDED},
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=SILENCE,
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="Its heartbeats stopped: the process is gone.")],
    )


def crash_stuck_runs(within: timedelta = PENDING_LIMIT) -> Automation:
    """A run that was given to a worker and did not begin is crashed: it holds the one place that its deployment has."""
    return Automation(
        name="Crash runs that never begin",
        description="Pending for ten minutes: the worker died between taking the run and starting its process.",
        trigger=EventTrigger(
            after={"prefect.flow-run.Pending"},
            expect={"prefect.flow-run.Running", "prefect.flow-run.AwaitingConcurrencySlot", *ENDED},
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=within,
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="It was Pending for too long: no process began.")],
    )


def webhook(url: str) -> CustomWebhookNotificationBlock:
    """The block through which alerts are sent to the URL."""
    block = CustomWebhookNotificationBlock(
        name=ALERT_BLOCK, url=url, method="POST", json_data={"subject": "{{subject}}", "body": "{{body}}"}
    )
    block.save(ALERT_BLOCK, overwrite=True)
    return block


def tell_of_failures(block: CustomWebhookNotificationBlock) -> Automation:
    """A run of any flow that failed, crashed, ran out of time or is late is sent to the URL."""
    return Automation(
        name="Tell of runs that failed or are late",
        description="Posts to ALERT_WEBHOOK_URL; docs/runbook.md says what to do.",
        trigger=EventTrigger(
            expect={f"prefect.flow-run.{state}" for state in ("Failed", "Crashed", "TimedOut", "Late")},
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            posture=Posture.Reactive,
            threshold=1,
        ),
        actions=[
            SendNotification(
                block_document_id=block._block_document_id,  # noqa: SLF001 - it has no public name
                subject="{{ flow.name }} {{ flow_run.state.name }}",
                body="Run {{ flow_run.name }}: {{ flow_run.state.message }} See docs/runbook.md.",
            )
        ],
    )


def tell_of_a_missing_archive(block: CustomWebhookNotificationBlock, within: timedelta = ARCHIVE_LIMIT) -> Automation:
    """That no archive run has completed for more than a day is sent to the URL, also when no run was made at all."""
    return Automation(
        name="Tell of a missing archive",
        description="Posts to ALERT_WEBHOOK_URL when no run of archive-orders has completed for 26 hours.",
        trigger=EventTrigger(
            expect={"prefect.flow-run.Completed"},
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            match_related=ResourceSpecification(
                {"prefect.resource.role": "flow", "prefect.resource.name": ["archive-orders"]}
            ),
            posture=Posture.Proactive,
            threshold=1,
            within=within,
        ),
        actions=[
            SendNotification(
                block_document_id=block._block_document_id,  # noqa: SLF001 - it has no public name
                subject="archive-orders is missing",
                body="No run of archive-orders has completed for 26 hours. See docs/runbook.md.",
            )
        ],
    )


def bring_up_to_date(wanted: Automation) -> None:
    """Create an automation, or update the one of its name."""
    try:
        found = Automation.read(name=wanted.name)
    except ValueError:
        wanted.create()
        return
    wanted.id = found.id
    # One that somebody switched off stays off.
    wanted.enabled = found.enabled
    wanted.update()


def main() -> None:
    """Make them all."""
    one_machine = "--one-machine" in sys.argv
    if one_machine:
        # An earlier version made it here, too; on SQLite it fired on runs that had finished.
        with suppress(ValueError):
            Automation.read(name=crash_dead_runs().name).delete()
    else:
        bring_up_to_date(crash_dead_runs())
    bring_up_to_date(crash_stuck_runs())
    for name in REPLACED:
        with suppress(ValueError):
            Automation.read(name=name).delete()
    url = os.environ.get("ALERT_WEBHOOK_URL")
    if url:
        block = webhook(url)
        bring_up_to_date(tell_of_failures(block))
        bring_up_to_date(tell_of_a_missing_archive(block))
    sent = "sent" if url else "not sent, as ALERT_WEBHOOK_URL is empty"
    print(f"automations: {'' if one_machine else 'dead runs are crashed, '}stuck runs are crashed, failures are {sent}")


if __name__ == "__main__":
    main()
