"""Brings the summaries up to date, keeps them compact, and says how far behind they are."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from prefect import get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from pydantic import Field

from ecommerce.attention.kinds import kinds_of, look
from ecommerce.attention.told import begun_and_over
from ecommerce.documents.statuses import is_counted
from ecommerce.hours import time_of
from ecommerce.kpis import Filters, KpiStore, Span
from ecommerce.kpis.figures import money_text
from ecommerce.mongo import get_database
from ecommerce.readable import counted
from ecommerce.schema import prepare_database
from ecommerce.settings import get_settings
from ecommerce.summaries.advance import Advance, advance
from ecommerce.summaries.compact import Compaction, compact
from flows.common import TASK_SECONDS, finished, pipeline_flow, scheduled_time
from flows.events import attention_needed, attention_over
from flows.forms import AS_SET, Unset, chosen, settings_by_operators
from flows.links import link_dashboard
from flows.progress import progress_artifact
from flows.schedules import look_at_schedule
from flows.sending import send

ROUNDS = 3
"""Advances of one run; where the lag is longer after each of them, writers bring more than one process takes in."""


ABREAST_SECONDS = 5.0
"""With a lag up to this, a tick of the dashboard, the summaries are up to date."""


@dataclass(frozen=True)
class Summarized:
    """What a run did, and how far the summaries are behind at its end."""

    mode: str
    reason: str
    changes: int
    compacted_deltas: int
    merged_parts: int
    lag_seconds: float
    lag_grows: bool
    as_of: datetime


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS)
def take_in_changes() -> tuple[Advance, list[float]]:
    """Advance until the summaries are abreast of the writers, a few times at most; the lag in seconds after each time.

    The lag is the age of the moment up to which everything is in the figures: how long catching up with it took.
    """
    database = get_database()
    prepare_database(database)
    lags: list[float] = []
    changes = 0
    with progress_artifact("take in changes") as progress:
        while True:
            advanced = advance(database, settle=True, progress=progress)
            changes += advanced.changes
            lags.append((datetime.now(UTC) - advanced.as_of).total_seconds())
            if lags[-1] <= ABREAST_SECONDS or len(lags) == ROUNDS or advanced.without_stream:
                return replace(advanced, changes=changes), lags


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS)
def compact_summaries() -> Compaction:
    """Put what was taken in into the months' buckets."""
    return compact(get_database())


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS)
def publish_last_hours(store: KpiStore, hours: int, lag: float) -> None:
    """Publish a table of the last hours, newest first, and the lag."""
    shop, now = store.hours, datetime.now(UTC)
    start = time_of(shop.start(now - timedelta(hours=hours - 1)))
    frame = store.timeline(Span(start, None), Filters(), "hour")
    hour = f"hour ({shop.time_zone})"
    rows: dict[datetime, dict[str, Any]] = {}
    for time, status, orders, revenue in frame.select("time", "status", "orders", "revenue").iter_rows():
        if time > now:  # an order of a time to come
            continue
        shown = f"{time.astimezone(shop.zone):%Y-%m-%d %H:%M}"
        row = rows.setdefault(time, {hour: shown, "orders": 0, "counted": 0, "revenue": 0})
        row["orders"] += orders
        row["counted"] += orders if is_counted(status) else 0
        row["revenue"] += revenue
    table = [row | {"revenue": money_text(row["revenue"])} for _, row in sorted(rows.items(), reverse=True)]
    send(
        create_table_artifact,
        table=table or [{hour: "none", "orders": 0, "counted": 0, "revenue": "0.00"}],
        key="last-hours",
        description=f"Orders of the last {hours} hours, by the hour of their order time. Lag: {lag:.1f} s.",
    )
    get_run_logger().info("page: %d of the last %d hours have orders", len(table), hours)


@task(cache_policy=NO_CACHE, timeout_seconds=TASK_SECONDS)
def tell_what_needs_attention(store: KpiStore, lag: float) -> None:
    """Send an event for each notice that began or ended since the last run."""
    database, settings = get_database(), get_settings()
    kinds = kinds_of(database, store, settings, lag, store.hours.zone, datetime.now(UTC))
    notices, not_known = look(kinds)
    begun, over = begun_and_over(database, notices, [kind.key for kind in not_known])
    for notice in begun:
        get_run_logger().warning("needs attention: %s: %s", notice.text, notice.reason)
        attention_needed(notice)
    for one in over:
        get_run_logger().info("over: %s", one.text)
        attention_over(one)
    get_run_logger().info(
        "attention: %s, new of them: %d; over: %d", counted(len(notices), "notice"), len(begun), len(over)
    )


def warn_of_lag(lags: list[float], warn_lag_seconds: float) -> bool:
    """Whether the lag grew from advance to advance and is worth a warning; logs it."""
    grows = len(lags) == ROUNDS and lags == sorted(lags) and lags[-1] > lags[0]
    if grows or lags[-1] > warn_lag_seconds:
        get_run_logger().warning(
            "the summaries are %.1f s behind%s: more orders change than one process takes in",
            lags[-1],
            " and fall further behind" if grows else "",
        )
    return grows


def run_name(_parameters: dict[str, Any]) -> str:
    """When a run brings the summaries up to date."""
    return f"summarize {scheduled_time():%Y-%m-%d %H:%M}"


@pipeline_flow("summarize-orders", run_name)
def summarize_orders(
    hours: Annotated[int, Field(ge=1, le=168, description="Hours in the table that the run publishes.")] = 24,
    warn_lag_seconds: Annotated[
        Annotated[float, Field(ge=0, le=86_400)] | Unset,
        Field(
            description="Warn when the summaries end further behind than this, in seconds. Empty: as the setting "
            "summarize_warn_lag_seconds says, 60 unless changed."
        ),
    ] = AS_SET,
) -> Summarized:
    """Take in what changed, compact the summaries, publish the last hours and the lag."""
    look_at_schedule()
    advanced, lags = take_in_changes()
    if advanced.mode == "rebuilt":
        get_run_logger().info("rebuilt: %s", advanced.reason)
    compaction = compact_summaries()
    store = KpiStore(get_database())  # one for both: each would bring the summaries up to date once more
    publish_last_hours(store, hours, lags[-1])
    tell_what_needs_attention(store, lags[-1])
    link_dashboard()
    summarized = Summarized(
        mode=advanced.mode,
        reason=advanced.reason,
        changes=advanced.changes,
        compacted_deltas=compaction.deltas,
        merged_parts=compaction.merged_parts,
        lag_seconds=lags[-1],
        lag_grows=warn_of_lag(
            lags, chosen(warn_lag_seconds, settings_by_operators("summarize").summarize_warn_lag_seconds)
        ),
        as_of=advanced.as_of,
    )
    behind = f"{lags[-1]:.1f} s behind the writers"
    return finished(summarized, f"{advanced.mode}: {counted(advanced.changes, 'change')} taken in, {behind}")
