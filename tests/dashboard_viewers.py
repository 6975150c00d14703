"""Viewers of the dashboard's feed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from dashboard.feed import Feed
from dashboard.session import Session
from dashboard.state import View

ZONE = ZoneInfo("UTC")


def watching(feed: Feed, view: View) -> Session:
    session = Session(view, ZONE, lambda: datetime(2026, 4, 1, 12, 30, tzinfo=UTC))
    feed.join(session)
    return session
