"""Sales of a shop that was computed by hand: hot, half archived and all archived, to the cent."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.reading import read
from ecommerce.archive.selection import Selection
from ecommerce.check import check_orders
from ecommerce.importing.import_files import import_paths
from ecommerce.kpis import Filters, KpiStore, Span, compute_kpis
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.settings import Settings
from ecommerce.shop import Shop, write_shop
from ecommerce.summaries.compact import compact
from ecommerce.summaries.rebuild import rebuild
from ecommerce.summaries.state import ARCHIVE_SUMMARY
from tests.archiving import hot_ids
from tests.hand_computed_shop import (
    BY_CHANNEL,
    BY_CURRENCY,
    IN_KOLKATA,
    REFUND_DAY,
    ROWS,
    SALES_DAY,
    SHEET,
    SHEET_IN_KOLKATA,
    SHOP,
    midnight,
)
from tests.import_samples import complete_row, write_lines

SHEETS = {SHOP.time_zone: SHEET, IN_KOLKATA.time_zone: SHEET_IN_KOLKATA}


def of_day(
    database: MongoDatabase, day: date, currency: str | None = None, zone: str = SHOP.time_zone
) -> dict[str, Any]:
    span = Span(midnight(day, zone), midnight(day + timedelta(days=1), zone))
    return compute_kpis(database, span, Filters(currency=currency)).to_json_dict()


def assert_equals_the_sheet(database: MongoDatabase, zone: str = SHOP.time_zone) -> None:
    for day, (orders, revenue, sales) in SHEETS[zone].items():
        figures = of_day(database, day, zone=zone)
        assert figures["sales"] == sales, day
        assert (figures["orders"], figures["revenue"], figures["currency"]) == (orders, revenue, "EUR"), day
    dollars = of_day(database, SALES_DAY, "USD", zone), of_day(database, REFUND_DAY, "USD", zone)
    assert [one["sales"]["net_sales"] for one in dollars] == ["200.00", "-50.00"]
    assert (dollars[0]["orders"], dollars[0]["revenue"]) == (13, "200.00"), "counts are of all, money of one currency"
    assert dollars[0]["average_order_value"] == "200.00"
    assert dollars[0]["by_payment_type"] == {"card": {"orders": 13, "revenue": "200.00"}}
    whole = compute_kpis(database).to_json_dict()
    assert whole["by_currency"] == BY_CURRENCY
    assert whole["by_channel"] == BY_CHANNEL


def assert_records_tell_the_sheet(database: MongoDatabase) -> None:
    """What BI tools read of an archived shop, summed by day."""
    names = ("gross_sales", "discounts", "returns", "net_sales", "tax", "shipping", "total_sales")
    sums: dict[str, Any] = {name: {"$sum": f"$sales.{name}"} for name in names}
    found = database[ARCHIVE_SUMMARY].aggregate(
        [
            {"$unwind": "$sales"},
            {"$match": {"sales.currency": {"$in": ["", "EUR"]}}},
            {"$group": {"_id": "$sales.day"} | sums},
        ]
    )
    told = {row.pop("_id").date(): {name: f"{row[name].to_decimal():.2f}" for name in names} for row in found}
    for day, (orders, _, sales) in SHEET.items():
        if orders or day in told:
            assert told[day] == {name: sales[name] for name in names}, day


@pytest.fixture
def shop(database: MongoDatabase, tmp_path: Path) -> MongoDatabase:
    write_shop(database, SHOP)
    assert import_paths(database, [write_lines(tmp_path / "shop.jsonl", *ROWS)]).accepted == len(ROWS)
    return database


@pytest.mark.parametrize("by_hand", [SHOP, IN_KOLKATA], ids=lambda shop: shop.time_zone)
def test_a_shop_computed_by_hand_hot_half_archived_and_all_archived(
    spark: SparkSession, archive: Settings, database: MongoDatabase, tmp_path: Path, by_hand: Shop
) -> None:
    write_shop(database, by_hand)
    rows = write_lines(tmp_path / "shop.jsonl", *ROWS)
    assert import_paths(database, [rows]).accepted == len(ROWS)
    zone = by_hand.time_zone
    assert_equals_the_sheet(database, zone)
    assert check_orders(database, archive).differences == ()
    days_since = (datetime.now().astimezone() - midnight(date(2026, 3, 11), zone)).days
    archive_orders(archive, Selection(older_than_days=days_since))
    assert 0 < len(hot_ids(database)) < len(ROWS)
    for again in (lambda: None, lambda: compact(database), lambda: rebuild(database)):
        again()
        assert_equals_the_sheet(database, zone)
    archive_orders(archive, Selection(older_than_days=0))
    assert hot_ids(database) == set()
    for again in (lambda: None, lambda: rebuild(database)):
        again()
        assert_equals_the_sheet(database, zone)
    assert check_orders(database, archive).differences == ()
    assert import_paths(database, [rows]).unchanged == len(ROWS)


def test_refunds_that_come_after_archiving_come_to_the_same_sheet(
    spark: SparkSession, archive: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    write_shop(database, SHOP)
    refunded = [row for row in ROWS if "refunds" in row and row["order_items"]]
    sold = [{name: value for name, value in row.items() if name != "refunds"} for row in refunded]
    others = [row for row in ROWS if row not in refunded]
    import_paths(database, [write_lines(tmp_path / "sold.jsonl", *others, *sold)])
    archive_orders(archive, Selection(older_than_days=0))
    assert hot_ids(database) == set()
    report = import_paths(database, [write_lines(tmp_path / "refunded.jsonl", *refunded)])
    assert (len(refunded), report.changed) == (6, 6)
    assert_equals_the_sheet(database)
    assert check_orders(database, archive).differences == ()
    archive_orders(archive, Selection(older_than_days=0))
    assert_records_tell_the_sheet(database)
    rows = {row["order"]["order_id"]: row["refunds"] for row in read(settings=archive).to_pylist()}
    assert all(len(rows[row["order"]["order_id"]]) == len(row["refunds"]) for row in refunded)
    for again in (lambda: None, lambda: rebuild(database)):
        again()
        assert_equals_the_sheet(database)
    assert check_orders(database, archive).differences == ()
    assert import_paths(database, [tmp_path / "refunded.jsonl", tmp_path / "sold.jsonl"]).unchanged == len(ROWS) + 6


def test_a_running_dashboard_takes_refunds_in_on_their_own_day(shop: MongoDatabase, tmp_path: Path) -> None:
    store = KpiStore(shop)
    store.refresh()
    day = Span(midnight(REFUND_DAY), midnight(REFUND_DAY + timedelta(days=1)))
    before = store.kpis(day, Filters()).sales
    sold = store.kpis(Span(midnight(SALES_DAY), day.start), Filters()).sales
    again = dict(ROWS[0]) | {"refunds": [{"refund_id": 1, "refund_time": "2026-03-12T20:00:00Z", "amount": "9"}]}
    assert import_paths(shop, [write_lines(tmp_path / "again.jsonl", again)]).changed == 1
    store.refresh()
    after = store.kpis(day, Filters()).sales
    assert before and after
    assert (after.returns - before.returns, after.margin - before.margin) == (9, -9)
    assert store.kpis(Span(midnight(SALES_DAY), day.start), Filters()).sales == sold


def test_check_finds_a_refund_that_was_tampered_with(shop: MongoDatabase, settings: Settings) -> None:
    # Past the change stream: as a restore of a part of the disk would.
    assert check_orders(shop, settings, archive=False).differences == ()
    compute_kpis(shop)
    state = shop["summaries_state"].find_one({"_id": "orders"})
    changed = {"$set": {"refunds.0.amount": Decimal128("30.75")}}
    assert shop[ORDERS].update_one({"_id": 2}, changed).modified_count == 1
    compute_kpis(shop)
    # The figures go back to before the change was taken in, and the change is not looked at again.
    now = shop["summaries_state"].find_one({"_id": "orders"})
    assert state and now
    shop["summaries_deltas"].delete_one({"_id": now["seq"]})
    report = check_orders(shop, settings, archive=False)
    assert [str(one) for one in report.differences] == [
        "sales cells of 2026-03-12 10:00: 1 differ, +0 orders or items, 1.00 (summaries)"
    ]
    assert check_orders(shop, settings, archive=False, repair=True).repaired


def test_an_hour_of_india_begins_at_half_past(database: MongoDatabase, tmp_path: Path) -> None:
    write_shop(database, Shop("INR", "Asia/Kolkata"))
    rows = [
        complete_row(at, order={"order_time": time, "total_amount": 16.45, "discount": 0})
        for at, time in enumerate(("2026-05-01T18:29:59Z", "2026-05-01T18:30:00Z"))
    ]
    report = import_paths(database, [write_lines(tmp_path / "a.jsonl", *rows)])
    assert report.files[0].notes == ["orders from 2026-05-01 to 2026-05-02"]
    for day in (1, 2):
        begin, end = (midnight(date(2026, 5, day + more), "Asia/Kolkata") for more in (0, 1))
        sales = compute_kpis(database, Span(begin, end)).sales
        assert sales is not None
        assert (str(sales.net_sales), str(sales.gross_sales)) == ("16.4500", "16.4500")


def test_a_currency_that_no_order_has_is_named(shop: MongoDatabase) -> None:
    store = KpiStore(shop)
    store.refresh()
    assert store.choices()["currencies"] == ["EUR", "USD"]
