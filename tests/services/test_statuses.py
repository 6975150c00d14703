"""One table of statuses: import, figures, check and archive read a text alike, however it is spelled."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import polars as pl
from pyspark.sql import SparkSession

from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.selection import Selection, plan_archive
from ecommerce.check import check_orders
from ecommerce.documents.bson_codec import decode_order
from ecommerce.documents.order import OrderDocument
from ecommerce.documents.statuses import (
    FINISHED,
    STATUSES,
    canonical,
    is_counted,
    is_finished,
    match_of,
    mongo_canonical,
    mongo_has,
    sql_canonical,
    sql_has,
    status_rank,
)
from ecommerce.importing.import_files import import_paths
from ecommerce.kpis import Filters, compute_kpis
from ecommerce.kpis.figures import SALES_FIGURES
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings
from tests.import_samples import complete_row, raw_orders, write_lines
from tests.summaries_recount import Names, recount
from tests.version_0_1_0 import bring_back

NAMES = {
    "Pending": "processing on-hold unfulfilled open new paid authorized",
    "Shipped": "in_transit dispatched fulfilled partial out_for_delivery",
    "Delivered": "completed complete",
    "Cancelled": "canceled voided failed expired unavailable",
    "Returned": "refunded restocked",
}
"""The aliases that are promised."""

MEANT = {text: name for name, aliases in NAMES.items() for text in (name.lower(), *aliases.split())}

UNKNOWN = ("in Prüfung", "partially_refunded", "delivered ", "", "ſhipped", "RESTOC\u212aED", "cancelled\n", "created")
"""The long s and the Kelvin sign have s and k as their lower or upper letters, but not in ASCII."""


def spelled() -> list[str]:
    """Every text of the table in several cases of letters, and some that are not in it."""
    cases = (str, str.lower, str.upper, str.title, str.swapcase)
    return sorted({case(text) for text in (*NAMES, *MEANT) for case in cases} | set(UNKNOWN))


def test_the_table_is_the_one_that_is_promised() -> None:
    assert {status.name: " ".join(status.aliases) for status in STATUSES} == NAMES
    assert FINISHED == ("Delivered", "Cancelled", "Returned")
    assert [status_rank(name) for name in (*NAMES, "in Prüfung")] == [0, 1, 2, 2, 3, 1]
    assert [name for name in (*NAMES, "in Prüfung") if not is_counted(name)] == ["Cancelled", "Returned"]
    for text in spelled():
        expected = MEANT.get(text.lower(), text) if text.isascii() else text
        assert canonical(text) == expected
        assert is_finished(text) == (expected in FINISHED)


def test_mongodb_reads_every_text_alike(database: MongoDatabase) -> None:
    database["texts"].insert_many({"_id": text, "delivery": {"status": text}} for text in spelled())
    database["texts"].insert_many({"_id": value, "delivery": {"status": value}} for value in (5, 2.5, {"a": 1}, None))
    finished = mongo_has("$delivery.status", FINISHED)
    wanted = [{"$project": {"name": mongo_canonical("$delivery.status"), "finished": finished}}]
    for row in database["texts"].aggregate(wanted):
        known = isinstance(row["_id"], str)
        assert row.get("name") == (canonical(row["_id"]) if known else row["_id"])
        assert row["finished"] == (known and is_finished(row["_id"]))
    found = {row["_id"] for row in database["texts"].find(match_of(FINISHED))}
    assert found == {text for text in spelled() if is_finished(text)}


def test_spark_reads_every_text_alike(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(text,) for text in spelled()], "text string")
    for text, name, finished in frame.selectExpr("text", sql_canonical("text"), sql_has("text", FINISHED)).collect():
        assert (name, finished) == (canonical(text), is_finished(text))


def test_duckdb_reads_every_text_alike() -> None:
    texts = pl.DataFrame({"text": [*spelled()]})
    with duckdb.connect() as connection:
        wanted = f"text, {sql_canonical('text')}, {sql_has('text', FINISHED)}"
        rows = connection.sql(f"select {wanted} from texts").fetchall()  # noqa: S608
    assert len(rows) == texts.height
    for text, name, finished in rows:
        assert (name, finished) == (canonical(text), is_finished(text))


SHOPS = ("Delivered", "delivered", "Cancelled", "canceled", "CANCELED", "Returned", "refunded", "completed", "Pending",
         "processing")  # fmt: skip


def shops_file(path: Path, statuses: Iterable[str] = SHOPS) -> Path:
    """Orders of 10.00 each, finished or not, in the words of several shops."""
    order = {"order_time": "2024-01-01T10:00:00Z", "total_amount": "10.00"}
    rows = (complete_row(9000 + at, status=text, order=order) for at, text in enumerate(statuses, 1))
    return write_lines(path, *rows)


def test_a_canceled_order_is_cancelled_everywhere(
    spark: SparkSession, archive: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    file = shops_file(tmp_path / "orders.jsonl")
    assert import_paths(database, [file]).accepted == 10
    for archived in (0, 8):
        figures = compute_kpis(database)
        assert figures.to_json_dict()["revenue"] == "50.00"
        assert (figures.delivered, figures.pending, figures.archived_orders) == (3, 2, archived)
        assert figures.by_status == {"Cancelled": 3, "Delivered": 3, "Pending": 2, "Returned": 2}
        chosen = compute_kpis(database, filters=Filters(statuses=frozenset({"canceled"})))
        assert chosen.by_status == {"Cancelled": 3}
        assert check_orders(database, archive).differences == ()
        # The same file, and the same orders in other words for the same statuses, are nothing new.
        stored = raw_orders(database)
        assert import_paths(database, [file]).unchanged == 10
        other = [{"canceled": "Voided", "completed": "COMPLETE", "Pending": "on-hold"}.get(t, t) for t in SHOPS]
        assert import_paths(database, [shops_file(tmp_path / "other.jsonl", other)]).unchanged == 10
        assert raw_orders(database) == stored
        if not archived:
            assert plan_archive(database, Selection()).orders == 8
            (run,) = archive_orders(archive)
            assert run.orders == 8


def test_an_import_names_the_statuses_that_it_does_not_know(database: MongoDatabase, tmp_path: Path) -> None:
    texts = ("Delivered", "partially_refunded", "in Prüfung", "in Prüfung", "On-Hold")
    (report,) = import_paths(database, [shops_file(tmp_path / "orders.jsonl", texts)]).files
    assert report.unknown_statuses == {"in Prüfung": 2, "partially_refunded": 1}
    kept = database["imports"].find_one({}) or {}
    assert {row["status"]: row["rows"] for row in kept["unknown_statuses"]} == dict(report.unknown_statuses)


def of_version_0_1_0(frozen: Any) -> list[OrderDocument]:
    """All orders of a frozen database, their statuses as the table calls them."""
    stored = [decode_order(bytes_) for bytes_ in (*frozen.restored, *raw_orders(frozen.database).values())]
    meant = [MEANT.get(order.delivery.status.lower(), order.delivery.status) for order in stored]
    return [
        msgspec.structs.replace(order, delivery=msgspec.structs.replace(order.delivery, status=status))
        for order, status in zip(stored, meant, strict=True)
    ]


def names_of(database: MongoDatabase) -> Names:
    """What the catalog calls things."""

    def told(table: str, field: str) -> dict[int, str]:
        return {row["_id"]: row[field] for row in database[table].find({field: {"$exists": True}})}

    return Names(
        couriers=told("couriers", "name"),
        warehouses=told("warehouses", "location"),
        products=told("products", "name"),
        categories=told("products", "category"),
    )


def test_a_database_of_0_1_0_is_read_by_the_table_and_says_what_it_cannot_tell(
    settings: Settings, database: MongoDatabase, tmp_path: Path
) -> None:
    frozen = bring_back("whole", settings, tmp_path / "frozen")
    said = json.loads(json.dumps(compute_kpis(frozen.database).to_json_dict()))
    expected = recount(of_version_0_1_0(frozen), step="day", names=names_of(frozen.database))
    assert said["incomplete"] == ["late_share", "overdue", "due_late", "due", "by_category", *SALES_FIGURES]
    assert said["late_share"] is None
    for group in (*said["by_category"].values(), *expected["by_category"].values()):
        del group["revenue"]
    for name in ("late_share", "overdue", "due_late", "due", *SALES_FIGURES):
        del expected[name]
        assert said[name] is None
    assert {name: said[name] for name in expected} == expected
    assert said["by_status"].keys() == {*NAMES, "in Prüfung"}
    assert frozen.kpis["by_status"].keys() != said["by_status"].keys()
