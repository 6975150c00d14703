"""A MongoDB whose process is stopped keeps its sockets open and answers nobody: pages say so while a tick waits."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from dashboard import live, silence
from dashboard.feed import Feed, Tick
from dashboard.state import View
from ecommerce.kpis.store import KpiStore
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from tests.dashboard_viewers import feed_of, watching
from tests.summaries_data import accept, random_orders

SECONDS = 60


@pytest.fixture
def server(database: MongoDatabase) -> Iterator[int]:
    """The server's process, which goes on after the test."""
    pid = database.client.admin.command("serverStatus")["pid"]
    yield pid
    os.kill(pid, signal.SIGCONT)


@pytest.fixture
def feed(database: MongoDatabase, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Feed]:
    """The feed of a process whose ticks are told to nobody but the test."""
    accept(database, random_orders(20))
    feed = feed_of(KpiStore(database), database, settings)
    viewer = watching(feed, View().with_preset("all"))
    feed.prepare(viewer.asked())
    monkeypatch.setattr(live, "the_feed", lambda: feed)
    monkeypatch.setattr(live, "get_database", lambda: database)
    monkeypatch.setattr(live, "SLOW_SECONDS", 0.2)
    monkeypatch.setattr(live, "_last_start", float("-inf"))
    monkeypatch.setattr(silence, "ANSWER_SECONDS", 0.5)
    yield feed
    feed.leave(viewer)


def test_a_tick_that_waits_for_a_silent_server_says_so_and_goes_on_when_it_answers(
    feed: Feed, server: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[Tick] = []
    monkeypatch.setattr(live, "_tell", told.append)
    as_of = feed.last.freshness.as_of
    os.kill(server, signal.SIGSTOP)

    async def stopped_and_continued() -> None:
        watch = asyncio.create_task(live._tick())  # noqa: SLF001
        async with asyncio.timeout(SECONDS):
            while not told:
                await asyncio.sleep(0.05)
        assert feed.last is told[0], "who opens a page meanwhile is told, too"
        await asyncio.sleep(2)
        await live._tick()  # noqa: SLF001 - the next one is none: it would wait as well
        os.kill(server, signal.SIGCONT)
        await watch

    asyncio.run(stopped_and_continued())
    silent, good = told
    assert (silent.freshness.problem, silent.freshness.as_of) == ("MongoDB does not answer.", as_of)
    assert good.freshness.problem is None
    assert len([record for record in caplog.records if "does not answer" in record.message]) == 1


def test_a_tick_that_takes_long_is_no_problem(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Tick] = []
    monkeypatch.setattr(live, "_tell", told.append)
    monkeypatch.setattr(silence, "ANSWER_SECONDS", SECONDS)
    tick = feed.tick

    async def slow() -> None:
        may_end = asyncio.Event()
        loop = asyncio.get_running_loop()
        monkeypatch.setattr(
            feed, "tick", lambda: (asyncio.run_coroutine_threadsafe(may_end.wait(), loop).result(SECONDS), tick())[1]
        )
        watch = asyncio.create_task(live._tick())  # noqa: SLF001
        await asyncio.sleep(2)
        may_end.set()
        await watch

    asyncio.run(slow())
    assert [each.freshness.problem for each in told] == [None]
