"""The trends page's figures: by whatever hour, day, week or month, they add up to those of `kpis`."""

import csv
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from dashboard.downloads import BYTE_ORDER_MARK
from dashboard.figures import Question, question_of
from dashboard.spans import comparison
from dashboard.state import View
from dashboard.trends import Point, Trends, TrendsQuestion, read_trends
from dashboard.trends_buckets import bucket_label, days_between, milliseconds
from dashboard.trends_cards import trends_cards
from dashboard.trends_csv import COUNTED, trends_csv
from dashboard.trends_over_time import course
from dashboard.trends_view import GRAINS, MEASURES, Grain, Measure, grain_of, grains_of
from ecommerce.documents.order import OrderDocument
from ecommerce.documents.statuses import DELIVERED, canonical
from ecommerce.kpis import Filters, Kpis, KpiStore, Span, compute_kpis
from ecommerce.mongo import MongoDatabase
from ecommerce.shop import Shop, read_shop, write_shop
from tests.services.test_zones import days, orders, zone
from tests.summaries_data import START, accept, random_orders

__all__ = ["orders", "zone"]

DAY = timedelta(days=1)
NOW = START + 60 * DAY
FIRST, LAST = (START + 5 * DAY).date(), (START + 24 * DAY).date()


def asked(span: Span, zone: str, filters: Filters | None = None, grain: Grain | None = None) -> TrendsQuestion:
    compared = comparison(span, NOW, ZoneInfo(zone))
    return TrendsQuestion(Question(span, filters or Filters(), compared), grain)


def trends_of(database: MongoDatabase, question: TrendsQuestion) -> tuple[Trends, Kpis]:
    kpis = compute_kpis(database, question.question.span, question.question.filters)
    return read_trends(database, read_shop(database), question, lambda: kpis), kpis


def sums_of(trends: Trends) -> dict[str, object]:
    return {
        "orders": sum(point.orders for point in trends.now),
        "revenue": sum((point.revenue for point in trends.now), Decimal(0)),
        "net_sales": sum((point.net_sales or Decimal(0) for point in trends.now), Decimal(0)),
        "delivered": sum(point.delivered for point in trends.now),
        "rhythm": int(trends.rhythm.sum()),
        "categories": {
            name: (sum(units for units, _ in row), sum((revenue or Decimal(0) for _, revenue in row), Decimal(0)))
            for name, row in trends.sold.items()
        },
        "couriers": dict(trends.couriers),
    }


def expected(kpis: Kpis) -> dict[str, object]:
    assert kpis.sales is not None
    return {
        "orders": kpis.orders,
        "revenue": kpis.revenue,
        "net_sales": kpis.sales.net_sales,
        "delivered": kpis.delivered,
        "rhythm": kpis.orders,
        "categories": {name: (group.quantity, group.revenue) for name, group in kpis.by_category.items()},
        "couriers": dict(kpis.by_courier),
    }


def test_every_grain_adds_up_to_the_figures_of_the_span(
    database: MongoDatabase, zone: str, orders: list[OrderDocument]
) -> None:
    filters = (Filters(), Filters(statuses=frozenset({"Shipped", DELIVERED}), currency="EUR"))
    for span in (Span(), days(FIRST, LAST, zone), days(FIRST, FIRST, zone)):
        for chosen in filters:
            for grain in GRAINS:
                trends, kpis = trends_of(database, asked(span, zone, chosen, grain))
                assert sums_of(trends) == expected(kpis), (span, chosen, grain)
                if (compared := trends.asked.question.compared) is not None:
                    before = compute_kpis(database, compared.before, chosen)
                    assert sum(point.orders for point in trends.before) == before.orders
                    assert sum((point.revenue for point in trends.before), Decimal(0)) == before.revenue
    assert orders


def test_what_was_sold_is_the_same_however_many_pieces_it_is_read_in(
    database: MongoDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = list(random_orders(60))
    for start in range(0, len(made), 10):  # a summary of changes each
        accept(database, made[start : start + 10])
        KpiStore(database).refresh()
    whole, _ = trends_of(database, asked(Span(), "UTC"))
    monkeypatch.setattr("ecommerce.kpis.trends.GATHERED", 1)
    in_pieces, _ = trends_of(database, asked(Span(), "UTC"))
    assert in_pieces.sold == whole.sold != {}


def test_days_hours_and_deliveries_are_those_of_the_orders(
    database: MongoDatabase, zone: str, orders: list[OrderDocument]
) -> None:
    # Refunds may come years later, so that all of time is drawn by the month.
    trends, _ = trends_of(database, asked(days(START.date() - DAY, START.date() + 45 * DAY, zone), zone, grain="day"))
    real = [order for order in orders if order.order_items or not order.refunds]
    local = [order.order.order_time.astimezone(ZoneInfo(zone)) for order in real]
    assert {p.start.date(): p.orders for p in trends.now if p.orders} == Counter(time.date() for time in local)
    rhythm = Counter((time.weekday(), time.hour) for time in local)
    assert {(d, h): int(trends.rhythm[d, h]) for d in range(7) for h in range(24) if trends.rhythm[d, h]} == rhythm
    took = [
        (order.delivery.actual_time - order.order.order_time).total_seconds() / 86_400
        for order in orders
        if canonical(order.delivery.status) == DELIVERED and order.delivery.actual_time is not None
    ]
    assert trends.delivery_days == Counter(int(min(max(each // 1, 0), 30)) for each in took)
    delivered = sum(canonical(order.delivery.status) == DELIVERED for order in orders)
    assert trends.delivered_without_time == delivered - len(took)
    for days_taken, without, says in (
        ({}, 0, "No delivered order of this span is in MongoDB"),
        ({}, 1, "1 delivered order of this span in MongoDB has no delivery time"),
        ({}, 33, "33 delivered orders of this span in MongoDB have no delivery time"),
        ({2: 5}, 33, "5 delivered orders, hot ones alone · 33 more without a delivery time · half of them"),
    ):
        one = replace(trends, delivery_days=days_taken, delivered_without_time=without)
        assert says in trends_cards(one, View(), ZoneInfo(zone))["delivery"]
    assert trends.places is not None
    placed = Counter(time.date() for time in local)
    shown = {place.start.date(): place.hot for place in trends.places if place.hot}
    assert shown == placed
    assert all(place.archived == 0 for place in trends.places)


@pytest.mark.parametrize("grain", GRAINS)
def test_a_box_chooses_the_days_of_the_points_that_are_drawn_in_it(
    database: MongoDatabase, zone: str, grain: Grain
) -> None:
    last = FIRST + 3 * DAY if grain == "hour" else FIRST + 100 * DAY
    trends, _ = trends_of(database, asked(days(FIRST, last, zone), zone, grain=grain))
    points = trends.now
    cards = trends_cards(trends, View(page="trends"), ZoneInfo(zone))
    times = json.loads(cards["course_chart"])["columns"]["time"]
    bars = json.loads(cards["categories_chart"])["columns"]
    assert {(left + right) / 2 for left, right in zip(bars["left"], bars["right"], strict=True)} <= set(times)
    # Of a bucket that the span cuts, the days that are in the span.
    ends = [
        (max(point.start.date(), FIRST), min((point.end - timedelta(milliseconds=1)).date(), last)) for point in points
    ]
    for i in range(len(points)):
        # A click chooses its bucket, wherever in it; so does a box between two points.
        for at in (milliseconds(points[i].start), times[i], milliseconds(points[i].end) - 2):
            assert days_between(points, at, at + 1) == ends[i]
        for j in range(i, len(points)):
            assert days_between(points, times[i] - 1, times[j] + 1) == (ends[i][0], ends[j][1])
            assert days_between(points, times[j] + 1, times[i] - 1) == (ends[i][0], ends[j][1])
            if j - i > 1:
                assert days_between(points, times[i] + 1, times[j] - 1) == (ends[i + 1][0], ends[j - 1][1])
    assert days_between(points, times[0] - 1, times[-1] * 2) == (ends[0][0], ends[-1][1])
    assert days_between(points, times[-1] * 2, times[-1] * 3) is None
    assert days_between((), 0, 1) is None


def test_a_box_chooses_no_day_that_is_not_drawn_yet() -> None:
    drawn, ahead = (Point(START + day * DAY, START + (day + 1) * DAY, False, asked=day == 0) for day in (0, 1))
    all_of_it = milliseconds(drawn.start), milliseconds(ahead.end)
    assert days_between((drawn, ahead), *all_of_it) == (drawn.start.date(), drawn.start.date())


@pytest.mark.parametrize("grain", ["week", "month"])
def test_a_bucket_that_the_span_cuts_is_a_part_wherever_it_is_drawn(database: MongoDatabase, grain: Grain) -> None:
    zone = "America/New_York"
    write_shop(database, Shop("USD", zone))
    accept(database, random_orders(600))
    first, last = date(2026, 3, 3), date(2026, 4, 3)
    trends, _ = trends_of(database, asked(days(first, last, zone), zone, grain=grain))
    assert [point.complete for point in trends.now] == [False, *[True] * (len(trends.now) - 2), False]

    rows = csv_rows(trends, "course")
    assert [row["complete"] for row in rows if row["span"] == "now"] == [str(point.complete) for point in trends.now]
    assert rows[0]["counted_from"] == "2026-03-03T00:00:00"
    compared = [row for row in rows if row["span"] == "before"]
    ends = compared[0]["counted_from"], compared[-1]["counted_until"]
    assert ends == ("2026-01-30T00:00:00", "2026-03-03T00:00:00"), "the days that they come from"
    assert compared[0]["complete"] == compared[-1]["complete"] == "False"
    for row in rows:
        start, end = (datetime.fromisoformat(row[name]).replace(tzinfo=ZoneInfo(zone)) for name in COUNTED[1:])
        assert int(row["orders"]) == compute_kpis(database, Span(start, end)).orders, row
    assert {row["complete"] for row in csv_rows(trends, "categories") if row["time"] < "2026-03-03"} == {"False"}

    cards = {name: json.loads(text) for name, text in trends_cards(trends, View(page="trends"), ZoneInfo(zone)).items()}
    called = {"week": ("3–8 Mar 2026, part of a week", "30 Mar – 3 Apr 2026, part of a week"),
              "month": ("3–31 Mar 2026, part of a month", "1–3 Apr 2026, part of a month")}[grain]  # fmt: skip
    for name in ("course", "late"):
        columns = cards[f"{name}_chart"]["columns"]
        assert (columns["label"][0], columns["label"][-1]) == called
        assert columns["whole"][0] is None and columns["part"][0] is not None
        assert f"dashed: a {grain} of which this span has a part" in cards[name]["note"]
    drawn = cards["course_chart"]["columns"]
    assert drawn["before"][0] is None and drawn["part_before"][0] is not None
    bars = cards["categories_chart"]["columns"]
    lighter = {label for label, alpha in zip(bars["label"], bars["alpha"], strict=True) if alpha < 1}
    assert lighter == set(called) and f"lighter: a {grain} of which" in cards["categories"]["note"]
    assert days_between(trends.now, drawn["time"][0], drawn["time"][0]) == (first, (trends.now[0].end - DAY).date())
    assert days_between(trends.now, drawn["time"][-1], drawn["time"][-1]) == (trends.now[-1].start.date(), last)


def test_whole_buckets_and_all_of_time_have_no_parts(database: MongoDatabase) -> None:
    accept(database, random_orders(200))
    march = days(date(2026, 3, 1), date(2026, 3, 31), "UTC")
    whole: tuple[tuple[Span, Grain], ...] = ((Span(), "month"), (Span(), "week"), (march, "month"))
    for span, grain in whole:
        trends, _ = trends_of(database, asked(span, "UTC", grain=grain))
        assert all(point.complete for point in trends.now if not point.running)
        cards = trends_cards(trends, View(page="trends"), ZoneInfo("UTC"))
        assert not any("part" in json.loads(cards[name])["note"] for name in ("course", "categories", "late"))


def test_the_running_bucket_is_named_by_all_of_it_unless_it_began_before_the_span() -> None:
    week = Point(datetime(2026, 11, 23), datetime(2026, 11, 30), True)
    until_now = replace(week, cut=(week.start, datetime(2026, 11, 26, 15)))
    begun_before = replace(week, cut=(datetime(2026, 11, 24), datetime(2026, 11, 26, 15)))
    assert bucket_label(until_now, "week") == "week of Mon 23 Nov 2026, so far"
    assert bucket_label(begun_before, "week") == "24 Nov – 26 Nov 2026, 15:00, part of a week, so far"


def test_an_hour_that_has_not_come_differs_from_one_without_orders(database: MongoDatabase) -> None:
    accept(database, random_orders(600))
    now = datetime.now(UTC)
    question = question_of(View(page="trends").with_dates(FIRST, FIRST), now, ZoneInfo("UTC"))
    trends, _ = trends_of(database, TrendsQuestion(question, None))
    cards = {name: json.loads(text) for name, text in trends_cards(trends, View(), ZoneInfo("UTC")).items()}
    columns, known = cards["rhythm_chart"]["columns"], trends.rhythm_hours.ravel() > 0
    assert known.sum() == 24
    assert [alpha > 0 for alpha in columns["alpha"]] == known.tolist()
    assert [mean != "no such hour in this span" for mean in columns["mean"]] == known.tolist()
    assert "blank: not in this span" in cards["rhythm"]["note"]


def csv_rows(trends: Trends, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(trends_csv(name, trends).removeprefix(BYTE_ORDER_MARK).splitlines()))


def test_the_comparison_lies_on_the_span(database: MongoDatabase) -> None:
    accept(database, random_orders(400))
    span = days(FIRST, LAST, "UTC")
    trends, _ = trends_of(database, asked(span, "UTC", grain="day"))
    assert [point.start for point in trends.before] == [point.start for point in trends.now]
    shift = LAST - FIRST + DAY
    for point in trends.before:
        day = point.start.replace(tzinfo=UTC) - shift
        assert point.orders == compute_kpis(database, Span(day, day + DAY)).orders


@pytest.mark.parametrize("measure", MEASURES)
def test_no_line_falls_to_zero_where_nothing_was_asked(database: MongoDatabase, measure: Measure) -> None:
    accept(database, random_orders(100))
    now = datetime.now(UTC)
    question = question_of(View(page="trends").with_dates(now.date(), now.date()), now, ZoneInfo("UTC"))
    trends, _ = trends_of(database, TrendsQuestion(question, "hour"))
    columns = course(trends, measure, lambda value, **_: str(value))["course_chart"]["columns"]
    begun = now.hour + 1
    assert columns["now"][begun:] == [None] * (24 - begun), "hours that have not begun have no value"
    assert columns["before"][begun - 1 :] == [None] * (25 - begun), "the running hour and later ones are not compared"
    text = trends_csv("course", trends).splitlines()
    assert len(text) == 1 + begun + begun - 1


def test_a_grain_goes_with_the_length_of_its_span() -> None:
    for length in (timedelta(hours=1), DAY, 3 * DAY, 31 * DAY, 90 * DAY, 400 * DAY, 4_000 * DAY):
        possible = grains_of(length)
        assert "month" in possible and grain_of(None, length) in possible
        for grain in GRAINS:
            assert grain_of(grain, length) == (grain if grain in possible else grain_of(None, length))
    assert grain_of(None, 30 * DAY) == "day" and grain_of("hour", 90 * DAY) == "day"
