"""`python deployments/automations.py`: what the Prefect server does by itself. Running it again changes nothing.

Summarize follows an import, and check follows an archive run; an archive run that no person answered is closed.
A run whose process is gone is crashed once its heartbeats stop, so that it holds no concurrency slot for ever. Not with
`--one-machine`: there the worker sees its runs end, and is itself watched. A run that stays Pending is crashed. With
ALERT_WEBHOOK_URL set, runs that fail, are late or wait for a person, a missing archive and what of the shop needs
attention are sent there, as a JSON object with `subject` and `body`. One that somebody switched off stays off.
"""

import os
import sys
from contextlib import suppress
from datetime import timedelta
from uuid import UUID

from prefect.automations import Automation, ChangeFlowRunState, EventTrigger, Posture, RunDeployment
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import StateType

from deployments.alerts import (
    FLOW_RUNS,
    on_events,
    tell_of_a_missing_archive,
    tell_of_attention,
    tell_of_failures,
    tell_of_late_runs,
    tell_of_waiting_archives,
    webhook,
)
from ecommerce.archive.approval import ANSWER_TIME, NOTHING_NEW
from ecommerce.services.environment import HEARTBEAT_SECONDS

SILENCE = timedelta(seconds=4 * HEARTBEAT_SECONDS)
"""After this a run is taken for dead: three beats may be late, on a machine that is busy with it."""

PENDING_LIMIT = timedelta(minutes=10)
"""A process starts within seconds; on a machine that is busy, within a minute."""

ENDED = {f"prefect.flow-run.{state}" for state in ("Completed", "Failed", "Cancelled", "Crashed", "TimedOut")}
REPLACED = ["Tell of a failed archive or check", "Tell of runs that failed or are late"]
"""Names of automations that earlier versions made and that others replace."""

FOLLOW_WITHIN = timedelta(seconds=30)
"""Of an import every second, one run of summarize each half a minute is made, not one a second."""

CLOSE_AFTER = timedelta(minutes=1)
"""Behind the time for an answer, so that the run that closes finds it over."""


def unless(resource: str, begun: str, ended: set[str], within: timedelta) -> EventTrigger:
    """A trigger that fires where, after the event `begun` of a resource, none of `ended` comes within the time."""
    each = {"prefect.resource.id"}
    return on_events(resource, *ended, after={begun}, for_each=each, posture=Posture.Proactive, within=within)


def crash_dead_runs() -> Automation:
    """A run that sent a heartbeat and then neither another one nor its end is crashed."""
    return Automation(
        name="Crash runs whose process is gone",
        description="No heartbeat for two minutes: the worker or its machine died.",
        trigger=unless(FLOW_RUNS, "prefect.flow-run.heartbeat", {"prefect.flow-run.heartbeat", *ENDED}, SILENCE),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="Its heartbeats stopped: the process is gone.")],
    )


def crash_stuck_runs(within: timedelta = PENDING_LIMIT) -> Automation:
    """A run that was given to a worker and did not begin is crashed: it holds the one place that its deployment has."""
    begun = {"prefect.flow-run.Running", "prefect.flow-run.AwaitingConcurrencySlot", *ENDED}
    return Automation(
        name="Crash runs that never begin",
        description="Pending for ten minutes: a worker took the run, and it has not begun.",
        trigger=unless(FLOW_RUNS, "prefect.flow-run.Pending", begun, within),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message="It was Pending for too long: no process began.")],
    )


def run_after(event: str, resource: str, deployment: str, within: timedelta = FOLLOW_WITHIN) -> Automation:
    """A deployment runs after an event: `within` later, so that it finds what the events until then tell of, and once.

    After it fired, Prefect drops further events for the rest of `within`; the run that is due then is for them, too.
    """
    return Automation(
        name=f"Run {deployment} after {event}",
        description=f"{within.total_seconds():.0f} s after {event}; the schedule of {deployment} stays as a net.",
        trigger=on_events(resource, event, within=within),
        actions=[RunDeployment(deployment_id=deployment_id(deployment), schedule_after=within)],
    )


def close_unanswered_archives(answer_time: timedelta = ANSWER_TIME + CLOSE_AFTER) -> Automation:
    """An archive run that waits for a person and has no answer in time is closed by a run that archives nothing new."""
    return Automation(
        name="Close archive runs that nobody answered",
        description="Without an answer in 24 hours nothing is deleted and the export is dropped.",
        trigger=unless("ecommerce.archive-run.*", "archive.waiting", {"archive.answered"}, answer_time),
        actions=[RunDeployment(deployment_id=deployment_id("archive-orders/daily"), parameters=dict(NOTHING_NEW))],
    )


def deployment_id(name: str) -> UUID:
    """Of a deployment that is on the server: deploying comes first."""
    with get_client(sync_client=True) as client:
        return client.read_deployment_by_name(name).id


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
    one_machine = "--one-machine" in sys.argv
    if one_machine:
        # An earlier version made it here, too; on SQLite it fired on runs that had finished.
        with suppress(ValueError):
            Automation.read(name=crash_dead_runs().name).delete()
    else:
        bring_up_to_date(crash_dead_runs())
    bring_up_to_date(crash_stuck_runs())
    bring_up_to_date(run_after("orders.imported", "ecommerce.database.*", "summarize-orders/hourly"))
    bring_up_to_date(run_after("orders.archived", "ecommerce.archive-run.*", "check-orders/daily"))
    bring_up_to_date(close_unanswered_archives())
    for name in REPLACED:
        with suppress(ValueError):
            Automation.read(name=name).delete()
    url = os.environ.get("ALERT_WEBHOOK_URL")
    if url:
        block = webhook(url)
        bring_up_to_date(tell_of_failures(block))
        bring_up_to_date(tell_of_late_runs(block))
        bring_up_to_date(tell_of_waiting_archives(block))
        bring_up_to_date(tell_of_a_missing_archive(block))
        bring_up_to_date(tell_of_attention(block))
    sent = "sent" if url else "not sent, as ALERT_WEBHOOK_URL is empty"
    print(f"automations: {'' if one_machine else 'dead runs are crashed, '}stuck runs are crashed, failures are {sent}")


if __name__ == "__main__":
    main()
