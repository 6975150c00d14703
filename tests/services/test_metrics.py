"""The metrics say what is there, and that MongoDB is away when it is."""

import time
import urllib.request
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Thread
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from ecommerce.archive.run import ARCHIVE, PLANNED, Run
from ecommerce.archive.runs import move_on, new_run, prepare_archive
from ecommerce.documents.order import Refund
from ecommerce.importing.loading.ledger import prepare_ledger
from ecommerce.metrics import METRICS, metrics_text, serve_metrics
from ecommerce.mongo import ARCHIVED_CHANGES, IMPORTS, MongoDatabase, get_database
from ecommerce.settings import Settings
from ecommerce.shop import Shop, write_shop
from ecommerce.summaries.advance import advance
from tests.archiving import an_order, insert, purge_by_hand
from tests.ports import free_port


def values(text: str) -> dict[str, float]:
    """Every sample; with labels, their values follow the name."""
    return {
        ":".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_metric_has_its_value_once_everything_has_happened(database: MongoDatabase) -> None:
    prepare_archive(database)
    prepare_ledger(database)
    now = datetime.now(UTC)
    insert(database, [an_order(number) for number in (1, 2, 10, 11, 12)])
    advance(database)
    purge_by_hand(database, range(10, 13), now)
    database[ARCHIVED_CHANGES].insert_one({"order_id": 10, "number": 1})
    run = new_run(database, Run("r1", ARCHIVE, PLANNED, now, None, "file:/a", table_bytes=7, started_at=now))
    move_on(database, run, "committed")
    database[IMPORTS].insert_many(
        {"started_at": now - timedelta(hours=hours), "state": state} for hours, state in ((1, "failed"), (40, "failed"))
    )
    found = values(metrics_text(database))
    assert {name.partition(":")[0] for name in found} == set(METRICS)
    assert (found["ecommerce_orders:hot"], found["ecommerce_orders:archived"]) == (2, 3)
    assert found["ecommerce_archive_bytes"] == 7
    assert found["ecommerce_archived_changes"] == 1
    assert found["ecommerce_sales_today:USD:net_sales"] == 0, "both orders are of 2024"
    assert found["ecommerce_archive_unfinished_seconds"] == 0
    assert found["ecommerce_failed_imports"] == 1
    assert 3500 < found["ecommerce_import_age_seconds"] < 7200
    assert found["ecommerce_oldest_hot_order_age_seconds"] > 365 * 86_400
    assert 0 < found["ecommerce_disk_free_ratio"] < 1


def test_sales_of_the_shops_day_are_by_currency(database: MongoDatabase) -> None:
    write_shop(database, Shop("INR", "Asia/Kolkata"))
    now = datetime.now(UTC)
    begin = now.astimezone(ZoneInfo("Asia/Kolkata")).replace(hour=0, minute=0, second=0, microsecond=0)
    own = an_order(1, order_time=begin, total_amount=Decimal(5), tax_amount=Decimal(1), shipping_amount=Decimal(2))
    yesterday = an_order(2, order_time=begin - timedelta(seconds=1))
    refund = Refund(1, now, Decimal("0.5"))
    dollars = replace(an_order(3, order_time=now, currency="USD", total_amount=Decimal(7)), refunds=(refund,))
    insert(database, [own, yesterday, dollars])
    advance(database)
    found = values(metrics_text(database))
    names = ("net_sales", "returns", "tax", "shipping", "total_sales")
    assert [found[f"ecommerce_sales_today:INR:{name}"] for name in names] == [2, 0, 1, 2, 5]
    assert [found[f"ecommerce_sales_today:USD:{name}"] for name in names] == [6.5, 0.5, 0, 0, 6.5]


def test_a_server_that_is_away_is_down() -> None:
    away = get_database(Settings.model_validate({"mongo_uri": f"mongodb://127.0.0.1:{free_port()}/?replicaSet=x"}))
    assert values(metrics_text(away)) == {"ecommerce_up": 0}


def test_they_are_served(database: MongoDatabase) -> None:
    port = free_port()
    Thread(target=serve_metrics, args=(database, "127.0.0.1", port), daemon=True).start()
    for _ in range(100):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
                assert values(answer.read().decode())["ecommerce_up"] == 1
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the metrics are not served")
