"""The card of sales says what the figures say, and names what is in other currencies."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl

from dashboard.downloads import card_csv
from dashboard.figures import Answer, Question
from dashboard.sales_card import LINES, sales_card
from dashboard.timeline import drawn
from ecommerce.kpis import Filters, Kpis, Span
from ecommerce.kpis.catalog import Catalog
from ecommerce.kpis.compute import kpis_of, timeline_of
from ecommerce.kpis.figures import json_value
from ecommerce.shop import Shop
from ecommerce.summaries.cells import cells_of_orders
from ecommerce.summaries.cells.rollup import Rollup
from ecommerce.summaries.counts import Counts
from tests.summaries_data import random_orders

ROLLUP = Rollup.of_cells(cells_of_orders(random_orders(200)))
SHOP = Shop("EUR", "UTC")
CATALOG = Catalog({}, {}, pl.DataFrame(schema={"product_id": pl.Int64, "category": pl.String}))


def figures(currency: str | None = None, rollup: Rollup = ROLLUP) -> Kpis:
    def names(ids: list[int]) -> dict[int, str]:
        return dict.fromkeys(ids, "")

    filters = Filters(currency=currency)
    return kpis_of(rollup, Span(), filters, CATALOG, names, Counts(0, 0), datetime.now(UTC), SHOP)


def answer(kpis: Kpis, before: Kpis | None = None) -> Answer:
    timeline = drawn(timeline_of(ROLLUP, "day", SHOP, Filters()), "day", Span(), None, ZoneInfo("UTC"))
    question = Question(Span(), Filters())
    return Answer(question, 1, kpis, kpis if before else None, before, timeline, {})


def test_each_figure_of_sales_has_its_line_in_the_currency_that_is_asked_for() -> None:
    kpis = figures("USD")
    assert kpis.sales is not None
    card = json.loads(sales_card(answer(kpis), ""))
    shown = {row["key"]: row["cells"][1] for row in card["rows"]}
    assert list(shown) == list(LINES)
    for name in LINES:
        digits = "".join(character for character in shown[name] if character in "-0123456789.")
        assert abs(float(digits)) == abs(float(getattr(kpis.sales, name))), name
    assert [column["name"] for column in card["columns"]] == ["Figure", "USD"]
    assert "in EUR" in card["note"] and "in USD" not in card["note"]
    csv = card_csv("sales", answer(kpis))
    assert f"net_sales,{json_value(kpis.sales)['net_sales'].lstrip('-')}" in csv.replace("'", "").replace(",-", ",")


def test_sales_are_compared_where_the_span_is() -> None:
    card = json.loads(
        sales_card(answer(figures(), figures(rollup=Rollup.of_cells(cells_of_orders(random_orders(90))))), "1–2 Mar")
    )
    assert [column["name"] for column in card["columns"]] == ["Figure", "EUR", "Change of full hours", "1–2 Mar"]
    assert {len(row["cells"]) for row in card["rows"]} == {4}


def test_sales_obey_no_filter_and_say_so() -> None:
    of_filters = answer(figures())
    chosen = Filters(payment_types=frozenset({"card"}), categories=frozenset({"Books"}))
    of_filters = replace(of_filters, question=replace(of_filters.question, filters=chosen))
    assert "not filtered by payment and category" in json.loads(sales_card(of_filters, ""))["note"]
    assert "not filtered" not in json.loads(sales_card(answer(figures()), ""))["note"]


def test_a_share_of_costs_that_refunds_push_out_of_range_is_not_written_as_one() -> None:
    kpis = figures()
    assert kpis.sales is not None
    for share, said in ((0.5, "known of 50.0 % of"), (1.034, "known of some of")):
        known = replace(kpis, sales=replace(kpis.sales, cost_known_share=share))
        assert f"costs are {said} net sales" in json.loads(sales_card(answer(known), ""))["note"]
