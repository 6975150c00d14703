"""The cells of archived orders by SQL, from the table's rows, to compare with what the purges recorded.

DuckDB reads them, without a JVM: each of Spark's jobs took a second and more before it read anything.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa

from ecommerce.archive.arrow_rows import archived_schema, in_schema
from ecommerce.archive.days import Damage, day_tables, require_sound
from ecommerce.archive.errors import failures_explained
from ecommerce.archive.reading import UNHURT
from ecommerce.archive.rows import DAY_COLUMN
from ecommerce.archive.view import open_view
from ecommerce.check.hours import Offsets, sql_hour
from ecommerce.check.sales import sales_of_rows
from ecommerce.documents.kinds import MONEY_FACTOR
from ecommerce.documents.promise import SQL_OPEN
from ecommerce.documents.statuses import UNCOUNTED, sql_canonical, sql_has
from ecommerce.hours import Hours
from ecommerce.settings import Settings
from ecommerce.summaries.cells import CellTable
from ecommerce.summaries.cells.measures import OF_ITEMS, OF_ORDERS, SQL_CREDIT, SQL_TIMED, Measure
from ecommerce.summaries.cells.promises import PROMISE_DIMENSIONS, PROMISE_SCHEMA
from ecommerce.summaries.cells.table import ITEM_DIMENSIONS, ORDER_DIMENSIONS

if TYPE_CHECKING:
    import duckdb

DAY: dict[str, Any] = {DAY_COLUMN: pl.Date}
ROWS = "archived_rows"
"""The table of a connection of `rows_in_sql`."""

SCHEMA = archived_schema().append(pa.field(DAY_COLUMN, pa.date32()))
"""Of the rows: those of the table, with their UTC day."""


def archived_cells(settings: Settings, first: date, last: date, hours: Hours) -> dict[date, CellTable]:
    """The cells of the archived orders of each UTC day in [first, last], by these hours.

    Raises ArchiveError where a day is damaged, or the archive cannot be read.
    """
    with failures_explained("reading the archive", UNHURT):
        rows, damaged = sound_rows(settings, first, last)
        require_sound(damaged)
        return cells_of_rows(rows, first, last, hours)


def sound_rows(settings: Settings, first: date, last: date) -> tuple[pa.Table, list[Damage]]:
    """The archived orders of the UTC days in [first, last] that are not damaged, and the days that are."""
    tables, damaged = [SCHEMA.empty_table()], []
    for day, found in day_tables(open_view(settings), first, last):
        if isinstance(found, Damage):
            damaged.append(found)
        else:
            days = pa.repeat(pa.scalar(day), len(found))
            tables.append(in_schema(found.append_column(DAY_COLUMN, days), SCHEMA))
    return pa.concat_tables(tables), damaged


@contextmanager
def rows_in_sql(rows: pa.Table) -> "Iterator[duckdb.DuckDBPyConnection]":
    """A connection whose table ROWS has these rows."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET python_enable_replacements = false")
        connection.register(ROWS, rows)
        yield connection


def cells_of_rows(rows: pa.Table, first: date, last: date, hours: Hours) -> dict[date, CellTable]:
    """The cells of rows of `sound_rows`, of each UTC day in [first, last], by these hours."""
    start, end = (datetime.combine(day, time.min, UTC) for day in (first, last + timedelta(days=1)))
    offsets = hours.offsets(start, end)
    none = CellTable.empty()
    of_day: dict[date, CellTable] = {}
    with rows_in_sql(rows) as connection:
        parts = {
            "orders": _orders(connection, offsets),
            "items": _items(connection, offsets),
            "sales": sales_of_rows(connection, ROWS, hours),
            "promises": _promises(connection, offsets),
        }
    for name, cells in parts.items():
        for (day,), frame in cells.partition_by(DAY_COLUMN, as_dict=True, include_key=False).items():
            of_day[day] = replace(of_day.get(day, none), **{name: frame})
    return of_day


_ORDER = (
    DAY_COLUMN,
    '"order".payment_type as payment_type',
    f"{sql_canonical('delivery.status')} as status",
    "delivery.courier_id as courier_id",
    "delivery.location as location",
    """coalesce("order".currency, '') as currency""",
)
"""Dimensions of an order's cells, but for the hour."""


def _orders(connection: "duckdb.DuckDBPyConnection", offsets: Offsets) -> pl.DataFrame:
    wanted = (*_ORDER, f"{sql_hour(offsets)} as hour", *_numbers(OF_ORDERS))
    return _summed(connection, f"select {', '.join(wanted)} from {ROWS}", DAY | ORDER_DIMENSIONS, OF_ORDERS)  # noqa: S608 - ours


def _items(connection: "duckdb.DuckDBPyConnection", offsets: Offsets) -> pl.DataFrame:
    each = f'select {DAY_COLUMN}, "order", delivery, unnest(order_items) as item from {ROWS}'  # noqa: S608 - ours
    wanted = (
        DAY_COLUMN,
        f"{sql_hour(offsets)} as hour",
        "item.product_id as product_id",
        "item.warehouse_id as warehouse_id",
        f"not {sql_has('delivery.status', UNCOUNTED)} as counted",
        """coalesce("order".currency, '') as currency""",
        *_numbers(OF_ITEMS),
    )
    return _summed(connection, f"select {', '.join(wanted)} from ({each})", DAY | ITEM_DIMENSIONS, OF_ITEMS)  # noqa: S608 - ours


def _promises(connection: "duckdb.DuckDBPyConnection", offsets: Offsets) -> pl.DataFrame:
    wanted = (
        *_ORDER,
        f"{sql_hour(offsets)} as hour",
        "epoch_ms(delivery.expected_time) as expected",
        f"if({SQL_TIMED} and delivery.actual_time > delivery.expected_time, 1, 0) as late",
    )
    promised = f"{SQL_TIMED} or ({SQL_OPEN} and not {SQL_CREDIT})"
    dimensions = ", ".join((DAY_COLUMN, *PROMISE_DIMENSIONS))
    table: pl.DataFrame = connection.sql(
        f"select {dimensions}, count(*) as orders, sum(late) as late "  # noqa: S608 - ours
        f"from (select {', '.join(wanted)} from {ROWS} where {promised}) group by {dimensions}"
    ).pl()
    return table.select(pl.col(name).cast(dtype) for name, dtype in (DAY | PROMISE_SCHEMA).items())


def _numbers(measures: tuple[Measure, ...]) -> Iterator[str]:
    return (f"{measure.sql} as of_{measure.name}" for measure in measures)


def _summed(
    connection: "duckdb.DuckDBPyConnection", rows: str, dimensions: Iterable[str], measures: tuple[Measure, ...]
) -> pl.DataFrame:
    """Group by the dimensions. Money comes in units of 10^-8."""
    grouped = ", ".join(dimensions)
    sums = ", ".join(f"cast(sum(of_{measure.name}) as hugeint) as {measure.name}" for measure in measures)
    table: pl.DataFrame = connection.sql(f"select {grouped}, {sums} from ({rows}) group by {grouped}").pl()  # noqa: S608 - ours
    return table.with_columns(
        (pl.col(measure.name).cast(pl.Int128) // (MONEY_FACTOR if measure.money else 1)).cast(measure.type)
        for measure in measures
    )
