"""The figures: what they are called, their types, and how they are written as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any, NamedTuple

from ecommerce.documents.kinds import EXACT, HOUR_MS, MONEY_FACTOR, MONEY_SCALE

ORDER_FIGURES = (
    "orders", "revenue", "average_order_value", "quantity", "delivered", "pending", "by_status", "by_payment_type",
    "by_courier", "by_location", "late_share", "overdue", "due_late", "due", "delivery_timeline",
)  # fmt: skip
"""Figures made of order cells: they obey the filters on payment type, status, courier and location."""

ITEM_FIGURES = ("top_products", "by_warehouse", "by_category")
"""Figures made of item cells: they obey the filters on category and warehouse."""

SALES_FIGURES = ("sales", "by_currency", "by_channel")
"""Figures made of the cells of sales: they obey no filter but the currency."""

SHOP_FIGURES = ("hot_orders", "archived_orders", "aside")
"""Counts of all of the shop at `as_of`: they obey neither the span nor a filter."""

TOP_PRODUCTS = 10


@dataclass(frozen=True, slots=True)
class OrderGroup:
    """Orders that share a value of a dimension."""

    orders: int
    revenue: Decimal
    quantity: int
    delivered: int
    late: int | None
    """None, here and below: not known yet of all orders, see `Kpis.incomplete`."""
    timed: int | None
    """Delivered orders whose actual_time is known."""
    delay_ms: int | None
    """Sum of actual_time - expected_time over the timed ones; negative is early."""
    overdue: int | None
    """Not finished, and promised for a time before the figures' `as_of`."""
    due: int | None
    """Promised for a time before `as_of`, and not finished or delivered at a known time."""
    due_late: int | None
    """Those of `due` that came late."""
    late_share: float | None
    """As `Kpis.late_share`: (due_late + overdue) / due."""

    @property
    def average_delay_hours(self) -> float | None:
        """Mean of actual_time - expected_time in hours; None where no time is known."""
        return self.delay_ms / self.timed / HOUR_MS if self.timed and self.delay_ms is not None else None


@dataclass(frozen=True, slots=True)
class ItemGroup:
    """Order items that share a value of a dimension."""

    order_items: int
    quantity: int
    revenue: Decimal | None
    """None: not known yet of all orders, see `Kpis.incomplete`."""


@dataclass(frozen=True, slots=True)
class Sales:
    """Sales of one currency."""

    gross_sales: Decimal
    discounts: Decimal
    returns: Decimal
    net_sales: Decimal
    tax: Decimal
    shipping: Decimal
    total_sales: Decimal
    cost: Decimal
    margin: Decimal
    cost_known_share: float | None
    """Share of net sales of which the cost is known; None of nothing."""


@dataclass(frozen=True, slots=True)
class SalesGroup:
    """Orders of a currency or channel."""

    orders: int
    revenue: Decimal
    net_sales: Decimal
    total_sales: Decimal


@dataclass(frozen=True, slots=True)
class ProductSales:
    """A product and how many units of it were ordered."""

    product_id: int
    name: str
    quantity: int


class TimelinePoint(NamedTuple):
    """Orders of one status whose order_time is in the bucket that begins at `time`. A year of days has 1 800."""

    time: datetime
    status: str
    orders: int


@dataclass(frozen=True, slots=True)
class Kpis:
    """Every figure, in the order of `ecommerce kpis --json`. docs/kpis.md has the formulas."""

    orders: int
    revenue: Decimal
    average_order_value: Decimal
    quantity: int
    delivered: int
    pending: int
    by_status: Mapping[str, int]
    by_payment_type: Mapping[str, OrderGroup]
    top_products: tuple[ProductSales, ...]
    by_warehouse: Mapping[str, ItemGroup]
    by_courier: Mapping[str, OrderGroup]
    by_location: Mapping[str, OrderGroup]
    by_category: Mapping[str, ItemGroup]
    late_share: float | None
    """Of the orders that were due at `as_of`, those that came late or are overdue; None of none."""
    overdue: int | None
    """Orders that are not finished and whose promise is past at `as_of`."""
    due_late: int | None
    """Orders that were due at `as_of` and came late."""
    due: int | None
    """Orders that were due: `late_share` is (due_late + overdue) / due."""
    delivery_timeline: tuple[TimelinePoint, ...]
    hot_orders: int
    archived_orders: int
    aside: int
    """Documents of `orders` that are no orders: in `hot_orders`, and in no other figure."""
    as_of: datetime
    currency: str
    """Of all amounts."""
    sales: Sales | None
    """None, here and below: not known yet of all orders, see `incomplete`."""
    by_currency: Mapping[str, SalesGroup] | None
    by_channel: Mapping[str, SalesGroup] | None
    time_zone: str
    """The shop's, whose hours and days the figures are of."""
    measures: Mapping[str, Decimal | int | None]
    """Measures that are a figure of their own (`summaries.measures.FIGURES`), by name."""
    incomplete: tuple[str, ...]
    """Figures of which some archived orders do not tell yet: `ecommerce upgrade` fills that in from the archive."""
    discount: Decimal
    """What discounts took off the prices of the counted orders' items. Not in the JSON, as is what follows."""
    not_filtered: tuple[str, ...]
    """Figures that do not obey all of the filters, because their cells do not carry them."""

    def to_json_dict(self) -> dict[str, Any]:
        """The figures as JSON values: money as decimal text, times as ISO 8601 in UTC."""
        values = {one.name: json_value(getattr(self, one.name), _SHOWN.get(one.name)) for one in fields(self)}
        incomplete = {"incomplete": values["incomplete"]} if self.incomplete else {}
        left_out = ("measures", "incomplete", "discount", "not_filtered")
        figures = {name: value for name, value in values.items() if name not in left_out}
        return {**figures, **values["measures"], **incomplete}


_SHOWN = {
    "by_payment_type": ("orders", "revenue"),
    "by_warehouse": ("order_items", "quantity"),
    "by_courier": ("orders", "revenue"),
    "by_location": ("orders", "revenue"),
    "by_category": ("quantity", "revenue"),
}
"""What the JSON has of the groups of a figure; of others it has all."""


def json_value(value: Any, shown: Sequence[str] | None = None) -> Any:
    """A figure as JSON has it; of groups what is `shown`."""
    if isinstance(value, Decimal):
        return money_text(value)
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, Mapping):
        return {name: json_value(one, shown) for name, one in value.items()}
    if isinstance(value, TimelinePoint):
        return {"time": time_text(value.time), "status": value.status, "orders": value.orders}  # there may be thousands
    if isinstance(value, tuple):
        return [json_value(one) for one in value]
    if is_dataclass(value):
        return {name: json_value(getattr(value, name)) for name in shown or [one.name for one in fields(value)]}
    return value


def amount_of(scaled: int) -> Decimal:
    """An amount of 10^-4 units, exact at any size."""
    return Decimal(scaled).scaleb(-MONEY_SCALE, EXACT)


def share(part: int, whole: int) -> float | None:
    """part / whole to six decimals; None of nothing."""
    return round(part / whole, 6) if whole else None


def average(scaled: int, count: int) -> Decimal:
    """The mean of amounts that sum up to `scaled` x 10^-4, rounded half to even to two decimals; 0.00 of nothing."""
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(scaled) / (MONEY_FACTOR * count) if count else Decimal(0)
        return exact.quantize(Decimal("0.01"), ROUND_HALF_EVEN)


def money_text(amount: Decimal) -> str:
    """An amount with two decimals, or with three or four where it has them."""
    text = f"{amount:.4f}"
    return text[:-2] if text.endswith("00") else text.removesuffix("0")


def time_text(time: datetime) -> str:
    """ISO 8601 in UTC, with a Z."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
