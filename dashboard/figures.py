"""The figures of one question: read from the KPI store once, and shared by every viewer who asks the same."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from dashboard.spans import Step, next_step, step_of
from dashboard.theme import status_color
from ecommerce.documents.statuses import is_counted
from ecommerce.kpis.figures import Kpis
from ecommerce.kpis.question import Filters, Span

STATUS_ORDER = ("Delivered", "Shipped", "Pending", "Returned", "Cancelled")
"""Bottom to top in the timeline; statuses that are not here come after them, by name."""

TIMELINE_STATUSES_MAX = 12
"""An import may bring any number of statuses; those with the fewest orders are drawn together as OTHER."""
OTHER = "Other"

SPARK_POINTS_MAX = 60

TIMELINE_COLUMNS = ("time", "status", "orders", "revenue", "quantity", "delivered", "late")

NO_BARS = json.dumps(
    {"left": [0], "right": [86_400_000], "bottom": [0], "top": [0], "time": [0], "orders": [0], "status": [""]}
    | {"color": ["#00000000"]}
)
NO_REVENUE = json.dumps({"time": [0, 86_400_000], "revenue": [0, 0], "orders": [0, 0], "average": [0, 0]})
"""Columns for a chart without data: a browser cannot fit its ranges to nothing, and complains."""


class Refresh(Protocol):
    """What the store found when it looked for news."""

    @property
    def version(self) -> int: ...

    @property
    def as_of(self) -> datetime: ...

    @property
    def lag_seconds(self) -> float: ...


class Store(Protocol):
    """What the dashboard asks of the KPI store."""

    def refresh(self) -> Refresh: ...

    def choices(self) -> Mapping[str, Any]: ...

    def kpis(self, span: Span, filters: Filters) -> Kpis: ...

    def timeline(self, span: Span, filters: Filters, step: Step) -> pl.DataFrame: ...


@dataclass(frozen=True, slots=True)
class Question:
    """What a viewer wants to know; equal questions have one answer."""

    span: Span
    filters: Filters


@dataclass(frozen=True, slots=True)
class Timeline:
    """Orders and revenue over time. `bars` and `revenue` are the columns of the two charts as JSON, ready to send."""

    per: str
    """What a bucket is, in words: hour, day, month; with UTC before it where those of the display are others."""
    statuses: tuple[str, ...]
    bars: str
    """One row per bar of the status chart: left, right, bottom, top, status, orders, time, color."""
    revenue: str
    """One row per bucket: time, revenue, orders, average."""
    exact: tuple[tuple[datetime, int, Decimal], ...]
    """Start of each bucket, its orders and its revenue to the last decimal."""
    counts: tuple[tuple[datetime, str, int], ...]
    """Start of a bucket, status, orders; by time, then as stacked."""
    sparks: Mapping[str, tuple[float, ...]]
    """Course of each headline, oldest first."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The figures of a question at one version of the summaries."""

    question: Question
    version: int
    kpis: Kpis
    before: Kpis | None
    """The figures of the span of the same length before; None for an open span."""
    timeline: Timeline


def compute(store: Store, question: Question, version: int, zone: ZoneInfo) -> Answer:
    """Ask the store for everything that the overview shows of one question; charts are drawn in the time of `zone`."""
    span, filters = question.span, question.filters
    before = span.before()
    return Answer(
        question=question,
        version=version,
        kpis=store.kpis(span, filters),
        before=store.kpis(before, filters) if before else None,
        timeline=_timeline(store, question, zone),
    )


def _timeline(store: Store, question: Question, zone: ZoneInfo) -> Timeline:
    start, end, filters = question.span.start, question.span.end, question.filters
    if start is None or end is None:
        # An open span is as long as its orders: their days tell how finely it can be drawn.
        frame, step = store.timeline(question.span, filters, "day"), "day"
        if frame.height:
            times = frame["time"]
            start, end = times.min(), times.max() + timedelta(days=1)  # type: ignore[operator, assignment]
            if (step := step_of(start, end)) != "day":  # type: ignore[arg-type]
                frame = store.timeline(question.span, filters, step)
    else:
        step = step_of(start, end)
        frame = store.timeline(question.span, filters, step)
    return _drawn(frame, step, question.span, zone)  # type: ignore[arg-type]


def status_rank(status: str) -> tuple[int, str]:
    """Sort key of a status: the order of a delivery's life, then by name."""
    rank = STATUS_ORDER.index(status) if status in STATUS_ORDER else len(STATUS_ORDER)
    return (rank, status)


def _drawn(frame: pl.DataFrame, step: Step, span: Span, zone: ZoneInfo) -> Timeline:
    buckets = _buckets(frame, step, span)
    per = step if step == "hour" or zone.key == "UTC" else f"UTC {step}"
    if not buckets:
        return Timeline(per, (), NO_BARS, NO_REVENUE, (), (), {})
    index = {time: position for position, time in enumerate(buckets)}
    by_status: dict[str, np.ndarray] = {}
    amounts = [Decimal(0)] * len(buckets)
    counted, quantity, delivered, late = np.zeros((4, len(buckets)))
    for time, status, count, amount, *measures in frame.select(TIMELINE_COLUMNS).iter_rows():
        column = index[time]
        for measure, value in zip((quantity, delivered, late), measures, strict=True):
            measure[column] += value or 0
        by_status.setdefault(status, np.zeros(len(buckets), np.int64))[column] += count
        if is_counted(status):
            amounts[column] += amount
            counted[column] += count
    total = np.sum(list(by_status.values()), axis=0)
    revenue = np.array([float(amount) for amount in amounts])
    average = np.divide(revenue, counted, out=np.zeros_like(revenue), where=counted > 0)
    # A chart has no time zones: hours are moved to those of the display. Days and months are those of UTC.
    shown = ZoneInfo("UTC") if step != "hour" else zone
    lefts = _milliseconds(buckets, shown)
    rights = _milliseconds([next_step(time, step) for time in buckets], shown)
    stacked = _with_other(by_status)
    statuses = tuple(sorted(stacked, key=status_rank))
    return Timeline(
        per=per,
        statuses=statuses,
        bars=_bars(statuses, np.array([stacked[status] for status in statuses]), lefts, rights),
        revenue=_columns(time=(lefts + rights) / 2, revenue=revenue, orders=total, average=average.round(4)),
        exact=tuple(zip(buckets, total.tolist(), amounts, strict=True)),
        counts=tuple(
            (time, status, int(by_status[status][column]))
            for column, time in enumerate(buckets)
            for status in sorted(by_status, key=status_rank)
            if by_status[status][column]
        ),
        sparks={
            "orders": _spark(total),
            "revenue": _spark(revenue),
            "average_order_value": _spark(revenue, counted),
            "delivered": _spark(delivered),
            "quantity": _spark(quantity),
            # A day of which it is not known yet how many came late would be drawn as one without any.
            **({} if frame["late"].null_count() else {"late_share": _spark(late, delivered)}),
        },
    )


def _with_other(by_status: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """At most TIMELINE_STATUSES_MAX rows: those with the fewest orders are added up."""
    if len(by_status) <= TIMELINE_STATUSES_MAX:
        return by_status
    ranked = sorted(by_status, key=lambda status: (-by_status[status].sum(), status))
    kept, rest = ranked[: TIMELINE_STATUSES_MAX - 1], ranked[TIMELINE_STATUSES_MAX - 1 :]
    return {status: by_status[status] for status in kept} | {OTHER: np.sum([by_status[s] for s in rest], axis=0)}


def _buckets(frame: pl.DataFrame, step: Step, span: Span) -> list[datetime]:
    """The start of every bucket, also of those without an order, from the span's or the first order's on."""
    if not frame.height:
        return []
    times = frame["time"]
    first: datetime = times.min()  # type: ignore[assignment]
    last: datetime = times.max()  # type: ignore[assignment]
    if span.start is not None:
        start = span.start.astimezone(UTC)
        start = start.replace(hour=0) if step != "hour" else start
        first = min(first, start.replace(day=1) if step == "month" else start)
    if span.end is not None:
        last = max(last, span.end.astimezone(UTC) - timedelta(hours=1))
    buckets = []
    while first <= last:
        buckets.append(first)
        first = next_step(first, step)
    return buckets


def _bars(statuses: tuple[str, ...], orders: np.ndarray, lefts: np.ndarray, rights: np.ndarray) -> str:
    tops = orders.cumsum(axis=0) if len(statuses) else orders
    drawn = orders > 0
    drawn[0, [0, -1]] = True  # bars without height: the chart is as long as the span
    rows, columns = np.nonzero(drawn)
    colors = [status_color(status, statuses) for status in statuses]
    gap = (rights - lefts) * 0.08
    return _columns(
        left=(lefts + gap)[columns],
        right=(rights - gap)[columns],
        bottom=(tops - orders)[drawn],
        top=tops[drawn],
        time=lefts[columns],
        orders=orders[drawn],
        status=[statuses[row] for row in rows],
        color=[colors[row] for row in rows],
    )


def _columns(**columns: np.ndarray | list[str]) -> str:
    lists = {name: values if isinstance(values, list) else values.tolist() for name, values in columns.items()}
    return json.dumps(lists, ensure_ascii=False, separators=(",", ":"))


def _milliseconds(times: list[datetime], zone: ZoneInfo) -> np.ndarray:
    return np.array([time.astimezone(zone).replace(tzinfo=UTC).timestamp() * 1000 for time in times])


def _spark(values: np.ndarray, per: np.ndarray | None = None) -> tuple[float, ...]:
    """At most SPARK_POINTS_MAX values: sums of neighbours, or what they are `per` the sums of another measure."""
    group = -(-len(values) // SPARK_POINTS_MAX) or 1
    # The rest that does not fill a group is at the oldest end, where it disturbs least.
    rest = len(values) % group
    sums = values[rest:].reshape(-1, group).sum(axis=1)
    if per is not None:
        whole = per[rest:].reshape(-1, group).sum(axis=1)
        sums = np.divide(sums, whole, out=np.zeros(len(sums)), where=whole > 0)
    return tuple(sums.tolist())
