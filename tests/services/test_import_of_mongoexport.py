"""Orders as mongoexport and MongoDB's shell write them."""

from pathlib import Path

from ecommerce.importing.import_files import import_paths
from ecommerce.mongo import MongoDatabase
from tests.import_cases import CASES, Import, codes, orders_of, take, totals

__all__ = ["take"]


def test_28_the_dialects_of_mongoexport(database: MongoDatabase, take: Import) -> None:
    case = CASES / "28-mongoexport-dialects"
    report = take(case, "orders.jsonl")
    assert (report.read, report.accepted, report.rejected) == (7, 3, 4)
    assert set(totals(database).values()) == {10}
    assert codes(database).keys() >= {"too_many_decimals", "not_finite", "json_syntax"}
    assert take(case, "orders_array_pretty.json").unchanged == 3


def test_30_csv_of_mongoexport(database: MongoDatabase, take: Import) -> None:
    case = CASES / "30-mongoexport-as-csv"
    assert take(case, "three_fields.csv").accepted == 1
    assert totals(database) == {"9302": 10}
    (failed,) = take(case, "dotted.csv").failed
    assert "order.discount" in (failed.error or "")
    assert "delivery.expected_time" in (failed.error or "")


def test_30_columns_that_are_paths_into_an_order(database: MongoDatabase, tmp_path: Path) -> None:
    row = {
        "_id": "5f1a2b3c4d5e6f7081920001", "order.order_id": "9401", "order.user_id": "7",
        "order.order_time": "2024-01-05T10:00:00.000Z", "order.total_amount": "10.00", "order.discount": "0",
        "order.quantity": "1", "order.payment_type": "card", "order_items[0].order_item_id": "1",
        "order_items[0].order_id": "9401", "order_items[0].product_id": "1", "order_items[0].warehouse_id": "1",
        "order_items[0].quantity": "1", "order_items[0].price": "10", "order_items[0].event_time": "2024-01-05",
        "delivery.delivery_id": "1", "delivery.order_id": "9401", "delivery.status": "Delivered",
        "delivery.expected_time": "2024-01-09", "delivery.actual_time": "", "delivery.courier_id": "1",
    }  # fmt: skip
    for number, columns in enumerate((list(row), [column.replace("[0]", ".0") for column in row])):
        (tmp_path / f"{number}.csv").write_text(",".join(columns) + "\n" + ",".join(row.values()) + "\n")
    report = import_paths(database, [tmp_path])
    assert (report.accepted, report.unchanged, report.failed) == (1, 1, [])


SHELL = """{"_id": ObjectId("5f1a2b3c4d5e6f7081920007"), "order": {"order_id": NumberLong(9501), \
"user_id": NumberLong("7"), "order_time": ISODate("2024-01-05T15:22:33Z"), "total_amount": NumberDecimal("10.00"), \
"discount": 0, "quantity": NumberInt(1), \
"payment_type": "NumberLong(5)"}, "order_items": [{"order_item_id": 1, "order_id": 9501, \
"product_id": 1, "warehouse_id": 1, "quantity": 1, "price": 10, "event_time": new Date(1704468153000)}], "delivery": \
{"delivery_id": 1, "order_id": 9501, "status": "Shipped", "expected_time": Date("2024-01-09"), "actual_time": null, \
"courier_id": 1, "location": "Lima"}}
"""


def test_28_the_syntax_of_the_shell(database: MongoDatabase, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(SHELL + SHELL.replace("9501", "9502"))
    assert import_paths(database, [tmp_path / "a.json"]).accepted == 2
    assert orders_of(database)["9501"].order.payment_type == "NumberLong(5)"
