"""One refresh for everybody: what a tick does, for whom, and what it does not do."""

import gc
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from dashboard.feed import Feed
from dashboard.figures import compute, question_of
from dashboard.first_paint import RECENT
from dashboard.state import View
from ecommerce.attention.kinds import Notice
from ecommerce.change_shop import change_shop
from ecommerce.kpis.figures import Kpis
from ecommerce.kpis.question import Filters, Span
from ecommerce.kpis.store import KpiStore, Refresh
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from ecommerce.shop import Shop
from tests.dashboard_viewers import feed_of, waits_long, watching
from tests.programs import wait_until
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
    return feed_of(store, database, settings)


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
    assert bad.freshness.problem.endswith("): the dashboard's log has its traceback.")
    (line,) = (record for record in caplog.records if record.levelname == "WARNING")
    assert line.exc_info
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
    before, last = store.refreshes, feed.last
    # The first to look finds figures of long ago; its refresh makes them recent for those who waited for it.
    monkeypatch.setattr("dashboard.feed.RECENT", timedelta(minutes=10))
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    monkeypatch.setattr(feed, "last", replace(last, freshness=replace(last.freshness, as_of=long_ago)))
    assert feed.is_old
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: feed.answer(question), range(16)))
    assert {answer.answer.kpis.orders for answer in answers} == {300}
    assert store.refreshes == before + 1


@pytest.mark.parametrize("orders", [310, 3_000])
def test_what_needs_attention_is_of_the_orders_that_the_figures_are_of(
    store: CountingStore,
    database: MongoDatabase,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    orders: int,
) -> None:
    """A page of a new shop is opened a moment after the server looked at its first orders."""
    feed = feed_of(
        store,
        database,
        settings,
        read_notices=lambda store, _: (Notice("all", f"{store.kpis(Span(), Filters()).orders} orders"),),
    )
    waits_long(feed, monkeypatch)
    session = watching(feed, View().with_preset("all"))
    feed.prepare(session.asked())
    assert '"300 orders"' in feed.beside()["attention"]
    accept(database, random_orders(orders)[300:])
    tick = feed.tick()
    assert tick.answers[session.asked()].answer.kpis.orders == orders
    assert f'"{orders} orders"' in tick.cards["overview"]["attention"]
    accept(database, random_orders(orders + 1)[orders:])
    assert feed.tick().cards["overview"] is tick.cards["overview"], "one more is no reason to look at all at once"


def test_what_needed_attention_of_far_fewer_orders_is_not_shown_meanwhile(
    store: CountingStore, database: MongoDatabase, settings: Settings
) -> None:
    may_end = threading.Event()

    def notices(store: KpiStore, _: float) -> tuple[Notice, ...]:
        if (orders := store.kpis(Span(), Filters()).orders) > 300:
            may_end.wait(60)
        return (Notice("all", f"{orders} orders"),)

    feed = feed_of(store, database, settings, read_notices=notices)
    session = watching(feed, View().with_preset("all"))
    feed.prepare(session.asked())
    accept(database, random_orders(3_000)[300:])
    assert json.loads(feed.tick().cards["overview"]["attention"])["rows"] == []
    may_end.set()
    wait_until(lambda: '"3000 orders"' in feed.tick().cards["overview"]["attention"], 60)


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
