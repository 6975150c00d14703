"""Restore: archived days come back into `orders_restored`, byte for byte the documents that were archived."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import islice
from typing import Any, TypeVar

from bson.raw_bson import RawBSONDocument
from msgspec import Struct
from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError

from ecommerce.archive.damage import NAMED
from ecommerce.archive.errors import ArchiveError, failures_explained
from ecommerce.archive.reading import sound_rows
from ecommerce.archive.runs import ARCHIVE_SUMMARY
from ecommerce.archive.spark import spark_session
from ecommerce.documents.bson_codec import encode_order
from ecommerce.documents.fields import Field, fields_of
from ecommerce.documents.kinds import EPOCH, MONEY_FACTOR, from_scaled
from ecommerce.documents.order import OrderDocument
from ecommerce.errors import InputError
from ecommerce.gate import require_known_format
from ecommerce.mongo import MongoDatabase, get_database
from ecommerce.progress import Progress, silent
from ecommerce.settings import Settings

ORDERS_RESTORED = "orders_restored"

BATCH_ORDERS = 5_000
PARTITION_BYTES = 4 * 1024 * 1024
"""Parquet per Spark partition, as one partition at a time comes into the driver."""

_DUPLICATE_KEY = 11000


DocumentType = TypeVar("DocumentType", bound=Struct)


def restore_orders(settings: Settings, start: date, end: date, progress: Progress = silent) -> int:
    """Bring archived orders of the days [start, end] into `orders_restored`; returns how many there are.

    Run again it writes the same documents. Orders that somebody corrected there are overwritten. `orders` stays as is.
    Days whose files are not what was archived are left out whole, and end it with an ArchiveError once the others are
    there. Raises InputError where end is before start, ArchiveError where archive or MongoDB cannot be read or written.
    """
    check_days(start, end)
    database = get_database(settings)
    require_known_format(database)
    restored = 0
    with (
        spark_session(settings) as spark,
        failures_explained("restoring", "The archive and `orders` were not touched; run it again."),
    ):
        spark.conf.set("spark.sql.files.maxPartitionBytes", str(PARTITION_BYTES))
        try:
            rows, damaged = sound_rows(spark, start, end, settings=settings)
            plain = rows.selectExpr(*_plain_columns()).toLocalIterator(prefetchPartitions=True)
            while batch := [encode_order(_order_of(row)) for row in islice(plain, BATCH_ORDERS)]:
                _write(database, batch)
                restored += len(batch)
                progress(restored, None, "orders")
        finally:
            spark.conf.unset("spark.sql.files.maxPartitionBytes")
        if damaged:
            restored_rest = f"{restored:,} orders of the other days are in {ORDERS_RESTORED}"
            raise ArchiveError(f"{'. '.join(map(str, damaged[:NAMED]))}. {restored_rest}; nothing of these is")
    return restored


def check_days(start: date, end: date) -> None:
    """Raise InputError where these are no days from a first to a last one."""
    if end < start:
        raise InputError(f"restore: the last day {end} is before the first day {start}")


def newest_archived_day(database: MongoDatabase) -> date | None:
    """The last day of which orders are archived; None where there is none."""
    newest = database[ARCHIVE_SUMMARY].find_one({}, {"order_date": 1}, sort=[("order_date", -1)])
    return newest["order_date"].date() if newest else None


def _write(database: MongoDatabase, batch: Sequence[bytes]) -> None:
    """Insert, then replace what is there already: inserting is 16 times as fast as an upsert of new documents."""
    documents = [RawBSONDocument(document) for document in batch]
    collection: Any = database[ORDERS_RESTORED]
    try:
        collection.insert_many(documents, ordered=False)
    except BulkWriteError as error:
        failed = error.details["writeErrors"]
        if any(one["code"] != _DUPLICATE_KEY for one in failed):
            raise ArchiveError(f"{ORDERS_RESTORED} refuses an order: {failed[0]['errmsg'][:200]}") from None
        there = [documents[one["index"]] for one in failed]
        collection.bulk_write([ReplaceOne({"_id": one["_id"]}, one) for one in there], ordered=False)


def _plain_columns() -> list[str]:
    """Spark SQL that turns an order's columns into integers and texts: PySpark would shift times by the local zone."""
    return [f"{_plain(field, field.name)} as `{field.name}`" for field in fields_of(OrderDocument)]


def _plain(field: Field, column: str) -> str:
    if field.document is None:
        assert field.kind is not None  # noqa: S101 - a field is a scalar or a document
        match field.kind.bson_type:
            case "decimal":
                return f"cast({column} * {MONEY_FACTOR} as bigint)"
            case "date":
                return f"unix_millis({column})"
            case _:
                return column
    members = ", ".join(
        f"'{member.name}', {_plain(member, ('element' if field.is_array else column) + '.' + member.name)}"
        for member in fields_of(field.document)
    )
    if field.is_array:
        return f"transform({column}, element -> named_struct({members}))"
    return f"if({column} is null, null, named_struct({members}))" if field.optional else f"named_struct({members})"


def _order_of(row: Sequence[Any]) -> OrderDocument:
    return _made(OrderDocument, row)


def _made(document: type[DocumentType], row: Sequence[Any]) -> DocumentType:
    values: dict[str, Any] = {}
    for field, value in zip(fields_of(document), row, strict=True):
        if value is None and field.optional:
            continue
        if field.document is not None:
            nested = field.document
            values[field.name] = tuple(_made(nested, one) for one in value) if field.is_array else _made(nested, value)
        else:
            values[field.name] = None if value is None else _scalar(field, value)
    return document(**values)


def _scalar(field: Field, value: Any) -> Any:
    match field.kind.bson_type if field.kind else "":
        case "decimal":
            return from_scaled(value)
        case "date":
            return EPOCH + timedelta(milliseconds=value)
        case _:
            return value
