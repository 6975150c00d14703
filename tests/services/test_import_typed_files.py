"""Workbooks and Parquet: cells that have a type mean what the type says, and come out as the same file in CSV does."""

import csv
import json
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ecommerce.importing.formats.typed_cells import text_of
from ecommerce.importing.import_files import import_paths
from ecommerce.importing.loading.file_import import ImportOptions
from ecommerce.importing.loading.replay import replay_rejected
from ecommerce.mongo import ORDERS, REJECTED_ROWS, MongoDatabase
from tests.import_samples import complete_row, raw_orders, stored_orders

SHOPS = Path(__file__).parents[1] / "data" / "shops"
MAP = """\
order: {order_id: Order, user_id: Customer, order_time: Date, payment_type: {constant: card}}
item: {product_id: Item, quantity: Qty, price: Price, warehouse_id: {constant: main}}
delivery: {status: {constant: Delivered}, expected_time: Date, courier_id: {constant: post}, location: City}
"""
HEADER = ("Order", "Customer", "Date", "Item", "Qty", "Price", "City")


def workbook(path: Path, *sheets: list[tuple[Any, ...]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


@pytest.fixture
def options(tmp_path: Path) -> ImportOptions:
    (tmp_path / "map.yaml").write_text(MAP)
    return ImportOptions(mapping=str(tmp_path / "map.yaml"), max_rejected_share=1.0)


def test_a_workbook_is_read_by_the_types_of_its_cells(
    database: MongoDatabase, tmp_path: Path, options: ImportOptions
) -> None:
    first = [
        ("Orders of January",), (), HEADER,
        ("X-1", 17850, datetime(2024, 3, 4, 10, 30), "Tea", 2, 22.368, "Lima"),
        ("X-1", 17850, datetime(2024, 3, 4, 10, 30), "Cup\nlarge", 1.0, 1000, "Lima"),
        (), (None,) * 9,
        (112341000000000, "ann", "2024-03-05", "Tea", 1, 0.1 + 0.2, None),
    ]  # fmt: skip
    second = [HEADER, ("X-3", "bob", datetime(2024, 3, 6), "Tea", 1, "10.50", "Lima")]
    path = workbook(tmp_path / "a.xlsx", first, [("a note",)], second)
    report = import_paths(database, [path], options=options)
    assert (report.accepted, report.rejected, report.files[0].lines) == (3, 0, 4)
    orders = {order.order.external_id: order for order in stored_orders(database)}
    assert orders.keys() == {"X-1", "112341000000000", "X-3"}
    assert [item.price for item in orders["X-1"].order_items] == [Decimal("22.368"), 1000]
    assert orders["X-1"].order.order_time == datetime(2024, 3, 4, 10, 30, tzinfo=UTC)
    assert orders["112341000000000"].order.total_amount == Decimal("0.3")


def test_a_rejected_row_of_a_workbook_is_tried_again(
    database: MongoDatabase, tmp_path: Path, options: ImportOptions
) -> None:
    rows = [HEADER, ("X-1", "ann", datetime(2024, 3, 4), "Tea", 1, "?", "Lima"), ("X-2", "b", None, "Tea", 1, 1, "x")]
    assert import_paths(database, [workbook(tmp_path / "a.xlsx", rows)], options=options).rejected == 2
    row = database[REJECTED_ROWS].find_one({"line": 2}) or {}
    assert row["raw"] == "X-1,ann,2024-03-04T00:00:00,Tea,1,?,Lima"
    corrected = row["raw"].replace("?", "5")
    database[REJECTED_ROWS].update_one({"_id": row["_id"]}, {"$set": {"raw": corrected}})
    assert replay_rejected(database).accepted == 1


@pytest.mark.parametrize("name", ["superstore_us.csv", "etsy.csv", "dataco.csv", "woocommerce.csv"])
@pytest.mark.parametrize("kind", ["xlsx", "parquet"])
def test_a_table_gives_the_same_orders_as_in_csv(database: MongoDatabase, tmp_path: Path, name: str, kind: str) -> None:
    raw = (SHOPS / name).read_bytes()
    text = raw.decode("cp1252" if name == "dataco.csv" else "utf-8")
    header, *rows = csv.reader(text.splitlines())
    import_paths(database, [SHOPS / name])
    expected = raw_orders(database)
    database[ORDERS].delete_many({})
    path = tmp_path / f"orders.{kind}"
    if kind == "xlsx":
        workbook(path, [tuple(header), *map(tuple, rows)])
    else:
        pq.write_table(pa.table({column: [row[at] for row in rows] for at, column in enumerate(header)}), path)
    assert import_paths(database, [path]).accepted == len(expected)
    assert raw_orders(database) == expected


def test_orders_with_their_nesting_come_from_parquet(database: MongoDatabase, tmp_path: Path) -> None:
    rows = [complete_row(n) for n in range(1, 30)]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    import_paths(database, [tmp_path / "a.jsonl"])
    expected = raw_orders(database)
    database[ORDERS].delete_many({})
    for row in rows:
        row["order"]["order_time"] = datetime(2026, 3, 1, 12, tzinfo=UTC)
        row["order"]["total_amount"] = Decimal("16.4500")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    assert import_paths(database, [tmp_path / "a.parquet"]).accepted == 29
    assert raw_orders(database) == expected


def test_a_catalog_comes_from_a_workbook(database: MongoDatabase, tmp_path: Path) -> None:
    rows = [("product_id", "name", "price", "warehouse_id"), (1, "Tea", 9.5, 2), (2, "Cup", None, None)]
    assert import_paths(database, [workbook(tmp_path / "products.xlsx", rows)]).accepted == 2
    assert {product["name"] for product in database["products"].find()} == {"Tea", "Cup"}


@pytest.mark.parametrize("name", ["cut.xlsx", "cut.parquet", "zip.xlsx", "empty.xlsx", "noise.parquet"])
def test_a_damaged_file_is_an_error_that_names_it(database: MongoDatabase, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    match name:
        case "cut.xlsx":
            whole = workbook(tmp_path / "whole.xlsx", [HEADER, *[("X", "a", "b", "c", 1, 2, "d")] * 500]).read_bytes()
            path.write_bytes(whole[: len(whole) // 2])
        case "cut.parquet":
            pq.write_table(pa.table({"order": [1, 2]}), tmp_path / "whole.parquet")
            path.write_bytes((tmp_path / "whole.parquet").read_bytes()[:-20])
        case "zip.xlsx":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("xl/workbook.xml", "<nothing/>")
        case "empty.xlsx":
            workbook(path, [])
        case _:
            path.write_bytes(b"PAR1" + bytes(500))
    (failed,) = import_paths(database, [path]).failed
    assert name in (failed.error or "")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), (True, "true"), (5, "5"), (5.0, "5"), (22.368, "22.3680"), (0.1 + 0.2, "0.3"), (1e-7, "0.0000001"),
        (float("nan"), ""), (1.2345678901234567e16, "1.234567890123457E+16"), (Decimal("1.500"), "1.5000"),
        (Decimal("1E+3"), "1000"), (datetime(2024, 3, 4), "2024-03-04T00:00:00"), ("1,234", "1,234"), (-12.5, "-12.5"),
    ],
)  # fmt: skip
def test_a_typed_cell_has_a_text_of_one_meaning(value: Any, text: str) -> None:
    assert text_of(value) == text
