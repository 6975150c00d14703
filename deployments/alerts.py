"""Automations that tell a person: of runs that failed or are late, of what waits, of what needs attention."""

from datetime import timedelta
from typing import Any

from prefect.automations import Automation, EventTrigger, Posture, ResourceSpecification, SendNotification
from prefect.blocks.notifications import CustomWebhookNotificationBlock

ALERT_BLOCK = "pipeline-alerts"

ARCHIVE_LIMIT = timedelta(hours=26)
"""The archive is due each day; it may wait for another run and take an hour."""

LATE_AGAIN = timedelta(hours=1)
"""While a worker is away every scheduled run is late: one alert an hour for each deployment."""

FLOW_RUNS = "prefect.flow-run.*"


def webhook(url: str) -> CustomWebhookNotificationBlock:
    """The block through which alerts are sent to the URL."""
    block = CustomWebhookNotificationBlock(
        name=ALERT_BLOCK, url=url, method="POST", json_data={"subject": "{{subject}}", "body": "{{body}}"}
    )
    block.save(ALERT_BLOCK, overwrite=True)
    return block


def on_events(resource: str, *expected: str, **when: Any) -> EventTrigger:
    """A trigger on events of resources whose id matches; Prefect's own defaults: on each one, as soon as it comes."""
    return EventTrigger(match=ResourceSpecification({"prefect.resource.id": [resource]}), expect={*expected}, **when)


def tell_of_failures(block: CustomWebhookNotificationBlock) -> Automation:
    """A run of any flow that failed, crashed or ran out of time is sent to the URL."""
    return _alert(
        block,
        "Tell of runs that failed",
        "Posts to ALERT_WEBHOOK_URL; docs/runbook.md says what to do.",
        on_events(FLOW_RUNS, *(f"prefect.flow-run.{state}" for state in ("Failed", "Crashed", "TimedOut"))),
        "{{ flow.name }} {{ flow_run.state.name }}",
        "Run {{ flow_run.name }}: {{ flow_run.state.message }} {{ flow_run|ui_url }} See docs/runbook.md.",
    )


def tell_of_late_runs(block: CustomWebhookNotificationBlock) -> Automation:
    """That runs of a deployment do not begin is sent to the URL, once an hour for each deployment."""
    each = {"related:deployment:prefect.resource.id"}
    return _alert(
        block,
        "Tell of late runs",
        "Posts to ALERT_WEBHOOK_URL; docs/runbook.md says what to do.",
        on_events(FLOW_RUNS, "prefect.flow-run.Late", for_each=each, within=LATE_AGAIN),
        "{{ flow.name }} Late",
        "Runs of {{ deployment.name }} do not begin: is a worker online? {{ flow_run|ui_url }}",
    )


def tell_of_waiting_archives(block: CustomWebhookNotificationBlock) -> Automation:
    """That an archive run waits for a person is sent to the URL."""
    return _alert(
        block,
        "Tell of archive runs that wait for a person",
        "Posts to ALERT_WEBHOOK_URL what would be deleted, and where to answer.",
        on_events("ecommerce.archive-run.*", "archive.waiting"),
        "archive-orders waits for a person",
        "Delete {{ event.payload.orders }} orders of {{ event.payload.days }} days from MongoDB? Answer until "
        "{{ event.payload.answer_until }}: {{ flow_run|ui_url }}",
    )


def tell_of_attention(block: CustomWebhookNotificationBlock) -> Automation:
    """What of the shop needs a person is sent to the URL: each once, when it begins."""
    return _alert(
        block,
        "Tell of what needs attention",
        "Posts to ALERT_WEBHOOK_URL what the head of the dashboard says; thresholds are settings.",
        on_events("ecommerce.attention.*", "attention.needed", for_each={"prefect.resource.id"}),
        "{{ event.payload.text }}",
        "{{ event.payload.reason }} {{ event.payload.link }}",
    )


def tell_of_a_missing_archive(block: CustomWebhookNotificationBlock, within: timedelta = ARCHIVE_LIMIT) -> Automation:
    """That no archive run has completed for more than a day is sent to the URL, also when no run was made at all."""
    archiver = ResourceSpecification({"prefect.resource.role": "flow", "prefect.resource.name": ["archive-orders"]})
    completed = "prefect.flow-run.Completed"
    return _alert(
        block,
        "Tell of a missing archive",
        "Posts to ALERT_WEBHOOK_URL when no run of archive-orders has completed for 26 hours.",
        on_events(FLOW_RUNS, completed, match_related=archiver, posture=Posture.Proactive, within=within),
        "archive-orders is missing",
        "No run of archive-orders has completed for 26 hours. See docs/runbook.md.",
    )


def _alert(
    block: CustomWebhookNotificationBlock, name: str, description: str, trigger: EventTrigger, subject: str, body: str
) -> Automation:
    identity = block._block_document_id  # noqa: SLF001 - it has no public name
    action = SendNotification(block_document_id=identity, subject=subject, body=body)
    return Automation(name=name, description=description, trigger=trigger, actions=[action])
