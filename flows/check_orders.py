"""Recomputes every figure from documents and archive, publishes what differs, and fails where anything does."""

from datetime import datetime
from typing import Annotated, Any, cast
from uuid import UUID

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.runtime import flow_run
from pydantic import Field

from ecommerce.check import CheckReport
from ecommerce.check import check_orders as check_figures
from ecommerce.check.report import FiguresDiffer, report_markdown
from ecommerce.mongo import get_database
from ecommerce.schema import prepare_database
from ecommerce.settings import get_settings
from ecommerce.summaries.checked import all_right_since
from flows.common import TASK_SECONDS, finished, pipeline_flow, scheduled_time
from flows.events import figures_differ
from flows.links import link_dashboard
from flows.own_run import deployment_id
from flows.progress import progress_artifact
from flows.sending import send


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS)
def recompute_and_compare(repair: bool, archive: bool, accept_lost: bool) -> CheckReport:
    """Recompute, compare, and mend if asked."""
    settings = get_settings()
    database = get_database(settings)
    prepare_database(database)
    with progress_artifact("check") as progress:
        return check_figures(
            database, settings, repair=repair, archive=archive, accept_lost=accept_lost, progress=progress
        )


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS)
def publish(report: CheckReport) -> None:
    """Publish a page about the check."""
    send(
        create_markdown_artifact, key="check", markdown=report_markdown(report), description="Figures against documents"
    )
    compared = report.hot_orders + report.archived_orders
    get_run_logger().info(
        "page: %s orders compared in %.1f s, %s buckets differ",
        f"{compared:,}", report.seconds, f"{len(report.differences):,}",
    )  # fmt: skip


def run_name(parameters: dict[str, Any]) -> str:
    """When a run checks, and whether it mends."""
    return f"check{' and repair' if parameters.get('repair') else ''} {scheduled_time():%Y-%m-%d %H:%M}"


def asked_by_an_event() -> datetime | None:
    """When an archive run's event asked for this run; None where a person or the schedule did.

    Many archive runs in a row ask for a check each, and one that begins after them answers all.
    """
    if deployment_id() is None or flow_run.id is None:
        return None
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(UUID(flow_run.id))
    return run.created if run.created_by and run.created_by.type == "AUTOMATION" else None


@pipeline_flow("check-orders", run_name)
def check_orders(
    repair: Annotated[bool, Field(description="Mend what differs, then check again.")] = False,
    archive: Annotated[
        bool, Field(description="Read the archive's Parquet files too; else believe what the purges recorded.")
    ] = True,
    accept_lost: Annotated[
        bool, Field(description="Take orders that were counted and are no longer there for deleted on purpose.")
    ] = False,
) -> CheckReport:
    """Prove that every figure equals a full recomputation; the run fails where one does not."""
    asked = asked_by_an_event()
    if asked and (as_of := all_right_since(get_database(), asked)):
        said = f"the check as of {as_of:%Y-%m-%d %H:%M:%S} UTC began after this one was asked for, and found all right"
        return cast(CheckReport, finished(None, said))
    report = recompute_and_compare(repair, archive, accept_lost)
    publish(report)
    link_dashboard()
    if not report.is_good or report.repaired:
        figures_differ(report)
    if not report.is_good:
        get_run_logger().error("%s", FiguresDiffer(report))
        raise FiguresDiffer(report)
    return finished(report, "every figure equals its recomputation")
