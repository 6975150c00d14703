"""Summaries: what happens to orders is in the figures once, in its own bucket, whoever advances and however often."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from bson import Int64
from pymongo import MongoClient

from ecommerce.documents.bson_codec import CODEC_OPTIONS, decode_order
from ecommerce.documents.order import OrderDocument
from ecommerce.errors import ServiceError
from ecommerce.hours import hours_of
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.schema import prepare_database
from ecommerce.services.mongod import find_mongod
from ecommerce.shop import read_shop
from ecommerce.summaries import advance as advance_module
from ecommerce.summaries import compact as compact_module
from ecommerce.summaries.advance import advance
from ecommerce.summaries.buckets import cells_parts, rollup_parts
from ecommerce.summaries.cells import CellTable, cells_of_orders
from ecommerce.summaries.cells.promises import due_before
from ecommerce.summaries.cells.rollup import Rollup
from ecommerce.summaries.changes import latest_time
from ecommerce.summaries.compact import compact
from ecommerce.summaries.images import let_images_expire
from ecommerce.summaries.rebuild import rebuild
from ecommerce.summaries.state import BUCKETS, DELTAS, STATE, load_state, move_state
from tests.ports import free_port
from tests.runbook import row_of
from tests.summaries_data import START, accept, document_of, random_orders


def ledger(database: MongoDatabase) -> CellTable:
    """The cells that the summaries hold. Its rollups, too, must be those of its cells."""
    state = load_state(database)
    assert state is not None
    cells = [CellTable.decode(data) for data in cells_parts(database, state, None, None)]
    rollups = [Rollup.decode(data) for _, data in rollup_parts(database, state.epoch, None, None)]
    now = due_before(datetime.now(UTC))
    kept = Rollup.sum_of(rollups).due(now).tables
    expected = Rollup.of_cells(CellTable.sum_of(cells)).due(now).tables
    for name, table in expected.items():
        assert kept[name].sort(table.columns).equals(table.sort(table.columns)), name
    deltas = database[DELTAS].find({"_id": {"$gt": state.compacted_seq}})
    return CellTable.sum_of([*cells, *(CellTable.decode(delta["data"]) for delta in deltas)]).settled(now)


def hot_cells(database: MongoDatabase) -> CellTable:
    hours = hours_of(read_shop(database).time_zone)
    cells = cells_of_orders((decode_order(document) for document in database[ORDERS].find()), hours)
    return cells.settled(due_before(datetime.now(UTC)))


def assert_exact(database: MongoDatabase) -> None:
    assert ledger(database).equals(hot_cells(database))


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
    stop = threading.Event()
    failures: list[BaseException] = []

    def keep_advancing() -> None:
        while not stop.is_set():
            try:
                advance(database)
                compact(database)
            except BaseException as error:
                failures.append(error)
                raise

    threads = [threading.Thread(target=keep_advancing) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number, order in enumerate(random_orders(150)):
        accept(database, [order])
        database[ORDERS].update_one({"_id": number % 50}, {"$set": {"delivery.location": f"L{number}"}})
    stop.set()
    for thread in threads:
        thread.join()
    assert not failures
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


def lose_token(database: MongoDatabase) -> None:
    """Go on from an event that the oplog does not have, as after it was cut."""
    with database[ORDERS].watch() as stream:
        accept(database, random_orders(1, seed=9))
        token = next(stream)["_id"]
    a_second_before = f"{int(token['_data'][2:10], 16) - 1:08X}"
    token["_data"] = token["_data"][:2] + a_second_before + token["_data"][10:]
    go_on_from(database, token)


def go_on_from(database: MongoDatabase, token: dict[str, Any]) -> None:
    """Write a position as the program does."""
    state = load_state(database)
    assert state is not None
    assert move_state(database, state, replace(state, token=token))


def spoil_token(database: MongoDatabase) -> None:
    go_on_from(database, {"_data": 5})


def spoil_token_s_text(database: MongoDatabase) -> None:
    go_on_from(database, {"_data": "82zz"})


def lose_state(database: MongoDatabase) -> None:
    database[STATE].delete_many({})


def lose_images(database: MongoDatabase) -> None:
    database.command("collMod", ORDERS, changeStreamPreAndPostImages={"enabled": False})
    database[ORDERS].update_many({}, {"$set": {"delivery.status": "Shipped"}})


def lose_orders(database: MongoDatabase) -> None:
    database[ORDERS].drop()


def other_format(database: MongoDatabase) -> None:
    database[STATE].update_one({}, {"$set": {"format": 0}})


@pytest.mark.parametrize(
    "loss", [lose_token, spoil_token, spoil_token_s_text, lose_state, lose_images, lose_orders, other_format]
)
def test_what_cannot_go_on_is_rebuilt(database: MongoDatabase, loss: Any) -> None:
    accept(database, random_orders(120))
    advance(database)
    seq = (load_state(database) or pytest.fail()).seq
    loss(database)
    accept(database, random_orders(30, seed=2))
    advanced = advance(database)
    assert advanced.mode == "rebuilt"
    assert advanced.reason
    assert advanced.seq > seq or loss in (lose_state, other_format)
    assert_exact(database)
    accept(database, random_orders(200, seed=3))
    assert advance(database).mode == "advanced"
    assert_exact(database)


def test_a_rebuild_while_writers_write_loses_nothing(database: MongoDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecommerce.summaries.ranges.ORDERS_PER_RANGE", 50)
    monkeypatch.setattr("ecommerce.bson_reading.batches.BATCH_DOCUMENTS", 30)
    accept(database, random_orders(500))
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            accept(database, random_orders(500 + number, seed=5)[-1:])
            database[ORDERS].update_one({"_id": number % 500}, {"$set": {"delivery.location": f"L{number}"}})

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(4):
            rebuild(database)
            advance(database)
    finally:
        stop.set()
        writer.join()
    advance(database)
    assert_exact(database)


def snapshot_window(database: MongoDatabase) -> int:
    answer = database.client.admin.command("getParameter", 1, minSnapshotHistoryWindowInSeconds=1)
    return int(answer["minSnapshotHistoryWindowInSeconds"])


def test_a_rebuild_of_many_orders_keeps_its_moment_readable_for_longer(
    database: MongoDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(database, random_orders(400))
    before, seen = snapshot_window(database), []
    monkeypatch.setattr("ecommerce.summaries.history.ORDERS_PER_SECOND", 1)
    rebuild(database, progress=lambda *_: seen.append(snapshot_window(database)))
    assert set(seen) == {max(before, 400)}
    assert snapshot_window(database) == before


def test_a_moment_that_is_no_longer_readable_is_an_error_that_says_what_to_do(
    database: MongoDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, before = database.client.admin, snapshot_window(database)
    orders = random_orders(100)
    accept(database, orders[:50])
    advance(database)
    moment = latest_time(database)
    monkeypatch.setattr("ecommerce.summaries.rebuild._Rebuild.snapshot_time", lambda _: moment)
    admin.command("setParameter", 1, minSnapshotHistoryWindowInSeconds=0)
    try:
        accept(database, orders[50:])
        with pytest.raises(ServiceError, match="raise its parameter minSnapshotHistoryWindowInSeconds") as refused:
            rebuild(database)
        assert row_of(str(refused.value)).startswith("the server keeps a moment readable")
    finally:
        admin.command("setParameter", 1, minSnapshotHistoryWindowInSeconds=before)
    assert compute_kpis(database).orders == 100
    assert_exact(database)


def test_rebuilds_at_once_leave_one_epoch(database: MongoDatabase) -> None:
    accept(database, random_orders(300))
    with ThreadPoolExecutor(3) as threads:
        for rebuilding in [threads.submit(rebuild, database) for _ in range(3)]:
            rebuilding.result()
    assert_exact(database)
    state = load_state(database)
    assert state is not None
    assert {part["_id"].split(":")[0] for part in database[BUCKETS].find({}, {"_id": 1})} == {state.epoch}


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
    import subprocess

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
