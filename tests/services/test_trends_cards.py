"""What the cards of the trends page say beside their charts: of what, of what not, and compared with what."""

import csv
import json
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboard.downloads import BYTE_ORDER_MARK, card_csv
from dashboard.figures import Answer
from dashboard.state import View
from dashboard.trends_cards import trends_cards
from dashboard.trends_csv import trends_csv
from dashboard.trends_view import MEASURES, TrendsView
from dashboard.views.trends import STACKS
from ecommerce.kpis import Filters, Span
from ecommerce.mongo import MongoDatabase
from tests.services.test_trends import DAY, FIRST, LAST, asked, trends_of
from tests.services.test_zones import days
from tests.summaries_data import accept, random_orders


@pytest.mark.parametrize("measure", MEASURES)
def test_a_shop_that_had_no_order_then_is_compared_with_nothing(database: MongoDatabase, measure: str) -> None:
    made = list(random_orders(100))
    accept(database, made)
    first = min(order.order.order_time for order in made).date()
    view = View(page="trends", trends=TrendsView(measure=measure))  # type: ignore[arg-type]
    trends, _ = trends_of(database, asked(days(first, first + DAY, "UTC"), "UTC", grain="day"))
    cards = {name: json.loads(text) for name, text in trends_cards(trends, view, ZoneInfo("UTC")).items()}
    assert len(trends.before) == 2
    assert cards["course_chart"]["columns"]["before"] == [None, None]
    assert [(row["name"], row["figure"]) for row in cards["course"]["rows"][1:]] == [
        ("what it is compared with: no order then", "–")
    ]


@pytest.mark.parametrize("measure", MEASURES)
def test_cards_and_downloads_say_the_same_and_columns_are_of_one_length(database: MongoDatabase, measure: str) -> None:
    accept(database, random_orders(300))
    view = View(page="trends", trends=TrendsView(measure=measure))  # type: ignore[arg-type]
    for span in (Span(), days(FIRST, LAST, "UTC"), days(FIRST - 400 * DAY, FIRST - 399 * DAY, "UTC")):
        trends, kpis = trends_of(database, asked(span, "UTC"))
        cards = {name: json.loads(text) for name, text in trends_cards(trends, view, ZoneInfo("UTC")).items()}
        named = {name for each in STACKS for card in each["cards"] for name in (card["name"], card["chart"]) if name}
        assert cards.keys() == named
        for content in cards.values():
            assert len({len(values) for values in content.get("columns", {}).values()}) <= 1
        for name in ("course", "rhythm", "couriers", "categories", "late", "delivery", "places"):
            lines = trends_csv(name, trends).removeprefix(BYTE_ORDER_MARK).splitlines()
            assert len({line.count(",") for line in lines}) == 1 and (len(lines) > 1 or not kpis.orders)
        if not kpis.orders:
            assert cards["course_chart"]["empty"] and "No orders" in cards["course"]["empty"]


def test_couriers_are_downloaded_as_the_overview_has_them(database: MongoDatabase) -> None:
    """Their `late` was of all deliveries, and the share beside it of those that were due."""
    accept(database, random_orders(300))
    question = asked(Span(), "UTC")
    trends, kpis = trends_of(database, question)
    timeline: Any = None
    overview = Answer(question.question, 1, kpis, None, None, timeline, {})
    text = trends_csv("couriers", trends)
    assert text == card_csv("courier", overview)
    for row in csv.DictReader(text.removeprefix(BYTE_ORDER_MARK).splitlines()):
        due, late, overdue = (int(row[name]) for name in ("due", "due_late", "overdue"))
        assert row["late_share"] == (str(round((late + overdue) / due, 6)) if due else "")


def test_each_card_says_which_filters_it_does_not_obey(database: MongoDatabase) -> None:
    accept(database, random_orders(200))
    chosen = Filters(payment_types=frozenset({"card"}), categories=frozenset({"Category 1"}))
    trends, _ = trends_of(database, asked(Span(), "UTC", chosen))

    def notes(measure: str) -> dict[str, str]:
        view = View(trends=TrendsView(measure=measure))  # type: ignore[arg-type]
        cards = trends_cards(trends, view, ZoneInfo("UTC"))
        return {name: json.loads(text).get("note", "") for name, text in cards.items()}

    of_sales, of_orders = notes("net_sales"), notes("orders")
    assert of_sales["course"].endswith("not filtered by payment and category")
    for name in ("course", "rhythm", "couriers", "late"):
        assert of_orders[name].endswith("not filtered by category"), name
    assert of_orders["categories"].endswith("not filtered by payment")
    assert "not filtered" not in of_orders["delivery"], "those are looked at one by one"


def test_a_course_of_one_status_says_that_the_youngest_orders_are_not_finished(database: MongoDatabase) -> None:
    accept(database, random_orders(200))
    for statuses, is_said in ((frozenset({"Delivered"}), True), (frozenset[str](), False)):
        trends, _ = trends_of(database, asked(Span(), "UTC", Filters(statuses=statuses)))
        cards = trends_cards(trends, View(), ZoneInfo("UTC"))
        assert ("of the youngest fewer are finished" in json.loads(cards["course"])["note"]) is is_said
        assert json.loads(cards["delivery"])["note"].endswith("orders that are under way left out")


def test_what_some_orders_do_not_tell_is_incomplete_and_never_zero(database: MongoDatabase) -> None:
    accept(database, random_orders(50))
    trends, _ = trends_of(database, asked(Span(), "UTC"))
    unknown = replace(trends, now=tuple(replace(point, net_sales=None, late=None) for point in trends.now))
    view = View(page="trends", trends=TrendsView(measure="net_sales"))
    cards = {name: json.loads(text) for name, text in trends_cards(unknown, view, ZoneInfo("UTC")).items()}
    for name in ("course", "late"):
        assert "ecommerce upgrade" in cards[name]["empty"] and cards[f"{name}_chart"]["empty"]
