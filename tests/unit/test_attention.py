"""What needs attention, in words: orders that are open for long, figures that lag behind."""

import json
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from dashboard.attention import attention_card
from dashboard.state import view_of_query
from ecommerce.attention.kinds import backlog, lag
from ecommerce.kpis.figures import Kpis
from ecommerce.kpis.question import Filters, Span
from ecommerce.settings import Settings

UTC_ZONE = ZoneInfo("UTC")
NOW = datetime(2026, 11, 22, 11, 35, 7, tzinfo=UTC)


class Store:
    """A KPI store whose orders are of these ages in days, one status each."""

    def __init__(self, *orders: tuple[int, str, int]) -> None:
        rows = [(NOW - timedelta(days=age), status, count) for age, status, count in orders]
        self._frame = pl.DataFrame(rows, schema=["time", "status", "orders"], orient="row")

    def timeline(self, span: Span, filters: Filters, step: str) -> pl.DataFrame:
        assert (span, filters, step) == (Span(), Filters(), "day")
        return self._frame

    def sold(self, span: Span) -> dict[int, int]:
        raise AssertionError(span)

    def kpis(self, span: Span, filters: Filters) -> Kpis:
        raise AssertionError(span, filters)


def test_the_backlog_is_told_by_age_once_an_order_is_open_for_too_long() -> None:
    settings = Settings(old_order_days=10)
    young = Store((1, "Pending", 5), (9, "shipped", 3), (40, "completed", 7), (40, "Cancelled", 2))
    assert list(backlog(young, settings, UTC_ZONE, NOW)) == []
    (notice,) = backlog(
        Store((1, "Pending", 5), (10, "Shipped", 3), (40, "in Prüfung", 20_000), (90, "Delivered", 1)),
        settings,
        UTC_ZONE,
        NOW,
    )
    assert notice.text == "20,003 orders are open for 10 days or more"
    assert notice.reason == "open orders by age: 0–3 d: 5, 7–14 d: 3, over 30 d: 20.0 k"
    view = view_of_query(notice.link)
    assert (view.page, view.orders.state, f"{view.last}") == ("orders", "open", "2026-11-12")


class Opened(Store):
    """A KPI store with one open order of each day, by a zone's clock."""

    def __init__(self, zone: ZoneInfo, *days: date) -> None:
        rows = [(datetime.combine(day, time.min, zone).astimezone(UTC), "Pending", 1) for day in days]
        self._frame = pl.DataFrame(rows, schema=["time", "status", "orders"], orient="row")


@pytest.mark.parametrize(
    ("now", "last"),
    [
        (datetime(2026, 10, 28, 23, 30), date(2026, 10, 21)),  # days before had 25 hours
        (datetime(2026, 4, 1, 0, 30), date(2026, 3, 25)),  # and 23
    ],
)
def test_the_backlog_counts_the_days_that_its_link_lists(now: datetime, last: date) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    days = [last + timedelta(days=each) for each in range(-3, 4)]
    (notice,) = backlog(Opened(berlin, *days), Settings(old_order_days=7), berlin, now.replace(tzinfo=berlin))
    assert f"{view_of_query(notice.link).last}" == f"{last}"
    assert notice.text == f"{sum(day <= last for day in days)} orders are open for 7 days or more"


def test_a_lag_is_told_from_the_setting_on() -> None:
    assert list(lag(59.0, Settings())) == []
    (row,) = json.loads(attention_card(lag(300.0, Settings())))["rows"]
    assert row["text"] == "The figures are 5 min behind"
