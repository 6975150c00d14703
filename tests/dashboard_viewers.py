"""Viewers of the dashboard's feed."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dashboard.feed import Feed, Sources
from dashboard.pipeline import read_low_stock, read_pipeline
from dashboard.session import Session
from dashboard.state import View
from ecommerce.kpis.store import KpiStore
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings

ZONE = ZoneInfo("UTC")


def feed_of(store: KpiStore, database: MongoDatabase, settings: Settings, **others: Any) -> Feed:
    """The feed of a store that counts in UTC; `others` are further sources by name."""
    sources = Sources(
        lambda: store,
        lambda: read_pipeline(database, settings),
        lambda store: read_low_stock(database, store, settings, ZONE),
        **others,
    )
    return Feed(sources, ZONE, "USD")


def watching(feed: Feed, view: View) -> Session:
    session = Session(view, ZONE, lambda: datetime(2026, 4, 1, 12, 30, tzinfo=UTC))
    feed.join(session)
    return session


def waits_long(feed: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a tick wait for the cards beside the figures where they are due, on a busy machine, too."""
    for card in feed._beside._made.values():  # noqa: SLF001
        monkeypatch.setattr(card, "_wait_seconds", 30)
