"""Compares what the purges recorded with the Parquet files, and records what is missing or too much."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
from bson import Decimal128, Int64, ObjectId

from ecommerce.archive.damage import Damage
from ecommerce.archive.errors import failures_explained
from ecommerce.archive.reading import sound_rows
from ecommerce.archive.runs import day_start
from ecommerce.check.archived import cells_of_rows
from ecommerce.check.compare import DAY, DayRange, archived_per_day, ranges_of, recorded_cells
from ecommerce.check.report import Difference, differences_of
from ecommerce.errors import ServiceError
from ecommerce.kpis.compute import amount_of
from ecommerce.mongo import MongoDatabase
from ecommerce.progress import Progress
from ecommerce.settings import Settings
from ecommerce.summaries.buckets import HOURS_PER_DAY, split_days
from ecommerce.summaries.cells import CellTable, hour_of
from ecommerce.summaries.state import ARCHIVE_SUMMARY

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ATTEMPTS = 5
"""A purge that runs meanwhile changes records and files a moment apart: look again."""

CORRECTION = "check"
"""`run_id` of the records that a repair adds."""


def has_archive(database: MongoDatabase) -> bool:
    """Whether anything was ever archived."""
    return database[ARCHIVE_SUMMARY].find_one({}, {"_id": 1}) is not None


@contextmanager
def archive_session(settings: Settings) -> Iterator["SparkSession"]:
    """Spark, for the archive."""
    from ecommerce.archive.spark import spark_session

    with spark_session(settings) as spark:
        yield spark


@dataclass(slots=True)
class Compared:
    """The orders in the archive's files, and what is wrong with them."""

    orders: int = 0
    differences: list[Difference] = field(default_factory=list)
    too_much: list[CellTable] = field(default_factory=list)
    """What the records have too much."""
    damaged: list[Damage] = field(default_factory=list)
    """Days whose files are not what their run wrote. They are left out of all else: the records are right there."""


def compare_archive(database: MongoDatabase, settings: Settings, spark: "SparkSession", progress: Progress) -> Compared:
    """Compare all archived days with what the purges recorded."""
    result = Compared()
    per_day = archived_per_day(database)
    for days in ranges_of(per_day):
        with failures_explained("checking the archive", "It was only read."):
            orders, difference, damaged = _difference(database, settings, spark, days)
        result.orders += orders
        result.differences += differences_of("archive", difference)
        result.damaged += damaged
        if not difference.is_empty():
            result.too_much.append(difference)
        progress(result.orders, sum(per_day.values()), "archived orders")
    return result


def _difference(
    database: MongoDatabase, settings: Settings, spark: "SparkSession", days: DayRange
) -> tuple[int, CellTable, list[Damage]]:
    for _ in range(ATTEMPTS):
        before = recorded_cells(database, days)
        rows, damaged = sound_rows(spark, days.start.date(), (days.end - DAY).date(), settings=settings)
        files = cells_of_rows(rows)
        if recorded_cells(database, days).equals(before):
            gone = {hour_of(day_start(one.day)) for one in damaged}
            return int(files.orders["orders"].sum()), _without_days(before.minus(files), gone), damaged
    raise ServiceError(
        f"the archive of {days.start:%Y-%m-%d} to {days.end - DAY:%Y-%m-%d} changed each of {ATTEMPTS} times while it "
        "was read; run the check when no archive run is purging"
    )


def _without_days(cells: CellTable, first_hours: set[int]) -> CellTable:
    """The cells of all days but those that begin at these hours."""
    if not first_hours:
        return cells
    keep = ~(pl.col("hour") // HOURS_PER_DAY * HOURS_PER_DAY).is_in(list(first_hours))
    return CellTable(cells.orders.filter(keep), cells.items.filter(keep))


def correct_records(database: MongoDatabase, too_much: list[CellTable]) -> None:
    """Record, per day, what makes the records equal to the files. What is there stays, so it can be looked into."""
    run_id = f"{CORRECTION}-{ObjectId()}"
    for difference in too_much:
        for day, cells in split_days(difference.negated()):
            database[ARCHIVE_SUMMARY].insert_one(_correction(run_id, day, cells))


def _correction(run_id: str, day: datetime, cells: CellTable) -> dict[str, Any]:
    orders, amount = int(cells.orders["orders"].sum()), int(cells.orders["amount"].sum())
    return {
        "_id": f"{run_id}/{day:%Y-%m-%d}/0",
        "run_id": run_id,
        "order_date": day,
        "chunk": 0,
        "total_orders": Int64(orders),
        "total_value": Decimal128(amount_of(amount)),
        "avg_value": None,
        "min_value": None,
        "max_value": None,
        "total_items": Int64(int(cells.orders["items"].sum())),
        "archive_date": datetime.now(UTC),
        "cells": cells.encode(),
    }
