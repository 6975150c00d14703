"""A generated marketplace month beside Olist: `python -m benchmarks.olist` prints the table.

Olist published 99 000 real orders of 2016 to 2018. The generator is not fitted to their rows, only to these figures.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from ecommerce.documents.kinds import DAY_MS, HOUR_MS
from ecommerce.generate.model.catalog import CatalogSpec
from ecommerce.generate.model.draws import Ints
from ecommerce.generate.model.life import STATUSES, lives
from ecommerce.generate.model.orders import BLOCK_ORDERS, GeneratedOrders, make_orders
from ecommerce.generate.model.rhythm import to_ms, weekday_of
from ecommerce.generate.model.windows import Window, span
from ecommerce.generate.presets import get_preset

ORDERS = 200_000
START = datetime(2026, 2, 1, tzinfo=UTC)
DAYS = 28
"""Four whole weeks, so that each weekday comes as often as the others."""
CATALOG = CatalogSpec(seed=1, locale="pt_BR", preset="marketplace", users=250_000, products=130_000)
"""So many products that, as at Olist, 3.4 items are sold of each that sells at all."""


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: Olist's, ours, and how far they may be apart: in the unit, or without one as a share of Olist's."""

    what: str
    olist: float
    ours: float
    unit: str
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether ours is as near as it has to be."""
        allowed = self.tolerance if self.unit else self.tolerance * self.olist
        return abs(self.ours - self.olist) <= allowed


def month() -> Window:
    """The month that is compared."""
    return span(START, START + timedelta(days=DAYS), ORDERS, seed=7, preset="marketplace")


def all_columns(window: Window, moment: datetime) -> GeneratedOrders:
    """All orders of a window as one set of columns."""
    parts = [
        make_orders(CATALOG, window, first, min(BLOCK_ORDERS, window.orders - first), to_ms(moment))
        for first in range(0, window.orders, BLOCK_ORDERS)
    ]
    names = GeneratedOrders.__slots__
    return GeneratedOrders(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def comparison() -> list[Row]:
    """Every figure that is known of Olist beside that of a generated month, three months later."""
    columns = all_columns(month(), START + timedelta(days=DAYS + 90))
    return [
        *_payments(columns),
        *_values(columns),
        *_deliveries(columns),
        *_rhythm(columns),
        *_loyalty(columns),
        Row("Black Friday, times a median day", 7.6, black_friday(), "", 0.10),
    ]


def _share(flags: npt.NDArray[np.bool_]) -> float:
    return 100 * float(np.mean(flags))


def _payments(columns: GeneratedOrders) -> Iterator[Row]:
    names = [name for name, _ in get_preset("marketplace").payments]
    for name, olist in (("credit_card", 73.9), ("boleto", 19.0), ("voucher", 5.6), ("debit_card", 1.5)):
        yield Row(f"paid by {name}", olist, _share(columns.payment == names.index(name)), "%", 1.0)


def _values(columns: GeneratedOrders) -> Iterator[Row]:
    value = columns.total_amount / 10_000
    yield Row("order value, median", 105, float(np.median(value)), "", 0.10)
    yield Row("order value, mean", 161, float(np.mean(value)), "", 0.10)
    yield Row("order value, p95", 453, float(np.quantile(value, 0.95)), "", 0.10)
    yield Row("order value, p99", 1076, float(np.quantile(value, 0.99)), "", 0.10)
    freight, one_line = columns.shipping_amount / 10_000, columns.items == 1
    yield Row("freight of a line, median", 16.3, float(np.median(freight[one_line])), "", 0.10)
    yield Row("freight of a line, mean", 20.0, float(freight.sum() / columns.items.sum()), "", 0.10)
    yield Row("items an order", 1.14, float(np.mean(columns.items)), "", 0.02)
    yield Row("orders of two items or more", 9.9, _share(columns.items >= 2), "%", 0.5)
    yield Row("orders of three items or more", 2.3, _share(columns.items >= 3), "%", 0.3)


def _deliveries(columns: GeneratedOrders) -> Iterator[Row]:
    for name, olist in (("Delivered", 97.0), ("Shipped", 1.1), ("Cancelled", 0.6)):
        yield Row(f"status {name}", olist, _share(columns.status == STATUSES.index(name)), "%", 0.3)
    delivered = columns.actual_time > 0
    days = (columns.actual_time - columns.order_time)[delivered] / DAY_MS
    for quantile, olist in ((5, 3.0), (25, 6.8), (50, 10.2), (75, 15.7), (95, 29.2)):
        yield Row(f"delivery days, p{quantile}", olist, float(np.quantile(days, quantile / 100)), "", 0.10)
    early = (columns.expected_time - columns.actual_time)[delivered] / DAY_MS
    yield Row("days before the promise, median", 11.8, float(np.median(early)), "", 0.10)
    yield Row("late", 8.1, _share(early < 0), "%", 1.0)
    life = lives(columns.order_id, columns.order_time, get_preset("marketplace"))
    yield Row("hand-overs on weekends", 1.9, _share(weekday_of(life.shipped_at[delivered]) >= 5), "%", 1.0)
    yield Row("deliveries on weekends", 6.9, _share(weekday_of(columns.actual_time[delivered]) >= 5), "%", 1.0)


def _rhythm(columns: GeneratedOrders) -> Iterator[Row]:
    weekday = weekday_of(columns.order_time)
    yield Row("on Mondays", 16.0, _share(weekday == 0), "%", 1.0)
    yield Row("on Saturdays", 11.0, _share(weekday == 5), "%", 1.0)
    hours = columns.order_time % DAY_MS // HOUR_MS
    for name, first, olist in (("night", 0, 9.0), ("morning", 6, 23.0), ("afternoon", 12, 32.0), ("evening", 18, 36.0)):
        yield Row(f"in the {name}", olist, _share((hours >= first) & (hours < first + 6)), "%", 1.0)


def _loyalty(columns: GeneratedOrders) -> Iterator[Row]:
    yield Row("customers who buy once", 97.0, _share(_occurrences(columns.user_id) == 1), "%", 1.0)
    sold = np.bincount(columns.product_id, weights=columns.quantity)
    sold = sold[sold > 0]
    yield Row("products that sell one or two", 75.0, _share(sold <= 2), "%", 3.0)
    yield Row("products that sell ten or more", 5.0, _share(sold >= 10), "%", 1.0)
    yield Row("orders from the largest place", 42.0, _share(columns.city == 0), "%", 1.0)


def _occurrences(ids: Ints) -> Ints:
    return np.unique(ids, return_counts=True)[1]


def black_friday() -> float:
    """Orders of Black Friday over those of the median day of a year."""
    window = span(datetime(2025, 1, 1), datetime(2026, 1, 1), 100_000, seed=7, preset="marketplace")
    days = _occurrences(window.times(0, window.orders) // DAY_MS)
    return float(days.max() / np.median(days))


def table(rows: list[Row]) -> str:
    lines = ["| | Olist | generated |", "| --- | ---: | ---: |"]
    lines += [f"| {row.what} | {row.olist:g}{row.unit} | {row.ours:.4g}{row.unit} |" for row in rows]
    return "\n".join(lines)


def main() -> None:
    print(table(comparison()))


if __name__ == "__main__":
    main()
