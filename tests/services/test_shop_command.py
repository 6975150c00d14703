"""`ecommerce shop` as a person types it."""

import json
from collections import Counter
from pathlib import Path

import pytest

from ecommerce.check import check_orders
from ecommerce.doctor.findings import PROBLEM, Check, examine
from ecommerce.doctor.mongodb import shop as shop_check
from ecommerce.errors import ServiceError
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import MongoDatabase
from ecommerce.services.environment import service_environment
from ecommerce.settings import Settings
from ecommerce.shop import SHOP, Shop, read_shop, write_shop
from ecommerce.summaries.advance import advance
from tests.import_samples import complete_row, write_lines
from tests.programs import ecommerce
from tests.runbook import row_of
from tests.sales_recount import is_credit
from tests.summaries_data import accept, random_orders


def test_it_shows_asks_and_changes(settings: Settings, database: MongoDatabase) -> None:
    accept(database, random_orders(40))
    shown = ecommerce(settings, "shop")
    assert (shown.returncode, "currency: USD" in shown.stdout, "time zone: UTC" in shown.stdout) == (0, True, True)

    asked = ecommerce(settings, "shop", "--time-zone", "Asia/Kolkata")
    assert asked.returncode == 1
    assert "every figure is counted anew. Go on?" in asked.stderr
    assert read_shop(database) == Shop("USD", "UTC")

    changed = ecommerce(settings, "shop", "--time-zone", "Asia/Kolkata", "--currency", "INR", "--yes", "--json")
    assert changed.returncode == 0, changed.stderr
    said = {"currency": "INR", "time_zone": "Asia/Kolkata", "moving_to": None, "archived_days": 0, "hot_orders": 40}
    assert json.loads(changed.stdout) == said
    assert read_shop(database) == Shop("INR", "Asia/Kolkata")

    day = ecommerce(settings, "kpis", "--json", "--start", "2026-03-02", "--end", "2026-03-03")
    figures = json.loads(day.stdout)
    assert (day.returncode, figures["time_zone"]) == (0, "Asia/Kolkata")
    assert all("2026-03-01T18:30" <= point["time"] < "2026-03-02T18:30" for point in figures["delivery_timeline"])


def test_it_says_what_another_currency_means_for_the_orders_that_there_are(
    settings: Settings, database: MongoDatabase
) -> None:
    everything = [
        order for order in random_orders(160) if not is_credit(order) and order.delivery.status != "Cancelled"
    ]
    accept(database, everything)
    named = Counter(order.order.currency for order in everything)
    asked = ecommerce(settings, "shop", "--currency", "EUR")
    assert asked.returncode == 1
    for said in (
        f"{named[None]} orders that name no currency will be in EUR",
        f"{named['EUR']} orders that name EUR will be added to them",
        f"{named['USD']} orders that name USD will be apart from them",
    ):
        assert said in " ".join(asked.stderr.split())
    assert read_shop(database) == Shop("USD", "UTC")


def test_a_setting_that_says_another_shop_names_the_command_and_that_works(
    settings: Settings, database: MongoDatabase
) -> None:
    in_kolkata = {"ECOMMERCE_TIMEZONE": "Asia/Kolkata"}
    refused = ecommerce(settings, "kpis", shell=in_kolkata)
    assert refused.returncode == 1
    assert "`ecommerce shop --time-zone Asia/Kolkata`" in refused.stderr
    done = ecommerce(settings, "shop", "--time-zone", "Asia/Kolkata", "--yes", shell=in_kolkata)
    assert done.returncode == 0, done.stderr
    assert ecommerce(settings, "kpis", shell=in_kolkata).returncode == 0
    wrong = ecommerce(settings, "shop", "--time-zone", "Mars/Olympus")
    assert (wrong.returncode, "Mars/Olympus" in wrong.stderr) == (2, True)


@pytest.mark.parametrize("wanted", ["UTC", "Asia/Kolkata"])
def test_a_zone_that_somebody_edited_is_named_and_each_remedy_mends_it(
    settings: Settings, database: MongoDatabase, wanted: str
) -> None:
    orders = random_orders(40)
    accept(database, orders[:20])
    advance(database)
    assert check_orders(database, settings).is_good
    database[SHOP].update_one({}, {"$set": {"time_zone": "Asia/Kolkata"}})
    accept(database, orders[20:])
    with pytest.raises(ServiceError) as raised:
        check_orders(database, settings)
    assert row_of(str(raised.value)).startswith("the figures are by the hours of")
    assert f"`ecommerce shop --time-zone {wanted}`" in str(raised.value)
    assert compute_kpis(database).time_zone == "UTC"
    (found,) = examine(settings, [Check("shop", shop_check)])
    assert (found.state, f"`ecommerce shop --time-zone {wanted}`" in found.remedy) == (PROBLEM, True)
    assert "somebody edited" in ecommerce(settings, "shop").stderr

    done = ecommerce(settings, "shop", "--time-zone", wanted, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    now = compute_kpis(database)
    assert (now.orders, now.time_zone, read_shop(database).time_zone) == (40, wanted, wanted)
    assert check_orders(database, settings).is_good


def test_a_look_at_a_file_reads_times_as_its_import_does(
    settings: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    file = write_lines(tmp_path / "night.jsonl", complete_row(1, order={"order_time": "2026-03-02T00:15:00"}))
    for zone, moment in (("UTC", "2026-03-02T00:15:00"), ("Asia/Kolkata", "2026-03-01T18:45:00")):
        write_shop(database, Shop("EUR", zone))
        looked = ecommerce(settings, "import", "--check", str(file))
        assert f"times that name no zone are in {zone}" in looked.stdout
        assert moment in looked.stdout


def test_services_follow_a_shop_that_moves(settings: Settings) -> None:
    # With the shell's ECOMMERCE_TIMEZONE every run failed after the move.
    named = settings.model_copy(update={"timezone": "Europe/Berlin", "currency": "EUR"})
    environment = service_environment(named, None)
    assert (environment["ECOMMERCE_TIMEZONE"], environment["ECOMMERCE_CURRENCY"]) == ("", "")
