"""Archived orders, in one call, without a JVM: as Arrow, pandas or Polars; and as a Spark frame where Spark is."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from ecommerce.archive.days import Damage, damaged_days, day_tables, require_sound
from ecommerce.archive.errors import failures_explained
from ecommerce.archive.rows import RUN_COLUMN, of_days, row_ddl, with_day
from ecommerce.archive.view import open_view
from ecommerce.settings import Settings, get_settings

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

UNHURT = "The archive was only read; run it again."


def read(
    start: date | None = None,
    end: date | None = None,
    *,
    columns: Sequence[str] | None = None,
    settings: Settings | None = None,
) -> "pa.Table":
    """Archived orders whose UTC day is in [start, end] (None: open) as an Arrow table; it is all in memory.

    Columns: those of the order document (`order`, `order_items`, `delivery`, …), `content_hash`, `archive_run`.
    `columns` may name fields ("order.order_id", "delivery.status"); they become columns of that name.
    Raises ArchiveError where files are not what was written; other days can be read.
    """
    import pyarrow as pa

    tables = list(read_days(start, end, columns=columns, settings=settings))
    if tables:
        return pa.concat_tables(tables)
    return pa.table({name: [] for name in columns or ()})


def read_days(
    start: date | None = None,
    end: date | None = None,
    *,
    columns: Sequence[str] | None = None,
    settings: Settings | None = None,
) -> "Iterator[pa.Table]":
    """What `read` gives, a table for each day that has orders, in order: one day is in memory at a time."""
    with failures_explained("reading the archive", UNHURT):
        for _, found in day_tables(open_view(settings or get_settings()), start, end, columns):
            if isinstance(found, Damage):
                require_sound([found])
            else:
                yield _chosen(found, columns)


def read_pandas(
    start: date | None = None,
    end: date | None = None,
    *,
    columns: Sequence[str] | None = None,
    settings: Settings | None = None,
) -> "pd.DataFrame":
    """What `read` gives as a pandas DataFrame. Money is Decimal, times are aware, in UTC."""
    orders: pd.DataFrame = read(start, end, columns=columns, settings=settings).to_pandas(date_as_object=True)
    return orders


def read_polars(
    start: date | None = None,
    end: date | None = None,
    *,
    columns: Sequence[str] | None = None,
    settings: Settings | None = None,
) -> "pl.DataFrame":
    """What `read` gives as a Polars DataFrame."""
    import polars as pl

    frame = pl.from_arrow(read(start, end, columns=columns, settings=settings))
    assert isinstance(frame, pl.DataFrame)  # noqa: S101 - a table is a frame
    return frame


def read_spark(
    spark: "SparkSession", start: date | None = None, end: date | None = None, *, settings: Settings | None = None
) -> "DataFrame":
    """What `read` gives as a Spark DataFrame, with the day as `order_date`.

    `spark` comes from `ecommerce.archive.spark.spark_session`.
    """
    from ecommerce.archive.source import only_archived
    from ecommerce.archive.table import ArchiveTable

    settings = settings or get_settings()
    with failures_explained("reading the archive", UNHURT):
        view = open_view(settings)
        require_sound(damaged_days(view, start, end))
        table = ArchiveTable(spark, settings)
        if view.main is None:
            rows = with_day(table.spark.createDataFrame([], row_ddl()))
        else:
            rows = of_days(table.rows_at(view.main), start, end)
        if view.open_run is None or view.branch is None:
            return rows
        run_id = view.open_run.run_id
        branch = of_days(table.rows_at(view.branch), start, end).where(f"{RUN_COLUMN} = '{run_id}'")
        purged = only_archived(branch, settings, {"run_id": run_id})
        return rows.unionByName(purged.select(*rows.columns))


def _chosen(rows: "pa.Table", columns: Sequence[str] | None) -> "pa.Table":
    import pyarrow as pa
    from pyarrow import compute

    if columns is None:
        return rows
    chosen = {}
    for name in columns:
        column, *path = name.split(".")
        chosen[name] = compute.struct_field(rows[column].combine_chunks(), path) if path else rows[column]
    return pa.table(chosen)
