"""KPIs: every figure equals a recount in plain Python, for any span and filter, at once and kept up to date."""

import json
import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import bson
import polars as pl
import pytest
from msgspec import structs

from ecommerce.documents.bson_codec import encode_catalog
from ecommerce.documents.catalog import CATALOG, Product, Warehouse
from ecommerce.documents.order import Delivery, Order, OrderDocument, OrderItem, Refund
from ecommerce.errors import InputError
from ecommerce.kpis import Filters, Kpis, KpiStore, Span, compute_kpis
from ecommerce.kpis.figures import ITEM_FIGURES, ORDER_FIGURES, SALES_FIGURES, average, money_text
from ecommerce.mongo import MongoDatabase
from ecommerce.shop import Shop, write_shop
from ecommerce.summaries.advance import advance
from ecommerce.summaries.compact import compact
from ecommerce.summaries.rebuild import rebuild
from tests.archiving import purge_by_hand
from tests.sales_recount import is_credit
from tests.summaries_data import START, accept, load_superstore_catalog, random_orders, superstore_orders
from tests.summaries_recount import Names, recount

HOUR = timedelta(hours=1)


def said(figures: Kpis) -> dict[str, Any]:
    """What `ecommerce kpis --json` says about orders, without where they are and when they were counted."""
    figure = json.loads(json.dumps(figures.to_json_dict()))
    return {
        name: value
        for name, value in figure.items()
        if name not in ("hot_orders", "archived_orders", "aside", "as_of", "time_zone")
    }


def within(orders: Iterable[OrderDocument], span: Span) -> list[OrderDocument]:
    return [
        order
        for order in orders
        if (span.start is None or order.order.order_time >= span.start)
        and (span.end is None or order.order.order_time < span.end)
    ]


SOURCE = {
    "orders": 5009, "revenue": "2297200.89", "average_order_value": "458.61", "quantity": 37873,
    "late_share": round(837 / 5009, 6),
    "by_payment_type": {
        "Consumer": {"orders": 2586, "revenue": "1161401.29"},
        "Corporate": {"orders": 1514, "revenue": "706146.43"},
        "Home Office": {"orders": 909, "revenue": "429653.17"},
    },
    "by_courier": {
        "First Class": {"orders": 787, "revenue": "351428.38"},
        "Same Day": {"orders": 264, "revenue": "128363.08"},
        "Second Class": {"orders": 964, "revenue": "459193.54"},
        "Standard Class": {"orders": 2994, "revenue": "1358215.89"},
    },
    "by_warehouse": {
        "Central": {"order_items": 2323, "quantity": 8780},
        "East": {"order_items": 2848, "quantity": 10618},
        "South": {"order_items": 1620, "quantity": 6209},
        "West": {"order_items": 3203, "quantity": 12266},
    },
    "top five": [(705, 67), (96, 64), (334, 61), (113, 59), (849, 59)],
    "categories": {"Furniture": 8028, "Office Supplies": 22906, "Technology": 6939},
    "years": [(969, "484247.45"), (1038, "470532.48"), (1315, "609205.70"), (1687, "733215.26")],
}  # fmt: skip
"""Worked out from the public table itself, see its README."""


def test_the_worked_example_of_the_documentation(database: MongoDatabase) -> None:
    tables = {table.name: table for table in CATALOG}
    for name, records in (
        ("products", [Product(7, "Kite", "Toys"), Product(8, "Doll", "Toys")]),
        ("warehouses", [Warehouse(1, "Lima"), Warehouse(2, "Cusco")]),
    ):
        database[name].insert_many([bson.decode(encode_catalog(tables[name], record)) for record in records])
    orders = []
    for number, status, paid, total, product, warehouse, quantity, price, discount in (
        (1, "Delivered", "card", "20", 7, 1, 2, "10", "0"),
        (2, "Cancelled", "card", "30", 8, 1, 1, "30", "0"),
        (3, "Pending", "voucher", "11.25", 7, 2, 5, "2.50", "0.1"),
    ):
        order = Order(number, 1, START, Decimal(total), Decimal(discount), 1, paid)
        item = OrderItem(number, number, product, warehouse, quantity, Decimal(price), START)
        delivery = Delivery(number, number, status, START, None, 1, "Lima")
        orders.append(OrderDocument(order, (item,), delivery, START))
    accept(database, orders)
    figures = compute_kpis(database).to_json_dict()
    expected = {
        "orders": 3,
        "revenue": "31.25",
        "average_order_value": "15.62",
        "quantity": 8,
        "delivered": 1,
        "pending": 1,
        "by_status": {"Cancelled": 1, "Delivered": 1, "Pending": 1},
        "by_payment_type": {
            "card": {"orders": 2, "revenue": "20.00"},
            "voucher": {"orders": 1, "revenue": "11.25"},
        },
        "top_products": [
            {"product_id": 7, "name": "Kite", "quantity": 7},
            {"product_id": 8, "name": "Doll", "quantity": 1},
        ],
        "by_warehouse": {"Cusco": {"order_items": 1, "quantity": 5}, "Lima": {"order_items": 2, "quantity": 3}},
        "by_category": {"Toys": {"quantity": 8, "revenue": "31.25"}},
    }
    assert {name: figures[name] for name in expected} == expected


def test_the_example_of_sales_that_are_not_usual(database: MongoDatabase) -> None:
    write_shop(database, Shop("EUR", "UTC"))
    sold, back = datetime(2026, 3, 10, 9, tzinfo=UTC), datetime(2026, 3, 12, 9, tzinfo=UTC)
    four, five, ten, twenty, fifty = map(Decimal, ("4", "5", "10", "20", "50"))

    def item(order_id: int, number: int, price: Decimal, **fields: Any) -> OrderItem:
        return OrderItem(number, order_id, 7, 1, 1, price, sold, **fields)

    def an_order(order_id: int, total: Decimal, *items: OrderItem, **of: Any) -> OrderDocument:
        order = Order(
            order_id, 1, of.get("at", sold), total, Decimal(0), len(items), "card", currency=of.get("currency")
        )
        delivery = Delivery(order_id, order_id, of.get("status", "Delivered"), back, of.get("actual"), 1, "Lima")
        return OrderDocument(order, items, delivery, sold, refunds=of.get("refunds", ()))

    credit = Refund(0, back, five, None, None, None, ())
    orders = [
        an_order(1, ten + fifty, item(1, 1, fifty, gift_card=True), item(1, 2, ten, unit_cost=four)),
        an_order(2, ten, item(2, 1, ten, unit_cost=four), status="Returned", actual=back),
        an_order(3, Decimal(0), at=back, refunds=(credit,)),
        an_order(4, twenty, item(4, 1, twenty), currency="USD"),
        an_order(5, ten, item(5, 1, ten)),
    ]
    accept(database, orders)

    def sales(day: int) -> dict[str, object]:
        start = datetime(2026, 3, day, tzinfo=UTC)
        found: dict[str, object] = compute_kpis(database, Span(start, start + timedelta(days=1))).to_json_dict()[
            "sales"
        ]
        return {name: value for name, value in found.items() if value not in ("0.00", None)}

    assert sales(10) == {
        "gross_sales": "30.00", "net_sales": "30.00", "total_sales": "30.00", "cost": "8.00", "margin": "12.00",
        "cost_known_share": 0.666667,
    }  # fmt: skip
    assert sales(12) == {
        "returns": "15.00", "net_sales": "-15.00", "total_sales": "-15.00", "cost": "-4.00", "margin": "-6.00",
        "cost_known_share": 0.666667,
    }  # fmt: skip
    figures = compute_kpis(database).to_json_dict()
    assert figures["orders"] == 4
    of_currency = {code: (group["orders"], group["net_sales"]) for code, group in figures["by_currency"].items()}
    assert of_currency == {"EUR": (3, "15.00"), "USD": (1, "20.00")}


def test_the_superstore_s_figures_are_those_of_its_source(database: MongoDatabase) -> None:
    load_superstore_catalog(database)
    orders = list(superstore_orders())
    for start in range(0, len(orders), 2500):
        accept(database, orders[start : start + 2500])
    store = KpiStore(database)
    store.refresh()
    figures = store.kpis(Span(), Filters()).to_json_dict()
    figures["top five"] = [(product["product_id"], product["quantity"]) for product in figures["top_products"][:5]]
    figures["categories"] = {name: group["quantity"] for name, group in figures["by_category"].items()}
    years = [Span(datetime(year, 1, 1), datetime(year + 1, 1, 1)) for year in range(2016, 2020)]
    by_year = [store.kpis(year, Filters()) for year in years]
    figures["years"] = [(figure.orders, money_text(figure.revenue)) for figure in by_year]
    assert {name: figures[name] for name in SOURCE} == SOURCE


@pytest.fixture
def orders(database: MongoDatabase) -> list[OrderDocument]:
    """Orders of 40 days, partly in buckets and partly in the log of deltas."""
    found = random_orders(500) + random_orders(560, seed=2, wild=True)[500:]
    accept(database, found[:400])
    advance(database)
    accept(database, found[400:])
    advance(database)
    return found


@pytest.mark.parametrize(
    "span",
    [
        Span(),
        Span(START + 29 * HOUR, None),
        Span(None, START + timedelta(days=33, hours=5)),
        Span(START, START + timedelta(days=31)),
        Span(START + timedelta(days=3), START + timedelta(days=4)),
        Span(START + timedelta(days=30, hours=7), START + timedelta(days=35, hours=13)),
        Span(START + timedelta(days=2, hours=7), START + timedelta(days=2, hours=9)),
        Span(START - timedelta(days=99), START + timedelta(days=99)),
        Span(START + timedelta(days=200), START + timedelta(days=201)),
    ],
    ids=lambda span: f"{span.start:%d.%H}-{span.end:%d.%H}" if span.start and span.end else "open",
)
def test_the_figures_of_a_span_are_those_of_its_orders(
    database: MongoDatabase, orders: list[OrderDocument], span: Span
) -> None:
    length = span.end - span.start if span.start and span.end else timedelta(days=40)
    step = "hour" if length <= timedelta(days=3) else "day"
    expected = recount(orders, span=span, step=step)
    assert said(compute_kpis(database, span)) == expected
    compact(database)
    assert said(compute_kpis(database, span)) == expected


ORDER_FILTERS = [
    Filters(payment_types=frozenset({"card"})),
    Filters(statuses=frozenset({"Delivered", "in Prüfung"})),
    Filters(courier_ids=frozenset({1, 3}), locations=frozenset({"東京"})),
    Filters(locations=frozenset({"nowhere"})),
]


@pytest.mark.parametrize("filters", ORDER_FILTERS)
@pytest.mark.parametrize(
    "span", [Span(), Span(START + 5 * HOUR, START + timedelta(days=35, hours=1))], ids=["all", "35d"]
)
def test_filters_on_orders_choose_the_orders_that_figures_count(
    database: MongoDatabase, orders: list[OrderDocument], filters: Filters, span: Span
) -> None:
    chosen = [
        order
        for order in orders
        if (not filters.payment_types or order.order.payment_type in filters.payment_types)
        and (not filters.statuses or order.delivery.status in filters.statuses)
        and (not filters.courier_ids or order.delivery.courier_id in filters.courier_ids)
        and (not filters.locations or order.delivery.location in filters.locations)
    ]
    compact(database)
    figures = compute_kpis(database, span, filters)
    expected = recount(chosen, span=span, step="day")
    everything = recount(orders, span=span, step="day")
    assert {name: said(figures)[name] for name in ORDER_FIGURES} == {name: expected[name] for name in ORDER_FIGURES}
    assert {name: said(figures)[name] for name in ITEM_FIGURES} == {name: everything[name] for name in ITEM_FIGURES}
    assert figures.not_filtered == (*ITEM_FIGURES, *SALES_FIGURES)


def test_filters_on_items_choose_the_items_that_figures_count(
    database: MongoDatabase, orders: list[OrderDocument]
) -> None:
    database["products"].insert_many(
        {"_id": key, "product_id": key, "name": f"P{key}", "category": f"C{key % 3}"} for key in map(_long, range(20))
    )
    filters = Filters(categories=frozenset({"C1", "Unknown"}), warehouse_ids=frozenset({0, 2}))
    figures = said(compute_kpis(database, Span(), filters))
    quantity = {"C1": 0, "Unknown": 0}
    for order in orders:
        for item in order.order_items:
            category = f"C{item.product_id % 3}" if item.product_id < 20 else "Unknown"
            if category in quantity and item.warehouse_id in filters.warehouse_ids:
                quantity[category] += item.quantity
    assert {name: group["quantity"] for name, group in figures["by_category"].items()} == quantity
    assert set(figures["by_warehouse"]) == {"Warehouse 0", "Warehouse 2"}
    assert sum(group["quantity"] for group in figures["by_warehouse"].values()) == sum(quantity.values())
    assert figures["orders"] == sum(not is_credit(order) for order in orders)


def _long(value: int) -> Any:
    from bson import Int64

    return Int64(value)


def test_names_come_from_the_catalog_and_equal_ones_are_one_group(
    database: MongoDatabase, orders: list[OrderDocument]
) -> None:
    database["couriers"].insert_many(
        {"_id": key, "courier_id": key, "name": "Post" if key < 2 else "Ra'l"} for key in map(_long, range(3))
    )
    database["warehouses"].insert_one({"_id": _long(1), "warehouse_id": _long(1), "location": "<b>West</b>"})
    names = Names(couriers={0: "Post", 1: "Post", 2: "Ra'l"}, warehouses={1: "<b>West</b>"})
    assert said(compute_kpis(database)) == recount(orders, step="day", names=names)


def test_a_group_of_credits_is_there_for_its_money_alone(database: MongoDatabase) -> None:
    """Courier 1 had a credit that was cancelled, 2 one in another currency, 3 one of this shop's money, 4 an order."""
    template = next(order for order in random_orders(50, seed=3) if not is_credit(order))

    def placed(key: int, **changes: Any) -> OrderDocument:
        order = {"order_id": key, "currency": None, "channel": f"channel {key}", **changes.pop("order", {})}
        return structs.replace(
            template,
            order=structs.replace(template.order, **order),
            delivery=structs.replace(
                template.delivery, order_id=key, courier_id=key, status=changes.pop("status", "Delivered")
            ),
            **changes,
        )

    refund = (Refund(refund_id=1, refund_time=START, amount=Decimal("5.00")),)
    credit = {"order_items": (), "refunds": refund}
    orders = [
        placed(1, status="Cancelled", order={"total_amount": Decimal("5.00")}, **credit),
        placed(2, order={"total_amount": Decimal("5.00"), "currency": "EUR"}, **credit),
        placed(3, order={"total_amount": Decimal("5.00")}, **credit),
        placed(4, refunds=(), order_items=tuple(structs.replace(item, order_id=4) for item in template.order_items)),
    ]
    accept(database, orders)
    figures = said(compute_kpis(database))
    assert not list(database["orders_aside"].find())
    assert figures == recount(orders, step="day")
    assert list(figures["by_courier"]) == ["Courier 3", "Courier 4"]
    assert figures["by_courier"]["Courier 3"] == {"orders": 0, "revenue": "5.00"}
    assert set(figures["by_channel"]) == {"channel 3", "channel 4"}


def test_a_store_that_runs_says_what_a_new_one_says(database: MongoDatabase, orders: list[OrderDocument]) -> None:
    rng = random.Random(7)
    questions = [
        (Span(), Filters()),
        (Span(START + 5 * HOUR, START + timedelta(days=20)), Filters()),
        (Span(START, None), ORDER_FILTERS[1]),
    ]
    store = KpiStore(database)
    version = store.refresh().version
    for span, filters in questions:
        store.kpis(span, filters)
    assert store.refresh().version == version
    for round_number in range(12):
        changed = random_orders(600, seed=round_number + 10)[500 + round_number :: 9]
        accept(database, changed)
        if round_number % 4 == 1:
            compact(database)
        if round_number % 5 == 3:
            advance(database)  # another process was faster
        if round_number == 7:
            rebuild(database)
        refresh = store.refresh()
        assert refresh.version > version
        version = refresh.version
        fresh = KpiStore(database)
        fresh.refresh()
        for span, filters in rng.sample(questions, 2):
            assert said(store.kpis(span, filters)) == said(fresh.kpis(span, filters))
            assert store.timeline(span, filters, "hour").equals(fresh.timeline(span, filters, "hour"))
    assert refresh.changed == len(changed)
    assert 0 <= refresh.lag_seconds < 60


def test_the_timeline_adds_up_to_the_figures(database: MongoDatabase, orders: list[OrderDocument]) -> None:
    store = KpiStore(database)
    store.refresh()
    span = Span(START + 30 * HOUR, START + timedelta(days=34))
    figures = store.kpis(span, Filters())
    for step in ("hour", "day", "month"):
        frame = store.timeline(span, Filters(), step)
        assert frame["orders"].sum() == figures.orders
        assert sum(frame["revenue"], Decimal(0)) == figures.revenue
        assert frame["quantity"].sum() == figures.quantity
        assert frame["delivered"].sum() == figures.delivered
        assert frame["late"].sum() == sum(group.late or 0 for group in figures.by_location.values())
        assert not frame.select("time", "status").is_duplicated().any()
    counted: dict[tuple[datetime, str], list[int]] = {}
    for order in within(orders, span):
        if is_credit(order):
            continue
        delivery, hour = order.delivery, order.order.order_time.replace(minute=0, second=0, microsecond=0)
        sums = counted.setdefault((hour, delivery.status), [0, 0, 0])
        sums[0] += sum(item.quantity for item in order.order_items)
        if delivery.status == "Delivered":
            sums[1] += 1
            sums[2] += delivery.actual_time is not None and delivery.actual_time > delivery.expected_time
    # A credit has a time and a status, too, and is no order.
    timeline = store.timeline(span, Filters(), "hour").filter(pl.col("orders") > 0)
    hours = timeline.select("time", "status", "quantity", "delivered", "late")
    assert {(time, status): sums for time, status, *sums in hours.iter_rows()} == counted


def test_choices_are_the_values_there_are(database: MongoDatabase, orders: list[OrderDocument]) -> None:
    choices = KpiStore(database).choices()
    assert choices["statuses"] == sorted({order.delivery.status for order in orders})
    assert choices["payment_types"] == ["boleto", "card", "voucher"]
    assert choices["couriers"][0] == (0, "Courier 0")
    assert choices["warehouses"] == [(key, f"Warehouse {key}") for key in range(4)]
    assert choices["categories"] == ["Unknown"]


def test_hot_and_archived_orders_are_counted_apart(database: MongoDatabase, orders: list[OrderDocument]) -> None:
    compute_kpis(database)
    purge_by_hand(database, range(100), START)
    figures = compute_kpis(database)
    counted = sum(not is_credit(order) for order in orders)
    assert (figures.orders, figures.hot_orders, figures.archived_orders) == (counted, len(orders) - 100, 100)


@pytest.mark.parametrize(("start", "end"), [(START, START), (START, START - HOUR)])
def test_a_span_that_cannot_be_is_refused(start: datetime, end: datetime | None) -> None:
    with pytest.raises(InputError, match="span"):
        Span(start, end)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0.00"),
        ("16.45", "16.45"),
        ("16.4500", "16.45"),
        ("0.0001", "0.0001"),
        ("1.230", "1.23"),
        ("-5.125", "-5.125"),
    ],
)
def test_money_has_two_decimals_or_as_many_as_it_needs(amount: str, text: str) -> None:
    assert money_text(Decimal(amount)) == text


@pytest.mark.parametrize(
    ("scaled", "count", "mean"),
    [(0, 0, "0.00"), (50, 1, "0.00"), (150, 1, "0.02"), (10_000, 3, "0.33"), (250, 1, "0.02")],
)
def test_the_average_is_rounded_half_to_even(scaled: int, count: int, mean: str) -> None:
    assert str(average(scaled, count)) == mean
