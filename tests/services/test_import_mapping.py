"""Order lines: a mapping makes orders and catalog out of any CSV with a row per order item."""

import csv
import gzip
import re
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import zstandard

from cli.imports import print_report
from ecommerce.errors import InputError
from ecommerce.importing.import_files import import_paths
from ecommerce.importing.loading.file_import import ImportOptions
from ecommerce.importing.loading.replay import replay_rejected
from ecommerce.importing.order_lines.mappings import load_mapping, shipped_mappings
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import REJECTED_ROWS, MongoDatabase
from ecommerce.shop import Shop, write_shop
from tests.import_samples import WHOLE_SUPERSTORE, raw_orders, stored_orders


def test_superstore_lines_give_the_orders_and_totals_of_the_table(database: MongoDatabase) -> None:
    table = WHOLE_SUPERSTORE / "flat" / "superstore_flat.csv.zst"
    report = import_paths(database, [table])
    with zstandard.open(table, "rt", encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    orders = {order.order.external_id: order for order in stored_orders(database)}
    assert orders.keys() == {line["Order ID"] for line in lines}
    assert (report.accepted, report.files[0].lines) == (len(orders), len(lines))
    cities = {city["_id"]: city["location"] for city in database["warehouses"].find()}
    by_warehouse = Counter(cities[item.warehouse_id] for order in orders.values() for item in order.order_items)
    assert by_warehouse == Counter(line["Region"] for line in lines)
    names = {product["_id"]: product["name"] for product in database["products"].find()}
    quantities: Counter[str] = Counter()
    for line in lines:
        quantities[line["Product Name"]] += int(line["Quantity"])
    sold: Counter[str] = Counter()
    for order in orders.values():
        for item in order.order_items:
            sold[names[item.product_id]] += item.quantity
    assert sold == quantities
    assert len(lines) == 9994
    assert sum(order.order.total_amount for order in orders.values()) == Decimal("2297200.89")
    late = [o for o in orders.values() if o.delivery.actual_time and o.delivery.actual_time > o.delivery.expected_time]
    assert len(late) == 837
    settled = raw_orders(database)
    assert import_paths(database, [table]).unchanged == len(orders)
    assert raw_orders(database) == settled


SHOPIFY = """\
Name,Email,Financial Status,Fulfillment Status,Subtotal,Total,Discount Amount,Shipping Method,Created at,\
Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Billing Name,Billing City,Shipping Name,Shipping City,\
Cancelled at,Payment Method,Vendor
#1001,ada@example.com,paid,fulfilled,90.00,95.50,10.00,Express,2023-02-02 14:05:35 -0500,2,Tea,30.00,TEA-1,Ada,Lima,\
Ada,Cusco,,Shopify Payments,Leaf
#1001,ada@example.com,,,,,,,2023-02-02 14:05:35 -0500,1,Cup,40.00,,,,,,,,Kiln
#1002,,refunded,unfulfilled,5.00,5.00,0.00,,2023-02-03 09:00:00 -0500,1,Tea,5.00,TEA-1,,,,,,,Leaf
"""


def test_a_shopify_export_gives_orders(database: MongoDatabase, tmp_path: Path) -> None:
    (tmp_path / "orders_export_1.csv").write_text(SHOPIFY)
    assert import_paths(database, [tmp_path]).accepted == 2
    orders = {order.order.external_id: order for order in stored_orders(database)}
    first, second = orders["#1001"], orders["#1002"]
    assert [(item.quantity, item.price) for item in first.order_items] == [(2, 30), (1, 40)]
    assert (first.order.total_amount, first.order.discount) == (Decimal("95.5"), Decimal("0.1"))
    assert (first.delivery.status, first.delivery.location) == ("Shipped", "Cusco")
    assert first.order.order_time.isoformat() == "2023-02-02T19:05:35+00:00"
    assert (second.delivery.status, second.delivery.location) == ("Returned", "Unknown")
    assert first.order_items[0].product_id == second.order_items[0].product_id
    assert database["users"].find_one({"email": "ada@example.com"}, {"_id": 0, "name": 1}) == {"name": "Ada"}


def test_where_all_of_an_order_went_back_its_tax_and_shipping_did(database: MongoDatabase, tmp_path: Path) -> None:
    head, last = SHOPIFY.splitlines()[0], SHOPIFY.splitlines()[-1].removeprefix("#1002,,refunded,")
    line = last.replace("5.00,5.00,0.00", "44.22,58.45,0.00").replace(",5.00,", ",44.22,") + ",4.90,9.33"
    lines = [f"{head},Shipping,Taxes,Refunded Amount", f"#1,,refunded,{line},58.45", f"#2,,paid,{line},20.00"]
    (tmp_path / "orders_export_1.csv").write_text("\n".join([*lines, ""]))
    assert import_paths(database, [tmp_path]).accepted == 2
    orders = {order.order.external_id: order for order in stored_orders(database)}
    (whole,), (part,) = orders["#1"].refunds, orders["#2"].refunds
    assert (whole.amount, whole.tax_amount, whole.shipping_amount) == (
        Decimal("58.45"), Decimal("9.33"), Decimal("4.90"),
    )  # fmt: skip
    assert (part.amount, part.tax_amount, part.shipping_amount) == (20, None, None)
    sales = compute_kpis(database).sales
    assert sales is not None
    assert (sales.net_sales, sales.tax, sales.shipping) == (Decimal("24.22"), Decimal("9.33"), Decimal("4.90"))


FRENCH = """\
dates: ["%d/%m/%Y"]
decimal_comma: true
order: {order_id: commande, user_id: client, order_time: date, payment_type: {constant: carte}}
item: {product_id: article, quantity: nombre, price: prix, warehouse_id: {constant: 1, number: true}}
delivery: {status: {constant: Delivered}, expected_time: date, courier_id: {constant: poste}, location: ville}
"""
HEADER = "commande;client;date;article;nombre;prix;ville\n"


@pytest.fixture
def french(tmp_path: Path) -> ImportOptions:
    (tmp_path / "french.yaml").write_text(FRENCH)
    return ImportOptions(mapping=str(tmp_path / "french.yaml"), max_rejected_share=1.0)


def test_a_mapping_of_ones_own(database: MongoDatabase, tmp_path: Path, french: ImportOptions) -> None:
    lines = "A;x;31/12/2025;thé;2;1.234,50;Lyon\nB;y;01/01/2026;café;1;0,5;Lille\nA;x;31/12/2025;sel;1;1;Lyon\n"
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress((HEADER + lines).encode()))
    assert import_paths(database, [tmp_path / "a.csv.gz"], options=french).accepted == 2
    orders = {order.order.external_id: order for order in stored_orders(database)}
    assert orders["A"].order.total_amount == Decimal("2470")
    assert [item.price for item in orders["A"].order_items] == [Decimal("1234.5"), 1]


def test_an_order_is_never_imported_in_part(database: MongoDatabase, tmp_path: Path, french: ImportOptions) -> None:
    lines = (
        "A;x;31/12/2025;thé;2;1,5;Lyon", 'A;x;31/12/2025;"sel;1;1;Lyon', "B;y;01/01/2026;café;1;0,5;Lille",
        "C;y;01/01/2026;café;1;0,5;Lille", "C;y;01/01/2026;café;x;0,5;Lille", "D;y;01/01/2026;café;1;1;Lille",
        "D;y;02/01/2026;café;1;1;Lille", "E;y;01/01/2026;café;1;1;Lille", ";y;01/01/2026;café;1;1;Lille",
        "F;y;01/01/2026;café;1;1;Lille", "G;y;01/01/2026;café;1;1;Lille",
    )  # fmt: skip
    (tmp_path / "a.csv").write_text(HEADER + "\n".join(lines))
    report = import_paths(database, [tmp_path / "a.csv"], options=french)
    assert [order.order.external_id for order in stored_orders(database)] == ["G"]
    assert report.files[0].balanced
    codes = {row["line"]: row["code"] for row in database[REJECTED_ROWS].find()}
    unreadable = {3: "csv_syntax", 10: "no_mapping_value"}
    beside = dict.fromkeys((2, 4, 9, 11), "inconsistent_lines")
    assert codes == unreadable | beside | {5: "wrong_type", 7: "inconsistent_lines"}


def test_lines_are_tried_again_after_a_fix(database: MongoDatabase, tmp_path: Path, french: ImportOptions) -> None:
    wrong = FRENCH.replace("%d/%m/%Y", "%m/%d/%Y")
    Path(str(french.mapping)).write_text(wrong)
    (tmp_path / "a.csv").write_text(HEADER + "A;x;31/12/2025;thé;2;1,5;Lyon\nA;x;31/12/2025;sel;1;1;Lyon\n")
    assert import_paths(database, [tmp_path / "a.csv"], options=french).rejected == 1
    Path(str(french.mapping)).write_text(FRENCH)
    load_mapping.cache_clear()
    assert replay_rejected(database).accepted == 1
    assert database[REJECTED_ROWS].count_documents({}) == 0
    assert len(stored_orders(database)[0].order_items) == 2


def test_a_line_that_cannot_be_read_is_not_tried_again_without_its_order(
    database: MongoDatabase, tmp_path: Path, french: ImportOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ("A;x;31/12/2025;thé;2;1,5;Lyon", 'A;x;31/12/2025;"sel;1;1;Lyon', "B;y;01/01/2026;café;1;0,5;Lille")
    (tmp_path / "a.csv").write_text(HEADER + "\n".join(lines))
    report = import_paths(database, [tmp_path / "a.csv"], options=french)
    assert report.rejected == 3
    assert replay_rejected(database).rejected == 3
    print_report(report)
    assert "a.csv: 3 rejected: `ecommerce rejected` shows them" in (said := capsys.readouterr().out)
    assert "but not 1 of which parts are missing: import the corrected file" in " ".join(said.split())
    (tmp_path / "a.csv").write_text(HEADER + "\n".join(lines).replace('"', ""))
    assert import_paths(database, [tmp_path / "a.csv"], options=french).accepted == 2


def test_orders_beside_a_line_that_cannot_be_read_are_tried_again_with_it(
    database: MongoDatabase, tmp_path: Path, french: ImportOptions
) -> None:
    lines = ("A;x;31/12/2025;thé;2;1,5;Lyon", 'A;x;31/12/2025;"sel;1;1;Lyon', "B;y;01/01/2026;café;1;0,5;Lille")
    (tmp_path / "a.csv").write_text(HEADER + "\n".join(lines))
    assert import_paths(database, [tmp_path / "a.csv"], options=french).rejected == 3
    assert replay_rejected(database).accepted == 0
    for row in database[REJECTED_ROWS].find({"raw_complete": True}):
        corrected = {"$set": {"raw": row["raw"].replace('"', "")}}
        database[REJECTED_ROWS].update_one({"_id": row["_id"]}, corrected)
    assert replay_rejected(database).accepted == 2
    orders = {order.order.external_id: order for order in stored_orders(database)}
    assert {name: len(order.order_items) for name, order in orders.items()} == {"A": 2, "B": 1}


@pytest.mark.parametrize("line", [";y;01/01/2026;sel;1;1;Lille", "A;x;31/12/2025;sel;1;1"])
def test_no_order_is_tried_again_in_part(
    database: MongoDatabase, tmp_path: Path, french: ImportOptions, line: str
) -> None:
    """A line without its order's number, and one that the file's end has cut off."""
    (tmp_path / "a.csv").write_text(HEADER + "A;x;31/12/2025;thé;2;1,5;Lyon\n" + line)
    assert import_paths(database, [tmp_path / "a.csv"], options=french).accepted == 0
    assert replay_rejected(database).accepted == 0
    assert stored_orders(database) == []


@pytest.mark.parametrize("line", ["A;x;31/12/2025;thé;2,5;1;Lyon", "A;x;31/12/2025;thé;;1;Lyon", "A;x;;thé;1;1;Lyon"])
def test_a_line_without_what_an_order_needs_is_rejected(
    database: MongoDatabase, tmp_path: Path, french: ImportOptions, line: str
) -> None:
    (tmp_path / "a.csv").write_text(HEADER + line + "\nB;y;01/01/2026;café;9e999999999;9e999999999;Lille\n")
    report = import_paths(database, [tmp_path / "a.csv"], options=french)
    assert (report.accepted, report.rejected, report.files[0].balanced) == (0, 2, True)


def test_what_lines_tell_of_the_catalog_counts_for_the_orders_after_them_in_any_process(
    database: MongoDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecommerce.importing.order_lines.plain_lines.ORDERS_A_CHUNK", 20)
    told = "catalog: {users: {user_id: client, name: client, location: ville}}\n"
    (tmp_path / "french.yaml").write_text(FRENCH.replace(", location: ville}", "}") + told)
    # Every seventh order tells where its customer lives, each time another place: the first one stays.
    lines = (f"{n:04};{n % 50};31/12/2025;thé;1;1;{f'V{n}' if n % 7 == 0 else ''}\n" for n in range(600))
    (tmp_path / "a.csv").write_text(HEADER + "".join(lines))
    ends = []
    for processes in (0, 2):
        database.client.drop_database(database.name)
        options = ImportOptions(str(tmp_path / "french.yaml"), processes=processes, processes_from_bytes=0)
        assert import_paths(database, [tmp_path / "a.csv"], options=options).accepted == 600
        ends.append((raw_orders(database), list(database["users"].find().sort("_id"))))
    assert ends[0] == ends[1]
    assert len({order.delivery.location for order in stored_orders(database)}) > 40


def test_decoding_processes_read_times_by_the_clock_of_the_shop(database: MongoDatabase, tmp_path: Path) -> None:
    write_shop(database, Shop("EUR", "Asia/Tokyo"))
    (tmp_path / "french.yaml").write_text(FRENCH)
    (tmp_path / "a.csv").write_text(HEADER + "A;x;31/12/2025;thé;1;1;Lille\n")
    options = ImportOptions(str(tmp_path / "french.yaml"), processes_from_bytes=0)
    assert import_paths(database, [tmp_path / "a.csv"], options=options).accepted == 1
    (order,) = stored_orders(database)
    assert order.order.order_time == datetime(2025, 12, 30, 15, tzinfo=UTC)


def test_the_page_on_mappings_shows_one_that_works(database: MongoDatabase, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "mappings.md").read_text()
    example = page.partition("## One in five minutes")[2].partition("\n## ")[0]
    (tmp_path / "bestellungen.csv").write_text("\n".join(re.findall("^    (.+)$", example, re.MULTILINE)) + "\n")
    (tmp_path / "shop.yaml").write_text("\n".join(re.findall("```yaml\n(.*?)```", example, re.DOTALL)))
    options = ImportOptions(mapping=str(tmp_path / "shop.yaml"))
    assert import_paths(database, [tmp_path / "bestellungen.csv"], options=options).accepted == 1
    (order,) = stored_orders(database)
    assert (order.order.external_id, order.order.total_amount) == ("B-1001", Decimal("4038.90"))
    assert (order.delivery.status, order.delivery.location, len(order.order_items)) == ("Shipped", "Köln", 2)
    names = {table: database[table].distinct("name") for table in ("users", "products", "couriers")}
    assert names == {"users": ["Ada Lovelace"], "products": ["Tasse", "Teekanne"], "couriers": ["DHL"]}
    assert database["warehouses"].distinct("location") == ["Köln"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"order:": "odrer:"}, "odrer"),
        ({"user_id: client": "user: client"}, "no such fields: user"),
        ({"courier_id: {constant: poste}, ": ""}, "courier_id is missing"),
        ({"{constant: carte}": "{konstant: carte}"}, "konstant"),
        ({"order:": "order: ["}, "is not YAML"),
    ],
)
def test_a_wrong_mapping_says_what_is_wrong(tmp_path: Path, change: dict[str, str], message: str) -> None:
    text = FRENCH
    for old, new in change.items():
        text = text.replace(old, new)
    (tmp_path / "wrong.yaml").write_text(text)
    with pytest.raises(InputError, match=message):
        load_mapping(str(tmp_path / "wrong.yaml"))


def test_shipped_mappings_are_sound_and_an_unknown_one_names_them() -> None:
    names: Any = [mapping.name for mapping in shipped_mappings()]
    assert {"olist", "shopify", "superstore"} < set(names)
    with pytest.raises(InputError, match="olist, online_retail, shopify, square, superstore"):
        load_mapping("prestashop")
