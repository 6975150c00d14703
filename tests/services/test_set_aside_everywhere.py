"""Whatever reads `orders` goes on where documents are no orders, and says which ones: check, doctor, metrics, archive,
generator, import and the commands.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128, Int64
from bson.datetime_ms import DatetimeMS
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.report import plan_markdown
from ecommerce.archive.selection import Selection, plan_archive
from ecommerce.check import check_orders
from ecommerce.check.report import FiguresDiffer, report_markdown
from ecommerce.doctor.findings import PROBLEM
from ecommerce.documents.order import OrderDocument
from ecommerce.generate.into_mongodb.advance import advance_life
from ecommerce.generate.into_mongodb.catalog_store import ensure_catalog
from ecommerce.generate.into_mongodb.store import store_windows
from ecommerce.importing.import_files import import_paths
from ecommerce.kpis import compute_kpis
from ecommerce.metrics import metrics_text
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.services.data_state import set_aside
from ecommerce.settings import Settings
from ecommerce.summaries.advance import Advance, advance
from ecommerce.summaries.aside import all_aside
from ecommerce.summaries.state import STATE, load_state
from tests.archiving import an_order, hot_ids, insert
from tests.doctoring import look
from tests.generator_samples import MARCH, MONTH_LATER, march, small_catalog
from tests.import_samples import complete_row, stored_orders, write_lines
from tests.summaries_data import document_of
from tests.vandalism import IDENTITIES, Vandal, assert_figures_of, changed, orders, vandal

pytestmark = pytest.mark.slow

__all__ = ["orders", "vandal"]


def case_48() -> list[dict[str, Any]]:
    """The documents of the report: an amount that is a text, a document that is nothing, an `_id` alone."""
    time = datetime(2025, 1, 5, tzinfo=UTC)
    order = {"order_id": Int64(1001), "user_id": Int64(1), "order_time": time, "total_amount": "12.50", "discount": 0.0}
    return [
        {
            "_id": Int64(1001),
            "order": order | {"quantity": 1, "payment_type": "card"},
            "order_items": [],
            "delivery": {"status": "Delivered"},
            "updated_at": time,
        },
        {"_id": "x2", "order": {"order_time": "2025-01-05"}},
        {"_id": Int64(1003)},
    ]


def test_check_names_them_and_finds_all_other_figures_equal(
    database: MongoDatabase, settings: Settings, orders: list[OrderDocument], vandal: Vandal
) -> None:
    for document in case_48():
        vandal.put(document)
    for identity in IDENTITIES:
        vandal.add_nonsense(identity)
    far = changed(document_of(orders[0]), "order.order_time", DatetimeMS(10**17))
    vandal.put(far)
    for repair in (False, True):
        report = check_orders(database, settings, repair=repair)
        assert report.differences == ()
        assert (report.hot_orders, report.aside) == (59, 3 + len(IDENTITIES))  # x2 is in both
        assert not report.is_good
        for told in (str(FiguresDiffer(report)), report_markdown(report), json.dumps(report.to_json_dict())):
            assert "_id" in told
        named = {one.identity: one.reason for one in report.set_aside}
        assert named['"x2"'] == "_id: x2 is of type string, not long"
        assert named["1001"] == "order.total_amount: 12.50 is of type string, not decimal"
        assert named["0"] == "order.order_time: 100000000000000000 ms since 1970 is out of range"
    for document in case_48():
        database[ORDERS].delete_one({"_id": document["_id"]})
    for identity in IDENTITIES:
        database[ORDERS].delete_one({"_id": identity})
    vandal.put(document_of(orders[0]))
    assert check_orders(database, settings).is_good
    assert_figures_of(database, orders)


def test_repair_builds_anew_first_where_the_summaries_cannot_go_on(
    database: MongoDatabase, settings: Settings, orders: list[OrderDocument], monkeypatch: pytest.MonkeyPatch
) -> None:
    database[ORDERS].update_one({"_id": 1}, {"$set": {"delivery.location": "Lima"}})
    database[STATE].update_one({}, {"$set": {"token": {"_data": 5}}})
    assert check_orders(database, settings).is_good
    state = load_state(database)
    assert state is not None

    def advance_of_this_epoch(database: MongoDatabase, **options: Any) -> Advance:
        now = load_state(database)
        if now and now.epoch == state.epoch:
            raise TypeError("whatever keeps it from going on")
        return advance(database, **options)

    monkeypatch.setattr("ecommerce.check.check.advance", advance_of_this_epoch)
    with pytest.raises(TypeError):
        check_orders(database, settings)
    assert check_orders(database, settings, repair=True).is_good
    assert check_orders(database, settings).is_good


def test_doctor_status_and_metrics_tell_of_them(
    database: MongoDatabase, settings: Settings, orders: list[OrderDocument], vandal: Vandal, tmp_path: Path
) -> None:
    settings = settings.model_copy(update={"archive_uri": (tmp_path / "archive").as_uri()})
    assert look(settings)["documents"].state == "ok"
    for document in case_48():
        vandal.put(document)
    vandal.put({"_id": DatetimeMS(10**17)})
    vandal.put(changed(document_of(orders[2]), "order.order_time", [datetime(1969, 1, 1, tzinfo=UTC)]))
    advance(database)
    problems = [finding for finding in look(settings).values() if finding.state == PROBLEM]
    assert [problem.check for problem in problems] == ["documents"]
    assert "_id 1003 (order is missing)" in problems[0].says
    assert "ecommerce summarize" in problems[0].remedy
    assert "_id 1003 (order is missing)" in set_aside(settings)
    text = metrics_text(database)
    assert "ecommerce_orders_aside 5.0" in text
    assert "ecommerce_up 1.0" in text
    database["orders"].delete_many({"_id": {"$gte": 1_000}})
    assert "`ecommerce summarize` takes" in look(settings)["documents"].remedy
    assert "what was deleted off this list" in look(settings)["documents"].remedy
    assert "_id 1003" in look(settings)["documents"].says
    advance(database)
    assert "_id 1003" not in look(settings)["documents"].says


def test_an_import_of_the_order_mends_the_document(database: MongoDatabase, tmp_path: Path, vandal: Vandal) -> None:
    file = write_lines(tmp_path / "1.jsonl", complete_row(1), complete_row(2), complete_row(3))
    import_paths(database, [file])
    before = stored_orders(database)
    for order, value in zip(before, ("12.50", Decimal128("1.23456"), None), strict=True):
        vandal.put(changed(document_of(order), "order.total_amount", value))
    database[ORDERS].delete_one({"_id": 3})
    vandal.put({"_id": 3, "order": 5})  # an int, which is equal to the long
    assert compute_kpis(database).aside == 3
    report = import_paths(database, [file])
    assert (report.changed, report.accepted, report.unchanged, report.rejected) == (3, 0, 0, 0)
    assert stored_orders(database) == before
    assert_figures_of(database, before)
    assert all_aside(database) == (0, [])
    assert import_paths(database, [file]).unchanged == 3


def test_an_order_whose_fields_stand_in_another_order_is_unchanged(database: MongoDatabase, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "1.jsonl", complete_row(1))
    import_paths(database, [file])
    document = database[ORDERS].find_one({})
    assert document is not None
    database[ORDERS].replace_one({}, {name: document[name] for name in reversed(list(document))})
    assert import_paths(database, [file]).unchanged == 1


def test_life_goes_on_for_the_orders_of_the_generator(database: MongoDatabase, vandal: Vandal) -> None:
    ensure_catalog(database, small_catalog())
    store_windows(database, small_catalog(), [march(300)], MARCH + timedelta(days=3))
    some = list(database[ORDERS].find({"delivery.status": "Pending"}).limit(20))
    assert len(some) == 20
    for number, document in enumerate(some[:12]):
        path, value = (
            ("order.total_amount", "12.50"),
            ("order.order_time", "x"),
            ("order_items", 5),
            ("updated_at", ...),
        )[number % 4]
        vandal.put(changed(document, path, value))
    vandal.put({"_id": "x2", "delivery": {"status": "Pending"}, "order": 5})
    assert advance_life(database, MONTH_LATER).orders > 10
    left = {document["_id"] for document in vandal.orders.find({"delivery.status": {"$in": ["Pending", "Shipped"]}})}
    assert {document["_id"] for document in some[:12]} <= left
    assert not {document["_id"] for document in some[12:]} & left


def test_the_archive_takes_orders_and_leaves_what_is_none(
    database: MongoDatabase, archive: Settings, vandal: Vandal, spark: SparkSession
) -> None:
    good = [an_order(number, day=number % 3) for number in range(40)]
    insert(database, good)
    day = good[0].order.order_time
    times = (datetime(1969, 12, 31, tzinfo=UTC), datetime(2300, 1, 1, tzinfo=UTC), "2024-03-01", [day])
    for number, time in enumerate(times):
        vandal.put(changed(document_of(an_order(100 + number)), "order.order_time", time))
    vandal.put(changed(document_of(an_order(110)), "order.total_amount", "12.50"))
    vandal.put(changed(document_of(an_order(111)), "updated_at", ...))
    vandal.put({"_id": "x2", "order": {"order_time": day}, "delivery": {"status": "Delivered"}})
    for document in case_48():
        vandal.put(document)
    advance(database)
    plan = plan_archive(database, Selection(older_than_days=30))
    assert (plan.orders, plan.aside) == (40, 9)
    assert "9 documents stay" in plan_markdown(plan)
    # One more becomes bad after the plan's look: the export looks at each by itself.
    vandal.put(changed(document_of(good[5]), "order.discount", 0.0))
    (run,) = archive_orders(archive, Selection(older_than_days=30))
    assert (run.state, run.orders) == ("committed", 39)
    assert 5 in {document["_id"] for document in vandal.orders.find({}, {"_id": 1})}
    report = check_orders(database, archive)
    assert report.differences == ()
    assert (report.archived_orders, report.aside) == (39, 10)
    vandal.put(document_of(good[5]))
    (run,) = archive_orders(archive, Selection(older_than_days=30))
    assert run.orders == 1
    assert_figures_of(database, good)
    database[ORDERS].delete_many({})
    assert check_orders(database, archive).is_good
    assert hot_ids(database) == set()
