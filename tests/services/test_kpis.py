"""KPIs: every figure equals a recount in plain Python, for any span and filter, at once and kept up to date."""

import json
import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from bson import Int64
from msgspec import structs

from ecommerce.documents.order import OrderDocument, Refund
from ecommerce.errors import InputError
from ecommerce.kpis import Filters, Kpis, KpiStore, Span, compute_kpis
from ecommerce.kpis.figures import ITEM_FIGURES, ORDER_FIGURES, SALES_FIGURES, average, money_text
from ecommerce.mongo import MongoDatabase
from ecommerce.summaries.advance import advance
from ecommerce.summaries.compact import compact
from ecommerce.summaries.rebuild import rebuild
from tests.archiving import purge_by_hand
from tests.sales_recount import is_credit
from tests.summaries_data import START, accept, random_orders
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
        {"_id": key, "product_id": key, "name": f"P{key}", "category": f"C{key % 3}"} for key in map(Int64, range(20))
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


def test_names_come_from_the_catalog_and_equal_ones_are_one_group(
    database: MongoDatabase, orders: list[OrderDocument]
) -> None:
    database["couriers"].insert_many(
        {"_id": key, "courier_id": key, "name": "Post" if key < 2 else "Ra'l"} for key in map(Int64, range(3))
    )
    database["warehouses"].insert_one({"_id": Int64(1), "warehouse_id": Int64(1), "location": "<b>West</b>"})
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
