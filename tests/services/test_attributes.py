"""What a shop knows beside goes with the order: from every kind of file, into the archive and back, without loss."""

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.maintain import compact_archive
from ecommerce.archive.reading import read_pandas
from ecommerce.archive.restore import ORDERS_RESTORED, restore_orders
from ecommerce.check import check_orders
from ecommerce.importing.import_files import import_paths
from ecommerce.importing.loading import decode
from ecommerce.importing.loading.file_import import ImportOptions
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from tests.archiving import OLD_DAY
from tests.import_samples import complete_row, raw_orders, stored_orders, write_lines

NOTES = {"coupon": "SPRING", "notes": 'ring twice,\n"left" door: 3', "tag ü": "", "卡": "x" * 9_000}


def old_row(order_id: int, **members: Any) -> dict[str, Any]:
    time = f"{OLD_DAY}T12:00:00Z"
    return complete_row(order_id, status="Delivered", order={"order_time": time}, item={"event_time": time}, **members)


def attributes_of(database: MongoDatabase) -> dict[int, dict[str, str] | None]:
    return {order.order.order_id: order.attributes for order in stored_orders(database)}


def test_attributes_come_by_json_the_fast_way_and_by_csv(
    database: MongoDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: Any, **__: Any) -> None:
        raise AssertionError("the lenient way was taken")

    plain = {"b": "2", "a": "1"}
    rows = [complete_row(1, attributes=plain), complete_row(2), complete_row(3, attributes={})]
    monkeypatch.setattr(decode, "encode_value", slow)
    assert import_paths(database, [write_lines(tmp_path / "a.jsonl", *rows)]).accepted == 3
    monkeypatch.undo()
    assert attributes_of(database) == {1: plain, 2: None, 3: None}
    cells = [json.dumps(rows[0][name]) for name in ("order", "order_items", "delivery", "attributes")]
    quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    (tmp_path / "a.csv").write_text(f"order,order_items,delivery,attributes\n{quoted}\n")
    assert import_paths(database, [tmp_path / "a.csv"]).unchanged == 1


def test_attributes_that_cannot_be_kept_reject_their_order(database: MongoDatabase, tmp_path: Path) -> None:
    bad: list[Any] = [{"a.b": "1"}, {"$a": "1"}, {"": "1"}, {"n" * 101: ""}, {"a": "x" * 10_001}, {"a": "\0"}]
    bad += [{"a": 1}, {"a": {"b": "c"}}, [], "text", {str(n): "" for n in range(65)}]
    rows = [complete_row(at, attributes=attributes) for at, attributes in enumerate(bad)]
    file = write_lines(tmp_path / "a.jsonl", *rows, complete_row(99, attributes={"a": None, "b": "1"}))
    report = import_paths(database, [file], options=ImportOptions(max_rejected_share=1))
    assert (report.accepted, report.rejected) == (1, len(bad))
    assert report.files[0].reasons == {
        "bad_attribute": 6, "wrong_type": 2, "not_an_object": 2, "too_many_attributes": 1
    }  # fmt: skip
    assert attributes_of(database) == {99: {"b": "1"}}


def test_unknown_fields_are_refused_or_kept_as_asked(database: MongoDatabase, tmp_path: Path) -> None:
    row = complete_row(1, order={"coupon": "A", "express": True, "tip": 1.50, "none": None}, attributes={"own": "x"})
    row |= {"channel": "web"}
    row["delivery"] |= {"carrier": "X"}
    row["order_items"][0] |= {"gift": "yes"}
    nested = complete_row(2, address={"city": "Lima"})
    file = write_lines(tmp_path / "a.jsonl", row, nested)
    assert import_paths(database, [file]).files[0].reasons == {"unknown_field": 2}
    report = import_paths(database, [file], options=ImportOptions(keep_unknown=True))
    assert report.files[0].reasons == {"unknown_field": 1}
    assert attributes_of(database) == {
        1: {
            "channel": "web", "coupon": "A", "delivery_carrier": "X", "express": "true", "order_items_1_gift": "yes",
            "own": "x", "tip": "1.5",
        }
    }  # fmt: skip


MAPPING = """
order: {order_id: {column: Id, number: true}, user_id: {column: User, number: true}, order_time: At, payment_type: Pay}
item: {product_id: {column: Sku, number: true}, quantity: Pieces, price: Price, warehouse_id: {constant: 1}}
delivery: {status: {constant: Delivered}, expected_time: At, courier_id: {constant: 1, number: true}, location: City}
attributes: {coupon: Discount Code, tags: {columns: [Tag 1, Tag 2]}}
"""


def test_a_mapping_makes_attributes_of_columns(database: MongoDatabase, tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(MAPPING)
    lines = ["Id,User,At,Pay,Sku,Pieces,Price,City,Discount Code,Tag 1,Tag 2"]
    lines += ["1,1,2026-03-01,card,7,1,2.00,Lima,SPRING,new,", "1,1,2026-03-01,card,8,1,2.00,Lima,,,"]
    lines += ["2,1,2026-03-01,card,7,1,2.00,Lima,,,"]
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    report = import_paths(database, [tmp_path / "a.csv"], options=ImportOptions(mapping=str(tmp_path / "shop.yaml")))
    assert report.accepted == 2, report
    assert attributes_of(database) == {1: {"coupon": "SPRING", "tags": "new"}, 2: None}


def test_attributes_are_archived_compacted_restored_and_known_again(
    spark: SparkSession, archive: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    files: list[Path] = []
    before: dict[int, bytes] = {}
    for part in range(2):
        rows = [old_row(10 * part + at, attributes=NOTES) for at in range(3)]
        rows += [old_row(10 * part + 5), old_row(10 * part + 6)]
        files.append(write_lines(tmp_path / f"{part}.jsonl", *rows))
        assert import_paths(database, [files[-1]]).accepted == 5
        before |= raw_orders(database)
        archive_orders(archive)
    figures = compute_kpis(database)
    assert compact_archive(archive, at_least=2).days == (OLD_DAY,)
    assert restore_orders(archive, OLD_DAY, OLD_DAY) == 10
    assert raw_orders(database, ORDERS_RESTORED) == before
    assert all(import_paths(database, [file]).unchanged == 5 for file in files)
    changed = write_lines(tmp_path / "changed.jsonl", old_row(0, attributes=NOTES | {"coupon": "AUTUMN"}))
    rejected = import_paths(database, [changed], options=ImportOptions(max_rejected_share=1)).files[0]
    assert rejected.reasons == {"already_archived": 1}
    assert check_orders(database, archive).differences == ()
    assert compute_kpis(database).revenue == figures.revenue
    frame = read_pandas(columns=["order.order_id", "attributes"], settings=archive)
    found = {int(row["order.order_id"]): dict(row["attributes"] or {}) for _, row in frame.iterrows()}
    assert found[1] == NOTES
    assert found[6] == {}
