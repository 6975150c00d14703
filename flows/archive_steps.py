"""The tasks of an archive run: its plan, a task per state, maintenance and expiry, and the pages about them."""

from typing import Any

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.runtime import task_run

from ecommerce.archive.approval import answerer, is_refused, note_answer, waits, yes
from ecommerce.archive.archiver import next_step
from ecommerce.archive.context import ArchiveContext
from ecommerce.archive.errors import ArchiveBusyError, SparkEndedError, VerificationError
from ecommerce.archive.expire import Expired, expire_in
from ecommerce.archive.maintain import Maintenance, maintain_table
from ecommerce.archive.report import plan_markdown, run_markdown
from ecommerce.archive.run import CHANGES, COMMITTED, EXPORTED, PLANNED, PUBLISHED, PURGED, REFUSED, VERIFIED, Run
from ecommerce.archive.runs import get_run
from ecommerce.archive.selection import Plan, Selection, plan_archive
from ecommerce.errors import EcommerceError
from ecommerce.mongo import get_database
from flows.common import TASK_SECONDS
from flows.events import orders_archived
from flows.links import archive_links, link_dashboard
from flows.progress import progress_artifact
from flows.sending import send


def is_worth_retrying(_task: Any, _run: Any, state: Any) -> bool:
    """A service may come back within seconds. What MongoDB and the archive disagree about will not go away.

    Nor does a JVM that is gone come back in this process: the next run has one of its own.
    """
    error = state.result(raise_on_failure=False)
    lasting = ArchiveBusyError | SparkEndedError | VerificationError
    return isinstance(error, EcommerceError) and not isinstance(error, lasting)


@task(task_run_name="plan", cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS)
def plan_run(selection: Selection) -> Plan:
    """What a run would take, and what stays and why."""
    plan = plan_archive(get_database(), selection)
    send(create_markdown_artifact, key="archive-plan", markdown=plan_markdown(plan))
    get_run_logger().info(
        "plan: %s orders before %s may go in %.1f s; %s stay as they are not finished, %s as they are not old enough",
        f"{plan.orders:,}", plan.cutoff_day, plan.seconds, f"{plan.staying_open:,}", f"{plan.staying_young:,}",
    )  # fmt: skip
    return plan


def take_step(context: ArchiveContext, run: Run) -> Run:
    """Take a run through the step of its state; a retry finds the state in which the last attempt left it."""
    run = get_run(context.database, run.run_id)
    if not (step := next_step(run)):
        return run
    with progress_artifact(task_run.task_name) as progress:
        context.progress = progress
        return step(context, run)


STEP_TASKS = {
    state: task(
        name=name,
        cache_policy=NO_CACHE,
        timeout_seconds=TASK_SECONDS,
        # Every step looks at what there is before it does anything, so each may be tried again.
        retries=2,
        retry_delay_seconds=10,
        retry_condition_fn=is_worth_retrying,
    )(take_step)
    for state, name in {
        PLANNED: "export",
        EXPORTED: "verify",
        VERIFIED: "purge",
        PURGED: "publish",
        PUBLISHED: "commit",
        REFUSED: "refuse",
    }.items()
}


def finish_run(context: ArchiveContext, run: Run) -> Run:
    """Take a run through the steps that are left, and publish a page about it. One that waits comes back verified."""
    while True:
        if waits(run) and answerer() is yes:
            run = note_answer(context.database, run, *yes(""))
        if not next_step(run):
            break
        run = STEP_TASKS[REFUSED if is_refused(run) else run.state](context, run)
    send(create_markdown_artifact, key="archive-run", markdown=run_markdown(run, archive_links(run)))
    if run.state == COMMITTED and run.per_day:
        link_dashboard(run.per_day[0].order_date, run.per_day[-1].order_date)
        if run.kind != CHANGES:
            orders_archived(run)
    return run


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS)
def maintain(context: ArchiveContext, at_least: int) -> Maintenance:
    """Merge days that have many files, and remove what nobody needs any more."""
    maintained = maintain_table(context, at_least)
    get_run_logger().info("%s", maintained)
    return maintained


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS)
def expire(context: ArchiveContext, years: int) -> Expired:
    """Remove archived orders that are older than so many years."""
    expired = expire_in(context, years)
    get_run_logger().info("%s", expired)
    return expired
