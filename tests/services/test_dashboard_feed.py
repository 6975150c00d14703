"""One refresh for everybody: what a tick does, for whom, and what it does not do."""

import gc
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from time import sleep
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboard.content import Content
from dashboard.downloads import headline_csv
from dashboard.feed import Feed, Sources
from dashboard.figures import compute, question_of
from dashboard.first_paint import RECENT
from dashboard.pipeline import read_low_stock, read_pipeline
from dashboard.state import View
from ecommerce.change_shop import change_shop
from ecommerce.kpis.figures import Kpis
from ecommerce.kpis.question import Filters, Span
from ecommerce.kpis.store import KpiStore, Refresh
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from ecommerce.shop import Shop
from tests.dashboard_shop import replaced
from tests.dashboard_viewers import ZONE, watching
from tests.summaries_data import START, accept, random_orders


class CountingStore(KpiStore):
    """The real store, which counts what it is asked."""

    def __init__(self, database: MongoDatabase) -> None:
        super().__init__(database)
        self.refreshes = 0
        self.asked: list[tuple[Span, Filters]] = []
        self.while_asked: Callable[[], None] = lambda: None

    def refresh(self) -> Refresh:
        self.refreshes += 1
        return super().refresh()

    def kpis(self, span: Span, filters: Filters) -> Kpis:
        self.asked.append((span, filters))
        self.while_asked()
        return super().kpis(span, filters)


@pytest.fixture
def store(database: MongoDatabase) -> CountingStore:
    accept(database, random_orders(300))
    return CountingStore(database)


@pytest.fixture
def feed(store: CountingStore, database: MongoDatabase, settings: Settings) -> Feed:
    sources = Sources(
        lambda: store,
        lambda: read_pipeline(database, settings),
        lambda store: read_low_stock(database, store, settings, ZONE),
    )
    return Feed(sources, ZONE, "USD")


def test_equal_questions_are_computed_once_per_tick(feed: Feed, store: CountingStore) -> None:
    sessions = [watching(feed, View().with_preset("30d")) for _ in range(50)]
    sessions.append(watching(feed, View().with_preset("30d").with_filter("status", {"Shipped"})))
    tick = feed.tick()
    assert store.refreshes == 1
    # Two questions, each with the two spans that are compared; and what the filter's own card shows.
    assert len(store.asked) == 2 * 3 + 1
    assert {tick.answers[session.asked()].answer.kpis.orders > 0 for session in sessions} == {True}


def test_a_tick_without_news_computes_nothing_and_gives_the_same_answers(feed: Feed, store: CountingStore) -> None:
    session = watching(feed, View())
    first = feed.tick().answers[session.asked()]
    asked = len(store.asked)
    assert feed.tick().answers[session.asked()] is first
    assert len(store.asked) == asked


def test_a_tick_with_news_gives_new_figures(feed: Feed, database: MongoDatabase) -> None:
    session = watching(feed, View().with_preset("all"))
    before = feed.tick().answers[session.asked()].answer.kpis.orders
    accept(database, random_orders(310)[300:])
    tick = feed.tick()
    assert tick.answers[session.asked()].answer.kpis.orders == before + 10
    assert '"310"' in tick.answers[session.asked()].cards["headlines"]


def test_nobody_watches_a_paused_or_hidden_page(feed: Feed, store: CountingStore) -> None:
    session = watching(feed, View())
    session.paused = True
    assert not feed.watched
    feed.tick()
    assert store.asked == []
    session.paused = False
    assert feed.watched


def test_a_session_that_is_gone_is_forgotten(feed: Feed) -> None:
    session = watching(feed, View())
    assert feed.watched
    del session
    gc.collect()
    assert not feed.watched


def test_a_new_question_between_ticks_is_computed_once_for_all_who_ask(feed: Feed, store: CountingStore) -> None:
    feed.tick()
    question = watching(feed, View().with_preset("7d")).asked()
    assert feed.ready(question) is None
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda _: feed.answer(question), range(64)))
    assert len({id(answer) for answer in answers}) == 1
    assert len(store.asked) == 3
    assert feed.ready(question) is answers[0]


def test_any_error_of_a_tick_is_a_banner_and_one_line(
    feed: Feed, store: CountingStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    session = watching(feed, View().with_preset("all"))
    good = feed.tick()

    def fail() -> None:
        raise TypeError("conversion from str to Decimal is not supported")

    with monkeypatch.context() as patched:
        patched.setattr(store, "refresh", fail)
        bad = [feed.tick() for _ in range(3)][-1]
    assert bad.freshness.problem is not None
    assert "TypeError: conversion from str to Decimal is not supported" in bad.freshness.problem
    assert bad.freshness.as_of == good.freshness.as_of
    assert bad.answers[session.asked()].answer.kpis.orders == 300
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1
    assert feed.tick().freshness.problem is None


def test_the_timeline_adds_up_to_the_figures(feed: Feed) -> None:
    day = START.date()
    views = [
        View().with_preset("all"),
        View().with_dates(day, day),
        View().with_dates(day, START.replace(day=30).date()),
    ]
    for view in views:
        overview = feed.answer(watching(feed, view).asked())
        kpis, timeline = overview.answer.kpis, overview.answer.timeline
        by_status: dict[str, int] = {}
        for _, status, orders in timeline.counts:
            by_status[status] = by_status.get(status, 0) + orders
        assert by_status == dict(kpis.by_status)
        assert sum(revenue for _, _, revenue in timeline.exact) == kpis.revenue
        assert sum(orders for _, orders, _ in timeline.exact) == kpis.orders


def headlines(feed: Feed, view: View) -> dict[str, dict[str, Any]]:
    content = json.loads(feed.answer(watching(feed, view).asked()).cards["headlines"])
    return {row["key"]: row for row in content["rows"]} | {"card": content}


def test_every_headline_has_its_course_and_is_compared_with_days_that_are_named(feed: Feed) -> None:
    day = START.date()
    view = View().with_dates(day.replace(day=10), day.replace(day=19))
    rows = headlines(feed, view)
    assert rows.pop("card")["subtitle"] == "compared with 28 Feb – 9 Mar 2026"
    for key, row in rows.items():
        assert len(row["spark"]) == (0 if key == "late_share" else 10)  # which has no course
        if key in ("delivered", "late_share"):  # of orders that are half open nothing can be said yet
            assert row["note"].endswith("% still open")
        else:
            assert row["change"]
            assert row["note"] == "vs. 28 Feb–9 Mar"
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
        assert {row["note"].split(maxsplit=1)[1] for row in rows.values()} == {"% still open"}
        assert not any("change" in row for row in rows.values())


def test_days_of_another_year_are_named_with_their_year(feed: Feed) -> None:
    day = START.date()
    view = View().with_dates(day.replace(day=10), day.replace(day=19)).with_against("year")
    assert headlines(feed, view)["orders"]["note"] == "vs. 10–19 Mar 2025"
    content = json.loads(feed.answer(watching(feed, view).asked()).cards["sales"])
    assert content["columns"][-1]["name"] == "10–19 Mar 2025"


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


def test_who_comes_during_a_tick_is_shown_the_one_before(
    feed: Feed, store: CountingStore, database: MongoDatabase
) -> None:
    session = watching(feed, View().with_preset("all"))
    question = session.asked()
    before = feed.tick().answers[question]
    accept(database, random_orders(310)[300:])
    seen = []
    store.while_asked = lambda: seen.append(feed.ready(question))
    after = feed.tick().answers[question]
    assert seen[0] is before
    assert feed.ready(question) is after is not before


def test_what_was_answered_during_a_tick_is_kept_by_it(feed: Feed, store: CountingStore) -> None:
    everybody = watching(feed, View().with_preset("all"))
    came = []

    def come() -> None:
        store.while_asked = lambda: None
        came.append(watching(feed, View().with_preset("7d")))
        feed.answer(came[0].asked())

    store.while_asked = come
    feed.tick()
    assert feed.ready(everybody.asked())
    assert feed.ready(came[0].asked())


def test_figures_from_before_a_quiet_time_are_not_shown_to_who_comes_next(
    feed: Feed, database: MongoDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = watching(feed, View().with_preset("all"))
    question = session.asked()
    feed.tick()
    assert feed.ready(question)
    accept(database, random_orders(310)[300:])
    monkeypatch.setattr("dashboard.feed.RECENT", timedelta(0))  # as if it were long ago
    assert feed.ready(question) is None
    assert feed.answer(question).answer.kpis.orders == 310


def test_many_who_come_after_a_quiet_time_are_served_by_one_refresh(
    feed: Feed, store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = watching(feed, View().with_preset("all")).asked()
    feed.tick()
    before, as_of = store.refreshes, feed.last.freshness.as_of
    assert as_of
    # The first to look finds figures of long ago; its refresh makes them recent for those who waited for it.
    monkeypatch.setattr("dashboard.feed.RECENT", datetime.now(UTC) - as_of + timedelta(seconds=2))
    sleep(3)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: feed.answer(question), range(16)))
    assert {answer.answer.kpis.orders for answer in answers} == {300}
    assert store.refreshes == before + 1


def test_figures_of_more_than_two_refreshes_ago_are_not_shown_first() -> None:
    assert timedelta(seconds=2 * Settings().refresh_seconds) >= RECENT, "the page says exact within seconds"


def test_days_are_those_of_the_shops_zone(store: CountingStore, database: MongoDatabase, settings: Settings) -> None:
    change_shop(database, settings, Shop("USD", "Asia/Tokyo"))
    store.refresh()
    tokyo = ZoneInfo("Asia/Tokyo")
    days = [View().with_dates(START.date(), START.date() + timedelta(days=length)) for length in (10, 200)]
    now = datetime(2026, 12, 1, tzinfo=UTC)
    short, long = (compute(store, question_of(view, now, tokyo), 1, tokyo) for view in days)
    assert short.timeline.per == "day"
    first = short.timeline.exact[0][0]
    assert first.start == datetime.combine(START.date(), time.min, tokyo)
    assert all(bucket.complete for bucket, _, _ in short.timeline.exact)
    assert sum(orders for _, orders, _ in short.timeline.exact) == short.kpis.orders
    assert sum(orders for _, orders, _ in long.timeline.exact) == long.kpis.orders
