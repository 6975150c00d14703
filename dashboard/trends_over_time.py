"""The cards of the trends page whose charts have time from left to right: content and columns, as JSON values."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from dashboard.cards import NO_ORDERS
from dashboard.headlines import NO_ORDER_THEN
from dashboard.lone_points import lone_points
from dashboard.state import ITEM_DIMENSIONS, ORDER_DIMENSIONS, not_filtered_note
from dashboard.text import NOTHING, day_text, in_a_line
from dashboard.theme import ARCHIVED_COLOR, COMPARED_COLOR, HOT_COLOR, OTHER_COLORS, REVENUE_COLOR
from dashboard.timeline import PARTIAL_ALPHA, dashed
from dashboard.trends import Point, Trends
from dashboard.trends_buckets import hours_text, labels, milliseconds, parts_note, time_columns
from dashboard.trends_view import MEASURES, Measure
from ecommerce.readable import compact, counted, exact

Content = dict[str, Any]

CATEGORIES_MAX = 7
"""Others are drawn together as OTHER."""
OTHER = "Other categories"
INCOMPLETE = "incomplete: `ecommerce upgrade` fills it in from the archive"


def _values(points: Sequence[Point], measure: Measure) -> list[Decimal | None]:
    return [_value(point, measure) if point.asked else None for point in points]


def _value(point: Point, measure: Measure) -> Decimal | None:
    if measure == "average_order_value":
        return point.revenue / point.counted_orders if point.counted_orders else None
    return None if (value := getattr(point, measure)) is None else Decimal(value)


def course(trends: Trends, measure: Measure, amount: Callable[..., str]) -> dict[str, Content]:
    """A measure over time, beside what it is compared with."""
    sold_before = any(point.orders or point.net_sales for point in trends.before)
    now, before = _values(trends.now, measure), _values(trends.before, measure) if sold_before else []
    text = (lambda value: exact(int(value))) if measure == "orders" else partial(amount, short=False)
    empty = "" if any(point.orders for point in trends.now) else NO_ORDERS
    if measure == "net_sales" and any(point.net_sales is None for point in trends.now):
        empty = INCOMPLETE
    numbers = [None if value is None else float(value) for value in now]
    whole, part = dashed(numbers, [point.complete for point in trends.now])
    earlier = [None if value is None else float(value) for value in before] or [None] * len(now)
    whole_before, part_before = dashed(earlier, [point.complete for point in trends.before or trends.now])
    columns = time_columns(trends) | {
        "now": numbers,
        "whole": whole,
        "part": part,
        "before": whole_before,
        "part_before": part_before,
        "lone": lone_points(whole, part),
        "lone_before": lone_points(whole_before, part_before),
        "now_text": [_text(value, text) for value in now],
        "before_text": [
            NOTHING if value is None else f"{_text(value, text)} ({hours_text(point.counted, trends.moved)})"
            for value, point in zip(before, trends.before, strict=False)
        ]
        or [NOTHING] * len(now),
    }
    # What it is compared with ends at the last full hour.
    is_running = any(point.running for point in trends.now)
    begun, to_hour = (", so far", ", until the last full hour of this one") if is_running else ("", "")
    rows = [_key(f"this span{begun}", _sum(trends.now, measure, text), REVENUE_COLOR)]
    if sold_before:
        rows.append(_key(f"what it is compared with{to_hour}", _sum(trends.before, measure, text), COMPARED_COLOR))
    elif trends.before:
        rows.append(_key(f"what it is compared with: {NO_ORDER_THEN}", NOTHING, COMPARED_COLOR))
    notes = [f"per {trends.grain} of order" + (", refunds on their own day" if measure == "net_sales" else "")]
    notes += [parts_note("dashed", trends)]
    notes += [f"drag over it: those days · click: that {trends.grain}"]
    if trends.filters.statuses and measure != "net_sales":
        notes.append("by the status they have now: of the youngest fewer are finished")
    notes += [not_filtered_note(trends.filters, () if measure == "net_sales" else ORDER_DIMENSIONS)]
    return charted("course", f"{MEASURES[measure]} over time", in_a_line(*notes), rows, empty, columns)


def _sum(points: Sequence[Point], measure: Measure, text: Callable[[Any], str]) -> str:
    if measure == "average_order_value":
        orders = sum(point.counted_orders for point in points)
        return text(_cents(sum((point.revenue for point in points), Decimal(0)) / orders)) if orders else NOTHING
    # Those of the whole span: a refund may lie ahead, where no line is drawn yet.
    values = [value for point in points if (value := _value(point, measure)) is not None]
    return text(sum(values, Decimal(0)))


def _cents(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"))


def _text(value: Decimal | None, text: Callable[[Any], str]) -> str:
    return NOTHING if value is None else text(_cents(value))


def _key(name: str, figure: str, color: str) -> Content:
    return {"key": name, "name": name, "figure": figure, "exact": figure, "color": color, "fixed": True}


class Bar(NamedTuple):
    """A bar of a chart, of those that stand on each other."""

    start: datetime
    end: datetime
    base: Decimal
    value: Decimal
    name: str
    color: str
    value_text: str
    label: str
    alpha: float = 1.0


def bars(found: Iterable[Bar]) -> dict[str, list[Any]]:
    """The columns that draw them."""
    columns: dict[str, list[Any]] = {
        name: [] for name in ("left", "right", "bottom", "top", "name", "color", "value", "label", "alpha")
    }
    for bar in found:
        left, right = milliseconds(bar.start), milliseconds(bar.end)
        gap = (right - left) * 0.08
        cells = (left + gap, right - gap, float(bar.base), float(bar.base + bar.value), *bar[4:])
        for column, cell in zip(columns.values(), cells, strict=True):
            column.append(cell)
    return columns


def categories(trends: Trends, amount: Callable[..., str]) -> dict[str, Content]:
    """What was sold of each category, the largest ones by themselves."""
    by_revenue = all(revenue is not None for row in trends.sold.values() for _, revenue in row)
    values = {
        name: [Decimal((revenue if by_revenue else units) or 0) for units, revenue in row]
        for name, row in trends.sold.items()
    }
    ranked = sorted(values, key=lambda name: (-sum(values[name]), name))
    shown = ranked if len(ranked) <= CATEGORIES_MAX else ranked[: CATEGORIES_MAX - 1]
    stacked = {name: values[name] for name in shown}
    if rest := ranked[len(shown) :]:
        stacked[OTHER] = [sum(amounts, Decimal(0)) for amounts in zip(*(values[name] for name in rest), strict=True)]
    text = partial(amount, short=False) if by_revenue else _units
    colors = dict(zip(stacked, OTHER_COLORS, strict=False))
    rows = [_key(name, text(sum(amounts, Decimal(0))), colors[name]) for name, amounts in stacked.items()]
    empty = "" if any(any(amounts) for amounts in stacked.values()) else NO_ORDERS
    what = "items after discount, without shipping and cancelled or returned orders" if by_revenue else "units sold"
    note = in_a_line(
        f"{what}, per {trends.grain} of order",
        parts_note("lighter", trends),
        not_filtered_note(trends.filters, ITEM_DIMENSIONS),
    )
    columns = bars(_stacked(trends, stacked, colors, text))
    return charted("categories", "Categories over time", note, rows, empty, columns)


def _units(value: Decimal) -> str:
    return counted(int(value), "unit")


def _stacked(
    trends: Trends, stacked: dict[str, list[Decimal]], colors: dict[str, str], text: Callable[[Any], str]
) -> Iterable[Bar]:
    ends = (0, len(trends.now) - 1)
    for at, (point, label) in enumerate(zip(trends.now, labels(trends), strict=True)):
        base, alpha = Decimal(0), 1.0 if point.complete else PARTIAL_ALPHA
        total = text(sum((amounts[at] for amounts in stacked.values()), Decimal(0)))
        for name, amounts in stacked.items():
            value = amounts[at]
            if value or at in ends:  # bars without height at the ends: the chart is as long as the span
                said = f"{text(value)} of {total}"
                yield Bar(point.start, point.end, base, value, name, colors[name], said, label, alpha)
            base += value


def late(trends: Trends) -> dict[str, Content]:
    """The share of late ones among those that are delivered."""
    known = all(point.late is not None for point in trends.now)
    shares = [100 * point.late / point.delivered if point.delivered and point.late is not None else None
              for point in trends.now]  # fmt: skip
    empty = "" if any(point.delivered for point in trends.now) else "Nothing of this span is delivered"
    if not known:
        empty = INCOMPLETE
    whole, part = dashed(shares, [point.complete for point in trends.now])
    columns = time_columns(trends) | {
        "late": shares,
        "whole": whole,
        "part": part,
        "lone": lone_points(whole, part),
        "text": [NOTHING if share is None else f"{share:.1f} %" for share in shares],
        "delivered": [point.delivered for point in trends.now],
    }
    note = in_a_line(
        f"of the delivered, per {trends.grain} of order: the youngest of them were fast ones",
        "without overdue orders, unlike Late (of those due)",
        parts_note("dashed", trends),
        not_filtered_note(trends.filters, ORDER_DIMENSIONS),
    )
    return charted("late", "Delivered late", note, [], empty, columns)


def places(trends: Trends) -> dict[str, Content]:
    """How many orders of each day are in MongoDB, and how many in the archive."""
    found = trends.places or ()
    is_daily = all((place.end - place.start).days <= 1 for place in found)
    drawn: list[Bar] = []
    for place in found:
        label = f"{place.start:%a} {day_text(place.start.date())}" if is_daily else f"{place.start:%B %Y}"
        base, alpha = Decimal(0), PARTIAL_ALPHA if place.cut else 1.0
        if place.cut:
            label = f"{hours_text(place.cut)}, part of a month"
        for name, count, color in (("archived", place.archived, ARCHIVED_COLOR), ("hot", place.hot, HOT_COLOR)):
            drawn.append(Bar(place.start, place.end, base, Decimal(count), name, color, exact(count), label, alpha))
            base += count
    sums = (sum(place.archived for place in found), sum(place.hot for place in found))
    names = ("in the archive", "in MongoDB")
    rows = [_key(*row) for row in zip(names, map(compact, sums), (ARCHIVED_COLOR, HOT_COLOR), strict=True)]
    if trends.places is None:
        is_filtered = trends.filters.choose_orders
        empty = "With filters on orders it is not known which of them are archived" if is_filtered else INCOMPLETE
    else:
        empty = "" if found else "There is no whole day in this span"
    note = in_a_line(
        f"by the {'day' if is_daily else 'month'} of the order, whole days",
        "lighter: a month of which this span has a part" if any(place.cut for place in found) else "",
        not_filtered_note(trends.filters),
    )
    return charted("places", "Hot and archived orders", note, rows, empty, bars(drawn))


def charted(
    name: str, title: str, note: str, rows: list[Content], empty: str, columns: dict[str, Any]
) -> dict[str, Content]:
    """A card and its chart; where there is nothing to draw, `empty` says why."""
    card = {"title": title, "note": note, "rows": rows, "csv": not empty, "empty": empty}
    return {name: card, f"{name}_chart": {"empty": bool(empty), "columns": columns}}
