"""Archived orders of long ago leave the table; figures still count them, and nothing brings them in again."""

from datetime import UTC, datetime

import pytest
from pyspark.sql import SparkSession

from ecommerce.archive import edits
from ecommerce.archive import expire as expiry
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.expire import expire_orders
from ecommerce.archive.maintain import compact_archive
from ecommerce.check import check_orders
from ecommerce.documents.bson_codec import encode_order
from ecommerce.ingest.accept import accept_orders
from ecommerce.ingest.encoded_order import EncodedOrder
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import ARCHIVED_ORDERS, MongoDatabase
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from tests.archiving import OLD_DAY, an_order, archived_ids, cut_off, insert

pytestmark = pytest.mark.slow

YOUNG = (datetime.now(UTC).date() - OLD_DAY).days - 400
AGES = {0: 20, 1: 20, YOUNG: 20}
"""Days after OLD_DAY → how many orders; the last ones are younger than two years."""


@pytest.fixture
def shop(archive: Settings, database: MongoDatabase) -> Settings:
    ids = iter(range(60))
    insert(database, [an_order(next(ids), day=day) for day, count in AGES.items() for _ in range(count)])
    advance(database)
    archive_orders(archive)
    return archive


def figures(database: MongoDatabase) -> dict[str, object]:
    found = compute_kpis(database).to_json_dict()
    return {name: value for name, value in found.items() if name not in ("as_of", "archived_orders")}


def assert_expired(shop: Settings, database: MongoDatabase, spark: SparkSession, before: dict[str, object]) -> None:
    assert archived_ids(spark, shop) == list(range(40, 60))
    assert database[ARCHIVED_ORDERS].count_documents({}) == 20
    assert figures(database) == before
    report = check_orders(database, shop)
    assert (report.differences, report.damaged) == ((), ())
    again = [an_order(at, day=0) for at in range(3)]
    batch = [EncodedOrder(order.order.order_id, encode_order(order)) for order in again]
    accepted = accept_orders(database, batch, is_news=lambda _stored, _incoming: True)
    assert (accepted.expired, accepted.accepted) == ([0, 1, 2], 0)
    assert expire_orders(shop, 2).orders == 0


def test_old_orders_leave_the_table_and_figures_stay(
    shop: Settings, database: MongoDatabase, spark: SparkSession
) -> None:
    before = figures(database)
    expired = expire_orders(shop, 2)
    assert expired.orders == 40
    assert_expired(shop, database, spark, before)
    compact_archive(shop)
    assert_expired(shop, database, spark, before)


@pytest.mark.parametrize("moment", ["expire:noted", "edit:deleted", "edit:written", "edit:published", "expire:removed"])
def test_cut_off_at_any_moment_it_is_finished(
    shop: Settings, database: MongoDatabase, spark: SparkSession, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    before = figures(database)
    with cut_off(monkeypatch, moment, expiry, edits):
        expire_orders(shop, 2)
    assert figures(database) == before
    assert check_orders(database, shop).damaged == ()
    assert expire_orders(shop, 2).orders == 40
    assert_expired(shop, database, spark, before)
