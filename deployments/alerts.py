"""Automations that tell a person: of runs that failed or are late, of what waits, of what needs attention."""

from datetime import timedelta

from prefect.automations import (
    Automation,
    EventTrigger,
    Posture,
    ResourceSpecification,
    SendNotification,
)
from prefect.blocks.notifications import CustomWebhookNotificationBlock

ALERT_BLOCK = "pipeline-alerts"

ARCHIVE_LIMIT = timedelta(hours=26)
"""The archive is due each day; it may wait for another run and take an hour."""

LATE_AGAIN = timedelta(hours=1)
"""While a worker is away every scheduled run is late: one alert an hour for each deployment."""


def webhook(url: str) -> CustomWebhookNotificationBlock:
    """The block through which alerts are sent to the URL."""
    block = CustomWebhookNotificationBlock(
        name=ALERT_BLOCK, url=url, method="POST", json_data={"subject": "{{subject}}", "body": "{{body}}"}
    )
    block.save(ALERT_BLOCK, overwrite=True)
    return block


def tell_of_failures(block: CustomWebhookNotificationBlock) -> Automation:
    """A run of any flow that failed, crashed or ran out of time is sent to the URL."""
    return Automation(
        name="Tell of runs that failed",
        description="Posts to ALERT_WEBHOOK_URL; docs/runbook.md says what to do.",
        trigger=EventTrigger(
            expect={f"prefect.flow-run.{state}" for state in ("Failed", "Crashed", "TimedOut")},
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            posture=Posture.Reactive,
            threshold=1,
        ),
        actions=[
            notification(
                block,
                "{{ flow.name }} {{ flow_run.state.name }}",
                "Run {{ flow_run.name }}: {{ flow_run.state.message }} {{ flow_run|ui_url }} See docs/runbook.md.",
            )
        ],
    )


def tell_of_late_runs(block: CustomWebhookNotificationBlock) -> Automation:
    """That runs of a deployment do not begin is sent to the URL, once an hour for each deployment."""
    return Automation(
        name="Tell of late runs",
        description="Posts to ALERT_WEBHOOK_URL; docs/runbook.md says what to do.",
        trigger=EventTrigger(
            expect={"prefect.flow-run.Late"},
            match=ResourceSpecification({"prefect.resource.id": ["prefect.flow-run.*"]}),
            for_each={"related:deployment:prefect.resource.id"},
            posture=Posture.Reactive,
            threshold=1,
            within=LATE_AGAIN,
        ),
        actions=[
            notification(
                block,
                "{{ flow.name }} Late",
                "Runs of {{ deployment.name }} do not begin: is a worker online? {{ flow_run|ui_url }}",
            )
        ],
    )


def tell_of_waiting_archives(block: CustomWebhookNotificationBlock) -> Automation:
    """That an archive run waits for a person is sent to the URL."""
    return Automation(
        name="Tell of archive runs that wait for a person",
        description="Posts to ALERT_WEBHOOK_URL what would be deleted, and where to answer.",
        trigger=EventTrigger(
            expect={"archive.waiting"},
            match=ResourceSpecification({"prefect.resource.id": ["ecommerce.archive-run.*"]}),
            posture=Posture.Reactive,
            threshold=1,
        ),
        actions=[
            notification(
                block,
                "archive-orders waits for a person",
                "Delete {{ event.payload.orders }} orders of {{ event.payload.days }} days from MongoDB? Answer until "
                "{{ event.payload.answer_until }}: {{ flow_run|ui_url }}",
            )
        ],
    )


def tell_of_attention(block: CustomWebhookNotificationBlock) -> Automation:
    """What of the shop needs a person is sent to the URL: each once, when it begins."""
    return Automation(
        name="Tell of what needs attention",
        description="Posts to ALERT_WEBHOOK_URL what the head of the dashboard says; thresholds are settings.",
        trigger=EventTrigger(
            expect={"attention.needed"},
            match=ResourceSpecification({"prefect.resource.id": ["ecommerce.attention.*"]}),
            for_each={"prefect.resource.id"},
            posture=Posture.Reactive,
            threshold=1,
        ),
        actions=[
            notification(block, "{{ event.payload.text }}", "{{ event.payload.reason }} {{ event.payload.link }}")
        ],
    )


def notification(block: CustomWebhookNotificationBlock, subject: str, body: str) -> SendNotification:
    """The action that sends an alert."""
    identity = block._block_document_id  # noqa: SLF001 - it has no public name
    return SendNotification(block_document_id=identity, subject=subject, body=body)


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
            notification(
                block,
                "archive-orders is missing",
                "No run of archive-orders has completed for 26 hours. See docs/runbook.md.",
            )
        ],
    )
