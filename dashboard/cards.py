"""What the overview's cards say about an answer: pure functions from figures to the JSON texts that are drawn."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from dashboard.figures import Answer, Timeline, status_rank
from dashboard.state import DIMENSIONS, ITEM_DIMENSIONS, Choices
from dashboard.text import NOTHING, change, compact, exact, money, percent
from dashboard.theme import ACCENTS, status_color
from ecommerce.kpis.figures import ItemGroup, Kpis, OrderGroup, ProductSales

ROWS_MAX = 10
STATUSES_MAX = 20
"""Statuses are in the order of a delivery's life, so a cut would not leave out the smallest ones."""
NO_ORDERS = "No orders in this span"
INCOMPLETE = "incomplete"
NOT_FILLED = "not known yet of all archived orders: `ecommerce upgrade` fills it in"

Content = dict[str, Any]
Row = dict[str, Any]


def overview_cards(answer: Answer, choices: Choices, currency: str) -> dict[str, str]:
    """Name of each card → its content as JSON."""
    kpis, filters = answer.kpis, _Filters(answer, choices)
    amount = partial(money, currency=currency)
    contents: dict[str, Content] = {
        "headlines": _headlines(answer, amount),
        "legend": _legend(answer.timeline, kpis, filters),
        "status": _counts("Orders by status", "status", kpis.by_status, filters),
        "payment": _order_groups("Payment types", "payment", kpis.by_payment_type, filters, amount),
        "courier": _couriers(kpis.by_courier, filters, amount),
        "location": _order_groups("Customer locations", "location", kpis.by_location, filters, amount),
        "product": _products(kpis.top_products, filters),
        "category": _item_groups(
            "Sales by category", "category", kpis.by_category, "quantity", "sold", filters, amount
        ),
        "warehouse": _item_groups(
            "Order items by warehouse", "warehouse", kpis.by_warehouse, "order_items", "order items", filters, amount
        ),
        "revenue": _revenue(answer, filters, amount),
    }
    charts = {
        "status_chart": _chart(answer, answer.timeline.bars),
        "revenue_chart": _chart(answer, answer.timeline.revenue),
    }
    return {name: json.dumps(content, ensure_ascii=False) for name, content in contents.items()} | charts


def _chart(answer: Answer, columns: str) -> str:
    """Columns of a chart, and the span that it shows whole when it is another than before."""
    span = answer.question.span
    ends = json.dumps([at and round(at.timestamp() * 1000) for at in (span.start, span.end)])
    return f'{{"span":{ends},"empty":{json.dumps(not answer.timeline.exact)},"columns":{columns}}}'


class _Filters:
    """Which filters an answer has, by the names that its rows carry."""

    def __init__(self, answer: Answer, choices: Choices) -> None:
        self._values = {name: getattr(answer.question.filters, field) for name, field in DIMENSIONS.items()}
        self._choices = choices

    def selected(self, dimension: str) -> frozenset[str]:
        labels = self._choices.get(dimension, {})
        return frozenset(labels.get(value, str(value)) for value in self._values[dimension])

    def pressable(self, dimension: str) -> bool:
        return bool(self._choices.get(dimension))

    def note(self, *, of_items: bool) -> str:
        """Which of the chosen filters do not act on a card's figures."""
        idle = [name for name, values in self._values.items() if values and (name in ITEM_DIMENSIONS) is not of_items]
        return f"not filtered by {' and '.join(idle)}" if idle else ""


def _headlines(answer: Answer, amount: Any) -> Content:
    kpis = answer.kpis
    orders, late = kpis.orders, kpis.late_share
    rows = [
        _headline("orders", "Orders", compact(orders), exact(orders)),
        _amount("revenue", "Revenue", kpis.revenue, amount),
        _amount("average_order_value", "Average order value", kpis.average_order_value, amount),
        _headline(
            "delivered",
            "Delivered / pending",
            compact(kpis.delivered),
            f"{exact(kpis.delivered)} delivered, {exact(kpis.pending)} pending",
        )
        | {
            "small": f" / {compact(kpis.pending)}",
            "share": [
                {"key": name, "size": size, "color": status_color(name, ())}
                for name, size in (("Delivered", kpis.delivered), ("Pending", kpis.pending))
                if size
            ],
        },
        _headline("quantity", "Quantity ordered", compact(kpis.quantity), exact(kpis.quantity)),
        _headline(
            "late_share",
            "Late deliveries",
            percent(late) if late is not None else INCOMPLETE if "late_share" in kpis.incomplete else NOTHING,
            f"{late:.6f} of the delivered orders" if late is not None else _without(kpis, "late_share"),
        ),
    ]
    for row in rows:
        key = row["key"]
        row["spark"] = [round(point, 4) for point in answer.timeline.sparks.get(key, ())]
        if answer.before is not None:
            row |= _versus(key, getattr(kpis, key), getattr(answer.before, key))
    return {"rows": rows + [_measure(name, value, amount) for name, value in kpis.measures.items()]}


def _measure(name: str, value: Decimal | int | None, amount: Any) -> Row:
    """The headline of a measure that is a figure of its own."""
    label = name.replace("_", " ").capitalize()
    if value is None:
        return _headline(name, label, INCOMPLETE, NOT_FILLED)
    if isinstance(value, Decimal):
        return _amount(name, label, value, amount)
    return _headline(name, label, compact(value), exact(value))


def _without(kpis: Kpis, figure: str) -> str:
    """Why a figure about deliveries has no value."""
    return NOT_FILLED if figure in kpis.incomplete else "nothing delivered"


def _headline(key: str, label: str, value: str, exact_text: str) -> Row:
    return {"key": key, "label": label, "value": value, "exact": exact_text, "note": ""}


def _amount(key: str, label: str, value: Decimal, amount: Any) -> Row:
    return _headline(key, label, amount(value, short=True), amount(value, short=False))


def _versus(key: str, now: Any, before: Any) -> Row:
    if key == "late_share":
        if now is None or before is None:
            return {"note": "nothing to compare with"}
        return _tone(now - before, f"{abs(now - before) * 100:.1f} points", rising_is_good=False)
    relative = change(now, before)
    if relative is None:
        return {"note": "nothing to compare with"}
    # Fewer delivered may only mean that the orders are young: neither good nor bad.
    return _tone(relative, percent(abs(relative)), rising_is_good=None if key == "delivered" else True)


def _tone(rise: float, text: str, *, rising_is_good: bool | None) -> Row:
    if abs(rise) < 0.0005:
        return {"change": "unchanged"}
    arrow = "▲" if rise > 0 else "▼"
    tone = "" if rising_is_good is None else "good" if (rise > 0) is rising_is_good else "bad"
    return {"change": f"{arrow} {text}", "tone": tone, "note": "vs. before"}


def _legend(timeline: Timeline, kpis: Kpis, filters: _Filters) -> Content:
    counts, selected = kpis.by_status, filters.selected("status")
    rows = [
        {
            "key": status,
            "name": status,
            "figure": compact(counts.get(status, 0)),
            "exact": f"{exact(counts.get(status, 0))} orders",
            "color": status_color(status, timeline.statuses),
            "selected": status in selected,
            "fixed": status not in counts,
        }
        for status in timeline.statuses
    ]
    note = f"orders per {timeline.per}" + (f" · {note}" if (note := filters.note(of_items=False)) else "")
    empty = "" if rows else NO_ORDERS
    return {"title": "Delivery status over time", "note": note, "rows": rows, "csv": True, "empty": empty}


def _revenue(answer: Answer, filters: _Filters, amount: Any) -> Content:
    note = f"per {answer.timeline.per}, without cancelled and returned orders"
    empty = "" if answer.timeline.exact else NO_ORDERS
    return {"title": "Revenue over time", "note": note, "rows": [], "csv": True, "empty": empty}


def _counts(title: str, dimension: str, counts: Mapping[str, int], filters: _Filters) -> Content:
    total = sum(counts.values())
    ordered = sorted(counts, key=status_rank)
    rows = [
        _row(name, counts[name], max(counts.values()), compact(counts[name]), _share(counts[name], total), "orders")
        | {"color": status_color(name, tuple(ordered))}
        for name in ordered
    ]
    return _bars(title, dimension, rows, filters, of_items=False, rows_max=STATUSES_MAX)


def _order_groups(
    title: str, dimension: str, groups: Mapping[str, OrderGroup], filters: _Filters, amount: Any
) -> Content:
    total = sum(group.orders for group in groups.values())
    most = max((group.orders for group in groups.values()), default=0)
    rows = []
    for name, group in sorted(groups.items(), key=lambda pair: (-pair[1].orders, pair[0])):
        row = _row(name, group.orders, most, compact(group.orders), _share(group.orders, total), "orders")
        row["exact"] += f" · {amount(group.revenue, short=False)} · {_punctuality(group)}"
        rows.append(row)
    return _bars(title, dimension, rows, filters, of_items=False)


def _punctuality(group: OrderGroup) -> str:
    if group.late is None:
        return "late: incomplete"
    if group.late_share is None or group.average_delay_hours is None:
        return "nothing delivered"
    days = group.average_delay_hours / 24
    return f"{percent(group.late_share)} late · {abs(days):.1f} days {'after' if days > 0 else 'before'} the promise"


def _couriers(groups: Mapping[str, OrderGroup], filters: _Filters, amount: Any) -> Content:
    content = _order_groups("Orders by courier", "courier", groups, filters, amount)
    for row in content["rows"]:
        group = groups[row["name"]]
        late = group.late_share
        nothing = INCOMPLETE if group.late is None else NOTHING
        row["second"] = nothing if late is None else f"{late * 100:.1f} % late"
    return content


def _products(products: Iterable[ProductSales], filters: _Filters) -> Content:
    entries = list(products)
    most = max((entry.quantity for entry in entries), default=0)
    rows = [
        _row(entry.name, entry.quantity, most, compact(entry.quantity), "", "sold")
        | {"key": str(entry.product_id), "fixed": True}
        for entry in entries
    ]
    return _bars("Top products", "product", rows, filters, of_items=True)


def _item_groups(
    title: str, dimension: str, groups: Mapping[str, ItemGroup], measure: str, unit: str, filters: _Filters, amount: Any
) -> Content:
    values = {name: getattr(group, measure) for name, group in groups.items()}
    total, most = sum(values.values()), max(values.values(), default=0)
    rows = []
    for name, value in sorted(values.items(), key=lambda pair: (-pair[1], pair[0])):
        row = _row(name, value, most, compact(value), _share(value, total), unit)
        group = groups[name]
        revenue = "revenue: incomplete" if group.revenue is None else amount(group.revenue, short=False)
        row["exact"] += f" · {exact(group.order_items)} order items · {revenue}"
        rows.append(row)
    return _bars(title, dimension, rows, filters, of_items=True)


def _row(name: str, value: int, most: int, figure: str, second: str, unit: str) -> Row:
    return {
        "key": name,
        "name": name,
        "figure": figure,
        "second": second,
        "exact": f"{exact(value)} {unit}",
        "width": round(100 * value / most, 1) if most else 0,
    }


def _bars(
    title: str, dimension: str, rows: list[Row], filters: _Filters, *, of_items: bool, rows_max: int = ROWS_MAX
) -> Content:
    selected = filters.selected(dimension) if dimension in DIMENSIONS else frozenset()
    # What is chosen stays in sight, wherever it ranks.
    kept = [row for position, row in enumerate(rows) if position < rows_max or row["key"] in selected]
    for row in kept:
        row.setdefault("color", ACCENTS.get(dimension))
        row.setdefault("fixed", not filters.pressable(dimension))
        row["selected"] = row["key"] in selected
    note = filters.note(of_items=of_items)
    if len(rows) > len(kept):
        note = f"{len(kept)} of {len(rows)}" + (f" · {note}" if note else "")
    return {"title": title, "note": note, "rows": kept, "csv": True, "empty": "" if rows else NO_ORDERS}


def _share(part: int, total: int) -> str:
    return percent(part / total) if total else NOTHING
