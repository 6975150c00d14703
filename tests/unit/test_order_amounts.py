"""How an order's total is made up: each amount that it names, and what no field says."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from bson import Decimal128

from dashboard.order_cards import order_cards
from dashboard.orders import Listing, OneOrder
from dashboard.orders_cards import listing_cards
from dashboard.orders_view import OrdersView
from dashboard.state import View
from ecommerce.order_search.one_order import FoundOrder
from ecommerce.order_search.paging import Page
from ecommerce.order_search.sorting import Sort

UTC_ZONE = ZoneInfo("UTC")
NOW = datetime(2026, 11, 22, 11, 35, 7, tzinfo=UTC)


def money(text: str) -> Decimal128:
    return Decimal128(text)


ITEMS = [
    {"product_id": 1, "warehouse_id": 1, "quantity": 2, "price": money("30.00")},
    {"product_id": 2, "warehouse_id": 1, "quantity": 1, "price": money("17.60")},
]


def cards_of(document: dict[str, Any], currency: str = "EUR") -> dict[str, str]:
    """The cards of an order in a shop of this currency whose catalog is empty."""
    names: dict[str, dict[int, str]] = {"product_id": {}, "warehouse_id": {}, "courier_id": {}}
    one = OneOrder(FoundOrder(7, {"_id": 7} | document, None, 0), {}, NOW, names)
    return order_cards(one, View(orders=OrdersView(order=7)), currency, UTC_ZONE)


def amounts(order: dict[str, Any], **document: Any) -> dict[str, tuple[str, str]]:
    """Name of each line of an order's amounts → more about it, and the amount."""
    table = json.loads(cards_of({"order": order, "order_items": ITEMS} | document)["amounts"])
    assert table["columns"][-1]["name"] == order.get("currency", "EUR")
    lines = {what: (more, amount) for what, more, amount in (row["cells"] for row in table["rows"])}
    parts = [Decimal(amount.replace("−", "-").replace(",", "")) for _, amount in lines.values() if amount != "–"]
    if "–" not in dict(lines.values()).values():
        upto = list(lines).index("Total")
        assert sum(parts[:upto]) == parts[upto], "the lines add up to the total"
    return lines


TOTAL = {"total_amount": money("82.47"), "discount": money("0.10")}


@pytest.mark.parametrize(
    "none", [{}, {"shipping_amount": None, "tax_amount": None}]
)  # as hot, as archived orders have it
def test_what_no_field_of_an_order_says_is_not_itemised(none: dict[str, None]) -> None:
    assert amounts(TOTAL | none) == {
        "Items": ("2 items", "77.60"),
        "Discount": ("10 % of 77.60", "−7.76"),
        "Not itemised": ("no field of the order says what for; it names no shipping and no tax", "12.63"),
        "Total": ("what the customer was asked to pay", "82.47"),
    }


def test_every_amount_of_an_order_is_named() -> None:
    charges = {"shipping_amount": money("5.00"), "tax_amount": money("7.63"), "currency": "USD"}
    refunds = [{"refund_time": NOW, "amount": money("20.00"), "tax_amount": money("2.00"), "reason": "too <small>"}]
    gift = {"product_id": 3, "quantity": 1, "price": money("50.00"), "gift_card": True}
    assert amounts(TOTAL | charges, refunds=refunds) == {
        "Items": ("2 items", "77.60"),
        "Discount": ("10 % of 77.60", "−7.76"),
        "Shipping": ("", "5.00"),
        "Tax": ("", "7.63"),
        "Total": ("what the customer was asked to pay", "82.47"),
        "Refund": ("2026-11-22 11:35 · 2.00 of it tax · too <small>", "−20.00"),
        "After refunds": ("", "62.47"),
    }
    whole = {
        "total_amount": money("127.60"),
        "discount": money("0"),
        "tax_amount": money("20.37"),
        "tax_included": True,
    }
    assert amounts(whole, order_items=[*ITEMS, gift]) == {
        "Items": ("2 items", "77.60"),
        "Gift cards": ("1 gift card", "50.00"),
        "Tax": ("20.37 in the prices, not added", "0.00"),
        "Total": ("what the customer was asked to pay", "127.60"),
    }
    returned = amounts(TOTAL | charges, delivery={"status": "refunded"})
    assert returned["Refund"] == ("it names none: figures count the whole order as paid back", "−82.47")
    fraction = {"total_amount": money("69.06"), "discount": money("0.11")}
    assert amounts(fraction)["Rounding"] == ("", "−0.004")
    assert amounts(TOTAL, order_items=[{"price": "two"}])["Items"] == ("1 item", "–")


def test_amounts_of_an_order_have_the_decimals_of_its_currency() -> None:
    order = {"total_amount": money("30.0000"), "discount": money("0.0000"), "currency": "JPY"}
    refunds = [{"refund_time": NOW, "amount": money("12.4")}, {"refund_time": NOW, "amount": money("10.0000")}]
    items = [{"product_id": 1, "warehouse_id": 1, "quantity": 1, "price": money("30.0000")}]
    for currency, shown in (("JPY", ("30", "12.4", "10")), ("EUR", ("30.00", "12.40", "10.00"))):
        document = {"order": order | {"currency": currency}, "order_items": items, "refunds": refunds}
        cards = cards_of(document, "USD")
        life = [row["cells"][2] for row in json.loads(cards["life"])["rows"]]
        rows = {row["cells"][0]: row["cells"][-1] for row in json.loads(cards["amounts"])["rows"]}
        assert life == list(shown[1:])
        assert rows["Total"] == shown[0] and rows["Refund"] == f"−{shown[2]}"
        assert json.loads(cards["facts"])["rows"][1]["cells"][1] == f"{shown[0]} {currency}"
        assert json.loads(cards["items"])["rows"][0]["cells"][-2:] == [shown[0], shown[0]]


def test_a_discount_says_what_it_is_of() -> None:
    cards = cards_of({"order": TOTAL, "order_items": ITEMS})
    facts = {row["cells"][0]: row["cells"][1] for row in json.loads(cards["facts"])["rows"]}
    assert facts["Discount"] == "10 % of the items' prices"
    items = json.loads(cards["items"])
    assert [column["name"] for column in items["columns"]][-2:] == ["Price, EUR", "Line total, EUR"]
    assert [row["cells"][-2:] for row in items["rows"]] == [["30.00", "60.00"], ["17.60", "17.60"]]


def test_an_amount_of_another_currency_says_so() -> None:
    documents = tuple(
        {"_id": 1, "order": {"total_amount": Decimal128("1.5")} | more} for more in ({}, {"currency": "USD"})
    )
    listing = Listing(Page(documents, None, None), Sort(), "", 2, None, {}, NOW)
    rows = json.loads(listing_cards(listing, View(page="orders"), {}, 4, UTC_ZONE)["orders"])["rows"]
    own, other = (row["cells"][4] for row in rows)
    assert other == f"{own} USD"
