"""News and old files: the later version stays, in whatever order and however often files are imported."""

import itertools
from datetime import UTC, datetime
from pathlib import Path

import pytest
from bson import Int64

from ecommerce.documents.bson_codec import decode_order
from ecommerce.documents.content_hash import content_hash
from ecommerce.importing.import_files import import_paths
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, REJECTED_ROWS, MongoDatabase
from tests.import_samples import complete_row, raw_orders, stored_orders, write_lines


def status_of(database: MongoDatabase) -> str:
    (order,) = stored_orders(database)
    return order.delivery.status


def test_a_later_status_updates_and_an_older_file_does_not_revert(database: MongoDatabase, tmp_path: Path) -> None:
    pending = write_lines(tmp_path / "1.jsonl", complete_row(1))
    delivered = write_lines(tmp_path / "2.jsonl", complete_row(1, status="Delivered"))
    import_paths(database, [pending])
    (before,) = stored_orders(database)
    assert import_paths(database, [delivered]).changed == 1
    (after,) = stored_orders(database)
    assert after.updated_at > before.updated_at
    assert import_paths(database, [pending]).unchanged == 1
    assert status_of(database) == "Delivered"


def test_of_equally_far_versions_the_last_import_wins_and_stays(database: MongoDatabase, tmp_path: Path) -> None:
    files = [
        write_lines(tmp_path / f"{amount}.jsonl", complete_row(1, order={"total_amount": amount})) for amount in (10, 9)
    ]
    for file in files:
        import_paths(database, [file])
    settled = raw_orders(database)
    for file in [*files, *reversed(files)]:
        assert import_paths(database, [file]).unchanged == 1
    assert raw_orders(database) == settled
    assert stored_orders(database)[0].order.total_amount == 9


def test_versions_that_name_their_time_win_by_it_in_any_order(database: MongoDatabase, tmp_path: Path) -> None:
    rows = [
        complete_row(1, status=status, updated_at=f"2026-03-0{day}T00:00:00Z")
        for day, status in ((1, "Pending"), (2, "Delivered"), (3, "Shipped"))
    ]
    files = [write_lines(tmp_path / f"{n}.jsonl", row) for n, row in enumerate(rows)]
    for order in itertools.permutations(files):
        database[ORDERS].delete_many({})
        import_paths(database, [*order, *order])
        assert status_of(database) == "Shipped"
        assert stored_orders(database)[0].updated_at == datetime(2026, 3, 3, tzinfo=UTC)


def test_versions_in_one_file_end_with_the_last(database: MongoDatabase, tmp_path: Path) -> None:
    statuses = ["Pending", "Shipped", "Pending", "Delivered", "In transit", "Returned", "Delivered"]
    file = write_lines(tmp_path / "a.jsonl", *(complete_row(1, status=status) for status in statuses))
    report = import_paths(database, [file])
    assert (report.accepted, report.changed, report.unchanged) == (1, 3, 3)
    assert status_of(database) == "Returned"
    settled = raw_orders(database)
    assert import_paths(database, [file]).unchanged == len(statuses)
    assert raw_orders(database) == settled


@pytest.mark.parametrize("status", ["Delivered", "Returned", "Cancelled"])
def test_an_archived_order_is_unchanged_or_changed_or_rejected(
    database: MongoDatabase, tmp_path: Path, status: str
) -> None:
    named = {"external_id": "#1001"}
    import_paths(database, [write_lines(tmp_path / "a.jsonl", complete_row(1, status="Delivered", order=named))])
    (raw,) = raw_orders(database).values()
    database[ARCHIVED_ORDERS].insert_one({"_id": Int64(1), "content_hash": Int64(content_hash(decode_order(raw)))})
    database[ORDERS].delete_many({})
    report = import_paths(database, [write_lines(tmp_path / "b.jsonl", complete_row(1, status=status, order=named))])
    counts = {"Delivered": (1, 0, 0), "Returned": (0, 1, 0), "Cancelled": (0, 0, 1)}
    assert (report.unchanged, report.changed, report.rejected) == counts[status]
    assert database[ORDERS].count_documents({}) == 0
    rows = [*database[REJECTED_ROWS].find()]
    assert [row["code"] for row in rows] == ["already_archived"] * report.rejected
    for row in rows:
        assert row["reason"].startswith("order #1001 (#1) is in the archive with another content"), (
            "as its shop calls it"
        )
