"""What viewers see of a shop that is away, empty, or moves to another zone."""

from datetime import timedelta

import pytest
from pymongo import MongoClient
from pymongo.monitoring import CommandListener, CommandStartedEvent

from dashboard.attention import read_notices
from dashboard.feed import Feed, Sources
from dashboard.pipeline import read_low_stock, read_pipeline
from dashboard.pipeline_cards import STOCK_NOT_READ
from dashboard.session import Session
from dashboard.state import View
from ecommerce.attention.kinds import Notice
from ecommerce.change_shop import change_shop
from ecommerce.documents.bson_codec import CODEC_OPTIONS
from ecommerce.errors import ServiceError
from ecommerce.kpis.store import KpiStore
from ecommerce.mongo import Document, MongoDatabase, mongo_uri
from ecommerce.settings import Settings
from ecommerce.shop import Shop
from tests.dashboard_viewers import ZONE, feed_of, waits_long, watching
from tests.programs import wait_until
from tests.summaries_data import accept, random_orders


def test_database_work_of_a_tick_does_not_depend_on_the_viewers(database: MongoDatabase, settings: Settings) -> None:
    accept(database, random_orders(300))
    commands: list[str] = []

    class Listener(CommandListener):
        def started(self, event: CommandStartedEvent) -> None:
            commands.append(event.command_name)

        def succeeded(self, event: object) -> None:
            """Only beginnings are counted."""

        def failed(self, event: object) -> None:
            """Only beginnings are counted."""

    client: MongoClient[Document] = MongoClient(mongo_uri(settings), event_listeners=[Listener()])
    with client:
        heard = client.get_database(settings.database, CODEC_OPTIONS)
        feed = feed_of(KpiStore(heard), heard, settings)

        def tick_with(viewers: int) -> list[str]:
            sessions = [watching(feed, View()) for _ in range(viewers)]
            feed.tick()
            wait_until(lambda: feed.cards("overview")["stock"] != STOCK_NOT_READ, 30)
            commands.clear()
            feed.tick()
            del sessions
            return sorted(commands)

        assert tick_with(200) == tick_with(1)


def test_while_the_database_is_away_the_last_figures_stay(settings: Settings, database: MongoDatabase) -> None:
    accept(database, random_orders(50))
    store = KpiStore(database)
    away = False

    def open_store() -> KpiStore:
        if away:
            raise ServiceError("MongoDB is away")
        return store

    sources = Sources(
        open_store,
        lambda: read_pipeline(database, settings),
        lambda store: read_low_stock(database, store, settings, ZONE),
    )
    feed = Feed(sources, ZONE, "USD")
    session = watching(feed, View().with_preset("all"))
    good = feed.tick()
    feed._store, away = None, True  # noqa: SLF001 - the connection is lost
    bad = feed.tick()
    assert bad.freshness.problem == "MongoDB is away"
    assert bad.freshness.as_of == good.freshness.as_of
    assert bad.answers[session.asked()].answer.kpis.orders == 50
    away = False
    assert feed.tick().freshness.problem is None


def test_a_shop_that_moves_is_told_without_an_error(database: MongoDatabase, settings: Settings) -> None:
    looked: list[tuple[Notice, ...]] = []

    def notices(store: KpiStore, lag: float) -> tuple[Notice, ...]:
        looked.append(read_notices(database, store, settings, lag, store.hours.zone))
        return looked[-1]

    feed = feed_of(KpiStore(database), database, settings, read_notices=notices)
    session = watching(feed, View().with_preset("7d"))
    feed.tick()
    wait_until(lambda: len(looked) == 1, 30)
    change_shop(database, settings, Shop("USD", "Asia/Kolkata"))
    tick = feed.tick()
    assert (tick.freshness.problem, tick.answers) == (None, {})
    wait_until(lambda: len(looked) == 2, 30)
    session.zone = feed.zone
    assert feed.tick().answers[session.asked()].answer.question == session.asked()
    assert not [notice for each in looked for notice in each if "not known" in notice.text]


def test_what_needs_attention_comes_with_the_first_figures_after_a_quiet_time(
    database: MongoDatabase, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = feed_of(
        KpiStore(database),
        database,
        settings,
        read_notices=lambda store, lag: read_notices(database, store, settings, lag, store.hours.zone),
    )
    waits_long(feed, monkeypatch)
    session = Session(View().with_preset("all"), ZONE)
    feed.prepare(session.asked())  # before there were orders
    assert "overdue" not in feed.cards("overview")["attention"]
    accept(database, random_orders(200))
    monkeypatch.setattr("dashboard.feed.RECENT", timedelta(0))  # as if that were a while ago
    feed.answer(session.asked())
    assert "overdue" in feed.cards("overview")["attention"]


def test_an_empty_database_has_an_overview(database: MongoDatabase, settings: Settings) -> None:
    feed = feed_of(KpiStore(database), database, settings)
    for preset in ("all", "30d"):
        overview = feed.answer(watching(feed, View().with_preset(preset)).asked())
        assert overview.answer.kpis.orders == 0
        assert "No orders in this span" in overview.cards["product"]
    assert "Nothing has been archived yet" in feed.cards("pipeline")["archive_runs"]
    wait_until(lambda: "No product has 10 pieces or fewer" in feed.cards("overview")["stock"], 30)


def test_the_first_viewer_of_a_shop_that_began_empty_sees_its_first_orders(
    database: MongoDatabase, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = feed_of(KpiStore(database), database, settings)
    question = Session(View().with_preset("all"), ZONE).asked()
    feed.prepare(question)  # as the server does before it listens, and before the first orders are made
    assert feed.ready(question)
    accept(database, random_orders(20))
    monkeypatch.setattr("dashboard.feed.RECENT", timedelta(0))  # as if they had taken a while
    assert feed.ready(question) is None
    assert feed.answer(question).answer.kpis.orders == 20
