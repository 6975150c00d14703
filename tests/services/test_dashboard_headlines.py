"""What the overview's headlines and cards say of figures: courses, comparisons, filters."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from dashboard.content import Content
from dashboard.downloads import headline_csv
from dashboard.feed import Feed
from dashboard.state import View
from ecommerce.kpis.store import KpiStore
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from tests.dashboard_shop import replaced
from tests.dashboard_viewers import feed_of, watching
from tests.summaries_data import START, accept, random_orders


@pytest.fixture
def feed(database: MongoDatabase, settings: Settings) -> Feed:
    accept(database, random_orders(300))
    return feed_of(KpiStore(database), database, settings)


def headlines(feed: Feed, view: View) -> dict[str, dict[str, Any]]:
    content = json.loads(feed.answer(watching(feed, view).asked()).cards["headlines"])
    return {row["key"]: row for row in content["rows"]} | {"card": content}


def test_every_headline_has_its_course_and_is_compared_with_days_that_are_named(feed: Feed) -> None:
    day = START.date()
    view = View().with_dates(day.replace(day=11), day.replace(day=20))
    rows = headlines(feed, view)
    assert rows.pop("card")["subtitle"] == "compared with 1–10 Mar 2026"
    for key, row in rows.items():
        assert len(row["spark"]) == (0 if key == "late_share" else 10)  # which has no course
        if key in ("delivered", "late_share"):  # of orders that are half open nothing can be said yet
            assert row["note"].endswith("% still open")
        else:
            assert row["change"]
            assert row["note"] == "vs. 1–10 Mar"
    answer = feed.answer(watching(feed, view).asked()).answer
    assert sum(point or 0 for point in answer.timeline.sparks["quantity"]) == answer.kpis.quantity
    assert sum(point or 0 for point in answer.timeline.sparks["delivered"]) == answer.kpis.delivered


def test_orders_of_one_status_are_not_compared_while_many_are_open(feed: Feed) -> None:
    """The younger the orders, the fewer are delivered, and the more pending: no figure of theirs fell or rose."""
    day = START.date()
    view = View().with_dates(day.replace(day=10), day.replace(day=19))
    for status in ("Delivered", "Pending"):
        rows = headlines(feed, view.with_filter("status", [status]))
        rows.pop("card")
        assert {row["note"].split(maxsplit=1)[1] for row in rows.values()} == {"% of all statuses still open"}
        assert not any("change" in row for row in rows.values())


def test_the_share_that_is_open_is_of_the_orders_that_the_figure_counts(feed: Feed, database: MongoDatabase) -> None:
    """All of the full hours are open, and of the running hour's orders, which are many more, none."""
    now = datetime(2026, 4, 1, 12, 30, tzinfo=UTC)  # the clock of `watching`

    def orders(first: int, count: int, at: datetime, status: str) -> None:
        made = random_orders(first + count)[first:]
        accept(database, [replaced(each, order_time=at, status=status, payment_type="new") for each in made])

    view = View().with_preset("today").with_filter("payment", {"new"})
    orders(1_000, 20, now - timedelta(hours=2), "Pending")
    assert headlines(feed, view)["delivered"]["note"] == "100 % still open"
    orders(1_020, 60, now - timedelta(minutes=10), "Delivered")
    feed.tick()
    for key in ("delivered", "late_share"):
        assert headlines(feed, view)[key]["note"] == "25 % still open"
    orders(1_080, 320 + 1, now - timedelta(minutes=5), "Delivered")
    feed.tick()
    assert headlines(feed, view)["delivered"]["note"] == "100 % of the full hours still open"
    assert "change" not in headlines(feed, view)["delivered"]


def test_days_of_another_year_are_named_with_their_year(feed: Feed, database: MongoDatabase) -> None:
    year_ago = START.replace(year=START.year - 1, day=10)
    accept(database, [replaced(random_orders(1_001)[-1], order_time=year_ago, status="Delivered")])
    day = START.date()
    view = View().with_dates(day.replace(day=10), day.replace(day=19)).with_against("year")
    assert headlines(feed, view)["orders"]["note"] == "vs. 10–19 Mar 2025"
    content = json.loads(feed.answer(watching(feed, view).asked()).cards["sales"])
    assert content["columns"][-1]["name"] == "10–19 Mar 2025"


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (View().with_dates(date(2026, 3, 1), date(2026, 3, 10)), "no order then"),
        (View().with_dates(date(2026, 3, 10), date(2026, 3, 19)).with_against("year"), "no order then"),
        (View().with_dates(date(2026, 3, 11), date(2026, 3, 22)), "orders only since 1 Mar 2026"),
        (View().with_dates(date(2026, 3, 3), date(2026, 3, 15)).with_against("week"), "orders only since 1 Mar 2026"),
        (View().with_dates(date(2026, 3, 11), date(2026, 3, 20)), ""),
        (View().with_preset("all"), ""),
    ],
)
def test_days_before_the_shops_first_order_are_compared_with_nothing(feed: Feed, view: View, said: str) -> None:
    """Six months of which the shop had one were beside ▲ 656 %."""
    rows = headlines(feed, view)
    assert rows.pop("card")["subtitle"].endswith(said)
    sales = json.loads(feed.answer(watching(feed, view).asked()).cards["sales"])
    assert (f": {said}" in sales["note"]) == bool(said)
    if said:
        assert not any("change" in row for row in rows.values())
        assert {row["note"] for key, row in rows.items() if key not in ("delivered", "late_share")} == {said}
        assert len(sales["columns"]) == 2


def test_orders_that_a_filter_found_none_of_before_are_no_growth(feed: Feed, database: MongoDatabase) -> None:
    view = View().with_dates(date(2026, 3, 11), date(2026, 3, 20)).with_filter("payment", {"new"})
    accept(database, [replaced(random_orders(1_001)[-1], order_time=START.replace(day=12), payment_type="new")])
    rows = headlines(feed, view)
    assert (rows["orders"]["note"], "change" in rows["orders"]) == ("no order then", False)


def test_a_fall_is_not_shown_because_an_hour_or_a_day_has_only_begun(feed: Feed, database: MongoDatabase) -> None:
    """Three orders in every hour of two days: at 12:30 all is as it was yesterday."""
    now = datetime(2026, 4, 1, 12, 30, tzinfo=UTC)  # the clock of `watching`
    first = datetime(2026, 3, 31, tzinfo=UTC)
    orders = [
        replaced(order, order_time=first + timedelta(hours=number // 3), status="Delivered", payment_type="steady")
        for number, order in enumerate(random_orders(1_000 + 3 * 36)[1_000:])
    ]
    accept(database, [order for order in orders if order.order.order_time <= now - timedelta(minutes=30)])
    view = View().with_preset("today").with_filter("payment", {"steady"})
    rows = headlines(feed, view)
    assert rows["card"]["title"] == "1 Apr 2026, so far"
    assert rows["card"]["subtitle"] == "the full hours until 12:00 compared with 31 Mar 2026, 00:00–12:00"
    assert (rows["orders"]["change"], rows["orders"]["note"]) == ("unchanged", "vs. 31 Mar")
    assert set(rows["orders"]["spark"]) == {3.0}
    answer = feed.answer(watching(feed, view).asked()).answer
    assert [bucket.complete for bucket, _, _ in answer.timeline.exact] == [True] * 12 + [False]
    by_day = feed.answer(watching(feed, view.with_preset("7d")).asked()).answer.timeline.exact
    assert [bucket.complete for bucket, _, _ in by_day] == [True] * 6 + [False]
    assert by_day[-1][0].label == "Wed 1 Apr 2026, so far"
    assert by_day[0][0].start == datetime(2026, 3, 26, tzinfo=UTC)


def test_a_filter_that_a_figure_does_not_obey_is_said_beside_it(feed: Feed) -> None:
    view = View().with_preset("all").with_filter("category", {"Unknown"})
    cards = feed.answer(watching(feed, view).asked()).cards
    for row in json.loads(cards["headlines"])["rows"]:
        assert row["unfiltered"] == "not filtered by category"
    for name in ("legend", "revenue", "status", "payment", "courier", "location"):
        assert "not filtered by category" in json.loads(cards[name])["note"]
    for name in ("product", "category", "warehouse"):
        assert "not filtered" not in json.loads(cards[name])["note"]
    answer = feed.answer(watching(feed, view).asked()).answer
    assert "not_filtered_by,category,," in headline_csv(answer)


def test_a_filters_own_card_keeps_what_else_there_is(feed: Feed) -> None:
    everything = feed.answer(watching(feed, View().with_preset("all")).asked())
    view = View().with_preset("all").with_filter("status", {"Shipped"})
    filtered = feed.answer(watching(feed, view).asked())
    assert filtered.answer.kpis.orders < everything.answer.kpis.orders

    def rows(cards: Content, name: str) -> dict[str, str]:
        return {row["name"]: row["exact"] for row in json.loads(cards[name])["rows"]}

    for name in ("status", "legend"):
        assert rows(filtered.cards, name) == rows(everything.cards, name)
        chosen = [row["name"] for row in json.loads(filtered.cards[name])["rows"] if row["selected"]]
        assert chosen == ["Shipped"]
    assert rows(filtered.cards, "payment") != rows(everything.cards, "payment")
