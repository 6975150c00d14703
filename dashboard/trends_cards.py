"""What the cards of the trends page say: pure functions from trends to the JSON texts that are drawn."""

import json
from dataclasses import replace
from functools import partial
from zoneinfo import ZoneInfo

import numpy as np

from dashboard.cards import NO_ORDERS
from dashboard.delivery_days import DAYS_MAX
from dashboard.headlines import comparison_text
from dashboard.point_names import placed
from dashboard.state import ORDER_DIMENSIONS, View, not_filtered_note
from dashboard.tables import head
from dashboard.text import NOTHING, delay_text, in_a_line, money, percent, span_so_far
from dashboard.trends import Trends
from dashboard.trends_over_time import Content, categories, charted, course, late, places
from dashboard.trends_view import GRAINS, MEASURES
from ecommerce.readable import counted, exact

NAME_LENGTH = 18
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def trends_cards(trends: Trends, view: View, zone: ZoneInfo) -> dict[str, str]:
    """Name of each card and chart → its content as JSON."""
    amount = partial(money, currency=trends.currency)
    cards: dict[str, Content] = {
        "trends": _head(trends, view, zone),
        "grain": {"title": "", "subtitle": "", "label": "Drawn by", "rows": _grains(trends, view)},
        **course(trends, view.trends.measure, amount),
        **categories(trends, amount),
        **late(trends),
        **places(trends),
        **_rhythm(trends),
        **_couriers(trends),
        **_delivery_days(trends),
    }
    span = trends.asked.question.span
    ends = [at and round(at.timestamp() * 1000) for at in (span.start, span.end)]
    for content in cards.values():
        if "columns" in content and "title" not in content:
            content["span"] = [*ends, trends.grain]
    return {name: json.dumps(content, ensure_ascii=False) for name, content in cards.items()}


def failed_cards(reason: str) -> dict[str, str]:
    """What is said where the trends could not be read."""
    return {"trends": head("Trends", reason)}


def _head(trends: Trends, view: View, zone: ZoneInfo) -> Content:
    question = trends.asked.question
    title = span_so_far(question.span, question.running, zone)
    rows = [
        {
            "key": measure,
            "text": label,
            "go": replace(view, trends=replace(view.trends, measure=measure)).query(),
            "title": f"Draw {label.lower()} over time",
            "current": measure == view.trends.measure,
        }
        for measure, label in MEASURES.items()
    ]
    rows.append({"key": "again", "text": "Read again", "go": view.query(), "title": "These figures are not live"})
    as_of = f"as of {trends.as_of.astimezone(zone):%H:%M:%S}, not live"
    subtitle = in_a_line(comparison_text(question, zone), as_of)
    return {"title": f"Trends, {title}", "subtitle": subtitle, "rows": rows}


def _grains(trends: Trends, view: View) -> list[Content]:
    return [
        {
            "key": grain,
            "text": f"by {grain}",
            "go": replace(view, trends=replace(view.trends, grain=grain)).query(),
            "title": f"One point for each {grain}",
            "current": grain == trends.grain,
        }
        for grain in GRAINS
        if grain in trends.grains
    ]


def _rhythm(trends: Trends) -> dict[str, Content]:
    hours = np.maximum(trends.rhythm_hours, 1)
    mean = trends.rhythm / hours
    most = float(mean.max()) or 1.0
    day, hour = np.divmod(np.arange(7 * 24), 24)
    flat, known = mean.ravel(), trends.rhythm_hours.ravel() > 0
    columns = {
        "left": hour.tolist(),
        "right": (hour + 1).tolist(),
        "bottom": (6 - day).tolist(),
        "top": (7 - day).tolist(),
        # An hour without orders is seen; one that has not come, or that the span leaves out, is not drawn.
        "alpha": np.where(known, np.round(0.1 + 0.9 * flat / most, 3), 0).tolist(),
        "label": [f"{WEEKDAYS[d]}, {h}:00–{h + 1}:00" for d, h in zip(day.tolist(), hour.tolist(), strict=True)],
        "mean": [
            f"{value:,.1f}" if there else "no such hour in this span"
            for value, there in zip(flat.tolist(), known.tolist(), strict=True)
        ],
        "orders": trends.rhythm.ravel().tolist(),
    }
    is_empty = not trends.rhythm.any()
    busiest = int(flat.argmax())
    note = "" if is_empty else f"orders an hour · busiest: {columns['label'][busiest]} with {columns['mean'][busiest]}"
    blank = "" if is_empty or known.all() else "blank: not in this span, or yet to come"
    note = in_a_line(note, blank, not_filtered_note(trends.filters, ORDER_DIMENSIONS))
    return charted("rhythm", "Orders by weekday and hour", note, [], NO_ORDERS if is_empty else "", columns)


def _couriers(trends: Trends) -> dict[str, Content]:
    due = {name: group for name, group in trends.couriers.items() if group.late_share is not None}
    known = dict(sorted(due.items(), key=lambda each: -each[1].orders))  # names of small ones are left out first
    orders = [group.orders for group in known.values()]
    late = [100 * (group.late_share or 0) for group in known.values()]
    short = [name if len(name) <= NAME_LENGTH else name[:NAME_LENGTH] + "…" for name in known]
    # The axes end a bit after the last point: see `couriers_figure`.
    names = placed([*zip(orders, late, short, strict=True)], 1.35 * max(orders, default=1), 1.2 * max(late, default=1))
    columns = {
        "orders": orders,
        "late": late,
        "name": list(known),
        "short": [name.text for name in names],
        "across": [name.across for name in names],
        "down": [name.down for name in names],
        "align": [name.align for name in names],
        "delay": [delay_text(group.average_delay_hours) for group in known.values()],
    }
    empty = "" if known else "No delivery was due in this span"
    note = in_a_line(
        "how many orders, and the share that came late of those that were due",
        not_filtered_note(trends.filters, ORDER_DIMENSIONS),
    )
    return charted("couriers", "Couriers", note, [], empty, columns)


def _no_delivery(without_time: int) -> str:
    if not without_time:
        return "No delivered order of this span is in MongoDB"
    have = "has" if without_time == 1 else "have"
    return f"{counted(without_time, 'delivered order')} of this span in MongoDB {have} no delivery time"


def _delivery_days(trends: Trends) -> dict[str, Content]:
    days = trends.delivery_days or {}
    total = sum(days.values())
    every = range(min(days, default=0), max(days, default=0) + 1)
    counts = [days.get(day, 0) for day in every]
    columns = {
        "left": [day + 0.06 for day in every],
        "right": [day + 0.94 for day in every],
        "bottom": [0] * len(counts),
        "top": counts,
        "label": [f"{day} days or more" if day == DAYS_MAX else f"{day} to {day + 1} days" for day in every],
        "share": [percent(count / total) if total else NOTHING for count in counts],
    }
    if trends.delivery_days is None:
        empty = "These are too many orders to be looked at one by one: choose a shorter span"
    else:
        empty = "" if total else _no_delivery(trends.delivered_without_time)
    median = next((day for day in every if 2 * sum(days.get(d, 0) for d in every if d <= day) >= total), 0)
    # Of the last 7 days half were "delivered within 4 days": those that take 10 were still under way.
    half = f"half of them within {counted(median + 1, 'day')}, orders that are under way left out"
    unknown = f"{exact(without)} more without a delivery time" if (without := trends.delivered_without_time) else ""
    note = in_a_line(f"{counted(total, 'delivered order')}, hot ones alone", unknown, half) if total else ""
    return charted("delivery", "Days from order to delivery", note, [], empty, columns)
