"""Figures as CSV: every row, exact, and no cell that a spreadsheet would take for a formula."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from dashboard.figures import Answer
from dashboard.state import ORDER_DIMENSIONS, not_filtered_by
from ecommerce.kpis.figures import json_value, money_text
from ecommerce.spreadsheet import spreadsheet_cell

BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel takes UTF-8 for the machine's old code page."""


HEADLINES = (
    "orders",
    "revenue",
    "average_order_value",
    "delivered",
    "pending",
    "quantity",
    "late_share",
    "overdue",
    "due_late",
    "due",
)
ORDER_COLUMNS = (
    "orders",
    "revenue",
    "quantity",
    "delivered",
    "due",
    "due_late",
    "overdue",
    "late_share",
    "average_delay_hours",
)
"""Fields of `OrderGroup`. All parts of `late_share` are there: it is (due_late + overdue) / due."""
ITEM_COLUMNS = ("order_items", "quantity", "revenue")
"""Fields of `ItemGroup`."""


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as CSV (RFC 4180) with text cells made harmless."""
    return BYTE_ORDER_MARK + csv_lines([columns, *rows])


def csv_lines(rows: Iterable[Iterable[object]]) -> str:
    """Rows as lines of CSV. A number is a number: only texts can be taken for a formula."""
    target = io.StringIO()
    csv.writer(target, lineterminator="\r\n").writerows([spreadsheet_cell(cell) for cell in row] for row in rows)
    return target.getvalue()


def card_csv(name: str, answer: Answer) -> str:
    """All rows of one card of the overview."""
    kpis = answer.of_card(name)
    match name:
        case "status":
            return csv_text(["status", "orders"], kpis.by_status.items())
        case "payment":
            return groups_csv("payment_type", kpis.by_payment_type, ORDER_COLUMNS)
        case "courier":
            return groups_csv("courier", kpis.by_courier, ORDER_COLUMNS)
        case "location":
            return groups_csv("location", kpis.by_location, ORDER_COLUMNS)
        case "category":
            return groups_csv("category", kpis.by_category, ITEM_COLUMNS)
        case "warehouse":
            return groups_csv("warehouse", kpis.by_warehouse, ITEM_COLUMNS)
        case "product":
            rows = ((product.product_id, product.name, product.quantity) for product in kpis.top_products)
            return csv_text(["product_id", "name", "quantity"], rows)
        case "legend":
            return _timeline(answer)
        case "revenue":
            return _revenue(answer)
        case "sales":
            found = json_value(kpis.sales) or {}
            return csv_text(["figure", kpis.currency], ([name, value] for name, value in found.items()))
    raise ValueError(f"there is no card {name!r}")


def table_csv(content: str) -> str:
    """The table that a card's content draws."""
    table = json.loads(content)
    rows = ([_text(cell) for cell in row["cells"]] for row in table["rows"])
    return csv_text([column["name"] for column in table["columns"]], rows)


def _text(cell: Any) -> object:
    return cell["text"] if isinstance(cell, dict) else cell


def headline_csv(answer: Answer) -> str:
    """The headlines of a span, and of the two spans that are compared: its hours that are over, and those before."""
    question = answer.question
    compared = question.compared
    spans = [question.span, compared.done if compared else None, compared.before if compared else None]
    figures = [answer.kpis, answer.done, answer.before]
    rows: list[Sequence[object]] = [
        [end, *(at.isoformat() if span and (at := getattr(span, end)) else "" for span in spans)]
        for end in ("start", "end")
    ]
    rows += [[name, *(cell_of(getattr(kpis, name)) if kpis else "" for kpis in figures)] for name in HEADLINES]
    rows.append(["not_filtered_by", " ".join(not_filtered_by(question.filters, ORDER_DIMENSIONS)), "", ""])
    return csv_text(["figure", "value", "full_hours", "before"], rows)


def groups_csv(key: str, groups: Mapping[str, Any], columns: Sequence[str]) -> str:
    """Groups of orders or items by name; `columns` are fields of theirs."""
    rows = ([name, *(cell_of(getattr(group, column)) for column in columns)] for name, group in groups.items())
    return csv_text([key, *columns], rows)


def cell_of(value: object) -> object:
    """A figure as it stands in a table: an amount with all its decimals."""
    return money_text(value) if isinstance(value, Decimal) else value


def _timeline(answer: Answer) -> str:
    rows = (
        (bucket.start.isoformat(), status, orders, bucket.complete) for bucket, status, orders in answer.timeline.counts
    )
    return csv_text(["time", "status", "orders", "complete"], rows)


def _revenue(answer: Answer) -> str:
    rows = (
        (bucket.start.isoformat(), orders, money_text(revenue), bucket.complete)
        for bucket, orders, revenue in answer.timeline.exact
    )
    return csv_text(["time", "orders", "revenue", "complete"], rows)
