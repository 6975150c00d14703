"""What the archive's records tell of the orders that a purge took out, by the hours of the zone that is asked for.

A record says in which zone its cells were counted; none is UTC, as in version 0.1.0. While a shop moves to another zone
a record has its cells in both, so that figures can be built anew by either.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

import polars as pl
from bson import Decimal128, Int64

from ecommerce.documents.kinds import from_scaled
from ecommerce.errors import ServiceError
from ecommerce.hours import Hours, hours_of, time_of
from ecommerce.summaries.cells.sales import net_sales
from ecommerce.summaries.cells.table import CellTable

TIME_ZONE, CELLS, SALES = "time_zone", "cells", "sales"
"""SALES: what the cells tell of sales by the shop's day and currency, for tools that read MongoDB and no cells."""
MOVED = "moved"
"""{time_zone, cells, sales}: the same orders by the hours of the zone that the shop moves to."""


def told(cells: CellTable, hours: Hours) -> dict[str, Any]:
    """The fields of a record that tell its cells, by the hours of a shop."""
    return {TIME_ZONE: hours.time_zone, CELLS: cells.encode(), SALES: sales_of_days(cells, hours)}


def added_record(  # noqa: PLR0913 - what a record holds
    run_id: str,
    day: datetime,
    cells: CellTable,
    hours: Hours,
    orders: int = 0,
    value: Decimal = Decimal(0),
    items: int = 0,
) -> dict[str, Any]:
    """A record that no purge wrote: what `cells` add to those of a UTC day."""
    return {
        "_id": f"{run_id}/{day:%Y-%m-%d}/0",
        "run_id": run_id,
        "order_date": day,
        "chunk": 0,
        "total_orders": Int64(orders),
        "total_value": Decimal128(value),
        "avg_value": None,
        "min_value": None,
        "max_value": None,
        "total_items": Int64(items),
        "archive_date": datetime.now(UTC),
        **told(cells, hours),
    }


def sales_of_days(cells: CellTable, hours: Hours) -> list[dict[str, Any]]:
    """A row for each day and currency, with the day as midnight of UTC; an order that names no currency has "".

    A refund is on its own day, so the rows of a record may be of several days.
    """
    sales = net_sales(cells.sales)
    if "net" not in sales.columns or sales.is_empty():
        return []
    days = pl.Series("day", hours.day_starts(sales["hour"].to_numpy()))
    sums = sales.group_by(days, "currency").agg(pl.col("orders", *_SHOWN).sum()).sort("day", "currency")
    return [
        {
            "day": datetime.combine(hours.day_of(time_of(row["day"])), time(), UTC),
            "currency": row["currency"],
            "orders": Int64(row["orders"]),
            **{shown: Decimal128(from_scaled(row[name])) for name, shown in _SHOWN.items()},
            "total_sales": Decimal128(from_scaled(row["net"] + row["tax"] + row["shipping"])),
        }
        for row in sums.iter_rows(named=True)
    ]


_SHOWN = {
    "gross": "gross_sales",
    "discounts": "discounts",
    "returns": "returns",
    "net": "net_sales",
    "tax": "tax",
    "shipping": "shipping",
}


def zones_of(record: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The zones in which a record has its cells, and them as they are encoded."""
    yield record.get(TIME_ZONE, "UTC"), record[CELLS]
    if MOVED in record:
        yield record[MOVED][TIME_ZONE], record[MOVED][CELLS]


def cells_of_record(record: Mapping[str, Any], hours: Hours) -> CellTable:
    """The cells of a record. Raises ServiceError where only the archived orders tell them by these hours."""
    kept = dict(zones_of(record))
    if hours.time_zone in kept:
        return CellTable.decode(kept[hours.time_zone])
    for zone, cells in kept.items():
        if (found := in_hours(CellTable.decode(cells), hours_of(zone), hours)) is not None:
            return found
    raise ServiceError(
        f"the archive's record {record['_id']} is counted by the hours of {' and '.join(kept)}, which are not those of "
        f"{hours.time_zone}: `ecommerce shop --time-zone {hours.time_zone}` reads its orders again"
    )


def is_told_by(record: Mapping[str, Any], hours: Hours) -> bool:
    """Whether a record tells its orders by these hours."""
    kept = dict(zones_of(record))
    return hours.time_zone in kept or any(
        in_hours(CellTable.decode(cells), hours_of(zone), hours) is not None for zone, cells in kept.items()
    )


def in_hours(cells: CellTable, counted: Hours, wanted: Hours) -> CellTable | None:
    """Cells that were counted by some hours by other ones; None where one of their hours is in two of the others."""
    starts = cells.hours().unique().sort().to_numpy()
    moved = wanted.starts(starts)
    if (moved != wanted.starts(counted.ends(starts) - 1)).any():
        return None
    if (moved == starts).all():
        return cells
    anew = pl.col("hour").replace_strict(starts, moved, return_dtype=pl.Int64)
    return cells.regrouped(lambda frame: frame.with_columns(anew))
