"""Which products run out: those with few pieces in a warehouse, and those whose stock lasts for few days."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from ecommerce.documents.bson_codec import finite_number
from ecommerce.hours import hours_of, time_of
from ecommerce.kpis.question import Span
from ecommerce.mongo import MongoDatabase
from ecommerce.settings import Settings

SOLD_DAYS = 28
"""Sales of as many days say how long a stock lasts: four of each weekday."""


class Sold(Protocol):
    """What is asked of the KPI store."""

    def sold(self, span: Span) -> Mapping[int, int]: ...


@dataclass(frozen=True, slots=True)
class LowStock:
    """A product that is running out."""

    product_id: int
    quantity: int
    """Pieces in all warehouses."""
    warehouses: tuple[tuple[int, int], ...]
    """Id of each warehouse that has a record of it, and its pieces; fewest first."""
    sold_per_day: float
    """Over the last SOLD_DAYS."""
    cover_days: float | None
    """How long the pieces last at that rate; None where none was sold."""
    is_short: bool
    """Whether they last for less than the setting says."""


def low_stock(
    database: MongoDatabase, store: Sold, settings: Settings, zone: ZoneInfo, now: datetime
) -> tuple[LowStock, ...]:
    """The products that have few pieces in a warehouse or last for few days, as `settings` say what is few.

    Those that run out first are first. Raises PyMongoError.
    """
    hours = hours_of(zone.key)
    sold = store.sold(Span(time_of(hours.start(now - timedelta(days=SOLD_DAYS))), time_of(hours.start(now))))
    shown = {"_id": 0, "product_id": 1, "warehouse_id": 1, "stock_quantity": 1}
    stock: dict[int, list[tuple[int, int]]] = {}
    for record in database["inventory"].find({}, shown):
        product, house = (finite_number(record.get(name)) for name in ("product_id", "warehouse_id"))
        pieces = finite_number(record.get("stock_quantity") or 0)
        if product is not None and house is not None and pieces is not None:  # else somebody wrote it with a shell
            stock.setdefault(int(product), []).append((int(house), int(pieces)))
    found = []
    for product, places in stock.items():
        left, units = sum(quantity for _, quantity in places), sold.get(product, 0)
        cover = max(0, left) * SOLD_DAYS / units if units > 0 else None
        is_short = cover is not None and cover < settings.cover_days
        if is_short or min(quantity for _, quantity in places) <= settings.low_stock:
            by_quantity = tuple(sorted(places, key=lambda each: (each[1], each[0])))
            found.append(LowStock(product, left, by_quantity, max(0, units) / SOLD_DAYS, cover, is_short))
    return tuple(sorted(found, key=_by_cover))


def _by_cover(low: LowStock) -> tuple[float, int, int]:
    return (math.inf if low.cover_days is None else low.cover_days, low.quantity, low.product_id)
