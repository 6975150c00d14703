"""What is late and what is overdue changes with the clock, without an event; every place judges by one definition."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from bson import Int64
from pyspark.sql import SparkSession

from dashboard.attention import read_notices
from dashboard.state import view_of_query
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.selection import Selection
from ecommerce.attention.kinds import overdue
from ecommerce.check import check_orders
from ecommerce.importing.import_files import import_paths
from ecommerce.kpis import Filters, KpiStore, Span, compute_kpis
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.order_search import paging
from ecommerce.order_search.one_order import life_of
from ecommerce.order_search.paging import count_of
from ecommerce.order_search.query import OrderQuery, State
from ecommerce.settings import Settings
from ecommerce.shop import Shop, write_shop
from ecommerce.summaries.compact import compact
from ecommerce.summaries.rebuild import rebuild
from tests.import_samples import complete_row, write_lines

DAY = timedelta(days=1)
NOW = datetime.now(UTC).replace(microsecond=0)


def promised(number: int, status: str, expected: datetime, actual: datetime | None = None) -> dict[str, Any]:
    times = {"expected_time": expected.isoformat(), "actual_time": actual.isoformat() if actual else None}
    return complete_row(
        number,
        order={"order_time": (NOW - 40 * DAY).isoformat()},
        delivery={"status": status, "courier_id": number % 2, **times},
    )


ROWS = (
    promised(1, "Shipped", NOW - 9 * DAY),  # overdue, and settled
    promised(2, "Pending", NOW - timedelta(hours=2)),  # overdue
    promised(3, "in_transit", NOW - 2 * DAY, actual=NOW - 3 * DAY),  # overdue: it has a time, and is not finished
    promised(4, "Pending", NOW + 5 * DAY),  # not due
    promised(5, "Delivered", NOW - 5 * DAY, actual=NOW - 6 * DAY),  # came in time
    promised(6, "Delivered", NOW - 5 * DAY, actual=NOW - 4 * DAY),  # came late
    promised(7, "completed", NOW + 5 * DAY, actual=NOW - 4 * DAY),  # not due, whatever it says
    promised(8, "Delivered", NOW - 5 * DAY),  # nobody knows when
    promised(9, "Returned", NOW - 5 * DAY, actual=NOW - 4 * DAY),
    promised(10, "Cancelled", NOW - 5 * DAY),
)
OVERDUE, LATE_SHARE = 3, 0.8  # 1, 2, 3 and 6 of 1, 2, 3, 5, 6


@pytest.fixture
def shop(database: MongoDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MongoDatabase:
    monkeypatch.setattr(paging, "COUNT_SECONDS", 60)  # on a busy machine counting takes longer than a viewer waits
    assert import_paths(database, [write_lines(tmp_path / "shop.jsonl", *ROWS)]).accepted == len(ROWS)
    return database


def told(database: MongoDatabase, span: Span | None = None, filters: Filters | None = None) -> tuple[Any, Any]:
    figures = compute_kpis(database, span, filters).to_json_dict()
    return figures["overdue"], figures["late_share"]


def test_overdue_and_late_hot_half_archived_and_all_archived(
    spark: SparkSession, archive: Settings, shop: MongoDatabase
) -> None:
    nothing: Callable[[], Any] = lambda: None  # noqa: E731
    for selection in (None, Selection(older_than_days=30), Selection(older_than_days=0, include_open=True)):
        if selection is not None:
            archive_orders(archive, selection)
        for again in (nothing, lambda: compact(shop), lambda: rebuild(shop)):
            again()
            assert told(shop) == (OVERDUE, LATE_SHARE)
            assert check_orders(shop, archive, archive=selection is not None).differences == ()
    assert shop[ORDERS].estimated_document_count() == 0


def test_spans_and_filters_choose_among_them(shop: MongoDatabase) -> None:
    assert told(shop, filters=Filters(courier_ids=frozenset({1}))) == (2, round(2 / 3, 6))
    assert told(shop, filters=Filters(statuses=frozenset({"Delivered"}))) == (0, 0.5)
    midnight = NOW.replace(hour=0, minute=0, second=0)
    assert told(shop, Span(midnight - 39 * DAY, midnight)) == (0, None)
    assert told(shop, Span(midnight - 41 * DAY, midnight)) == (OVERDUE, LATE_SHARE)
    by_courier = compute_kpis(shop).by_courier
    assert [group.overdue for group in by_courier.values()] == [1, 2]


def test_time_alone_makes_an_order_overdue_for_a_running_dashboard(shop: MongoDatabase, tmp_path: Path) -> None:
    store = KpiStore(shop)
    store.refresh()
    assert store.kpis(Span(), Filters()).overdue == OVERDUE
    for attempt, seconds in enumerate((2, 8, 32)):  # on a busy machine the orders may be due before they are looked at
        soon = datetime.now(UTC) + timedelta(seconds=seconds)
        number = 20 + 2 * attempt
        rows = promised(number, "Pending", soon), promised(number + 1, "Delivered", soon, actual=NOW - DAY)
        import_paths(shop, [write_lines(tmp_path / f"soon-{attempt}.jsonl", *rows)])
        before, figures = store.refresh(), store.kpis(Span(), Filters())
        seen = figures.overdue, count(shop, "overdue"), figures.late_share
        if datetime.now(UTC) < soon:
            break
    # The orders of an attempt that came too late are due: of its two one is late, the other was in time.
    due = OVERDUE + attempt
    assert seen == (due, due, round((4 + attempt) / (5 + 2 * attempt), 6))
    time.sleep(max(0.0, (soon - datetime.now(UTC)).total_seconds()) + 0.1)
    after = store.refresh()
    assert (after.version > before.version, after.changed) == (True, 0), "pages are drawn anew without an event"
    assert store.refresh().version == after.version, "and only once"
    figures = store.kpis(Span(), Filters())
    assert (figures.overdue, figures.late_share) == (due + 1, round((5 + attempt) / (7 + 2 * attempt), 6))
    assert told(shop) == (figures.overdue, figures.late_share)


def count(database: MongoDatabase, state: State) -> int | None:
    return count_of(database, OrderQuery(state=state), datetime.now(UTC))


def test_lists_and_lives_say_what_the_figures_say(shop: MongoDatabase) -> None:
    assert (count(shop, "overdue"), count(shop, "late")) == (OVERDUE, 4)
    now = datetime.now(UTC)
    said = {
        document["_id"]: [event.detail for event in life_of(document, now) if event.detail in ("late", "overdue")]
        for document in shop[ORDERS].find()
    }
    assert {order_id for order_id, details in said.items() if "overdue" in details} == {1, 2, 3}
    assert {order_id for order_id, details in said.items() if "late" in details} == {6}


def test_what_is_overdue_needs_attention(shop: MongoDatabase) -> None:
    store = KpiStore(shop)
    store.refresh()
    (notice,) = overdue(store, Settings(), ZoneInfo("UTC"), NOW)
    assert notice.text == "3 orders are overdue"
    assert notice.reason == "not finished and past the promise; by courier: Courier 1 2, Courier 0 1"
    view = view_of_query(notice.link)
    assert (view.page, view.orders.state, view.last) == ("orders", "overdue", NOW.date())


def test_check_finds_a_promise_that_was_tampered_with(shop: MongoDatabase, settings: Settings) -> None:
    rebuild(shop)
    state = shop["summaries_state"].find_one({"_id": "orders"})
    shop[ORDERS].update_one({"_id": 4}, {"$set": {"delivery.expected_time": NOW - DAY}})
    compute_kpis(shop)
    moved = shop["summaries_state"].find_one({"_id": "orders"})
    assert state and moved
    shop["summaries_deltas"].delete_one({"_id": moved["seq"]})
    report = check_orders(shop, settings, archive=False)
    assert [str(one).partition(" of ")[0] for one in report.differences] == ["promises"]
    assert check_orders(shop, settings, archive=False, repair=True).repaired
    assert told(shop)[0] == OVERDUE + 1


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu", "Europe/Berlin"])
def test_what_needs_attention_is_told_in_every_zone(
    database: MongoDatabase, settings: Settings, tmp_path: Path, zone: str
) -> None:
    write_shop(database, Shop("EUR", zone))
    import_paths(database, [write_lines(tmp_path / "orders.jsonl", *ROWS)])
    product = ROWS[0]["order_items"][0]["product_id"]
    key = {"product_id": Int64(product), "warehouse_id": Int64(3)}
    database["inventory"].insert_one({"_id": key, **key, "stock_quantity": Int64(0)})
    sold_now = complete_row(50, order={"order_time": (NOW - 2 * DAY).isoformat()})
    import_paths(database, [write_lines(tmp_path / "sold.jsonl", sold_now)])
    store = KpiStore(database)
    store.refresh()
    told = {notice.key for notice in read_notices(database, store, settings, 0.0, ZoneInfo(zone))}
    assert {"overdue", "backlog", "cover"} <= told
    assert not any(key.startswith("untold") for key in told)


def test_a_notice_that_cannot_be_told_hides_no_other(
    database: MongoDatabase, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_paths(database, [write_lines(tmp_path / "orders.jsonl", *ROWS)])
    store = KpiStore(database)
    store.refresh()

    def no_sales(_span: Span) -> None:
        raise ValueError("sales are away")

    monkeypatch.setattr(store, "sold", no_sales)
    told = {notice.key: notice for notice in read_notices(database, store, settings, 0.0, ZoneInfo("UTC"))}
    assert "overdue" in told
    assert told["untold-cover"].reason == "sales are away"
