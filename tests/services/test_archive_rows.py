"""The rows that Spark gets from its Python workers: the documents, value by value, whatever their layout."""

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import bson
import numpy as np
import pyarrow as pa
import pytest
from bson import Decimal128
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec import Struct
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from ecommerce.archive import hot
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.arrow_rows import row_batches
from ecommerce.archive.day_sums import require_same_reading
from ecommerce.archive.encoded_ids import archived_entries
from ecommerce.archive.errors import ArchiveError
from ecommerce.archive.hot import hot_orders
from ecommerce.archive.rows import HASH_COLUMN, read_ddl
from ecommerce.archive.selection import Selection
from ecommerce.archive.source import start_workers
from ecommerce.documents.bson_codec import CODEC_OPTIONS, encode_order
from ecommerce.documents.content_hash import content_hash
from ecommerce.documents.fields import fields_of
from ecommerce.documents.order import OrderDocument
from ecommerce.mongo import ORDERS, MongoDatabase
from ecommerce.settings import Settings
from ecommerce.summaries.advance import advance
from ecommerce.summaries.aside import all_aside
from tests.archiving import an_order, hot_ids, insert
from tests.services.test_archive_round_trip import EDGES, orders_of_the_schema


def rows_of(documents: list[bytes]) -> list[dict[str, Any]]:
    return [row for batch in row_batches(hot_orders(documents)) for row in batch.to_pylist()]


def decoded(order: OrderDocument) -> dict[str, Any]:
    return bson.decode(encode_order(order), CODEC_OPTIONS)


def whole(document: type[Struct], values: dict[str, Any]) -> dict[str, Any]:
    """The document with None for what it does not have, and amounts as decimals."""
    made: dict[str, Any] = {}
    for field in fields_of(document):
        value = values.get(field.name)
        if field.document is not None and value is not None:
            of = field.document
            value = [whole(of, element) for element in value] if field.is_array else whole(of, value)
        made[field.name] = value.to_decimal() if isinstance(value, Decimal128) else value
    return made


def expected(order: OrderDocument) -> dict[str, Any]:
    row = decoded(order)
    del row["_id"]
    row = whole(OrderDocument, row)
    row["attributes"] = list(row["attributes"].items()) if row["attributes"] else None
    return row | {HASH_COLUMN: content_hash(order)}


@hypothesis_settings(max_examples=60)
@given(made=st.lists(orders_of_the_schema(), max_size=9))
def test_every_value_of_a_document_is_in_its_row(made: list[OrderDocument]) -> None:
    usual = [order for order in made + EDGES if len(order.order_items) < 30]
    assert rows_of([encode_order(order) for order in usual]) == [expected(order) for order in usual]


def test_documents_of_another_layout_come_behind_the_others_with_the_same_values() -> None:
    order = an_order(1)
    shuffled = dict(reversed(decoded(order).items()))
    short = decoded(order)
    short["order"]["total_amount"] = Decimal128(str(short["order"]["total_amount"].to_decimal().normalize()))
    documents = [bson.encode(shuffled), encode_order(an_order(2)), bson.encode(short), encode_order(EDGES[1])]
    assert rows_of(documents) == [expected(one) for one in (an_order(2), order, order, EDGES[1])]


def test_the_columns_are_those_that_spark_expects(spark: SparkSession) -> None:
    (batch,) = row_batches(hot_orders([encode_order(an_order(1))]))
    assert from_arrow_schema(batch.schema) == StructType.fromDDL(read_ddl())


def test_what_is_not_an_order_is_named_and_stays(
    spark: SparkSession, archive: Settings, database: MongoDatabase
) -> None:
    insert(database, [an_order(1), an_order(2)])
    too_exact = {"$set": {"order.total_amount": Decimal128("1.00005")}}
    database.get_collection(ORDERS).update_one({"_id": 2}, too_exact, bypass_document_validation=True)
    advance(database)
    (run,) = archive_orders(archive, Selection())
    assert (run.state, run.orders) == ("committed", 1)
    assert hot_ids(database) == {2}
    assert [str(one) for one in all_aside(database)[1]] == [
        "_id 2 (order.total_amount: 1.00005 has more than 4 decimals)"
    ]


def test_a_misreading_that_export_and_purge_share_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [encode_order(an_order(i)) for i in range(3)]
    require_same_reading(hot_orders(documents))
    right = hot.content_hashes
    monkeypatch.setattr(hot, "content_hashes", lambda columns: right(columns) ^ 1)
    with pytest.raises(ArchiveError, match=r"order 0 reads otherwise in columns than one by one"):
        require_same_reading(hot_orders(documents))


def test_spark_reads_with_the_workers_that_were_started_ahead(spark: SparkSession) -> None:
    # Spark keeps workers by their environment, with a parent process for each: SQL's must be that of other jobs.
    def parents(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _ in batches:
            yield pa.RecordBatch.from_pydict({"parent": [os.getppid()]})

    start_workers(spark.sparkContext)
    ahead = set(spark.sparkContext.parallelize(range(2), 2).map(lambda _: os.getppid()).collect())
    by_sql = {row["parent"] for row in spark.range(0, 2, 1, 2).mapInArrow(parents, "parent bigint").collect()}
    assert by_sql == ahead


def test_entries_of_archived_orders_are_encoded_as_pymongo_would() -> None:
    day = datetime(2024, 3, 1, tzinfo=UTC)
    entries = archived_entries(np.array([0, 2**63 - 1]), np.array([-(2**63), 7]), day, "2024-ü")
    of_run = {"order_date": day, "run_id": "2024-ü"}
    assert [one.raw for one in entries] == [
        bson.encode({"_id": bson.Int64(0), "content_hash": bson.Int64(-(2**63))} | of_run),
        bson.encode({"_id": bson.Int64(2**63 - 1), "content_hash": bson.Int64(7)} | of_run),
    ]
    assert archived_entries(np.array([], np.int64), np.array([], np.int64), day, "x") == []


def test_amounts_keep_their_four_places() -> None:
    (row,) = rows_of([encode_order(an_order(7, total_amount=Decimal("99999999999999.9999")))])
    assert str(row["order"]["total_amount"]) == "99999999999999.9999"
