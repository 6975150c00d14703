"""An archive plan and an archive run as Markdown, for the artifacts in Prefect."""

from ecommerce.archive.run import CHANGES, Run
from ecommerce.archive.selection import Plan
from ecommerce.documents.kinds import from_scaled
from ecommerce.sizes import size_text

DAYS_SHOWN = 62
"""Rows of a table; a first run may have years of days."""


def plan_markdown(plan: Plan) -> str:
    """Days, orders and bytes that would go, and what stays and why."""
    days = [day for day in plan.days if day.orders]
    lines = [
        f"## Orders before {plan.cutoff_day}",
        "",
        f"- **{plan.orders:,} orders** of {len(days):,} days would go, {size_text(plan.bytes)} of BSON",
        f"- {plan.staying_open:,} older orders stay because they are not finished",
        f"- {plan.staying_young:,} orders stay because they are not old enough",
        *([f"- {plan.aside:,} documents stay: they are no orders, `ecommerce check` names them"] if plan.aside else []),
        "",
        "| day | orders | bytes | not finished |",
        "| --- | ---: | ---: | ---: |",
        *(
            f"| {day.order_date} | {day.orders:,} | {size_text(day.bytes)} | {day.open_orders:,} |"
            for day in days[:DAYS_SHOWN]
        ),
    ]
    return "\n".join(lines + _left_out(len(days)))


def run_markdown(run: Run, links: str = "") -> str:
    """What a run did: days, orders, bytes before and after, hashes, seconds per step; `links` are Markdown."""
    total = sum(run.seconds.values())
    taken = [
        f"- **{run.orders:,} orders** of {run.days:,} days, before {run.cutoff:%Y-%m-%d}",
        f"- {size_text(run.bytes_before)} before, {size_text(run.bytes_after)} in Parquet",
        f"- {run.superseded:,} changed while it ran and stayed in MongoDB",
    ]
    if run.kind == CHANGES:
        taken = [f"- **{run.orders:,} archived orders** of {run.days:,} days got a later version, such as a refund"]
    lines = [
        f"## Archive run {run.run_id}: {run.state}",
        "",
        *taken,
        f"- in {run.archive_uri}, where the table has {size_text(run.table_bytes)} now",
        *([f"- {links}"] if links else []),
        "",
        "| step | seconds |",
        "| --- | ---: |",
        *(f"| {step} | {seconds:.1f} |" for step, seconds in run.seconds.items()),
        f"| all | {total:.1f} |",
        "",
        "| day | orders | total amount | content hash |",
        "| --- | ---: | ---: | --- |",
        *(
            f"| {day.order_date} | {day.orders:,} | {from_scaled(day.total_amount):,} "
            f"| `{day.content_hash & 2**64 - 1:016x}` |"
            for day in run.per_day[:DAYS_SHOWN]
        ),
    ]
    return "\n".join(lines + _left_out(len(run.per_day)))


def _left_out(days: int) -> list[str]:
    return ["", f"… and {days - DAYS_SHOWN:,} days more"] if days > DAYS_SHOWN else []
