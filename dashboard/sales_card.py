"""The card of sales: from gross sales to the total, with what they were before."""

from functools import partial
from typing import Any

from dashboard.figures import Answer
from dashboard.state import not_filtered_note
from dashboard.tables import column, table
from dashboard.text import NOTHING, change, change_text, in_a_line, money, percent
from ecommerce.kpis.figures import Sales

LINES = {
    "gross_sales": "Gross sales",
    "discounts": "− Discounts",
    "returns": "− Returns",
    "net_sales": "Net sales",
    "tax": "+ Tax",
    "shipping": "+ Shipping",
    "total_sales": "Total sales",
    "cost": "Cost, where it is known",
    "margin": "Margin on that",
}
"""Figures of sales in the order in which they make the total."""


def sales_card(answer: Answer, before_days: str, not_comparable: str = "") -> str:
    """A line for each figure; in the note, where orders have several currencies, the total of each.

    `before_days` names the days that they are compared with, and `not_comparable` says why they are not.
    """
    kpis = answer.kpis
    if kpis.sales is None:
        return table(
            "Sales", "", [column("Figure")], [], "incomplete: `ecommerce upgrade` fills them in from the archive"
        )
    amount = partial(money, currency=kpis.currency, short=False)
    before = answer.before.sales if answer.before and not not_comparable else None
    done = answer.done.sales if answer.done else None
    rows: list[dict[str, Any]] = []
    for name, label in LINES.items():
        value = getattr(kpis.sales, name)
        if name in ("cost", "margin") and not kpis.sales.cost_known_share:
            continue
        cells = [label, amount(value)]
        if done and before:
            cells += [_changed(done, before, name), amount(getattr(before, name))]
        rows.append({"key": name, "cells": cells})
    columns = [column("Figure"), column(kpis.currency, number=True)]
    if done and before:
        columns += [column("Change of full hours", number=True), column(before_days or "Before", number=True)]
    notes = [f"{before_days}: {not_comparable}"] if not_comparable else []
    notes += ["refunds count on their own day", not_filtered_note(answer.question.filters)]
    if share := kpis.sales.cost_known_share:
        # Refunds and credits make parts of net sales negative, so that a part can be more than the whole.
        known = percent(share) if 0 <= share <= 1 else "some"
        notes.append(f"costs are known of {known} of net sales")
    if kpis.by_currency and len(kpis.by_currency) > 1:
        notes += [
            f"besides total sales of {money(group.total_sales, code, short=False)} in {code}"
            for code, group in kpis.by_currency.items()
            if code != kpis.currency
        ]
    return table("Sales", in_a_line(*notes), columns, rows, "")


def _changed(done: Sales, before: Sales, name: str) -> str:
    relative = change(getattr(done, name), getattr(before, name))
    if relative is None or abs(relative) < 0.0005:
        return NOTHING
    return f"{'▲' if relative > 0 else '▼'} {change_text(relative)}"
