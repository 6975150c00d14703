"""Orders and revenue over time: from the store's rows to the columns that the charts draw."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from dashboard.lone_points import lone_points
from dashboard.spans import MOMENT, bucket_of, next_bucket
from dashboard.text import bucket_text
from dashboard.theme import status_color
from ecommerce.documents.statuses import is_counted
from ecommerce.kpis.compute import Step
from ecommerce.kpis.question import Span

STATUS_ORDER = ("Delivered", "Shipped", "Pending", "Returned", "Cancelled")
"""Bottom to top in the timeline; statuses that are not here come after them, by name."""

TIMELINE_STATUSES_MAX = 12
"""An import may bring any number of statuses; those with the fewest orders are drawn together as OTHER."""
OTHER = "Other"

SPARK_POINTS_MAX = 60

COLUMNS = ("time", "status", "orders", "revenue", "quantity", "delivered")

PARTIAL_ALPHA = 0.45
"""Opacity of a bar whose hours are not all in it, the running one above all."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A piece of the time axis."""

    start: datetime
    end: datetime
    label: str
    complete: bool
    """Whether all its hours are over and in the span."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """Orders and revenue over time. `bars` and `revenue` are what the two charts draw, as JSON ready to send."""

    per: str
    """What a bucket is, in words: hour, day, month."""
    partial: str
    """In words, which buckets are not whole; empty where all are."""
    statuses: tuple[str, ...]
    totals: Mapping[str, int]
    """Orders of each of `statuses`."""
    bars: str
    """`buckets`: left, right, time, label, total, alpha; `columns`: one row per bar with its place in them."""
    revenue: str
    """`columns`: one row per bucket."""
    exact: tuple[tuple[Bucket, int, Decimal], ...]
    """Each bucket, its orders and its revenue to the last decimal."""
    counts: tuple[tuple[Bucket, str, int], ...]
    """Bucket, status, orders; by time, then as stacked."""
    sparks: Mapping[str, tuple[float | None, ...]]
    """Course of each headline over whole buckets, oldest first; None where there is nothing to take a share of. The
    late share has no course: how many orders of a past bucket were overdue is not kept."""


EMPTY = Timeline("day", "", (), {}, json.dumps({"columns": None}), json.dumps({"columns": None}), (), (), {})


def status_rank(status: str) -> tuple[int, str]:
    """Sort key of a status: the order of a delivery's life, then by name."""
    rank = STATUS_ORDER.index(status) if status in STATUS_ORDER else len(STATUS_ORDER)
    return (rank, status)


def drawn(frame: pl.DataFrame, step: Step, span: Span, running: datetime | None, zone: ZoneInfo) -> Timeline:
    """The timeline of a frame, drawn by the clock of the shop's zone; `running` is the hour that is not over."""
    buckets = _buckets(frame, step, span, running, zone)
    if not buckets:
        return EMPTY
    index = {bucket.start: position for position, bucket in enumerate(buckets)}
    by_status: dict[str, np.ndarray] = {}
    amounts = [Decimal(0)] * len(buckets)
    counted, quantity, delivered = np.zeros((3, len(buckets)))
    for time, status, count, amount, *measures in frame.select(COLUMNS).iter_rows():
        column = index[time]
        for measure, value in zip((quantity, delivered), measures, strict=True):
            measure[column] += value or 0
        by_status.setdefault(status, np.zeros(len(buckets), np.int64))[column] += count
        if is_counted(status):
            amounts[column] += amount
            counted[column] += count
    total = np.sum(list(by_status.values()), axis=0)
    revenue = np.array([float(amount) for amount in amounts])
    stacked = _with_other(by_status)
    statuses = tuple(sorted(stacked, key=status_rank))
    whole = np.array([bucket.complete for bucket in buckets])
    return Timeline(
        per=step,
        partial=" · ".join(f"lighter: {bucket.label}" for bucket in buckets if not bucket.complete),
        statuses=statuses,
        totals={status: int(stacked[status].sum()) for status in statuses},
        bars=_bars(statuses, np.array([stacked[status] for status in statuses]), buckets, total, zone),
        revenue=_line(revenue, total, buckets, zone),
        exact=tuple(zip(buckets, total.tolist(), amounts, strict=True)),
        counts=tuple(
            (bucket, status, int(by_status[status][column]))
            for column, bucket in enumerate(buckets)
            for status in sorted(by_status, key=status_rank)
            if by_status[status][column]
        ),
        sparks={
            "orders": _spark(total[whole]),
            "revenue": _spark(revenue[whole]),
            "average_order_value": _spark(revenue[whole], counted[whole]),
            "delivered": _spark(delivered[whole]),
            "quantity": _spark(quantity[whole]),
        },
    )


def _with_other(by_status: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """At most TIMELINE_STATUSES_MAX rows: those with the fewest orders are added up."""
    if len(by_status) <= TIMELINE_STATUSES_MAX:
        return by_status
    ranked = sorted(by_status, key=lambda status: (-by_status[status].sum(), status))
    kept, rest = ranked[: TIMELINE_STATUSES_MAX - 1], ranked[TIMELINE_STATUSES_MAX - 1 :]
    return {status: by_status[status] for status in kept} | {OTHER: np.sum([by_status[s] for s in rest], axis=0)}


def _buckets(frame: pl.DataFrame, step: Step, span: Span, running: datetime | None, zone: ZoneInfo) -> list[Bucket]:
    """Every bucket, also those without an order: from the span's or the first order's on, up to the running hour."""
    if not frame.height:
        return []
    times = frame["time"]
    start: datetime = times.min()  # type: ignore[assignment]
    last: datetime = times.max()  # type: ignore[assignment]
    if span.start is not None:
        start = min(start, bucket_of(span.start, step, zone))
    if span.end is not None:
        last = max(last, min(span.end - MOMENT, running or span.end))
    buckets = []
    start = start.astimezone(UTC)
    while start <= last:
        end = next_bucket(start, step, zone)
        is_running = running is not None and start <= running < end
        begins_late = span.start is not None and span.start > start
        ends_early = span.end is not None and not is_running and end > span.end
        label = bucket_text(start, end, step, zone)
        if is_running:
            label += ", so far"
        elif begins_late or ends_early:
            label += ", in part"
        buckets.append(Bucket(start, end, label, not (is_running or begins_late or ends_early)))
        start = end
    return buckets


def _bars(
    statuses: tuple[str, ...],
    orders: np.ndarray,
    buckets: Sequence[Bucket],
    total: np.ndarray,
    zone: ZoneInfo,
) -> str:
    lefts, rights = _ends(buckets, zone)
    gap = (rights - lefts) * 0.08
    tops = orders.cumsum(axis=0)
    seen = orders > 0
    seen[0, [0, -1]] = True  # bars without height: the chart is as long as the span
    rows, columns = np.nonzero(seen)
    colors = [status_color(status, statuses) for status in statuses]
    of_bucket = {
        "left": (lefts + gap).tolist(),
        "right": (rights - gap).tolist(),
        "label": [bucket.label for bucket in buckets],
        "total": total.tolist(),
        "alpha": [1 if bucket.complete else PARTIAL_ALPHA for bucket in buckets],
    }
    bars = {
        "bucket": columns.tolist(),
        "bottom": (tops - orders)[seen].tolist(),
        "top": tops[seen].tolist(),
        "orders": orders[seen].tolist(),
        "status": [statuses[row] for row in rows],
        "color": [colors[row] for row in rows],
    }
    return _json(buckets=of_bucket, columns=bars)


def _line(revenue: np.ndarray, total: np.ndarray, buckets: Sequence[Bucket], zone: ZoneInfo) -> str:
    lefts, rights = _ends(buckets, zone)
    over, running = dashed(revenue.tolist(), [bucket.complete for bucket in buckets])
    columns = {
        "time": ((lefts + rights) / 2).tolist(),
        "revenue": revenue.tolist(),
        "whole": over,
        "part": running,
        "lone": lone_points(over, running),
        "orders": total.tolist(),
        "label": [bucket.label for bucket in buckets],
    }
    return _json(columns=columns)


def dashed(values: Sequence[float | None], whole: Sequence[bool]) -> tuple[list[float | None], list[float | None]]:
    """A line through whole buckets, and a dashed one to and from the others."""
    beside = [not all(whole[max(at - 1, 0) : at + 2]) for at in range(len(whole))]
    solid, broken = (
        [value if known else None for value, known in zip(values, of_line, strict=True)] for of_line in (whole, beside)
    )
    return solid, broken


def _ends(buckets: Sequence[Bucket], zone: ZoneInfo) -> tuple[np.ndarray, np.ndarray]:
    # A chart has no time zones: its milliseconds are those of the shop's clock.
    ends = ([bucket.start for bucket in buckets], [bucket.end for bucket in buckets])
    lefts, rights = (
        np.array([time.astimezone(zone).replace(tzinfo=UTC).timestamp() * 1000 for time in times]) for times in ends
    )
    return lefts, rights


def _json(**parts: Any) -> str:
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


def _spark(values: np.ndarray, per: np.ndarray | None = None) -> tuple[float | None, ...]:
    """At most SPARK_POINTS_MAX values: sums of neighbours, or what they are `per` the sums of another measure."""
    group = -(-len(values) // SPARK_POINTS_MAX) or 1
    # The rest that does not fill a group is at the oldest end, where it disturbs least.
    rest = len(values) % group
    sums = values[rest:].reshape(-1, group).sum(axis=1)
    if per is not None:
        whole = per[rest:].reshape(-1, group).sum(axis=1)
        return tuple(part / of if of else None for part, of in zip(sums.tolist(), whole.tolist(), strict=True))
    return tuple(sums.tolist())
