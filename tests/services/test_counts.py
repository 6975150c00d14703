"""Hot and archived orders are told exactly, also after MongoDB was killed and its own count is wrong."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from dashboard.pipeline import read_pipeline
from ecommerce.archive.runs import prepare_archive
from ecommerce.archive.selection import Selection, plan_archive
from ecommerce.doctor.findings import Problem
from ecommerce.doctor.pipeline import documents
from ecommerce.documents.bson_codec import to_document
from ecommerce.documents.order import Refund
from ecommerce.ingest.expired import note_expired
from ecommerce.kpis.store import KpiStore, compute_kpis
from ecommerce.metrics import read_samples
from ecommerce.mongo import ORDERS, REJECTED_ROWS, MongoDatabase, get_database
from ecommerce.schema import prepare_database
from ecommerce.services.daemons import Daemon
from ecommerce.services.data_state import order_counts
from ecommerce.services.mongod import mongod
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from ecommerce.summaries.counts import count_orders, count_orders_now
from ecommerce.summaries.rebuild import rebuild
from tests.archiving import OLD_DAY, an_order, insert, purge_by_hand
from tests.ports import free_port
from tests.programs import ecommerce

BEFORE, MORE = 500, 3_500


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Daemon, Settings]]:
    """A mongod of the test's own, which it may kill."""
    port = free_port()
    server = mongod(tmp_path / "home", port).start()
    uri = SecretStr(f"mongodb://127.0.0.1:{port}/?replicaSet=ecommerce")
    yield server, Settings(home=tmp_path / "home", mongo_uri=uri, database="killed")
    server.stop()


def test_after_a_kill_every_place_that_tells_counts_has_what_is_there(own: tuple[Daemon, Settings]) -> None:
    server, settings = own
    database = get_database(settings)
    prepare_database(database)

    def add(orders: range) -> None:
        insert(database, [an_order(number) for number in orders])
        database[REJECTED_ROWS].insert_many([{"file": "a.csv"} for _ in orders])

    there = BEFORE
    add(range(there))
    for _ in range(3):  # MongoDB makes a checkpoint each minute: one that comes before the kill leaves nothing to mend
        database.client.admin.command("fsync")  # a checkpoint: what comes now is in the journal only
        add(range(there, there + MORE))
        there += MORE
        advance(database)
        server.kill()
        server.start()
        assert database[ORDERS].count_documents({}) == there
        if database[ORDERS].estimated_document_count() != there:
            break
    else:
        pytest.fail("no kill had an effect: this test shows nothing")
    figures = compute_kpis(database)
    assert (figures.hot_orders, figures.orders) == (there, there)
    assert order_counts(settings)["hot_orders"] == there
    samples = {(one.name, *one.labels.values()): one.value for one in read_samples(database)}
    assert samples["ecommerce_orders", "hot"] == there
    assert samples[("ecommerce_rejected_rows",)] == there
    pipeline = read_pipeline(database, settings)
    assert (pipeline.hot_orders, pipeline.rejected_rows) == (there, there)
    assert plan_archive(database, Selection(older_than_days=36_000)).staying_young == there


def test_counts_follow_what_comes_what_is_corrected_and_what_is_archived(database: MongoDatabase) -> None:
    prepare_archive(database)
    first, second = datetime(2024, 3, 1, tzinfo=UTC), datetime(2025, 3, 1, tzinfo=UTC)
    store = KpiStore(database)

    def counted() -> tuple[int, ...]:
        store.refresh()
        kept = count_orders(database)
        rebuild(database)
        assert count_orders(database) == kept
        return kept[:3]

    assert counted() == (0, 0, 0)
    insert(database, [an_order(number) for number in range(100)])
    none = an_order(100, items=0, total_amount=Decimal(0))
    credit = replace(none, refunds=(Refund(1, none.order.order_time, Decimal(5)),))
    insert(database, [credit])
    assert counted() == (101, 0, 0)
    purge_by_hand(database, range(10), first)
    assert counted() == (91, 10, 0)
    broken = {"$set": {"order.total_amount": "twelve"}}
    database[ORDERS].update_one({"_id": 50}, broken, bypass_document_validation=True)
    database[ORDERS].insert_one({"_id": 1_000}, bypass_document_validation=True)
    assert counted() == (92, 10, 2)
    database[ORDERS].delete_one({"_id": 1_000})
    assert counted() == (91, 10, 1)
    database[ORDERS].replace_one({"_id": 50}, to_document(an_order(50)))
    database[ORDERS].replace_one({"_id": 51}, to_document(an_order(51, status="Returned")))
    assert counted() == (91, 10, 0)
    purge_by_hand(database, range(10, 30), second)
    assert counted() == (71, 30, 0)
    note_expired(database, second)
    assert counted() == (71, 20, 0)


def test_status_counts_what_is_there_now_and_not_what_the_summaries_knew(database: MongoDatabase) -> None:
    insert(database, [an_order(1)])
    assert count_orders_now(database) == (1, 0, 0, 0, 0)
    advance(database)
    insert(database, [an_order(2)])
    assert count_orders(database).hot == 1, "at the position of the summaries"
    assert count_orders_now(database).hot == 2


def test_status_tells_apart_what_is_no_order_and_what_nobody_looked_at_yet(
    database: MongoDatabase, settings: Settings
) -> None:
    insert(database, [an_order(1)])
    advance(database)
    database[ORDERS].insert_one({"_id": "x"}, bypass_document_validation=True)
    said = " ".join(ecommerce(settings, "status").stdout.split())
    assert "orders: 2 hot (1 of them newer than the figures and not looked at yet), 0 archived" in said, said
    advance(database)
    said = " ".join(ecommerce(settings, "status").stdout.split())
    assert "orders: 2 hot (1 of them set aside), 0 archived" in said, said


def test_status_and_doctor_tell_of_counted_orders_that_were_deleted(
    database: MongoDatabase, settings: Settings
) -> None:
    insert(database, [an_order(number) for number in range(5)])
    advance(database)
    first = OLD_DAY
    purge_by_hand(database, range(2), datetime(first.year, first.month, first.day, tzinfo=UTC))
    assert count_orders_now(database).missing == 0
    database[ORDERS].delete_one({"_id": 3})
    assert count_orders_now(database).missing == 1
    said = " ".join(ecommerce(settings, "status").stdout.split())
    assert "orders: 2 hot (1 more was counted and deleted: see `ecommerce check`), 2 archived" in said, said
    with pytest.raises(Problem, match="1 order that the figures count is no longer in `orders`"):
        documents(settings)
