"""The figures that a page shows, against those of the command line."""

import json
from decimal import Decimal
from typing import Any

from dashboard.sales_card import LINES
from dashboard.text import money, readable
from ecommerce.readable import counted, exact
from ecommerce.settings import Settings
from tests.dashboard_app import Tab, saved_rows
from tests.programs import printed


def printed_figures(shop: Settings, *options: str) -> dict[str, Any]:
    """What `ecommerce kpis --json` says of a shop."""
    figures: dict[str, Any] = json.loads(printed(shop, "kpis", "--json", *options))
    return figures


def check_figures(tab: Tab, kpis: dict[str, Any]) -> None:
    """Everything that the page shows against `ecommerce kpis --json`."""
    late = kpis["late_share"]
    tab.wait_for_headline("orders", exact(kpis["orders"]))
    tab.wait_for_headline("quantity", exact(kpis["quantity"]))
    tab.wait_for_headline("delivered", f"{exact(kpis['delivered'])} delivered, {exact(kpis['pending'])} pending")
    for key in ("revenue", "average_order_value"):
        tab.wait_for_headline(key, money(Decimal(kpis[key]), kpis["currency"], short=False))
    counts = (kpis[name] or 0 for name in ("due_late", "overdue", "due"))
    came_late, overdue, whole = counts
    due = f"{100 * (late or 0):.4f} %: {came_late + overdue:,} of {whole:,} due, {overdue:,} of them overdue"
    tab.wait_for_headline("late_share", "nothing was due" if late is None else due)

    assert tab.rows("Orders by status") == {name: counted(n, "order") for name, n in kpis["by_status"].items()}
    for title, key in (
        ("Payment types", "by_payment_type"),
        ("Orders by courier", "by_courier"),
        ("Customer locations", "by_location"),
    ):
        called = readable if key == "by_payment_type" else str
        shown = {name: text.split(" · ")[:2] for name, text in tab.rows(title).items()}
        expected = {
            called(name): [
                counted(group["orders"], "order"),
                money(Decimal(group["revenue"]), kpis["currency"], short=False),
            ]
            for name, group in sorted(kpis[key].items(), key=lambda pair: (-pair[1]["orders"], pair[0]))
        }
        assert shown == dict(list(expected.items())[: len(shown)])
        assert len(shown) >= min(10, len(expected))
    products = {product["name"]: counted(product["quantity"], "piece") for product in kpis["top_products"]}
    assert tab.rows("Top products") == products
    assert {name: text.split(" · ")[0] for name, text in tab.rows("Order items by warehouse").items()} == {
        name: counted(group["order_items"], "order item") for name, group in kpis["by_warehouse"].items()
    }
    assert {
        name: (text.split(" · ")[0], text.split(" · ")[2]) for name, text in tab.rows("Pieces by category").items()
    } == {
        name: (counted(group["quantity"], "piece"), money(Decimal(group["revenue"]), kpis["currency"], short=False))
        for name, group in kpis["by_category"].items()
    }
    timeline = download(tab, "Orders over time, by present status")
    summed: dict[str, int] = {}
    for row in timeline:
        name = row["status"].removeprefix("'")
        summed[name] = summed.get(name, 0) + int(row["orders"])
    in_timeline: dict[str, int] = {}
    for point in kpis["delivery_timeline"]:
        in_timeline[point["status"]] = in_timeline.get(point["status"], 0) + point["orders"]
    assert summed == in_timeline


def download(tab: Tab, title: str) -> list[dict[str, str]]:
    """The rows of a card's CSV."""
    return saved_rows(tab.page.get_by_role("button", name=f"Download {title} as CSV"))


def check_sales(tab: Tab, kpis: dict[str, Any]) -> None:
    """The card of sales, and what it says of other currencies, against `ecommerce kpis --json`."""
    card = tab.card("Sales")
    shown = card.locator("tbody tr").evaluate_all("rows => rows.map(row => [...row.cells].map(cell => cell.innerText))")
    expected = {
        label: money(Decimal(kpis["sales"][name]), kpis["currency"], short=False)
        for name, label in LINES.items()
        if name not in ("cost", "margin") or float(kpis["sales"]["cost_known_share"] or 0)
    }
    assert {cells[0]: cells[1] for cells in shown} == expected
    note = card.locator(".note").inner_text()
    for code, group in kpis["by_currency"].items():
        besides = f"besides total sales of {money(Decimal(group['total_sales']), code, short=False)} in {code}"
        assert (besides in note) == (code != kpis["currency"])
