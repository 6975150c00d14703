"""Brings archived days back into `orders_restored`, typed as they were."""

from datetime import date
from typing import Annotated, Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import Field

from ecommerce.archive.restore import check_days, newest_archived_day
from ecommerce.archive.restore import restore_orders as restore
from ecommerce.mongo import get_database
from ecommerce.readable import counted
from ecommerce.settings import get_settings
from flows.common import TASK_SECONDS, finished, pipeline_flow
from flows.forms import Day
from flows.links import link_dashboard
from flows.progress import progress_artifact


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS, retries=1, retry_delay_seconds=10)
def restore_days(start: date, end: date) -> int:
    """Write the archived orders of the days into `orders_restored`."""
    with progress_artifact("restore", f"{start} to {end}") as progress:
        return restore(get_settings(), start, end, progress)


def run_name(parameters: dict[str, Any]) -> str:
    """Which days a run restores."""
    start, end = parameters.get("start"), parameters.get("end")
    if start is None:
        return "restore the newest day"
    return f"restore {start}" + (f" to {end}" if end and end != start else "")


@pipeline_flow("restore-orders", run_name)
def restore_orders(
    start: Annotated[Day | None, Field(description="First day (order_date, UTC). Empty: the newest archived.")] = None,
    end: Annotated[Day | None, Field(description="Last day, included. Empty: the first day alone.")] = None,
) -> int:
    """Restore archived days; returns how many orders they have. `orders` is not touched."""
    first = start or newest_archived_day(get_database(get_settings()))
    if first is None:
        get_run_logger().warning("nothing is archived: there is nothing to restore")
        return finished(0, "nothing is archived")
    last = end or first
    check_days(first, last)
    restored = restore_days(first, last)
    link_dashboard(first, last)
    there, are = counted(restored, "order"), "is" if restored == 1 else "are"
    return finished(restored, f"{there} of {first} to {last} {are} in orders_restored")
