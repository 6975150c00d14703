"""Summaries: what happens to orders is in the figures once, in its own bucket, whoever advances and however often."""

import subprocess
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bson import Int64
from pymongo import MongoClient

from ecommerce.documents.bson_codec import CODEC_OPTIONS
from ecommerce.documents.order import OrderDocument
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.schema import prepare_database
from ecommerce.services.mongod import find_mongod
from ecommerce.summaries import advance as advance_module
from ecommerce.summaries import compact as compact_module
from ecommerce.summaries.advance import advance
from ecommerce.summaries.compact import compact
from ecommerce.summaries.images import let_images_expire
from ecommerce.summaries.state import BUCKETS, DELTAS
from tests.beside import Beside
from tests.ports import free_port
from tests.summaries_data import START, accept, document_of, random_orders
from tests.summaries_ledger import assert_exact, hot_cells, ledger


def changed(order: OrderDocument, **parts: Any) -> OrderDocument:
    """The order with fields of its order or delivery changed."""
    own = {name: value for name, value in parts.items() if hasattr(order.order, name)}
    delivery = {name: value for name, value in parts.items() if hasattr(order.delivery, name)}
    items = parts.get("order_items", order.order_items)
    return OrderDocument(
        msgspec.structs.replace(order.order, **own),
        items,
        msgspec.structs.replace(order.delivery, **delivery),
        order.updated_at + timedelta(milliseconds=1),
    )


def test_an_empty_database_has_empty_summaries(database: MongoDatabase) -> None:
    assert advance(database).mode == "rebuilt"
    assert advance(database).mode == "advanced"
    assert ledger(database).is_empty()


def test_new_orders_are_taken_in_once(database: MongoDatabase) -> None:
    advance(database)
    orders = random_orders(600, wild=True)
    for start in range(0, 600, 200):
        accept(database, orders[start : start + 200])
        accept(database, orders[: start + 200])  # delivered again
        assert advance(database).changes == 200
        assert_exact(database)
    assert advance(database).changes == 0


@pytest.mark.parametrize(
    "correction",
    [
        {"status": "Delivered", "actual_time": START + timedelta(days=90)},
        {"status": "Returned"},
        {"total_amount": Decimal("0.0001")},
        {"discount": Decimal("0.5")},
        {"order_items": ()},
        {"order_time": START - timedelta(days=400)},
        {"courier_id": 99, "location": "Lima", "payment_type": "cash"},
    ],
    ids=lambda correction: "+".join(correction),
)
def test_a_correction_moves_an_order_s_cells(database: MongoDatabase, correction: dict[str, Any]) -> None:
    orders = random_orders(40)
    accept(database, orders)
    advance(database)
    accept(database, [changed(order, **correction) for order in orders[::2]])
    assert advance(database).mode == "advanced"
    assert_exact(database)


def test_updates_in_place_and_replacements_count_alike(database: MongoDatabase) -> None:
    orders = random_orders(100)
    accept(database, orders)
    advance(database)
    database[ORDERS].update_many({"_id": {"$lt": 50}}, {"$set": {"delivery.status": "Shipped"}})
    database[ORDERS].replace_one({"_id": 60}, document_of(changed(orders[60], status="Returned")))
    database[ORDERS].update_one({"_id": 61}, {"$set": {"delivery.actual_time": None}})
    advance(database)
    assert_exact(database)


def test_what_the_archiver_deletes_stays_in_the_figures(database: MongoDatabase) -> None:
    accept(database, random_orders(100))
    advance(database)
    before = hot_cells(database)
    database[ORDERS].delete_many({"_id": {"$lt": 70}})
    assert advance(database).changes == 0
    assert ledger(database).equals(before)


def test_many_that_advance_at_once_count_each_change_once(database: MongoDatabase) -> None:
    accept(database, random_orders(50))
    advance(database)

    def take_in() -> None:
        advance(database)
        compact(database)

    with Beside(take_in), Beside(take_in), Beside(take_in), Beside(take_in):
        for number, order in enumerate(random_orders(150)):
            accept(database, [order])
            database[ORDERS].update_one({"_id": number % 50}, {"$set": {"delivery.location": f"L{number}"}})
    advance(database)
    assert_exact(database)


def test_a_backlog_that_costs_more_than_a_rebuild_leads_to_one(
    database: MongoDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server gives at most 16 MB of events at once; a small allowance stands for a large backlog.
    monkeypatch.setattr(advance_module, "CHANGES_BEFORE_REBUILD", 100)
    monkeypatch.setattr("ecommerce.summaries.changes.BATCH_EVENTS", 100)
    advance(database)
    accept(database, random_orders(900))
    advanced = advance(database)
    assert (advanced.mode, advanced.reason) == ("rebuilt", "more than 200 changes to catch up with")
    assert_exact(database)


def test_compaction_keeps_the_log_short_and_changes_no_figure(
    database: MongoDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compact_module, "DELTAS_KEPT", timedelta(0))
    monkeypatch.setattr(advance_module, "DELTAS_BEFORE_COMPACTION", 7)
    for number in range(40):
        accept(database, random_orders(5 * (number + 1))[-5:])
        advance(database)
        assert database[DELTAS].count_documents({}) <= 8
    compact(database)
    assert_exact(database)
    assert database[DELTAS].count_documents({}) == 1, "the last one tells an older state that is put back"
    months = 3  # those of the orders, and that of their last refunds
    assert database[BUCKETS].count_documents({}) <= 2 * months * (compact_module.PARTS_BEFORE_MERGE + 1)


def test_images_of_changed_orders_expire(database: MongoDatabase) -> None:
    assert let_images_expire(database)
    options = database.client.admin.command("getClusterParameter", "changeStreamOptions")["clusterParameters"][0]
    assert 24 * 3600 <= options["preAndPostImages"]["expireAfterSeconds"] <= 7 * 24 * 3600


@pytest.fixture
def standalone(tmp_path: Path) -> Iterator[MongoDatabase]:
    """A prepared database on a mongod that is no replica set."""
    port = free_port()
    command = [str(find_mongod()), "--dbpath", str(tmp_path), "--port", str(port), "--bind_ip", "127.0.0.1"]
    process = subprocess.Popen([*command, "--unixSocketPrefix", str(tmp_path)], stdout=subprocess.DEVNULL)
    client: MongoClient[dict[str, Any]] = MongoClient(f"mongodb://127.0.0.1:{port}/", tz_aware=True)
    try:
        database = client.get_database("shop", codec_options=CODEC_OPTIONS)
        prepare_database(database)
        yield database
    finally:
        client.close()
        process.terminate()
        process.wait(30)


def test_without_a_replica_set_every_advance_rebuilds_and_says_so(standalone: MongoDatabase) -> None:
    accept(standalone, random_orders(100))
    for status in ("Shipped", "Delivered"):
        standalone[ORDERS].update_many({"_id": {"$lt": 50}}, {"$set": {"delivery.status": status}})
        advanced = advance(standalone)
        assert advanced.mode == "rebuilt"
        assert "no replica set" in advanced.reason
        assert_exact(standalone)
    standalone[ORDERS].delete_one({"_id": Int64(3)})
    assert compute_kpis(standalone).orders == 99
