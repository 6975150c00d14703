"""Every figure recounted from orders in plain Python: what `ecommerce kpis --json` must say, without any cell."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any
from zoneinfo import ZoneInfo

from ecommerce.documents.order import OrderDocument, OrderItem
from ecommerce.kpis import Span
from tests.sales_recount import SHOP_CURRENCY, currency_of, is_credit, money, recount_sales

CENT = Decimal("0.01")
TEN_THOUSANDTH = Decimal("0.0001")

STEPS: dict[str, dict[str, Any]] = {"hour": {}, "day": {"hour": 0}, "month": {"hour": 0, "day": 1}}
"""What of a local time is set back to its beginning, besides minutes and seconds."""


@dataclass(frozen=True)
class Names:
    """What the catalog calls things; what is missing is called by its id."""

    couriers: dict[int, str] = field(default_factory=dict)
    warehouses: dict[int, str] = field(default_factory=dict)
    products: dict[int, str] = field(default_factory=dict)
    categories: dict[int, str] = field(default_factory=dict)


def recount(
    orders: Iterable[OrderDocument],
    *,
    step: str,
    names: Names | None = None,
    zone: str = "UTC",
    currency: str = SHOP_CURRENCY,
    span: Span | None = None,
    as_of: datetime | None = None,
) -> dict[str, Any]:
    """The figures of orders, but for where the orders are and when they were counted. `step`: of the timeline.

    `as_of`: when it is judged what is late; None: now, where no promise is of these minutes.
    `orders` are all of them, as a refund may be within the span and its order not.
    """
    with localcontext() as context:
        context.prec = 80
        every, asked = list(orders), span or Span()

        def within(time: datetime) -> bool:
            return (asked.start is None or time >= asked.start) and (asked.end is None or time < asked.end)

        inside = [order for order in every if within(order.order.order_time)]
        figures = _recount(inside, step, names or Names(), ZoneInfo(zone), currency)
        return figures | _lateness(inside, as_of or datetime.now(UTC)) | recount_sales(every, within, currency)


def _lateness(documents: list[OrderDocument], as_of: datetime) -> dict[str, Any]:
    """Of the orders whose promise is past: which were delivered, and which should have been."""
    due = [order for order in documents if not is_credit(order) and order.delivery.expected_time < as_of]
    delivered = [order for order in due if order.delivery.status == "Delivered" and order.delivery.actual_time]
    overdue = sum(order.delivery.status not in ("Delivered", "Cancelled", "Returned") for order in due)
    late = sum(
        bool(one.delivery.actual_time and one.delivery.actual_time > one.delivery.expected_time) for one in delivered
    )
    whole = len(delivered) + overdue
    share = round((late + overdue) / whole, 6) if whole else None
    return {"overdue": overdue, "due_late": late, "due": whole, "late_share": share}


def bucket_text(order: OrderDocument, step: str, zone: ZoneInfo) -> str:
    """When the hour, day or month of an order began: found by going back minute by minute, where the clock says so."""
    time = order.order.order_time.astimezone(UTC).replace(second=0, microsecond=0)
    if step != "hour":
        local = time.astimezone(zone).replace(minute=0, **STEPS[step], fold=0)
        return _text(local.astimezone(UTC))
    clock = _clock(time, zone)
    while _clock(time - timedelta(minutes=1), zone) == clock:
        time -= timedelta(minutes=1)
    return _text(time)


def _clock(time: datetime, zone: ZoneInfo) -> Any:
    local = time.astimezone(zone)
    return local.date(), local.hour, local.utcoffset()


def _text(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def is_counted(order: OrderDocument) -> bool:
    return order.delivery.status not in ("Cancelled", "Returned")


def _recount(documents: list[OrderDocument], step: str, names: Names, zone: ZoneInfo, currency: str) -> dict[str, Any]:
    def has_money(order: OrderDocument) -> bool:
        return is_counted(order) and currency_of(order) == currency

    orders = [order for order in documents if not is_credit(order)]
    counted = [order for order in orders if has_money(order)]
    revenue = sum((order.order.total_amount for order in documents if has_money(order)), Decimal(0))
    average = (revenue / len(counted)).quantize(CENT, ROUND_HALF_EVEN) if counted else Decimal("0.00")
    statuses = Counter(order.delivery.status for order in orders)
    sold: Counter[int] = Counter()
    for order in orders:
        for item in order.order_items:
            sold[item.product_id] += item.quantity
    top = sorted(sold.items(), key=lambda pair: (-pair[1], pair[0]))[:10]
    timeline = Counter((bucket_text(order, step, zone), order.delivery.status) for order in orders)
    sales = [(order, item) for order in orders for item in order.order_items]
    warehouses = _sales(sales, lambda item: _named(names.warehouses, item.warehouse_id, "Warehouse"))
    categories = _sales(sales, lambda item: names.categories.get(item.product_id, "Unknown"))
    return {
        "orders": len(orders),
        "revenue": money(revenue),
        "average_order_value": money(average),
        "quantity": sum(sold.values()),
        "delivered": statuses["Delivered"],
        "pending": statuses["Pending"],
        "by_status": dict(sorted(statuses.items())),
        "by_payment_type": _orders(documents, has_money, lambda order: order.order.payment_type),
        "top_products": [
            {"product_id": product_id, "name": _named(names.products, product_id, "Product"), "quantity": quantity}
            for product_id, quantity in top
        ],
        "by_warehouse": {
            name: {"order_items": len(lines), "quantity": sum(item.quantity for _, item in lines)}
            for name, lines in warehouses.items()
        },
        "by_courier": _orders(
            documents, has_money, lambda order: _named(names.couriers, order.delivery.courier_id, "Courier")
        ),
        "by_location": _orders(documents, has_money, lambda order: order.delivery.location),
        "by_category": {
            name: {
                "quantity": sum(item.quantity for _, item in lines),
                "revenue": money(sum((_line(order, item) for order, item in lines if has_money(order)), Decimal(0))),
            }
            for name, lines in categories.items()
        },
        "delivery_timeline": [
            {"time": time, "status": status, "orders": count} for (time, status), count in sorted(timeline.items())
        ],
    }


def _line(order: OrderDocument, item: OrderItem) -> Decimal:
    exact = item.price * item.quantity * (1 - order.order.discount)
    return exact.quantize(TEN_THOUSANDTH, ROUND_HALF_EVEN)


def _orders(
    orders: list[OrderDocument],
    has_money: Callable[[OrderDocument], bool],
    name_of: Callable[[OrderDocument], str],
) -> dict[str, Any]:
    groups: dict[str, list[OrderDocument]] = defaultdict(list)
    for order in orders:
        groups[name_of(order)].append(order)
    counts = {name: sum(not is_credit(order) for order in group) for name, group in groups.items()}
    revenues = {
        name: sum((order.order.total_amount for order in group if has_money(order)), Decimal(0))
        for name, group in groups.items()
    }
    return {
        name: {"orders": counts[name], "revenue": money(revenues[name])}
        for name in sorted(groups)
        if counts[name] or revenues[name]
    }


def _sales(
    sales: list[tuple[OrderDocument, OrderItem]], name_of: Callable[[OrderItem], str]
) -> dict[str, list[tuple[OrderDocument, OrderItem]]]:
    groups: dict[str, list[tuple[OrderDocument, OrderItem]]] = defaultdict(list)
    for order, item in sales:
        groups[name_of(item)].append((order, item))
    return dict(sorted(groups.items()))


def _named(names: dict[int, str], key: int, kind: str) -> str:
    return names.get(key, f"{kind} {key}")
