"""The import: any format, every row accounted for; importing again changes nothing."""

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import bson
import pytest
import zstandard
from bson import json_util

from ecommerce.errors import InputError
from ecommerce.importing.import_files import import_paths
from ecommerce.importing.rows.json_text import parse_json
from ecommerce.importing.rows.orders import Known, encode_value
from ecommerce.mongo import ORDERS, MongoDatabase
from tests.import_samples import SUPERSTORE, WHOLE_SUPERSTORE, a_row, raw_orders, stored_orders, write_lines


def test_a_folder_of_two_shapes_gives_each_order_once(database: MongoDatabase) -> None:
    report = import_paths(database, [SUPERSTORE])
    lines = (SUPERSTORE / "orders.jsonl").read_bytes().count(b"\n")
    by_name = {file.path.name: file for file in report.files}
    assert by_name["orders.jsonl"].accepted == by_name["orders_export.csv"].unchanged == lines
    assert database[ORDERS].count_documents({}) == lines
    assert all(file.balanced for file in report.files)
    assert report.rejected == 0


def test_the_whole_superstore_has_the_revenue_of_its_source(database: MongoDatabase) -> None:
    report = import_paths(database, sorted(WHOLE_SUPERSTORE.glob("*.zst")))
    assert (report.files[-1].accepted, report.rejected) == (5009, 0)
    assert sum(order.order.total_amount for order in stored_orders(database)) == Decimal("2297200.89")


def test_both_shapes_give_the_same_bytes(database: MongoDatabase) -> None:
    catalog = [SUPERSTORE / f"{name}.csv" for name in ("users", "products", "warehouses", "couriers")]
    import_paths(database, [*catalog, SUPERSTORE / "orders.jsonl"])
    from_lines = raw_orders(database)
    database[ORDERS].delete_many({})
    import_paths(database, [SUPERSTORE / "orders_export.csv"])
    assert raw_orders(database) == from_lines


def test_a_folder_imported_again_is_unchanged(database: MongoDatabase) -> None:
    first = import_paths(database, [SUPERSTORE])
    before = raw_orders(database)
    second = import_paths(database, [SUPERSTORE])
    assert second.unchanged == second.read == first.read
    assert raw_orders(database) == before


def test_the_last_word_of_progress_has_all_rows_of_the_file(database: MongoDatabase, tmp_path: Path) -> None:
    orders = tmp_path / "orders.jsonl"
    write_lines(orders, *(a_row(number) for number in range(1, 301)), {"order": "none"})
    said: list[tuple[int, int | None, str]] = []
    import_paths(database, [orders], progress=lambda *one: said.append(one))
    assert said[-1] == (301, 301, "rows")


def test_what_a_row_leaves_open_comes_from_the_catalog(database: MongoDatabase, tmp_path: Path) -> None:
    products = tmp_path / "products.csv"
    products.write_text("product_id,name,warehouse_id\n7,Chair,42\n")
    users = tmp_path / "users.jsonl"
    write_lines(users, {"user_id": 5, "name": "Ada", "location": "Lima"}, {"user_id": 6, "name": "Bob"})
    orders = tmp_path / "a_orders.jsonl"  # sorts before the catalog, and is imported after it
    write_lines(orders, a_row(1, user_id=5), a_row(2, user_id=6), a_row(3, user_id=99), a_row(4, product_id=8))
    report = import_paths(database, [tmp_path])
    by_id = {order.order.order_id: order for order in stored_orders(database)}
    assert [by_id[i].delivery.location for i in (1, 2, 3)] == ["Lima", "Unknown", "Unknown"]
    assert by_id[1].order_items[0].warehouse_id == 42
    assert [(r.line, r.code) for file in report.files for r in file.first_rejections] == [(4, "unknown_product")]


def test_a_change_in_the_catalog_does_not_rewrite_an_order(database: MongoDatabase, tmp_path: Path) -> None:
    catalog = tmp_path / "catalog"
    catalog.mkdir()
    products, users, orders = catalog / "products.csv", catalog / "users.csv", tmp_path / "orders.jsonl"
    products.write_text("product_id,name,warehouse_id\n7,Chair,42\n")
    users.write_text("user_id,name,location\n5,Ada,Lima\n")
    write_lines(orders, a_row(1, user_id=5))
    import_paths(database, [catalog, orders])
    before = raw_orders(database)
    products.write_text("product_id,name,warehouse_id\n7,Chair,43\n")
    users.write_text("user_id,name,location\n5,Ada,Quito\n")
    assert import_paths(database, [catalog]).changed == 2
    assert import_paths(database, [orders]).unchanged == 1
    assert raw_orders(database) == before


def exported(row: dict[str, Any], options: Any) -> bytes:
    """An order as mongoexport writes it."""
    order = encode_value(parse_json(json.dumps(row)), Known())
    return json_util.dumps(bson.decode(order.bson), json_options=options).encode()


FORMATS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "canonical.json": lambda rows: b"\n".join(exported(row, json_util.CANONICAL_JSON_OPTIONS) for row in rows),
    "relaxed.json": lambda rows: b"\n".join(exported(row, json_util.RELAXED_JSON_OPTIONS) for row in rows),
    "orders.jsonl": lambda rows: b"\n".join(json.dumps(row).encode() for row in rows),
    "crlf.jsonl": lambda rows: b"\r\n".join(json.dumps(row).encode() for row in rows) + b"\r\n\r\n",
    "marked.jsonl": lambda rows: b"\xef\xbb\xbf" + b"\n".join(json.dumps(row).encode() for row in rows),
    "array.json": lambda rows: json.dumps(rows).encode(),
    "pretty.json": lambda rows: json.dumps(rows, indent=2).encode(),
    "objects.json": lambda rows: b"\n".join(json.dumps(row, indent=1).encode() for row in rows),
    "named-wrongly.csv": lambda rows: b"\n".join(json.dumps(row).encode() for row in rows),
    "lines.jsonl.gz": lambda rows: gzip.compress(b"\n".join(json.dumps(row).encode() for row in rows)),
    "members.json.gz": lambda rows: b"".join(gzip.compress(json.dumps(row).encode() + b"\n") for row in rows),
    "array.json.zst": lambda rows: zstandard.compress(json.dumps(rows).encode()),
    "frames.jsonl.zst": lambda rows: b"".join(zstandard.compress(json.dumps(row).encode() + b"\n") for row in rows),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_layout_gives_the_same_orders(database: MongoDatabase, tmp_path: Path, name: str) -> None:
    rows = [a_row(n, warehouse_id=3, location='São Paulo \\ ":{[') for n in range(1, 51)]
    write_lines(tmp_path / "plain", *rows)
    import_paths(database, [tmp_path / "plain"])
    expected = raw_orders(database)
    database[ORDERS].delete_many({})
    (tmp_path / name).write_bytes(FORMATS[name](rows))
    report = import_paths(database, [tmp_path / name])
    assert (report.read, report.accepted) == (50, 50)
    assert raw_orders(database) == expected


def test_a_path_that_names_nothing_is_an_error(database: MongoDatabase, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        import_paths(database, [tmp_path / "nothing.csv"])


@pytest.mark.parametrize("again", ["1,2,7,\n", "1,2,7,\n1,2,9,\n"])
def test_records_of_two_keys_come_once_and_are_corrected(database: MongoDatabase, tmp_path: Path, again: str) -> None:
    header = "product_id,warehouse_id,stock_quantity,last_restock_time\n"
    (tmp_path / "inventory.csv").write_text(header + "1,2,5,2026-03-01\n1,3,6,\n1,3,6,\n")
    report = import_paths(database, [tmp_path / "inventory.csv"])
    assert (report.accepted, report.unchanged) == (2, 1)
    (tmp_path / "inventory.csv").write_text(header + again + "1,3,6,\n")
    report = import_paths(database, [tmp_path / "inventory.csv"])
    assert (report.changed, report.unchanged) == (again.count("\n"), 1)
    stored = {(record["product_id"], record["warehouse_id"]): record for record in database["inventory"].find()}
    assert {key: record["stock_quantity"] for key, record in stored.items()} == {(1, 2): int(again[-3]), (1, 3): 6}
    assert stored[1, 2]["last_restock_time"].isoformat() == "2026-03-01T00:00:00+00:00"
