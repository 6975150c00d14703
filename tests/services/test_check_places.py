"""Orders that somebody put back beside the archive, or deleted: `check` names them, and nothing else stops."""

import pytest
from bson import Int64
from bson.raw_bson import RawBSONDocument
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.selection import Selection
from ecommerce.check import check_orders
from ecommerce.check.places import Deletions, find_deletions, find_twice
from ecommerce.check.report import CheckReport, FiguresDiffer, report_markdown
from ecommerce.documents.bson_codec import encode_order
from ecommerce.documents.order import OrderDocument
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, MongoDatabase
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from ecommerce.summaries.checked import check_problems
from ecommerce.summaries.rebuild import rebuild
from ecommerce.summaries.state import load_state
from tests.summaries_data import accept, random_orders
from tests.vandalism import assert_figures_of

pytestmark = pytest.mark.slow

ORDERS_ALL, ORDERS_FIRST = random_orders(300, days=20, wild=True), 250


@pytest.fixture
def archive(archive: Settings, database: MongoDatabase, spark: SparkSession) -> Settings:
    """Settings of a store with finished orders in a real archive, and others that are hot."""
    advance(database)
    accept(database, ORDERS_ALL[:ORDERS_FIRST])
    archive_orders(archive, Selection(older_than_days=1))
    advance(database)
    return archive


def put_back(database: MongoDatabase, count: int = 1) -> list[OrderDocument]:
    """Copy archived orders into `orders`, as from `orders_restored` in a shell."""
    archived = {entry["_id"] for entry in database[ARCHIVED_ORDERS].find()}
    orders = [order for order in ORDERS_ALL if order.order.order_id in archived][:count]
    database[ORDERS].insert_many([RawBSONDocument(encode_order(order)) for order in orders])
    return orders


def ids(report: CheckReport) -> list[int]:
    """The orders that are in both places."""
    return [one.order_id for one in report.twice]


def test_a_copy_of_an_archived_order_is_named_and_removed(database: MongoDatabase, archive: Settings) -> None:
    (copy,) = put_back(database)
    order_id = copy.order.order_id
    run_id = (database[ARCHIVED_ORDERS].find_one({"_id": order_id}) or {})["run_id"]
    report = check_orders(database, archive)
    assert (report.is_good, report.differences, ids(report)) == (False, (), [order_id])
    named = f"order {order_id} is in `orders` and in the archive (run {run_id})"
    for said in (str(FiguresDiffer(report)), report_markdown(report), check_problems(database)[0].says):
        assert named in said
    assert "ecommerce check --repair" in str(FiguresDiffer(report))

    report = check_orders(database, archive, repair=True)
    assert (report.is_good, report.repaired, report.twice, report.fewer) == (True, True, (), 0)
    assert check_orders(database, archive).is_good
    assert check_problems(database) == []
    assert_figures_of(database, ORDERS_ALL[:ORDERS_FIRST])


def test_one_with_another_content_stays_until_a_person_chose(database: MongoDatabase, archive: Settings) -> None:
    changed, same = put_back(database, 2)
    order_id = changed.order.order_id
    database[ORDERS].update_one({"_id": order_id}, {"$set": {"delivery.location": "elsewhere"}})
    report = check_orders(database, archive, repair=True)
    assert (report.is_good, ids(report)) == (False, [order_id])
    assert "with another content" in str(FiguresDiffer(report))
    assert "delete the order from `orders`" in str(FiguresDiffer(report))
    assert database[ORDERS].find_one({"_id": same.order.order_id}) is None

    database[ORDERS].delete_one({"_id": order_id})
    report = check_orders(database, archive)
    assert (report.gone, len(report.differences) > 0) == ((), True)
    assert check_orders(database, archive, repair=True).is_good
    assert check_orders(database, archive).is_good
    assert_figures_of(database, ORDERS_ALL[:ORDERS_FIRST])


def test_an_archive_run_leaves_it_where_it_is_and_archives_all_others(
    database: MongoDatabase, archive: Settings
) -> None:
    copies = {order.order.order_id for order in put_back(database, 3)}
    before = database[ARCHIVED_ORDERS].count_documents({})
    accept(database, ORDERS_ALL[ORDERS_FIRST:])
    (run,) = archive_orders(archive, Selection(older_than_days=1))
    assert run.superseded == 3
    assert database[ARCHIVED_ORDERS].count_documents({}) == before + run.orders
    assert database[ORDERS].count_documents({"_id": {"$in": [*copies]}}) == 3
    assert {one.order_id for one in check_orders(database, archive, repair=True).twice} == set()
    assert check_orders(database, archive).is_good
    assert_figures_of(database, ORDERS_ALL)


def test_a_deleted_order_is_named_before_the_figures_forget_it(database: MongoDatabase, archive: Settings) -> None:
    rebuild(database)
    deleted = next(order for order in ORDERS_ALL if database[ORDERS].find_one({"_id": order.order.order_id}))
    order_id = deleted.order.order_id
    database[ORDERS].delete_one({"_id": order_id})
    report = check_orders(database, archive)
    assert [one.order_id for one in report.gone] == [order_id]
    for said in (str(FiguresDiffer(report)), report_markdown(report)):
        assert f"order {order_id}, deleted at " in said
    assert "from a backup" in str(FiguresDiffer(report))

    report = check_orders(database, archive, repair=True)
    assert (report.repaired, [one.order_id for one in report.gone], report.fewer) == (True, [order_id], 1)
    assert not report.is_good, "the figures are without it: that a person accepts it is another step"
    report = check_orders(database, archive)
    assert (report.is_good, report.differences, report.fewer) == (False, (), 1)
    (problem,) = check_problems(database)
    assert f"order {order_id}, deleted at " in problem.says
    report = check_orders(database, archive, accept_lost=True)
    assert (report.is_good, report.fewer, report.accepted) == (True, 0, 1)
    assert check_problems(database) == []
    assert_figures_of(database, [order for order in ORDERS_ALL[:ORDERS_FIRST] if order is not deleted])


def test_what_an_archive_run_deleted_or_what_came_back_is_not_gone(database: MongoDatabase, archive: Settings) -> None:
    state = load_state(database)
    assert state is not None
    back = next(order for order in ORDERS_ALL if database[ORDERS].find_one({"_id": order.order.order_id}))
    database[ORDERS].delete_one({"_id": back.order.order_id})
    assert [one.order_id for one in find_deletions(database, state.rebuilt_at).gone] == [back.order.order_id]
    accept(database, [back])
    assert find_deletions(database, state.rebuilt_at) == Deletions((), 1)
    report = check_orders(database, archive)
    assert (len(report.differences) > 0, report.gone) == (True, ())
    assert check_orders(database, archive, repair=True).is_good
    assert_figures_of(database, ORDERS_ALL[:ORDERS_FIRST])


def test_a_collection_that_was_dropped_is_said_until_a_person_accepts_it(
    database: MongoDatabase, archive: Settings
) -> None:
    hot = database[ORDERS].count_documents({})
    database[ORDERS].drop()
    advance(database)
    (problem,) = check_problems(database)
    assert f"{hot:,} orders that were counted are gone" in problem.says
    report = check_orders(database, archive)
    assert (report.is_good, report.differences, report.fewer) == (False, (), hot)
    assert f"{hot:,} orders were counted once and not found again" in str(FiguresDiffer(report))
    accept(database, ORDERS_ALL[ORDERS_FIRST:])
    assert len(check_problems(database)) == 1

    assert not check_orders(database, archive, repair=True).is_good, "nothing is to be repaired"
    assert len(check_problems(database)) == 1
    assert check_orders(database, archive, accept_lost=True).is_good
    assert check_problems(database) == []
    assert check_orders(database, archive).is_good


def test_what_is_no_order_is_in_neither_list(database: MongoDatabase, archive: Settings) -> None:
    state = load_state(database)
    assert state is not None
    archived = database[ARCHIVED_ORDERS].find_one()
    assert archived is not None
    database[ORDERS].insert_one({"_id": archived["_id"], "note": "x"}, bypass_document_validation=True)
    for odd in ("text", 4.5, {"a": 1}, Int64(2**40)):
        database[ORDERS].insert_one({"_id": odd, "note": "x"}, bypass_document_validation=True)
    assert find_twice(database) == []
    database[ORDERS].delete_many({"note": "x"})
    assert find_deletions(database, state.rebuilt_at) == Deletions()
