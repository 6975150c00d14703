"""Compares what the purges recorded with the Parquet files, and records what is missing or too much."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bson import Decimal128, Int64, ObjectId

from ecommerce.check.archived import cells_by_spark
from ecommerce.check.compare import DAY, DayRange, archived_per_day, ranges_of, recorded_cells
from ecommerce.check.report import Difference, differences_of
from ecommerce.errors import ServiceError
from ecommerce.kpis.compute import amount_of
from ecommerce.mongo import MongoDatabase
from ecommerce.progress import Progress
from ecommerce.settings import Settings
from ecommerce.summaries.buckets import split_days
from ecommerce.summaries.cells import CellTable
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


def compare_archive(
    database: MongoDatabase, settings: Settings, spark: "SparkSession", progress: Progress
) -> tuple[int, list[Difference], list[CellTable]]:
    """Compare all archived days: the orders in the files, what differs, and what the records have too much."""
    orders = 0
    differences: list[Difference] = []
    too_much: list[CellTable] = []
    per_day = archived_per_day(database)
    for days in ranges_of(per_day):
        found, difference = _difference(database, settings, spark, days)
        orders += found
        differences += differences_of("archive", difference)
        too_much.append(difference)
        progress(orders, sum(per_day.values()), "archived orders")
    return orders, differences, [difference for difference in too_much if not difference.is_empty()]


def _difference(
    database: MongoDatabase, settings: Settings, spark: "SparkSession", days: DayRange
) -> tuple[int, CellTable]:
    for _ in range(ATTEMPTS):
        before = recorded_cells(database, days)
        files = cells_by_spark(spark, settings, days.start.date(), (days.end - DAY).date())
        if recorded_cells(database, days).equals(before):
            return int(files.orders["orders"].sum()), before.minus(files)
    raise ServiceError(
        f"the archive of {days.start:%Y-%m-%d} to {days.end - DAY:%Y-%m-%d} changed each of {ATTEMPTS} times while it "
        "was read; run the check when no archive run is purging"
    )


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
