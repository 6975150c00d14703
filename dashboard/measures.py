"""The measures of a bar card, each with a value for every bar. The browser switches from one to another."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dashboard.headlines import Content, Row
from dashboard.text import NOTHING, in_a_line, percent
from ecommerce.kpis.figures import ItemGroup, OrderGroup
from ecommerce.readable import compact, exact

Value = int | float | Decimal | None
LATE_NOTE = "late: of those that were due"
ITEMS_NOTE = "of items after discount, without shipping"
"""An order's revenue is what the customer was asked to pay."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of a card."""

    key: str
    label: str
    """As the switch calls it: the unit of the bars."""
    values: Mapping[str, Value]
    """By the name of the bar; None where there is none."""
    figures: Mapping[str, str]
    seconds: Mapping[str, str]
    """What stands behind each figure: its share, mostly."""
    note: str = ""

    def ordered(self, rows: Mapping[str, Row]) -> list[Row]:
        """The bars with this measure, the largest first."""
        known = [float(value) for value in self.values.values() if value is not None]
        most = max(known, default=0.0)
        return [
            rows[name]
            | {
                "figure": self.figures[name],
                "second": self.seconds[name],
                "width": round(100 * max(0.0, float(value or 0)) / most, 1) if most > 0 else 0,
            }
            for name, value in sorted(self.values.items(), key=lambda pair: (pair[1] is None, -(pair[1] or 0), pair[0]))
        ]


def of_orders(groups: Mapping[str, OrderGroup], amount: Any) -> list[Measure]:
    """The measures of groups of orders: the late share only where it is known."""
    orders = {name: group.orders for name, group in groups.items()}
    measures = [
        Measure("orders", "Orders", orders, _texts(orders, compact), shares(orders)),
        _revenue({name: group.revenue for name, group in groups.items()}, amount),
    ]
    if any(group.late_share is not None for group in groups.values()):
        late = {name: group.late_share for name, group in groups.items()}
        texts = {name: NOTHING if share is None else percent(share) for name, share in late.items()}
        measures.append(Measure("late", "Late share", late, texts, _texts(groups, _late_of_due), LATE_NOTE))
    return measures


def _late_of_due(group: OrderGroup) -> str:
    if not group.due or group.due_late is None or group.overdue is None:
        return ""
    return f"{exact(group.due_late + group.overdue)} of {exact(group.due)}"


def of_items(groups: Mapping[str, ItemGroup], amount: Any, first: str) -> list[Measure]:
    """The measures of groups of order items, that of the name `first` before the others."""
    measures = []
    for key, label in (("quantity", "Pieces"), ("order_items", "Order items")):
        counts = {name: getattr(group, key) for name, group in groups.items()}
        measures.append(Measure(key, label, counts, _texts(counts, compact), shares(counts)))
    revenue = {name: group.revenue for name, group in groups.items() if group.revenue is not None}
    if len(revenue) == len(groups):  # else not known yet of all orders
        measures.append(_revenue(revenue, amount, ITEMS_NOTE))
    return sorted(measures, key=lambda measure: measure.key != first)


def _revenue(amounts: Mapping[str, Decimal], amount: Any, note: str = "") -> Measure:
    texts = {name: amount(value, short=True) for name, value in amounts.items()}
    return Measure("revenue", "Revenue", amounts, texts, shares(amounts), note)


def shares(values: Mapping[str, Any]) -> dict[str, str]:
    """Of each value its share of their sum."""
    total = sum(values.values())
    return {name: percent(float(value / total)) if total > 0 else NOTHING for name, value in values.items()}


def _texts(values: Mapping[str, Any], text: Callable[[Any], str]) -> dict[str, str]:
    return {name: text(value) for name, value in values.items()}


def switched(
    measures: Sequence[Measure], titles: Mapping[str, str], content_of: Callable[[Measure], Content]
) -> Content:
    """A card with its measures: the first as it is drawn, of the others what differs.

    `titles` are those of the card by measure; a measure that is not there keeps the first one's.
    """
    contents = [content_of(measure) for measure in measures]
    first = contents[0]
    known = {row["key"] for row in first["rows"]}
    more: dict[str, Row] = {}
    entries = []
    for measure, content in zip(measures, contents, strict=True):
        rows = content["rows"]
        more |= {row["key"]: row for row in rows if row["key"] not in known}
        entries.append(
            {
                "key": measure.key,
                "label": measure.label,
                "title": titles.get(measure.key, first["title"]),
                "note": in_a_line(measure.note, content["note"]),
                "rows": [[row[name] for name in ("key", "figure", "second", "width")] for row in rows],
            }
        )
    return first | {"note": entries[0]["note"], "measures": entries, "more": list(more.values())}
