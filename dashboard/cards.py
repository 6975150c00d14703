"""What the overview's cards say about an answer: pure functions from figures to the JSON texts that are drawn."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.figures import Answer
from dashboard.headlines import INCOMPLETE, Content, Row, before_text, headlines, not_comparable
from dashboard.measures import LATE_NOTE, Measure, of_items, of_orders, shares, switched
from dashboard.sales_card import sales_card
from dashboard.state import DIMENSIONS, ITEM_DIMENSIONS, ORDER_DIMENSIONS, Choices, left_out_of_links, not_filtered_note
from dashboard.text import NOTHING, delay_text, in_a_line, money, percent
from dashboard.theme import ACCENTS, status_color
from dashboard.timeline import TIMELINE_STATUSES_MAX, status_rank
from ecommerce.kpis.figures import ItemGroup, OrderGroup, ProductSales
from ecommerce.readable import compact, counted

ROWS_MAX = 10
STATUSES_MAX = 20
"""Statuses are in the order of a delivery's life, so a cut would not leave out the smallest ones."""
NO_ORDERS = "No orders in this span"


def overview_cards(answer: Answer, choices: Choices, zone: ZoneInfo) -> dict[str, str]:
    """Name of each card → its content as JSON."""
    kpis, filters = answer.kpis, _Filters(answer, choices)
    amount = partial(money, currency=kpis.currency)
    contents: dict[str, Content] = {
        "headlines": headlines(answer, amount, zone),
        "legend": _legend(answer, filters),
        "status": _counts("Orders by status", "status", answer.of_card("status").by_status, filters),
        "payment": _order_groups(
            "Payment types", "payment", answer.of_card("payment").by_payment_type, filters, amount
        ),
        "courier": _couriers(answer.of_card("courier").by_courier, filters, amount),
        "location": _order_groups(
            "Customer locations", "location", answer.of_card("location").by_location, filters, amount
        ),
        "product": _products(kpis.top_products, filters),
        "category": _item_groups(
            "Pieces by category", "category", answer.of_card("category").by_category, "quantity", filters, amount
        ),
        "warehouse": _item_groups(
            "Order items by warehouse", "warehouse", answer.of_card("warehouse").by_warehouse, "order_items", filters,
            amount,
        ),
        "revenue": _revenue(answer, filters),
    }  # fmt: skip
    charts = {
        "status_chart": _chart(answer, answer.timeline.bars),
        "revenue_chart": _chart(answer, answer.timeline.revenue),
        "sales": sales_card(answer, before_text(answer, zone), not_comparable(answer, zone)),
    }
    return {name: json.dumps(content, ensure_ascii=False) for name, content in contents.items()} | charts


def _chart(answer: Answer, drawn: str) -> str:
    """What a chart draws, and the span that it shows whole when it is another than before."""
    span = answer.question.span
    ends = json.dumps([at and round(at.timestamp() * 1000) for at in (span.start, span.end)])
    return f'{{"span":{ends},"empty":{json.dumps(not answer.timeline.exact)},{drawn[1:]}'


class _Filters:
    """Which filters an answer has, by the names that its rows carry."""

    def __init__(self, answer: Answer, choices: Choices) -> None:
        self._filters = answer.question.filters
        self._values = {name: getattr(self._filters, field) for name, field in DIMENSIONS.items()}
        self._choices = choices

    def selected(self, dimension: str) -> frozenset[str]:
        return frozenset(self.name(dimension, value) for value in self._values[dimension])

    def name(self, dimension: str, value: Any) -> str:
        return self._choices.get(dimension, {}).get(value, str(value))

    def orders(self, dimension: str, name: str) -> list[list[str]] | None:
        """What in a link chooses the orders behind a bar; None where nothing does."""
        values = [value for value, called in self._choices.get(dimension, {}).items() if called == name]
        return [[dimension, str(value)] for value in values] or None

    def idle(self, obeyed: Collection[str]) -> list[list[str]]:
        """The chosen filters that do not act on a card's figures, which a link to the orders behind them leaves out."""
        return left_out_of_links(self._filters, obeyed)

    def pressable(self, dimension: str) -> bool:
        return bool(self._choices.get(dimension))

    def note(self, obeyed: Collection[str]) -> str:
        """Which of the chosen filters do not act on a card's figures."""
        return not_filtered_note(self._filters, obeyed)


def _legend(answer: Answer, filters: _Filters) -> Content:
    timeline, counts = answer.timeline, answer.of_card("status").by_status
    selected = filters.selected("status")
    statuses = timeline.statuses
    if selected:  # the others stay in sight, to be pressed
        ranked = sorted(counts, key=lambda status: (-counts[status], status))[:TIMELINE_STATUSES_MAX]
        statuses = tuple(sorted({*ranked, *statuses}, key=status_rank))
    rows = [
        {
            "key": status,
            "name": status,
            "figure": compact(counts.get(status, timeline.totals.get(status, 0))),
            "exact": counted(counts.get(status, timeline.totals.get(status, 0)), "order"),
            "color": status_color(status, statuses),
            "selected": status in selected,
            "fixed": status not in counts,
        }
        for status in statuses
    ]
    note = in_a_line(f"per {timeline.per} of order", timeline.partial, filters.note(ORDER_DIMENSIONS))
    empty = "" if timeline.exact else NO_ORDERS
    return {"title": "Orders over time, by present status", "note": note, "rows": rows, "csv": True, "empty": empty}


def _revenue(answer: Answer, filters: _Filters) -> Content:
    timeline = answer.timeline
    note = in_a_line(
        f"per {timeline.per} of order, without cancelled and returned orders",
        timeline.partial.replace("lighter", "dashed"),
        filters.note(ORDER_DIMENSIONS),
    )
    empty = "" if timeline.exact else NO_ORDERS
    return {"title": "Revenue over time", "note": note, "rows": [], "csv": True, "empty": empty}


def _counts(title: str, dimension: str, counts: Mapping[str, int], filters: _Filters) -> Content:
    ordered, share = sorted(counts, key=status_rank), shares(counts)
    rows = [
        _row(name, counts[name], max(counts.values()), compact(counts[name]), share[name], "order")
        | {"color": status_color(name, tuple(ordered))}
        for name in ordered
    ]
    return _bars(title, dimension, rows, filters, rows_max=STATUSES_MAX)


def _order_groups(
    title: str,
    dimension: str,
    groups: Mapping[str, OrderGroup],
    filters: _Filters,
    amount: Any,
    measures: list[Measure] | None = None,
) -> Content:
    if dimension == "payment":
        groups = {filters.name(dimension, value): group for value, group in groups.items()}
    rows: dict[str, Row] = {}
    for name, group in groups.items():
        texts = [counted(group.orders, "order"), amount(group.revenue, short=False), _punctuality(group)]
        rows[name] = {"key": name, "name": name, "exact": " · ".join(texts)}
    return _measured(title, dimension, rows, measures or of_orders(groups, amount), filters)


def _measured(
    title: str, dimension: str, rows: Mapping[str, Row], measures: list[Measure], filters: _Filters
) -> Content:
    """A card whose bars have several measures. Its title follows where it names the first one."""
    first, _, by = title.partition(" by ")
    titles = {measure.key: f"{measure.label} by {by}" for measure in measures if by and first == measures[0].label}

    def bars_of(measure: Measure) -> Content:
        return _bars(title, dimension, measure.ordered(rows), filters)

    return switched(measures, titles, bars_of)


def _punctuality(group: OrderGroup) -> str:
    if group.late is None:
        return "late: incomplete"
    if group.late_share is None:
        return "nothing was due"
    return f"{percent(group.late_share)} late · {delay_text(group.average_delay_hours)}"


def _couriers(groups: Mapping[str, OrderGroup], filters: _Filters, amount: Any) -> Content:
    orders, *others = of_orders(groups, amount)
    late = {name: _late_text(group) for name, group in groups.items()}
    measures = [replace(orders, seconds=late, note=LATE_NOTE), *others]
    return _order_groups("Orders by courier", "courier", groups, filters, amount, measures)


def _late_text(group: OrderGroup) -> str:
    if group.late_share is None:
        return INCOMPLETE if group.late is None else NOTHING
    return f"{percent(group.late_share)} late"


def _products(products: Iterable[ProductSales], filters: _Filters) -> Content:
    entries = list(products)
    most = max((entry.quantity for entry in entries), default=0)
    rows = [
        _row(entry.name, entry.quantity, most, compact(entry.quantity), "", "piece")
        | {"key": str(entry.product_id), "fixed": True, "orders": [["product", str(entry.product_id)]]}
        for entry in entries
    ]
    content = _bars("Top products", "product", rows, filters)
    return content | {"note": in_a_line("by pieces ordered", content["note"])}


def _item_groups(
    title: str, dimension: str, groups: Mapping[str, ItemGroup], first: str, filters: _Filters, amount: Any
) -> Content:
    rows: dict[str, Row] = {}
    for name, group in groups.items():
        counts = {"quantity": counted(group.quantity, "piece"), "order_items": counted(group.order_items, "order item")}
        revenue = "revenue: incomplete" if group.revenue is None else amount(group.revenue, short=False)
        texts = [counts.pop(first), *counts.values(), revenue]
        rows[name] = {"key": name, "name": name, "exact": " · ".join(texts)}
    return _measured(title, dimension, rows, of_items(groups, amount, first), filters)


def _row(name: str, value: int, most: int, figure: str, second: str, unit: str) -> Row:
    return {
        "key": name,
        "name": name,
        "figure": figure,
        "second": second,
        "exact": counted(value, unit),
        "width": round(100 * value / most, 1) if most else 0,
    }


def _bars(title: str, dimension: str, rows: list[Row], filters: _Filters, rows_max: int = ROWS_MAX) -> Content:
    obeyed = ORDER_DIMENSIONS if dimension in ORDER_DIMENSIONS else ITEM_DIMENSIONS
    selected = filters.selected(dimension) if dimension in DIMENSIONS else frozenset()
    # What is chosen stays in sight, wherever it ranks.
    kept = [row for position, row in enumerate(rows) if position < rows_max or row["key"] in selected]
    for row in kept:
        row.setdefault("color", ACCENTS.get(dimension))
        row.setdefault("fixed", not filters.pressable(dimension))
        row["selected"] = row["key"] in selected
        chosen = row.get("orders") or filters.orders(dimension, row["name"])
        row["orders"] = chosen and [*filters.idle(obeyed), *chosen]
    note = in_a_line(f"{len(kept)} of {len(rows)}" if len(rows) > len(kept) else "", filters.note(obeyed))
    return {"title": title, "note": note, "rows": kept, "csv": True, "empty": "" if rows else NO_ORDERS}
