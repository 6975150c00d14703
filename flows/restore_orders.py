"""Brings archived days back into `orders_restored`, typed as they were."""

from datetime import date
from typing import Annotated

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from pydantic import Field

from ecommerce.archive.restore import restore_orders as restore
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
    start: Annotated[date, Field(description="First day (order_date, UTC).")],
    end: Annotated[date, Field(description="Last day, included.")],
) -> int:
    """Restore archived days; returns how many orders they have. `orders` is not touched."""
    return restore_days(start, end)
