"""Brings archived days back into `orders_restored`, typed as they were."""

from datetime import date
from typing import Annotated

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import Field

from ecommerce.archive.restore import newest_archived_day
from ecommerce.archive.restore import restore_orders as restore
from ecommerce.mongo import get_database
from ecommerce.settings import get_settings
from flows.common import described, progress_artifact


@task(cache_policy=NO_CACHE, retries=1, retry_delay_seconds=10)
def restore_days(start: date, end: date) -> int:
    """Write the archived orders of the days into `orders_restored`."""
    with progress_artifact(f"restore {start} to {end}") as progress:
        return restore(get_settings(), start, end, progress)


@flow(name="restore-orders")
@described
def restore_orders(
    start: Annotated[date | None, Field(description="First day (order_date, UTC). Empty: the newest archived.")] = None,
    end: Annotated[date | None, Field(description="Last day, included. Empty: the first day alone.")] = None,
) -> int:
    """Restore archived days; returns how many orders they have. `orders` is not touched."""
    first = start or newest_archived_day(get_database(get_settings()))
    if first is None:
        get_run_logger().warning("nothing is archived: there is nothing to restore")
        return 0
    return restore_days(first, end or first)
