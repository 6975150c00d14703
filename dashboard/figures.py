"""The figures of one question: read from the KPI store once, and shared by every viewer who asks the same."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.spans import LAST_24_HOURS, Comparison, comparison, running_hour, step_of
from dashboard.state import DIMENSIONS, View
from dashboard.timeline import Timeline, drawn
from ecommerce.kpis.figures import Kpis
from ecommerce.kpis.question import Filters, Span
from ecommerce.kpis.store import KpiStore


@dataclass(frozen=True, slots=True)
class Question:
    """What a viewer wants to know; equal questions have one answer."""

    span: Span
    filters: Filters
    compared: Comparison | None = None
    """None: with nothing, as an open span."""
    running: datetime | None = None
    """The hour that is not over yet; None where the span ended before it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The figures of a question at one version of the summaries."""

    question: Question
    version: int
    kpis: Kpis
    done: Kpis | None
    """The figures of the hours that are over, which are compared with those of `before`."""
    before: Kpis | None
    timeline: Timeline
    without: Mapping[str, Kpis]
    """By the name of each filter that is set: the figures without it, so that its card shows what else there is."""
    first_day: datetime | None = None
    """When the day of the shop's first order began, where the span is compared with others."""

    def of_card(self, dimension: str) -> Kpis:
        """The figures that a filter's own card shows."""
        return self.without.get(dimension, self.kpis)


def question_of(view: View, now: datetime, zone: ZoneInfo) -> Question:
    """What a view asks at this moment."""
    span = view.span(now, zone)
    compared = comparison(span, now, zone, view.against, of_hours=view.preset == LAST_24_HOURS)
    return Question(span, view.filters, compared, running_hour(span, now, zone))


def compute(store: KpiStore, question: Question, version: int, zone: ZoneInfo) -> Answer:
    """Ask the store for everything that the overview shows of one question; `zone` is the shop's."""
    span, filters, compared = question.span, question.filters, question.compared
    kpis = store.kpis(span, filters)
    done = before = None
    if compared is not None:
        done = kpis if compared.done == span else store.kpis(compared.done, filters)
        before = store.kpis(compared.before, filters)
    cleared: dict[str, dict[str, Any]] = {
        name: {field: frozenset()} for name, field in DIMENSIONS.items() if getattr(filters, field)
    }
    return Answer(
        question=question,
        version=version,
        kpis=kpis,
        done=done,
        before=before,
        timeline=_timeline(store, question, zone),
        without={name: store.kpis(span, replace(filters, **nothing)) for name, nothing in cleared.items()},
        first_day=store.first_day() if compared else None,
    )


def _timeline(store: KpiStore, question: Question, zone: ZoneInfo) -> Timeline:
    span, filters = question.span, question.filters
    if span.start is None or span.end is None:
        # An open span is as long as its orders: their days tell how finely it can be drawn.
        frame, step = store.timeline(span, filters, "day"), "day"
        if frame.height:
            times = frame["time"]
            start, end = times.min(), times.max() + timedelta(days=1)  # type: ignore[operator]
            if (step := step_of(start, end)) != "day":  # type: ignore[arg-type]
                frame = store.timeline(span, filters, step)
    else:
        step = step_of(span.start, span.end)
        frame = store.timeline(span, filters, step)
    return drawn(frame, step, span, question.running, zone)  # type: ignore[arg-type]
