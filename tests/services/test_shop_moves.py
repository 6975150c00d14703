"""A shop that moves to another zone has the figures of one that was there from the start, wherever it is killed."""

from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import SparkSession

from ecommerce import change_shop as change_shop_module
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.selection import Selection
from ecommerce.change_shop import change_shop, days_to_read, require_possible
from ecommerce.check import check_orders
from ecommerce.documents.order import OrderDocument
from ecommerce.errors import InputError, ServiceError
from ecommerce.kpis import Filters, KpiStore, Span, compute_kpis
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from ecommerce.shop import SHOP, Shop, move_under_way, read_shop
from ecommerce.summaries.advance import advance
from ecommerce.summaries.rebuild import rebuild
from ecommerce.summaries.state import ARCHIVE_SUMMARY
from tests.archiving import cut_off
from tests.services.test_kpis import said
from tests.services.test_zones import all_figures_are_of, midnight
from tests.summaries_data import START, accept, random_orders
from tests.summaries_recount import recount

pytestmark = pytest.mark.slow

KOLKATA = Shop("USD", "Asia/Kolkata")


def half_archived(database: MongoDatabase, settings: Settings, count: int = 2_000) -> list[OrderDocument]:
    """Orders of 40 days in UTC, the finished ones of the first 20 archived."""
    orders = random_orders(count)
    accept(database, orders)
    advance(database)
    twenty_days = (datetime.now(UTC) - (START + timedelta(days=20))).days
    runs = archive_orders(settings, Selection(older_than_days=twenty_days))
    assert sum(run.orders for run in runs) > count / 5
    return orders


MOMENTS = ("shop:noted", "shop:day#1", "shop:day#7", "shop:read", "shop:moved")


def test_a_shop_that_moved_has_the_figures_of_one_that_was_there_from_the_start(
    spark: SparkSession, database: MongoDatabase, archive: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = half_archived(database, archive)
    before = compute_kpis(database).to_json_dict()
    for moment in MOMENTS:
        with cut_off(monkeypatch, moment, change_shop_module):
            change_shop(database, archive, KOLKATA)
        if moment == "shop:moved":
            break
        assert (read_shop(database).time_zone, move_under_way(database)) == ("UTC", "Asia/Kolkata")
        rebuild(database)  # whoever builds them anew meanwhile does so by the old hours
        now = compute_kpis(database).to_json_dict()
        assert now | {"as_of": ""} == before | {"as_of": ""}, f"the figures stay what they were, killed at {moment}"
    assert read_shop(database) == KOLKATA
    all_figures_are_of(database, orders, "Asia/Kolkata")
    change_shop(database, archive, KOLKATA)
    assert move_under_way(database) is None
    assert not database[ARCHIVE_SUMMARY].count_documents({"moved": {"$exists": True}})
    assert database[ARCHIVE_SUMMARY].distinct("time_zone") == ["Asia/Kolkata"]
    rebuild(database)
    all_figures_are_of(database, orders, "Asia/Kolkata")
    assert check_orders(database, archive).differences == ()
    # What is archived from then on is of the new hours, and moves back with the rest.
    archive_orders(archive, Selection(older_than_days=0))
    all_figures_are_of(database, orders, "Asia/Kolkata")
    assert check_orders(database, archive).differences == ()
    change_shop(database, archive, Shop("USD", "Australia/Lord_Howe"))
    rebuild(database)
    all_figures_are_of(database, orders, "Australia/Lord_Howe")
    assert check_orders(database, archive).differences == ()


@pytest.mark.drill
@pytest.mark.parametrize("wanted", ["UTC", "Asia/Kolkata"])
def test_an_archive_run_of_an_edited_zone_is_told_by_either_zone_afterwards(
    spark: SparkSession, database: MongoDatabase, archive: Settings, wanted: str
) -> None:
    orders = half_archived(database, archive)
    database[SHOP].update_one({}, {"$set": {"time_zone": "Asia/Kolkata"}})
    archive_orders(archive, Selection(older_than_days=0))
    assert set(database[ARCHIVE_SUMMARY].distinct("time_zone")) == {"UTC", "Asia/Kolkata"}
    with pytest.raises(ServiceError, match="--time-zone Asia/Kolkata` reads its orders again"):
        rebuild(database)
    all_figures_are_of(database, orders, "UTC")
    change_shop(database, archive, Shop("USD", wanted))
    assert (read_shop(database).time_zone, move_under_way(database)) == (wanted, None)
    all_figures_are_of(database, orders, wanted)
    rebuild(database)
    all_figures_are_of(database, orders, wanted)
    assert check_orders(database, archive).is_good


def test_where_the_hours_are_the_same_no_archive_is_read(
    spark: SparkSession, database: MongoDatabase, archive: Settings
) -> None:
    orders = half_archived(database, archive, 600)
    assert days_to_read(database, "America/New_York") == {}
    assert days_to_read(database, "Asia/Kolkata") != {}
    assert change_shop(database, archive, Shop("USD", "America/New_York")).archived_days == 0
    all_figures_are_of(database, orders, "America/New_York")
    assert check_orders(database, archive).differences == ()


def test_another_currency_changes_no_sum(database: MongoDatabase, settings: Settings) -> None:
    # Orders that name a currency keep it, so only these are of the shop's before and after.
    accept(database, [order for order in random_orders(80) if order.order.currency is None])
    before = compute_kpis(database).to_json_dict()
    change_shop(database, settings, Shop("EUR", "UTC"))
    assert read_shop(database) == Shop("EUR", "UTC")
    assert said(compute_kpis(database)) == {name: before[name] for name in said(compute_kpis(database))} | {
        "currency": "EUR",
        "by_currency": {"EUR": before["by_currency"]["USD"]},
    }


def test_a_running_store_goes_over_to_the_new_days(database: MongoDatabase, settings: Settings) -> None:
    orders = random_orders(300)
    accept(database, orders)
    store = KpiStore(database)
    store.refresh()
    assert store.kpis(Span(), Filters()).time_zone == "UTC"
    change_shop(database, settings, KOLKATA)
    store.refresh()
    day = Span(midnight(START.date() + timedelta(days=5), "Asia/Kolkata"), None)
    assert said(store.kpis(day, Filters())) == recount(orders, span=day, step="day", zone="Asia/Kolkata")


@pytest.mark.parametrize("shop", [Shop("usd", "UTC"), Shop("USD", "Mars/Olympus"), Shop("EURO", "UTC")])
def test_what_is_no_zone_and_no_currency_is_refused(shop: Shop) -> None:
    with pytest.raises(InputError):
        require_possible(shop)
