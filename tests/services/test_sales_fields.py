"""Currency, tax, shipping, channel, costs and refunds go with the order: into MongoDB, the archive, and back."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.maintain import compact_archive
from ecommerce.archive.restore import ORDERS_RESTORED, restore_orders
from ecommerce.check import check_orders
from ecommerce.importing.import_files import import_paths
from ecommerce.importing.loading import decode
from ecommerce.importing.loading.file_import import ImportOptions
from ecommerce.mongo import ORDERS, REJECTED_ROWS, MongoDatabase
from ecommerce.settings import Settings
from tests.archiving import OLD_DAY
from tests.import_samples import complete_row, raw_orders, stored_orders, write_lines

REFUND = {
    "refund_id": 2, "refund_time": "2026-03-09T10:00:00Z", "amount": 8.50, "tax_amount": 1.36, "shipping_amount": 0.25,
    "reason": "too small",
}  # fmt: skip


def a_refund(order_id: int, **members: Any) -> dict[str, Any]:
    return REFUND | {"items": [{"order_item_id": order_id, "quantity": 1}]} | members


def sale(order_id: int, *refunds: dict[str, Any], day: str = "2026-03-01", **members: Any) -> dict[str, Any]:
    """A delivered order with every field of sales."""
    of_order = {
        "order_time": f"{day}T12:00:00Z", "currency": "EUR", "tax_amount": "2.63", "tax_included": True,
        "shipping_amount": 4.90, "channel": "web",
    }  # fmt: skip
    item = {"event_time": f"{day}T12:00:00Z", "unit_cost": "3.10", "gift_card": False}
    named = {"refunds": list(refunds)} if refunds else {}
    return complete_row(order_id, status="Delivered", order=of_order, item=item, **named, **members)


def refunds_of(database: MongoDatabase) -> dict[int, list[int]]:
    return {order.order.order_id: [one.refund_id for one in order.refunds] for order in stored_orders(database)}


def write_csv(path: Path, *rows: dict[str, Any]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        names = ("order", "order_items", "delivery", "refunds")
        writer.writerow(names)
        writer.writerows([json.dumps(row[name]) if name in row else "" for name in names] for row in rows)
    return path


def test_the_fields_come_by_json_and_csv_the_fast_way(
    database: MongoDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: Any, **__: Any) -> None:
        raise AssertionError("the lenient way was taken")

    rows = [sale(1, a_refund(1), a_refund(1, refund_id=1, items=[], tax_amount=None)), sale(2), complete_row(3)]
    del rows[0]["refunds"][1]["tax_amount"]
    monkeypatch.setattr(decode, "encode_value", slow)
    assert import_paths(database, [write_lines(tmp_path / "a.jsonl", *rows)]).accepted == 3
    before = raw_orders(database)
    assert import_paths(database, [write_csv(tmp_path / "a.csv", *rows)]).unchanged == 3
    assert raw_orders(database) == before
    first, _, third = stored_orders(database)
    assert [refund.refund_id for refund in first.refunds] == [1, 2], "by their ids"
    assert (first.order.currency, first.order.tax_included, first.order_items[0].gift_card) == ("EUR", True, False)
    assert [str(refund.tax_amount) for refund in first.refunds] == ["None", "1.3600"]
    assert third.refunds == ()
    assert b"refunds" not in before[3]


def test_what_is_written_otherwise_means_the_same(database: MongoDatabase, tmp_path: Path) -> None:
    import_paths(database, [write_lines(tmp_path / "a.jsonl", sale(1, a_refund(1)))])
    other = sale(1, a_refund(1, amount="8.5000"))
    other["order"] |= {"currency": " eur", "tax_included": "true", "tax_amount": {"$numberDecimal": "2.6300"}}
    other["refunds"][0]["refund_time"] = {"$date": "2026-03-09T11:00:00+01:00"}
    assert import_paths(database, [write_lines(tmp_path / "b.jsonl", other)]).unchanged == 1


def test_refunds_that_contradict_their_order_are_rejected(database: MongoDatabase, tmp_path: Path) -> None:
    rows = [
        sale(1, a_refund(1), a_refund(1)),
        sale(2, a_refund(2, amount="1.60")),
        sale(3, a_refund(4)),
        sale(4, a_refund(4), a_refund(4, refund_id=3), a_refund(4, refund_id=4)),
        sale(5, a_refund(5, items=[{"order_item_id": 5, "quantity": 1}] * 2)),
        sale(6, a_refund(6, amount=-1)),
        sale(7, a_refund(7, note="x")),
        sale(8) | {"order": sale(8)["order"] | {"currency": "Euro"}},
        sale(9) | {"order": sale(9)["order"] | {"tax_included": "perhaps"}},
    ]
    file = write_lines(tmp_path / "a.jsonl", *rows)
    report = import_paths(database, [file], options=ImportOptions(max_rejected_share=1)).files[0]
    assert report.reasons == {
        "duplicate_refund": 1, "refund_parts": 1, "reference": 1, "refund_quantity": 1, "duplicate_item": 1,
        "out_of_range": 1, "unknown_field": 1, "bad_currency": 1, "wrong_type": 1,
    }  # fmt: skip


def test_an_order_that_names_no_refunds_keeps_those_it_has(database: MongoDatabase, tmp_path: Path) -> None:
    import_paths(database, [write_lines(tmp_path / "a.jsonl", sale(1, a_refund(1)), sale(2))])
    plain = write_lines(tmp_path / "plain.jsonl", sale(1), sale(2))
    assert import_paths(database, [plain]).unchanged == 2
    more = write_lines(tmp_path / "more.jsonl", sale(1, a_refund(1), a_refund(1, refund_id=7)))
    assert import_paths(database, [more]).changed == 1
    assert import_paths(database, [plain]).unchanged == 2
    moved = write_lines(tmp_path / "moved.jsonl", sale(1, delivery={"status": "Returned"}))
    assert import_paths(database, [moved]).changed == 1
    assert refunds_of(database) == {1: [2, 7], 2: []}
    assert stored_orders(database)[0].delivery.status == "Returned"
    # An older file with fewer refunds lost before, and loses again.
    assert import_paths(database, [tmp_path / "a.jsonl"]).unchanged == 2


def test_a_row_that_contradicts_the_refunds_it_keeps_is_rejected(database: MongoDatabase, tmp_path: Path) -> None:
    import_paths(database, [write_lines(tmp_path / "a.jsonl", sale(1, a_refund(1)), sale(2))])
    before = raw_orders(database)
    without = [one | {"order": one["order"] | {"quantity": 0}, "order_items": []} for one in (sale(1), sale(2))]
    file = write_lines(tmp_path / "b.jsonl", *without)
    (report,) = import_paths(database, [file], options=ImportOptions(max_rejected_share=1)).files
    assert (report.changed, report.reasons) == (1, {"reference": 1})
    (rejected,) = database[REJECTED_ROWS].find()
    assert rejected["reason"] == (
        "with the refunds that are stored, which the row does not name: refund 2 names the order_item_id 1, which the"
        " order does not have"
    )
    assert raw_orders(database)[1] == before[1]
    assert import_paths(database, [file], options=ImportOptions(max_rejected_share=1)).files[0].unchanged == 1


def test_a_document_that_the_definition_refuses_cannot_be_written(
    settings: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    import_paths(database, [write_lines(tmp_path / "a.jsonl", sale(1, a_refund(1)))])
    wrong: list[dict[str, Any]] = [
        {"refunds": []}, {"order.currency": "eur"}, {"order.currency": "EURO"}, {"refunds.0.amount": 8.5},
        {"refunds.0.items": []}, {"refunds.0.note": "x"}, {"order.tax_included": 1}, {"order_items.0.unit_cost": "3"},
    ]  # fmt: skip
    for fields in wrong:
        with pytest.raises(Exception, match="Document failed validation"):
            database[ORDERS].update_one({"_id": 1}, {"$set": fields})
        database.get_collection(ORDERS).update_one({"_id": 1}, {"$set": fields}, bypass_document_validation=True)
        report = check_orders(database, settings, archive=False)
        assert report.aside == 1, fields
        import_paths(database, [tmp_path / "a.jsonl"])


def test_they_are_archived_compacted_restored_and_known_again(
    spark: SparkSession, archive: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    day = f"{OLD_DAY}"
    before: dict[int, bytes] = {}
    files = []
    for part in (0, 10):
        rows = [
            sale(part + 1, a_refund(part + 1), a_refund(part + 1, refund_id=9, items=[]), day=day),
            sale(part + 2, day=day),
            complete_row(part + 3, status="Returned", order={"order_time": f"{day}T01:00:00Z"}),
        ]
        files.append(write_lines(tmp_path / f"{part}.jsonl", *rows))
        assert import_paths(database, [files[-1]]).accepted == 3
        before |= raw_orders(database)
        assert [run.state for run in archive_orders(archive)] == ["committed"]
    assert compact_archive(archive, at_least=2).days == (OLD_DAY,)
    assert restore_orders(archive, OLD_DAY, OLD_DAY) == 6
    assert raw_orders(database, ORDERS_RESTORED) == before
    assert all(import_paths(database, [file]).unchanged == 3 for file in files)
    plain = write_lines(tmp_path / "plain.jsonl", sale(1, day=day), sale(2, day=day))
    assert import_paths(database, [plain]).unchanged == 2, "an order that names no refunds has those of the archive"
    assert check_orders(database, archive).differences == ()
