"""What the overview's cards and their downloads say of figures."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from dashboard.cards import overview_cards
from dashboard.downloads import BYTE_ORDER_MARK, card_csv, headline_csv
from dashboard.figures import Answer, Question
from dashboard.measures import Measure
from dashboard.timeline import drawn
from ecommerce.kpis import Filters, Span
from ecommerce.kpis.catalog import Catalog
from ecommerce.kpis.compute import kpis_of, timeline_of
from ecommerce.shop import Shop
from ecommerce.summaries.cells import cells_of_orders
from ecommerce.summaries.cells.rollup import Rollup
from ecommerce.summaries.counts import Counts
from tests.summaries_data import START, random_orders

ORDERS = random_orders(300)
AS_OF = START + timedelta(days=20)
"""Some promises are past by then, and others are not."""
SHOP, UTC_ZONE = Shop("EUR", "UTC"), ZoneInfo("UTC")


def answer_of(orders: list[Any], as_of: datetime = AS_OF, span: Span | None = None) -> Answer:
    rollup = Rollup.of_cells(cells_of_orders(orders))
    products = sorted({item.product_id for order in orders for item in order.order_items})
    categories = pl.DataFrame({"product_id": products, "category": [f"kind {each % 3}" for each in products]})
    catalog = Catalog({}, {}, categories)

    def names(ids: list[int]) -> dict[int, str]:
        return {each: f"product {each}" for each in ids}

    kpis = kpis_of(rollup, Span(), Filters(), catalog, names, Counts(0, 0), as_of, SHOP)
    frame = timeline_of(rollup, "day", SHOP, Filters())
    timeline = drawn(frame, "day", span or Span(), None, UTC_ZONE)
    return Answer(Question(Span(), Filters()), 1, kpis, None, None, timeline, {})


ANSWER = answer_of(ORDERS)


def cards(answer: Answer = ANSWER) -> dict[str, Any]:
    return {name: json.loads(text) for name, text in overview_cards(answer, {}, UTC_ZONE).items()}


def csv_rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(card_csv(name, ANSWER).removeprefix(BYTE_ORDER_MARK))))


@pytest.mark.parametrize("card", ["payment", "courier", "location"])
def test_the_late_share_of_a_download_can_be_computed_from_its_columns(card: str) -> None:
    shares = 0
    for row in csv_rows(card):
        due, late, overdue = (int(row[name]) for name in ("due", "due_late", "overdue"))
        assert row["late_share"] == ("" if not due else str(round((late + overdue) / due, 6)))
        shares += due > late + overdue > 0
    assert shares
    assert sum(int(row["overdue"]) for row in csv_rows(card)) == ANSWER.kpis.overdue


def test_the_exact_late_share_is_a_percentage_as_the_short_one_is() -> None:
    (late,) = (row for row in cards()["headlines"]["rows"] if row["key"] == "late_share")
    share = ANSWER.kpis.late_share
    assert share
    assert late["value"] == f"{100 * share:.1f} %"
    assert late["exact"].startswith(f"{100 * share:.4f} %: ")


def test_the_course_of_a_share_has_a_gap_where_there_is_nothing_to_take_a_share_of() -> None:
    first, last = (order for order in ORDERS if order.delivery.status == "Delivered"), 5
    days = {order.order.order_time.astimezone(UTC).date(): order for order in first}
    days = {day: days[day] for day in sorted(days)[:last]}
    span = Span(START - timedelta(days=3), START + timedelta(days=last + 3))
    sparks = answer_of(list(days.values()), span=span).timeline.sparks
    whole = [START.date() + timedelta(days=number) for number in range(-3, last + 3)]
    assert [point is None for point in sparks["average_order_value"]] == [day not in days for day in whole]
    assert "late_share" not in sparks, "how many orders of a past day were overdue is not kept"
    assert None not in sparks["orders"] and None not in sparks["revenue"]


def test_the_late_share_can_be_traced_to_the_orders_that_it_is_of() -> None:
    """In the words under the pointer, and in the figures that are saved."""
    kpis = ANSWER.kpis
    assert kpis.due and kpis.due_late and kpis.overdue
    late = kpis.due_late + kpis.overdue
    assert kpis.late_share == round(late / kpis.due, 6)
    assert {"due": kpis.due, "due_late": kpis.due_late}.items() <= kpis.to_json_dict().items()
    (row,) = (row for row in cards()["headlines"]["rows"] if row["key"] == "late_share")
    assert row["exact"].endswith(f"%: {late} of {kpis.due} due, {kpis.overdue} of them overdue")
    saved = dict(line.split(",")[:2] for line in headline_csv(ANSWER).splitlines())
    assert (saved["due"], saved["due_late"], saved["overdue"]) == (str(kpis.due), str(kpis.due_late), str(kpis.overdue))


@pytest.mark.parametrize("card", ["payment", "courier", "location", "category", "warehouse"])
def test_each_measure_of_a_card_has_all_its_bars_in_its_own_order_and_adds_up(card: str) -> None:
    content = cards()[card]
    keys = ["orders", "revenue", "late"] if card in ("payment", "courier", "location") else None
    assert [measure["key"] for measure in content["measures"]] == (keys or [MEASURED[card][1], *MEASURED[card][2]])
    groups = getattr(ANSWER.kpis, MEASURED[card][0])
    drawn_rows = {row["key"]: row for row in [*content["rows"], *content["more"]]}
    for number, measure in enumerate(content["measures"]):
        rows = measure["rows"]
        assert len(rows) == min(10, len(groups))
        assert {key for key, *_ in rows} <= drawn_rows.keys()
        widths = [width for *_, width in rows]
        assert widths == sorted(widths, reverse=True) and widths[0] == 100
        if number == 0:
            assert (measure["title"], measure["note"]) == (content["title"], content["note"])
            assert rows == [[row[name] for name in ("key", "figure", "second", "width")] for row in content["rows"]]


MEASURED = {
    "payment": ("by_payment_type", "orders", []),
    "courier": ("by_courier", "orders", []),
    "location": ("by_location", "orders", []),
    "category": ("by_category", "quantity", ["order_items", "revenue"]),
    "warehouse": ("by_warehouse", "order_items", ["quantity", "revenue"]),
}


def test_a_measure_says_what_it_counts_and_in_what_unit() -> None:
    drawn_cards = cards()
    titles = {
        name: [measure["title"] for measure in drawn_cards[name]["measures"]]
        for name in ("category", "warehouse", "courier", "payment")
    }
    assert titles == {
        "category": ["Pieces by category", "Order items by category", "Revenue by category"],
        "warehouse": ["Order items by warehouse", "Pieces by warehouse", "Revenue by warehouse"],
        "courier": ["Orders by courier", "Revenue by courier", "Late share by courier"],
        "payment": ["Payment types"] * 3,
    }
    late = drawn_cards["courier"]["measures"][2]
    assert late["note"] == "late: of those that were due"
    for key, figure, second, _ in late["rows"]:
        (group,) = (each for name, each in ANSWER.kpis.by_courier.items() if name == key)
        assert figure == f"{100 * (group.late_share or 0):.1f} %"
        assert second == f"{(group.due_late or 0) + (group.overdue or 0)} of {group.due}"
    assert all(figure.startswith("€") for _, figure, _, _ in drawn_cards["category"]["measures"][2]["rows"])
    assert "by pieces ordered" in drawn_cards["product"]["note"]


def test_a_late_share_that_nobody_knows_is_no_measure() -> None:
    early = answer_of(ORDERS, as_of=START - timedelta(days=5))
    assert [measure["key"] for measure in cards(early)["courier"]["measures"]] == ["orders", "revenue"]


def test_bars_without_a_value_come_last_and_credits_draw_none() -> None:
    values = {"a": None, "b": Decimal(-5), "c": Decimal(10)}
    texts = dict.fromkeys(values, "")
    rows: dict[str, Any] = {name: {"key": name} for name in values}
    made = Measure("revenue", "Revenue", values, texts, texts).ordered(rows)
    assert [(row["key"], row["width"]) for row in made] == [("c", 100), ("b", 0), ("a", 0)]
