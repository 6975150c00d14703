"""An archive plan and an archive run as Markdown, for the artifacts in Prefect."""

from ecommerce.archive.approval import HOW_TO_ANSWER, waiting_text, waits
from ecommerce.archive.run import CHANGES, Run
from ecommerce.archive.selection import Plan
from ecommerce.documents.kinds import from_scaled
from ecommerce.readable import counted
from ecommerce.sizes import size_text

DAYS_SHOWN = 62
"""Rows of a table; a first run may have years of days."""

STAY = ("document stays", "documents stay")


def plan_markdown(plan: Plan) -> str:
    """Days, orders and bytes that would go, and what stays and why."""
    days = [day for day in plan.days if day.orders]
    lines = [
        f"## Orders before {plan.cutoff_day}",
        "",
        f"- **{counted(plan.orders, 'order')}** of {counted(len(days), 'day')} would go, "
        f"{size_text(plan.bytes)} of BSON",
        f"- {counted(plan.staying_open, 'older order stays', 'older orders stay')}: not finished",
        f"- {counted(plan.staying_young, 'order stays', 'orders stay')}: not old enough",
        *([f"- {counted(plan.aside, *STAY)}: no order, `ecommerce check` says why"] if plan.aside else []),
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
        f"- **{counted(run.orders, 'order')}** of {counted(run.days, 'day')}, before {run.cutoff:%Y-%m-%d}",
        f"- {size_text(run.bytes_before)} before, {size_text(run.bytes_after)} in Parquet",
        f"- {run.superseded:,} changed while it ran and stayed in MongoDB",
    ]
    if run.kind == CHANGES:
        changed = f"**{counted(run.orders, 'archived order')}** of {counted(run.days, 'day')}"
        taken = [f"- {changed} got a later version, such as a refund"]
    size = f"in {run.archive_uri}, where the table has {size_text(run.table_bytes)} now"
    lines = [
        f"## Archive run {run.run_id}: {'waits for a person' if waits(run) else run.state}",
        "",
        *([f"- **{waiting_text(run)}**: {HOW_TO_ANSWER}"] if waits(run) else _answered(run)),
        *taken,
        f"- {size if run.table_bytes else f'exported to {run.archive_uri}, where no reader sees them yet'}",
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


def _answered(run: Run) -> list[str]:
    """What a person was asked and said; what was said stands as code."""
    if run.answer is None or run.asked_at is None:
        return []
    comment = f": `{run.comment.replace('`', chr(39))}`" if run.comment else ""
    return [f"- a person was asked at {run.asked_at:%Y-%m-%d %H:%M} UTC and said **{run.answer}**{comment}"]


def _left_out(days: int) -> list[str]:
    return ["", f"… and {counted(days - DAYS_SHOWN, 'day')} more"] if days > DAYS_SHOWN else []
