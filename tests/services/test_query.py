"""`ecommerce query`: hot and archived orders together, each once, while runs go on; it only reads."""

import csv
import io
import json
import shlex
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from bson import Decimal128, Int64
from bson.raw_bson import RawBSONDocument
from msgspec import Struct
from msgspec.structs import astuple
from pymongo.errors import OperationFailure
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.maintain import compact_archive
from ecommerce.archive.restore import restore_orders
from ecommerce.documents.bson_codec import encode_catalog
from ecommerce.documents.catalog import CATALOG, CatalogTable, Courier, Inventory, Product, User, Warehouse
from ecommerce.errors import InputError, ServiceError
from ecommerce.importing.import_files import import_paths
from ecommerce.kpis import compute_kpis
from ecommerce.mongo import MongoDatabase
from ecommerce.query import ask, sources
from ecommerce.services.hdfs import Hdfs
from ecommerce.settings import Settings
from ecommerce.shop import Shop, write_shop
from ecommerce.summaries.advance import advance
from tests.archiving import OLD_DAY, an_order, at_moment, insert, power_cut_at, touch, with_archive
from tests.import_samples import complete_row, write_lines
from tests.programs import ecommerce, printed
from tests.unit.test_structure import ROOT

OLD = [an_order(number, day=number % 3, items=number % 3) for number in range(60)]
OPEN = [an_order(100 + number, status="Pending", items=2) for number in range(10)]
COUNTED = "SELECT count(*), count(DISTINCT order_id), sum(total_amount) FROM orders"


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    with ask(settings, sql) as answer:
        return [tuple(row.values()) for batch in answer.batches for row in batch.to_pylist()]


def expected() -> tuple[int, int, Decimal]:
    return 70, 70, sum((order.order.total_amount for order in OLD + OPEN), Decimal(0))


@pytest.fixture
def archive(archive: Settings, database: MongoDatabase) -> Settings:
    """Settings of a store with 60 orders that may be archived and 10 that stay."""
    insert(database, OLD + OPEN)
    advance(database)
    return archive


def test_each_order_is_there_once_before_while_and_after_it_is_archived(
    archive: Settings, database: MongoDatabase, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rows(archive, COUNTED) == [expected()]
    assert rows(archive, "SELECT count(*) FROM archived") == [(0,)]
    seen: list[list[tuple[Any, ...]]] = []
    for moment in ("purge:before", "purge:after-chunk", "purge:done", "publish:ready", "publish:done", "commit:before"):
        late = an_order(200 + len(seen))
        insert(database, [late])
        touch(database, 3, order__payment_type="voucher") if not seen else None
        at_moment(monkeypatch, moment, lambda: seen.append(rows(archive, COUNTED)))
        archive_orders(archive)
        monkeypatch.undo()
        database["orders"].delete_one({"_id": late.order.order_id})
    assert len(seen) == 6
    assert [(count, ids) for ((count, ids, _),) in seen] == [(71 + number, 71 + number) for number in range(6)]
    compact_archive(archive, at_least=2)
    ((count, ids, amount),) = rows(archive, COUNTED)
    kpis = compute_kpis(database)
    assert (count, ids) == (76, 76)
    assert rows(archive, "SELECT archived, count(*) FROM orders GROUP BY ALL ORDER BY ALL") == [(False, 10), (True, 66)]
    revenue = "SELECT sum(total_amount) FROM orders WHERE status NOT IN ('Cancelled', 'Returned')"
    assert rows(archive, revenue) == [(kpis.revenue,)]
    assert amount >= kpis.revenue
    items = "SELECT count(*), sum(i.quantity) FROM order_items i JOIN orders o USING (order_id)"
    ((lines, pieces),) = rows(archive, items)
    assert lines == sum(len(order.order_items) for order in OLD + OPEN) + 6 * len(an_order(200).order_items)
    assert pieces == kpis.quantity


@pytest.mark.parametrize("on_hdfs", [False, True])
def test_what_a_killed_run_has_purged_is_there(
    archive: Settings,
    database: MongoDatabase,
    spark: SparkSession,
    hdfs: Hdfs,
    monkeypatch: pytest.MonkeyPatch,
    on_hdfs: bool,
) -> None:
    archive = with_archive(archive, f"{hdfs.uri}/{archive.database}") if on_hdfs else archive
    power_cut_at(monkeypatch, archive, "publish:before")
    assert rows(archive, COUNTED) == [expected()]
    assert rows(archive, "SELECT count(*) FROM archived") == [(60,)]
    assert rows(archive, "SELECT \"order\".order_id FROM archived WHERE delivery.status = 'Nowhere'") == []
    archive_orders(archive)
    assert rows(archive, COUNTED) == [expected()]
    assert rows(archive, "SELECT count(*) FROM archived a JOIN archived b USING (content_hash, updated_at)") == [(60,)]


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM orders",
        "SELECT 1; SELECT 2",
        "COPY orders TO 'out.csv'",
        "SET memory_limit = '9GB'",
        "ATTACH 'other.db'",
        "INSTALL httpfs",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM archive_runs",
        "SELECT * FROM settings",
        "SELECT nothing FROM orders",
        "SELECT",
        "",
    ],
)
def test_what_is_no_question_about_orders_is_refused(settings: Settings, database: MongoDatabase, sql: str) -> None:
    with pytest.raises(InputError, match="query: "):
        rows(settings, sql)


def test_an_order_that_names_no_currency_is_in_the_shops(
    settings: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    write_shop(database, Shop("EUR", "UTC"))
    orders = complete_row(1), complete_row(2, order={"currency": "USD"})
    import_paths(database, [write_lines(tmp_path / "orders.jsonl", *orders)])
    asked = "SELECT currency, sum(total_amount) AS total FROM orders GROUP BY currency ORDER BY currency"
    assert rows(settings, asked) == [("EUR", Decimal("16.45")), ("USD", Decimal("16.45"))]


def test_the_catalog_is_there_by_name(settings: Settings, database: MongoDatabase) -> None:
    product = OLD[0].order_items[0].product_id if OLD[0].order_items else OLD[1].order_items[0].product_id
    database["products"].insert_one({"_id": Int64(product), "product_id": Int64(product), "name": "Lamp"})
    insert(database, OLD)
    named = "SELECT p.name, sum(i.quantity) FROM order_items i JOIN products p USING (product_id) GROUP BY ALL"
    pieces = sum(item.quantity for order in OLD for item in order.order_items if item.product_id == product)
    assert rows(settings, named) == [("Lamp", pieces)]
    assert rows(settings, "SELECT count(*) FROM users") == [(0,)]
    assert rows(settings, "SELECT count(*) FROM query('SELECT * FROM orders')") == [(60,)]


SINCE = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)
RECORDS = (
    User(1, "Ann", "a@b.example", "Oslo", 40, SINCE),
    Product(2, "Lamp", "Light", Decimal("12.5000"), Decimal("7.2"), 3),
    Warehouse(3, "North", 100, 1),
    Courier(4, "Post", "Oslo", Decimal("4.7")),
    Inventory(2, 3, 17, SINCE),
)
"""One of each table of the catalog, with all of its values."""


def put_in_the_catalog(database: MongoDatabase) -> None:
    for table, record in zip(CATALOG, RECORDS, strict=True):
        database[table.name].insert_one(RawBSONDocument(encode_catalog(table, record)))


@pytest.mark.parametrize(
    "table, record", list(zip(CATALOG, RECORDS, strict=True)), ids=[table.name for table in CATALOG]
)
def test_each_value_of_the_catalog_comes_back(
    settings: Settings, database: MongoDatabase, table: CatalogTable, record: Struct
) -> None:
    put_in_the_catalog(database)
    columns = ", ".join(table.document.__struct_fields__)
    assert rows(settings, f"SELECT {columns} FROM {table.name}") == [astuple(record)]  # noqa: S608 - ours


@pytest.mark.parametrize("value", ["dear", 12.5, [1], Decimal128("NaN"), Decimal128("1E+30"), Decimal128("0.00001")])
def test_a_catalog_that_somebody_has_spoilt_says_where(
    settings: Settings, database: MongoDatabase, value: object
) -> None:
    put_in_the_catalog(database)
    spoilt = {"_id": Int64(7), "product_id": Int64(7), "name": "Chair", "price": value}
    database.get_collection("products").insert_one(spoilt, bypass_document_validation=True)
    with pytest.raises(InputError, match=r"products with _id 7: price is .*Correct it"):
        rows(settings, "SELECT sum(price) FROM products")


def test_the_examples_of_the_page_are_answered(settings: Settings, database: MongoDatabase, tmp_path: Path) -> None:
    put_in_the_catalog(database)
    insert(database, OLD)
    page = (ROOT / "docs" / "query.md").read_text(encoding="utf-8")
    commands = page.split("```sh\n")[1].split("```")[0].replace("\\\n", "").splitlines()
    assert len(commands) == 3
    for command in commands:
        printed(settings, *shlex.split(command.replace("sold.csv", str(tmp_path / "sold.csv")))[1:])
    assert (tmp_path / "sold.csv").read_text().startswith("category,sold")


def test_a_moment_that_is_gone_says_what_to_raise(
    settings: Settings, database: MongoDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_old(*_: object) -> None:
        raise OperationFailure("Read timestamp is older than the oldest", code=239)

    monkeypatch.setattr(sources, "hot_rows", too_old)
    with pytest.raises(ServiceError, match="raise minSnapshotHistoryWindowInSeconds"):
        rows(settings, COUNTED)


def test_the_command_writes_tables_csv_json_and_parquet(
    archive: Settings, database: MongoDatabase, spark: SparkSession, tmp_path: Path
) -> None:
    archive_orders(archive)
    sql = "SELECT order_id, total_amount, order_time, archived FROM orders ORDER BY order_id"
    assert "order_id" in printed(archive, "query", sql)
    as_csv = list(csv.DictReader(io.StringIO(printed(archive, "query", sql, "--format", "csv"))))
    as_json = json.loads(printed(archive, "query", sql, "--json"))
    file = tmp_path / "orders.parquet"
    printed(archive, "query", sql, "--format", "parquet", "--output", str(file))
    as_parquet = pq.read_table(file).to_pylist()
    ids = sorted(order.order.order_id for order in OLD + OPEN)
    for found in (as_csv, as_json, as_parquet):
        assert [int(row["order_id"]) for row in found] == ids
        assert sum(Decimal(str(row["total_amount"])) for row in found) == expected()[2]
    hostile = "SELECT '=cmd()' AS \"@a\", '-1' AS text, -1.5 AS number, ['=x'] AS list"
    assert (
        printed(archive, "query", hostile, "--format", "csv")
        == '\'@a,text,number,list\n\'=cmd(),\'-1,-1.5,"[""=x""]"\n'
    )
    assert json.loads(printed(archive, "query", hostile, "--json"))[0]["@a"] == "=cmd()"
    assert "PYTHON_ARROW_SCAN" in printed(archive, "query", sql, "--explain")
    wrong = ecommerce(archive, "query", "SELECT nope FROM orders")
    assert (wrong.returncode, "nope" in wrong.stderr) == (2, True)
    assert restore_orders(archive, OLD_DAY, OLD_DAY), "nothing was changed by asking"
