"""Figures whose values somebody else says: the documentation's worked examples, the Superstore's own table."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ecommerce.documents.catalog import Product, Warehouse
from ecommerce.documents.order import Delivery, Order, OrderDocument, OrderItem, Refund
from ecommerce.kpis import Filters, KpiStore, Span, compute_kpis
from ecommerce.kpis.figures import money_text
from ecommerce.mongo import MongoDatabase
from ecommerce.shop import Shop, write_shop
from tests.summaries_data import START, accept, load_superstore_catalog, put_catalog, superstore_orders

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
    products = [Product(7, "Kite", "Toys"), Product(8, "Doll", "Toys")]
    put_catalog(database, {"products": products, "warehouses": [Warehouse(1, "Lima"), Warehouse(2, "Cusco")]})
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
