"""Generated files come in by the import as what they are: every row, every order, the bad rows rejected."""

import csv
import json
from pathlib import Path
from typing import Literal

import pytest

from ecommerce.documents.bson_codec import content_bytes, decode_order, encode_order
from ecommerce.generate.into_files.catalog_files import write_catalog
from ecommerce.generate.into_files.job import FileJob
from ecommerce.generate.into_files.orders_file import write_orders
from ecommerce.generate.model.orders import BLOCK_ORDERS
from ecommerce.generate.model.rhythm import to_ms
from ecommerce.importing.import_files import import_paths
from ecommerce.mongo import ORDERS, MongoDatabase
from tests.generator_samples import MONTH_LATER, encoded, file_job, march, small_catalog


@pytest.mark.parametrize("name", ["orders.json", "orders_export.csv", "orders.json.gz", "orders_export.csv.zst"])
def test_the_import_takes_every_order_as_it_was_generated(database: MongoDatabase, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    compression = path.suffix if path.suffix in (".gz", ".zst") else ""
    write_orders(path, file_job(2_000, "csv" if "csv" in name else "json", compression))
    write_catalog(tmp_path, small_catalog())
    report = import_paths(database, [tmp_path])
    assert {file.path.name: file.rejected for file in report.files if file.rejected or file.error} == {}
    expected = {order.order_id: content_bytes(order.bson) for order in encoded(march(2_000), MONTH_LATER)}
    stored = (encode_order(decode_order(document)) for document in database[ORDERS].find())
    assert sorted(map(content_bytes, stored)) == sorted(expected.values())
    assert database["users"].count_documents({}) == small_catalog().users
    assert database["inventory"].count_documents({}) == small_catalog().products


@pytest.mark.parametrize("preset", ["grocery", "b2b"])
@pytest.mark.parametrize("format", ["json", "csv"])
def test_tax_refunds_channels_and_currencies_come_in_as_they_were_generated(
    database: MongoDatabase, tmp_path: Path, preset: str, format: Literal["json", "csv"]
) -> None:
    job = FileJob(small_catalog(preset), march(2_000, preset=preset), to_ms(MONTH_LATER), format, "", 0.0)
    write_orders(tmp_path / f"orders.{format}", job)
    assert import_paths(database, [tmp_path]).rejected == 0
    expected = sorted(content_bytes(order.bson) for order in encoded(march(2_000, preset=preset), MONTH_LATER))
    stored = (encode_order(decode_order(document)) for document in database[ORDERS].find())
    assert sorted(map(content_bytes, stored)) == expected


@pytest.mark.parametrize("format", ["json", "csv"])
def test_of_files_with_bad_rows_the_malformed_rows_are_rejected_and_the_repeated_are_unchanged(
    database: MongoDatabase, tmp_path: Path, format: str
) -> None:
    path = tmp_path / f"orders.{format}"
    written = write_orders(path, file_job(6_000, format, bad_rows=0.3))
    bad_rows = written.bad_rows
    assert min(bad_rows.malformed, bad_rows.late, bad_rows.duplicate) > 450
    (report,) = import_paths(database, [path]).files
    assert report.balanced
    assert report.read == 6_000 + bad_rows.duplicate
    assert (report.rejected, report.unchanged) == (bad_rows.malformed, bad_rows.duplicate)
    assert len(report.reasons) >= 4
    oldest = march(6_000).start_ms
    late = [order for order in database[ORDERS].find() if order["order"]["order_time"].timestamp() * 1000 < oldest]
    assert len(late) == bad_rows.late


def test_rows_are_json_lines_and_four_columns(tmp_path: Path) -> None:
    lines, rows = tmp_path / "orders.json", tmp_path / "orders_export.csv"
    write_orders(lines, file_job(300))
    write_orders(rows, file_job(300, "csv"))
    orders = [json.loads(line) for line in lines.read_text().splitlines()]
    with rows.open(newline="") as file:
        read = list(csv.DictReader(file))
    assert list(read[0]) == ["order", "order_items", "delivery", "refunds"]
    assert any("refunds" in order for order in orders)
    assert [{name: json.loads(text) for name, text in row.items() if text} for row in read] == [
        {name: value for name, value in order.items() if name != "updated_at"} for order in orders
    ]


def test_ctrl_c_leaves_whole_orders_only(tmp_path: Path) -> None:
    def interrupt(done: int, _total: int | None, _what: str) -> None:
        if done > BLOCK_ORDERS:
            raise KeyboardInterrupt

    path = tmp_path / "orders.json"
    with pytest.raises(KeyboardInterrupt):
        write_orders(path, file_job(), progress=interrupt)
    assert not path.exists()
    assert len([json.loads(line) for line in (tmp_path / "orders.json.part").open()]) == 2 * BLOCK_ORDERS
