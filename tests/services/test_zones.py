"""Figures by the days of a shop, wherever it is: half and quarter hours, days of 23, 24.5 and 25 hours."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ecommerce.check import check_orders
from ecommerce.documents.order import OrderDocument
from ecommerce.errors import InputError
from ecommerce.kpis import Filters, KpiStore, Span, compute_kpis
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from ecommerce.shop import Shop, write_shop
from ecommerce.summaries.advance import advance
from ecommerce.summaries.compact import compact
from ecommerce.summaries.rebuild import rebuild
from tests.services.test_kpis import said
from tests.summaries_data import accept, random_orders
from tests.summaries_ledger import assert_exact
from tests.summaries_recount import recount

ZONES = {
    # the two days on which clocks are changed, or two others, in the 40 days of the orders
    "UTC": (date(2026, 3, 8), date(2026, 4, 5)),
    "Asia/Kolkata": (date(2026, 3, 8), date(2026, 4, 5)),
    "America/New_York": (date(2026, 3, 8), date(2026, 4, 5)),
    "Australia/Lord_Howe": (date(2026, 3, 31), date(2026, 4, 5)),
}


@pytest.fixture(params=ZONES)
def zone(request: pytest.FixtureRequest, database: MongoDatabase) -> str:
    write_shop(database, Shop("USD", request.param))
    return str(request.param)


def midnight(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))


def days(first: date, last: date, zone: str) -> Span:
    return Span(midnight(first, zone), midnight(last + timedelta(days=1), zone))


def spans(zone: str) -> dict[str, Span]:
    first, last = ZONES[zone]
    return {
        "hour": days(first, first, zone),
        "hour, other day": days(last, last, zone),
        "day": days(first, last, zone),
        "day, a month": days(date(2026, 3, 1), date(2026, 3, 31), zone),
        "day, two months": days(date(2026, 3, 1), date(2026, 4, 30), zone),
        "day, from one on": Span(midnight(first, zone), None),
        "day, all": Span(),
    }


def all_figures_are_of(database: MongoDatabase, orders: list[OrderDocument], zone: str) -> None:
    store = KpiStore(database)
    store.refresh()
    for name, span in spans(zone).items():
        expected = recount(orders, span=span, step=name.split(",")[0], zone=zone)
        assert said(store.kpis(span, Filters())) == expected, name


@pytest.fixture
def orders(database: MongoDatabase, zone: str) -> list[OrderDocument]:
    """Partly in buckets, partly in the log of deltas."""
    found = random_orders(800)
    accept(database, found[:500])
    advance(database)
    accept(database, found[500:])
    return found


def test_figures_are_by_the_days_of_the_shop(
    database: MongoDatabase, settings: Settings, zone: str, orders: list[OrderDocument]
) -> None:
    KpiStore(database).refresh()
    for again in (lambda: None, lambda: compact(database), lambda: rebuild(database)):
        again()
        all_figures_are_of(database, orders, zone)
        assert_exact(database)
    assert check_orders(database, settings).differences == ()
    assert compute_kpis(database).time_zone == zone


def test_months_and_days_of_a_long_time_begin_at_the_shop_s_midnight(
    database: MongoDatabase, zone: str, orders: list[OrderDocument]
) -> None:
    store = KpiStore(database)
    store.refresh()
    for step in ("hour", "day", "month"):
        rows = store.timeline(Span(), Filters(), step).select("time", "status", "orders").iter_rows()
        expected = recount(orders, step=step, zone=zone)["delivery_timeline"]
        said = [
            {"time": time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "status": status, "orders": count}
            for time, status, count in rows
        ]
        assert said == expected, step


def test_changes_are_taken_in_by_the_shop_s_hours(
    database: MongoDatabase, zone: str, orders: list[OrderDocument]
) -> None:
    store = KpiStore(database)
    store.refresh()
    span = days(*ZONES[zone], zone)
    store.kpis(span, Filters())
    more = random_orders(900, seed=3)[800:]
    accept(database, more)
    store.refresh()
    expected = recount([*orders, *more], span=span, step="day", zone=zone)
    assert said(store.kpis(span, Filters())) == expected


def test_a_span_that_begins_within_an_hour_of_the_shop_is_refused(database: MongoDatabase) -> None:
    write_shop(database, Shop("INR", "Asia/Kolkata"))
    whole = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)
    compute_kpis(database, Span(whole, whole + timedelta(hours=1)))
    with pytest.raises(InputError, match=r"2026-03-02T00:30:00\+05:30: .* whole hour \(Asia/Kolkata\)"):
        compute_kpis(database, Span(whole + timedelta(minutes=30), None))
