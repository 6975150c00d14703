"""What the tests of the archive share: orders to archive, and where each order is."""

import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from bson import Int64
from bson.raw_bson import RawBSONDocument
from pydantic import SecretStr
from pyspark.sql import SparkSession

from ecommerce.archive import changed_rows, changes, purge, steps
from ecommerce.archive.archiver import archive_orders
from ecommerce.archive.reading import read, read_spark
from ecommerce.archive.run import ARCHIVE_SUMMARY
from ecommerce.documents.bson_codec import decode_order, encode_order
from ecommerce.documents.content_hash import content_hash
from ecommerce.documents.order import Delivery, Order, OrderDocument, OrderItem
from ecommerce.mongo import ARCHIVED_ORDERS, ORDERS, MongoDatabase, get_database
from ecommerce.schema import prepare_database
from ecommerce.settings import Settings
from ecommerce.summaries.cells import CellTable

OLD_DAY = date(2024, 3, 1)
"""The first day of the tests' old orders."""


def with_archive(settings: Settings, directory: Path | str) -> Settings:
    """The settings with the archive in a local directory, or at a URI."""
    uri = directory.as_uri() if isinstance(directory, Path) else directory
    return settings.model_copy(update={"archive_uri": uri})


def shop_beside_a_worker(mongo_uri: str, home: Path) -> Settings:
    """Settings of a database and an archive in `home`, with the catalog there, too: a worker has a home of its own."""
    database, catalog = f"test_{uuid.uuid4().hex[:12]}", SecretStr(f"sqlite:///{home}/catalog.db")
    settings = Settings(mongo_uri=mongo_uri, database=database, home=home / "home", catalog_uri=catalog)
    return with_archive(settings, home / "archive")


@contextmanager
def emptied_afterwards(settings: Settings) -> Iterator[MongoDatabase]:
    """The database of such a shop, prepared. With it goes the archive, which would be refused as another database's."""
    database = get_database(settings)
    prepare_database(database)
    yield database
    database.client.drop_database(database.name)
    archive = Path(str(settings.archive_uri).removeprefix("file://"))
    shutil.rmtree(archive, ignore_errors=True)
    (archive.parent / "catalog.db").unlink(missing_ok=True)


def an_order(order_id: int, *, day: int = 0, status: str = "Delivered", items: int = 1, **fields: Any) -> OrderDocument:
    """An order of the day OLD_DAY + `day`; `fields` override those of its `order`."""
    time = datetime(OLD_DAY.year, OLD_DAY.month, OLD_DAY.day, tzinfo=UTC) + timedelta(
        days=day, seconds=order_id % 86_400, milliseconds=order_id % 1000
    )
    price = Decimal(order_id % 997) / 100 + 1
    order: dict[str, Any] = {
        "order_id": order_id,
        "user_id": order_id % 50,
        "order_time": time,
        "total_amount": price * items,
        "discount": Decimal(0),
        "quantity": items,
        "payment_type": ("card", "boleto", "卡")[order_id % 3],
    }
    delivered = status == "Delivered"
    return OrderDocument(
        order=Order(**(order | fields)),
        order_items=tuple(
            OrderItem(order_id * 10 + at, order_id, order_id % 20, order_id % 4, 1 + at, price, time)
            for at in range(items)
        ),
        delivery=Delivery(
            delivery_id=order_id,
            order_id=order_id,
            status=status,
            expected_time=time + timedelta(days=5),
            actual_time=time + timedelta(days=order_id % 9) if delivered else None,
            courier_id=order_id % 5,
            location=("São Paulo", "Köln", "Rio")[order_id % 3],
        ),
        updated_at=time + timedelta(days=9),
    )


def insert(database: MongoDatabase, orders: Iterable[OrderDocument]) -> None:
    """Put orders into `orders`, whatever is there."""
    documents = [RawBSONDocument(encode_order(order)) for order in orders]
    database[ORDERS].insert_many(documents)


def purge_by_hand(database: MongoDatabase, ids: range, day: datetime) -> None:
    """Take orders out as an archive run does: with a record of how many."""
    database[ORDERS].delete_many({"_id": {"$in": list(ids)}})
    database[ARCHIVED_ORDERS].insert_many([{"_id": number, "order_date": day} for number in ids])
    record = {"order_date": day, "total_orders": Int64(len(ids)), "time_zone": "UTC"}
    database[ARCHIVE_SUMMARY].insert_one(record | {"_id": f"run/{day}/0", "cells": CellTable.empty().encode()})


def touch(database: MongoDatabase, order_id: int, **changes: Any) -> None:
    """Change an order as a writer does: `updated_at` moves forward."""
    forward = [
        {"$set": {"updated_at": {"$add": ["$updated_at", 1]}} | {k.replace("__", "."): v for k, v in changes.items()}}
    ]
    assert database[ORDERS].update_one({"_id": order_id}, forward).modified_count == 1


def hot_ids(database: MongoDatabase) -> set[int]:
    """Ids of the orders in MongoDB."""
    return {row["_id"] for row in database[ORDERS].find({}, {"_id": 1})}


def archived_ids(spark: SparkSession, settings: Settings) -> list[int]:
    """Ids of the archived orders, as a reader of the archive sees them."""
    found = read(columns=["order.order_id"], settings=settings)["order.order_id"].to_pylist()
    by_spark = read_spark(spark, settings=settings).select("order.order_id").collect()
    assert sorted(row[0] for row in by_spark) == sorted(found)
    return sorted(found)


def assert_one_place(
    spark: SparkSession, settings: Settings, database: MongoDatabase, orders: Iterable[OrderDocument]
) -> None:
    """Every order is either hot or archived, never both, with the content that it has here."""
    expected = {order.order.order_id: content_hash(order) for order in orders}
    rows = read(columns=["order.order_id", "content_hash"], settings=settings)
    archived = dict(zip(rows["order.order_id"].to_pylist(), rows["content_hash"].to_pylist(), strict=True))
    found = archived_ids(spark, settings)
    assert len(found) == len(archived), "an order is twice in the archive"
    entries = {row["_id"]: row["content_hash"] for row in database[ARCHIVED_ORDERS].find()}
    assert entries == archived
    hot = {row["_id"]: content_hash(decode_order(row)) for row in database[ORDERS].find()}
    assert not hot.keys() & archived.keys()
    assert hot | archived == expected


OF_ARCHIVER = (steps, purge, changed_rows, changes)
"""Modules that say which moments an archive run reaches."""


def power_cut_at(monkeypatch: pytest.MonkeyPatch, settings: Settings, moment: str) -> None:
    """Archive until this moment, at which the archiver ends."""
    with cut_off(monkeypatch, moment, *OF_ARCHIVER):
        archive_orders(settings)


@contextmanager
def cut_off(monkeypatch: pytest.MonkeyPatch, moment: str, *modules: ModuleType) -> Iterator[None]:
    """What is done within ends when one of the modules reaches the moment, as by a power cut."""

    def cut() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as until_then:
        at_moment(until_then, moment, cut, *modules)
        with pytest.raises(KeyboardInterrupt):
            yield


def at_moment(monkeypatch: pytest.MonkeyPatch, moment: str, action: Callable[[], object], *modules: ModuleType) -> None:
    """Do something once when one of the modules, by default the archiver's, reaches a moment; `day#3` is the third."""
    wanted, _, number = moment.partition("#")
    seen: list[str] = []

    def reached(name: str) -> None:
        seen.append(name)
        if name == wanted and seen.count(name) == int(number or 1):
            action()

    for module in modules or OF_ARCHIVER:
        monkeypatch.setattr(module, "reached", reached)
