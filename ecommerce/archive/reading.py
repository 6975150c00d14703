"""Archived orders, in one call, for Spark and for pandas: pruned by date, without rows that are not archived orders."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import TYPE_CHECKING

from ecommerce.archive.damage import NAMED, Damage, damaged_days, day_directory, days_held
from ecommerce.archive.errors import ArchiveError, failures_explained
from ecommerce.archive.identity import require_its_archive
from ecommerce.archive.rows import DAY_COLUMN, read_rows, row_ddl
from ecommerce.archive.runs import PUBLISHED, SUPERSEDED, Run, day_start, readable_runs
from ecommerce.archive.source import mongo_frame
from ecommerce.archive.spark import spark_session
from ecommerce.archive.storage import Storage
from ecommerce.archive_location import archive_uri
from ecommerce.mongo import ARCHIVED_ORDERS, get_database
from ecommerce.settings import Settings, get_settings

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

_UNHURT = "The archive was only read."


def read(
    spark: "SparkSession", start: date | None = None, end: date | None = None, *, settings: Settings | None = None
) -> "DataFrame":
    """Archived orders with order_date in [start, end] (None: open) as a Spark DataFrame.

    Columns: those of the order document (`order`, `order_items`, `delivery`, `updated_at`), `content_hash`, `run`,
    `order_date`. `spark` comes from `ecommerce.archive.spark.spark_session`. Only those days' directories are listed.
    Raises ArchiveError where files are not what their run wrote; other days can be read.
    """
    rows, damaged = sound_rows(spark, start, end, settings=settings)
    require_sound(damaged)
    return rows


def sound_rows(
    spark: "SparkSession", start: date | None = None, end: date | None = None, *, settings: Settings | None = None
) -> "tuple[DataFrame, list[Damage]]":
    """What `read` gives, without the days of runs that are damaged, and those."""
    settings = settings or get_settings()
    database = get_database(settings)
    with failures_explained("reading the archive", _UNHURT):
        storage = Storage(spark, archive_uri(settings))
        require_its_archive(database, storage)
        runs = readable_runs(database)
        damaged = damaged_days(spark, storage, runs, start, end)
        without = {(one.run_id, one.day) for one in damaged}
        return archived_rows(spark, settings, runs, (start, end), storage, without), damaged


def require_sound(damaged: Sequence[Damage]) -> None:
    """Raises ArchiveError where anything is damaged."""
    if damaged:
        more = f" And {len(damaged) - NAMED} more days: `ecommerce check` names them." if len(damaged) > NAMED else ""
        raise ArchiveError(f"{'. '.join(map(str, damaged[:NAMED]))}.{more} {_UNHURT}")


def read_pandas(
    start: date | None = None,
    end: date | None = None,
    *,
    columns: Sequence[str] | None = None,
    settings: Settings | None = None,
) -> "pd.DataFrame":
    """Archived orders with order_date in [start, end] as a pandas DataFrame; it is all in memory.

    `columns` may name fields ("order.order_id", "delivery.status"); they become columns of that name. Money is Decimal,
    times are aware, in UTC.
    """
    settings = settings or get_settings()
    with spark_session(settings) as spark, failures_explained("reading the archive", _UNHURT):
        frame = read(spark, start, end, settings=settings)
        if columns is not None:
            from pyspark.sql import functions as f

            frame = frame.select(*(f.col(name).alias(name) for name in columns))
        orders: pd.DataFrame = frame.toArrow().to_pandas(date_as_object=True)
        return orders


def archived_rows(
    spark: "SparkSession",
    settings: Settings,
    runs: Sequence[Run],
    days: tuple[date | None, date | None],
    storage: Storage,
    without: Collection[tuple[str, date]] = (),
) -> "DataFrame":
    """The archived orders of these runs: what `read` gives of all of them; `without` some days of some runs."""
    start, end = days
    frame = _rows(spark, storage, [run for run in runs if run.state != PUBLISHED], start, end, without)
    for run in runs:
        if run.state == PUBLISHED:
            frame = frame.union(_purged_so_far(spark, settings, _rows(spark, storage, [run], start, end, without), run))
    return _without_superseded(spark, settings, frame, start, end)


def _rows(
    spark: "SparkSession",
    storage: Storage,
    runs: Sequence[Run],
    start: date | None,
    end: date | None,
    without: Collection[tuple[str, date]],
) -> "DataFrame":
    """All rows of the runs' directories for the days."""
    directories = [
        day_directory(storage, run.run_id, day.order_date)
        for run, day in days_held(runs, start, end)
        if (run.run_id, day.order_date) not in without
    ]
    ddl = f"{row_ddl()}, run string, {DAY_COLUMN} date"
    if not directories:
        return spark.createDataFrame([], ddl)
    return read_rows(spark, *directories, base=storage.published(), ddl=ddl, only_parquet=True)


def _purged_so_far(spark: "SparkSession", settings: Settings, rows: "DataFrame", run: Run) -> "DataFrame":
    """Of a run that is being purged, the rows whose orders have left MongoDB."""
    from pyspark.sql import functions as f

    of_run = {"run_id": run.run_id}
    gone = mongo_frame(spark, settings, ARCHIVED_ORDERS, "_id bigint, content_hash bigint", of_run).alias("gone")
    return rows.join(
        gone, (f.col("order.order_id") == f.col("gone._id")) & (rows.content_hash == gone.content_hash), "left_semi"
    )


def _without_superseded(
    spark: "SparkSession", settings: Settings, rows: "DataFrame", start: date | None, end: date | None
) -> "DataFrame":
    from pyspark.sql import functions as f

    days = ({"$gte": day_start(start)} if start else {}) | ({"$lte": day_start(end)} if end else {})
    match = {"order_date": days} if days else {}
    if get_database(settings)[SUPERSEDED].find_one(match, {"_id": 1}) is None:
        return rows
    ddl = "run_id string, order_id bigint, updated_at timestamp"
    superseded = mongo_frame(spark, settings, SUPERSEDED, ddl, match).alias("superseded")
    same_row = (
        (rows["run"] == f.col("superseded.run_id"))
        & (rows["order.order_id"] == f.col("superseded.order_id"))
        & (rows["updated_at"] == f.col("superseded.updated_at"))
    )
    return rows.join(f.broadcast(superseded), same_row, "left_anti")
