"""A refund, or a status further on, that comes for an archived order: figures follow at once, hot or archived alike."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.reading import read
from ecommerce.archive.run import CHANGES, COMMITTED
from ecommerce.archive.selection import Selection
from ecommerce.archive.table import ArchiveTable
from ecommerce.check import check_orders
from ecommerce.importing.import_files import import_paths
from ecommerce.importing.loading.report import ImportReport
from ecommerce.kpis import Filters, KpiStore, Span, compute_kpis
from ecommerce.mongo import ARCHIVED_CHANGES, ORDERS, MongoDatabase
from ecommerce.settings import Settings
from ecommerce.shop import Shop, write_shop
from ecommerce.summaries.compact import compact
from ecommerce.summaries.rebuild import rebuild
from ecommerce.summaries.state import ARCHIVE_SUMMARY
from tests.archiving import at_moment, power_cut_at
from tests.drilled import MOMENTS_OF_CHANGES, drilled_but
from tests.import_samples import complete_row, write_lines

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("spark")]

SHOPS = Path(__file__).parents[1] / "data" / "shops"
DELIVERED = {"status": "Delivered", "actual_time": "2026-03-05T12:00:00Z"}
FIRST = {"refund_id": 1, "refund_time": "2026-03-20T08:00:00Z", "amount": 3}
SECOND = {"refund_id": 2, "refund_time": "2026-04-02T08:00:00Z", "amount": "1.25"}


@pytest.fixture
def shop(database: MongoDatabase, archive: Settings, tmp_path: Path) -> MongoDatabase:
    rows = [complete_row(number, delivery=DELIVERED) for number in range(6)]
    import_paths(database, [write_lines(tmp_path / "shop.jsonl", *rows)])
    archive_orders(archive, Selection(older_than_days=0))
    assert database[ORDERS].estimated_document_count() == 0
    return database


def come(database: MongoDatabase, folder: Path, *rows: dict[str, Any]) -> ImportReport:
    return import_paths(database, [write_lines(folder / "later.jsonl", *rows)])


def returns_of(database: MongoDatabase, day: str) -> Decimal:
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    sales = compute_kpis(database, Span(start, start + timedelta(days=1))).sales
    assert sales is not None
    return sales.returns


def assert_told(database: MongoDatabase, archive: Settings, first: Decimal | int, second: Decimal | int) -> None:
    """The returns of both days, also once everything is put together and built anew; and `check` finds the same."""
    for again in (lambda: None, lambda: compact(database), lambda: rebuild(database), lambda: rebuild(database)):
        again()
        assert (returns_of(database, "2026-03-20"), returns_of(database, "2026-04-02")) == (first, second)
        assert compute_kpis(database).orders == 6
    report = check_orders(database, archive)
    assert (report.differences, report.archived_orders) == ((), 6)


def test_refunds_of_an_archived_order_are_taken_in_one_after_the_other(
    shop: MongoDatabase, archive: Settings, tmp_path: Path
) -> None:
    row = complete_row(1, delivery=DELIVERED)
    assert come(shop, tmp_path, row | {"refunds": [FIRST]}).changed == 1
    assert_told(shop, archive, 3, 0)
    assert come(shop, tmp_path, row | {"refunds": [FIRST]}).unchanged == 1
    assert come(shop, tmp_path, row | {"refunds": [FIRST, SECOND]}).changed == 1
    assert_told(shop, archive, 3, Decimal("1.25"))
    for older in (row, row | {"refunds": [FIRST, SECOND]}):
        assert come(shop, tmp_path, older).unchanged == 1, "one that names no refunds has those that are stored"
    assert_told(shop, archive, 3, Decimal("1.25"))


def test_an_archived_order_that_comes_back_is_returned(shop: MongoDatabase, archive: Settings, tmp_path: Path) -> None:
    before = compute_kpis(shop)
    back = complete_row(2, delivery=DELIVERED | {"status": "refunded"}, refunds=[FIRST])
    assert come(shop, tmp_path, back).changed == 1
    after = compute_kpis(shop)
    assert (after.by_status, after.orders) == ({"Delivered": 5, "Returned": 1}, 6)
    assert before.revenue - after.revenue == Decimal("16.45")
    assert_told(shop, archive, 3, 0)


@pytest.mark.parametrize("place", ["waiting", "in the row", "archived with it"])
def test_refunds_stay_where_a_later_status_comes_without_them(
    database: MongoDatabase, archive: Settings, tmp_path: Path, place: str
) -> None:
    row = complete_row(1, delivery=DELIVERED)
    refunded = row | {"refunds": [FIRST | {"reason": "too small"}]}
    come(database, tmp_path, refunded if place == "archived with it" else row)
    archive_orders(archive, Selection(older_than_days=0))
    if place != "archived with it":
        come(database, tmp_path, refunded)
    if place == "in the row":
        archive_orders(archive)
    back = complete_row(1, delivery=DELIVERED | {"status": "Returned"})
    assert come(database, tmp_path, back).changed == 1
    (waiting,) = database[ARCHIVED_CHANGES].find().sort("number", -1).limit(1)
    written = datetime.fromisoformat(str(FIRST["refund_time"]))
    assert waiting["document"]["updated_at"] > written, "a version is not as of before what it has"
    for _ in range(2):
        figures = compute_kpis(database)
        assert (figures.by_status, returns_of(database, "2026-03-20")) == ({"Returned": 1}, 3)
        for again in (back, row, refunded):
            assert come(database, tmp_path, again).unchanged == 1
        assert check_orders(database, archive).differences == ()
        archive_orders(archive)
    assert (row_of(archive, 1)["delivery"]["status"], refunds_of(archive, 1)) == ("Returned", [3])
    assert database[ARCHIVED_CHANGES].count_documents({}) == 0


def test_whatever_else_is_another_is_rejected(shop: MongoDatabase, archive: Settings, tmp_path: Path) -> None:
    rows = [
        complete_row(1, delivery=DELIVERED, order={"total_amount": 17}, refunds=[FIRST]),
        complete_row(2, delivery=DELIVERED | {"status": "Shipped"}),  # further back
        complete_row(3, delivery=DELIVERED | {"status": "Cancelled"}),  # no further on
    ]
    report = come(shop, tmp_path, *rows)
    assert (report.rejected, dict(report.files[0].reasons)) == (3, {"already_archived": 3})
    assert shop[ARCHIVED_CHANGES].count_documents({}) == 0
    come(shop, tmp_path, complete_row(4, delivery=DELIVERED, refunds=[FIRST]))
    other = complete_row(4, delivery=DELIVERED, refunds=[FIRST | {"amount": 4}])
    assert come(shop, tmp_path, other).rejected == 1, "a refund that is there is not another one"
    assert_told(shop, archive, 3, 0)


@pytest.mark.parametrize("place", ["waiting", "in the row", "archived with it"])
def test_what_an_export_says_was_paid_back_in_all_may_become_more(
    database: MongoDatabase, archive: Settings, tmp_path: Path, place: str
) -> None:
    in_all = {"refund_id": 0, "refund_time": "2026-03-20T08:00:00Z", "amount": 3, "tax_amount": "0.5"}
    row = complete_row(1, delivery=DELIVERED)
    come(database, tmp_path, row | ({"refunds": [in_all]} if place == "archived with it" else {}))
    archive_orders(archive, Selection(older_than_days=0))
    come(database, tmp_path, row | {"refunds": [in_all]})
    if place == "in the row":
        archive_orders(archive)
    assert returns_of(database, "2026-03-20") == Decimal("2.5")
    for less in ({"amount": 2}, {"amount": 4, "tax_amount": "0.25"}, {"refund_time": "2026-03-21T08:00:00Z"}):
        assert come(database, tmp_path, row | {"refunds": [in_all | less]}).rejected == 1
    more = row | {"refunds": [in_all | {"amount": 5, "tax_amount": "0.75"}]}
    assert come(database, tmp_path, more).changed == 1
    for _ in range(2):
        assert come(database, tmp_path, more).unchanged == 1
        assert returns_of(database, "2026-03-20") == Decimal("4.25")
        assert check_orders(database, archive).differences == ()
        rebuild(database)
        archive_orders(archive)
    assert refunds_of(archive, 1) == [5]
    assert come(database, tmp_path, more | {"refunds": [in_all | {"amount": 6, "tax_amount": 1}, SECOND]}).changed == 1
    assert returns_of(database, "2026-04-02") == Decimal("1.25")


def returns(*refunded: str) -> Decimal:
    """Of the sample's orders #1 and #2: where all went back without its tax and its shipping."""
    parts = {"113.05": Decimal("18.05") + 5, "119.00": Decimal(19)}
    return sum((Decimal(one) - parts.get(one, 0) for one in refunded), Decimal(0))


def test_what_shopify_says_was_paid_back_may_become_more(
    database: MongoDatabase, archive: Settings, tmp_path: Path
) -> None:
    write_shop(database, Shop("EUR", "UTC"))
    export = tmp_path / "shopify.csv"
    export.write_text(text := (SHOPS / "shopify.csv").read_text())
    assert import_paths(database, [export]).accepted == 5
    archive_orders(archive, Selection(older_than_days=0, include_open=True))
    for first, second in (("30.00", "1.00"), ("31.50", "2.00"), ("113.05", "119.00")):
        later = text.replace("bo@example.com,paid", "bo@example.com,partially_refunded")
        later = later.replace(",Card,30.00,Leaf", f",Card,{first},Leaf")
        export.write_text(later.replace(",Card,0.00,Glow", f",Card,{second},Glow"))
        report = import_paths(database, [export])
        changed = 1 if first == "30.00" else 2
        assert (report.changed, report.unchanged, report.rejected) == (changed, 5 - changed, 0)
        assert returns_of(database, "2024-01-09") == returns(first, second)
        archive_orders(archive)
        assert check_orders(database, archive).differences == ()


def test_a_running_dashboard_and_a_rebuild_beside_it_count_each_once(
    shop: MongoDatabase, archive: Settings, tmp_path: Path
) -> None:
    store = KpiStore(shop)
    store.refresh()
    store.kpis(Span(), Filters())
    for number in range(4):
        come(shop, tmp_path, complete_row(number, delivery=DELIVERED, refunds=[FIRST]))
        if number % 2:
            rebuild(shop)
        assert store.refresh().changed >= 1
        sales = store.kpis(Span(), Filters()).sales
        assert sales and sales.returns == 3 * (number + 1)
    assert_told(shop, archive, 12, 0)


def test_what_a_rebuild_did_not_read_is_counted_by_the_next_advance(shop: MongoDatabase, tmp_path: Path) -> None:
    come(shop, tmp_path, complete_row(1, delivery=DELIVERED, refunds=[FIRST]))
    compute_kpis(shop)
    # As if the record had been written while a rebuild ran that had read the records before.
    changes = {"counted_in": {"$exists": True}}
    record = shop[ARCHIVE_SUMMARY].find_one_and_delete(changes)
    assert record is not None
    rebuild(shop)
    assert returns_of(shop, "2026-03-20") == 0
    shop[ARCHIVE_SUMMARY].insert_one(record)
    assert returns_of(shop, "2026-03-20") == 3
    assert returns_of(shop, "2026-03-20") == 3


CUTS = tuple(
    moment for moment in MOMENTS_OF_CHANGES if moment not in ("verify:before", "publish:before", "commit:recorded")
)


def row_of(archive: Settings, number: int) -> dict[str, Any]:
    rows: list[dict[str, Any]] = read(settings=archive).to_pylist()
    return next(row for row in rows if row["order"]["order_id"] == number)


def refunds_of(archive: Settings, number: int) -> list[Decimal]:
    return [refund["amount"] for refund in row_of(archive, number)["refunds"] or ()]


def test_the_next_archive_run_puts_it_into_the_row(shop: MongoDatabase, archive: Settings, tmp_path: Path) -> None:
    row = complete_row(1, delivery=DELIVERED)
    back = complete_row(2, delivery=DELIVERED | {"status": "refunded"})
    come(shop, tmp_path, row | {"refunds": [FIRST]}, back)
    come(shop, tmp_path, row | {"refunds": [FIRST, SECOND]})
    assert refunds_of(archive, 1) == []
    (run,) = archive_orders(archive)
    assert (run.kind, run.state, run.orders) == (CHANGES, COMMITTED, 2)
    assert refunds_of(archive, 1) == [3, Decimal("1.25")]
    assert (row_of(archive, 2)["delivery"]["status"], row_of(archive, 3)["delivery"]["status"]) == (
        "refunded",
        "Delivered",
    )
    assert shop[ARCHIVED_CHANGES].count_documents({}) == 0
    assert_told(shop, archive, 3, Decimal("1.25"))
    assert archive_orders(archive) == []
    for again in (row, row | {"refunds": [FIRST, SECOND]}, back):
        assert come(shop, tmp_path, again).unchanged == 1
    third = {"refund_id": 3, "refund_time": "2026-04-02T09:00:00Z", "amount": 1}
    assert come(shop, tmp_path, row | {"refunds": [FIRST, SECOND, third]}).changed == 1
    assert_told(shop, archive, 3, Decimal("2.25"))
    archive_orders(archive)
    assert refunds_of(archive, 1) == [3, Decimal("1.25"), 1]
    assert_told(shop, archive, 3, Decimal("2.25"))


@pytest.mark.parametrize(
    "moment", drilled_but(CUTS, "export:deleted", "export:recorded", "publish:done", "commit:left")
)
def test_a_run_that_is_cut_off_moves_no_figure_and_changes_each_row_once(
    shop: MongoDatabase, archive: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    come(shop, tmp_path, *(complete_row(number, delivery=DELIVERED, refunds=[FIRST]) for number in (1, 2)))
    assert returns_of(shop, "2026-03-20") == 6
    power_cut_at(monkeypatch, archive, moment)
    assert_told(shop, archive, 6, 0)
    # One more comes while the run is open, for an order that it changes and for one that it does not.
    more = complete_row(1, delivery=DELIVERED, refunds=[FIRST, SECOND]), complete_row(3, delivery=DELIVERED)
    assert come(shop, tmp_path, more[0], more[1] | {"refunds": [FIRST]}).changed == 2
    assert_told(shop, archive, 9, Decimal("1.25"))
    assert all(run.state == COMMITTED for run in archive_orders(archive))
    archive_orders(archive)
    assert [refunds_of(archive, number) for number in range(4)] == [[], [3, Decimal("1.25")], [3], [3]]
    assert shop[ARCHIVED_CHANGES].count_documents({}) == 0
    assert_told(shop, archive, 9, Decimal("1.25"))


def test_where_main_moved_meanwhile_the_rows_are_changed_anew(
    shop: MongoDatabase, archive: Settings, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    come(shop, tmp_path, complete_row(1, delivery=DELIVERED, refunds=[FIRST]))

    def move_main() -> None:
        assert list(ArchiveTable(spark, archive).procedure("rewrite_data_files", options={"rewrite-all": "true"}))

    at_moment(monkeypatch, "publish:before", move_main)
    (run,) = archive_orders(archive)
    assert run.seconds["publish"] and refunds_of(archive, 1) == [3]
    assert_told(shop, archive, 3, 0)


def test_two_imports_of_one_refund_at_a_time_count_it_once(shop: MongoDatabase, tmp_path: Path) -> None:
    row = complete_row(1, delivery=DELIVERED, refunds=[FIRST])
    files = [write_lines(tmp_path / f"{number}.jsonl", row) for number in range(6)]
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda file: import_paths(shop, [file]), files))
    assert (sum(one.changed for one in found), sum(one.unchanged for one in found)) == (1, 5)
    assert shop[ARCHIVED_CHANGES].count_documents({}) == 1
    assert returns_of(shop, "2026-03-20") == 3
