"""A shop in Berlin and one in Kolkata, their sales computed by hand: orders as rows of JSON, and the sheets.

Both have the same orders, so that only what lies on another day differs. An order that names no
currency is in the shop's, EUR. Each order has one item of one piece unless it says otherwise.
"""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ecommerce.shop import Shop

SHOP, IN_KOLKATA = Shop("EUR", "Europe/Berlin"), Shop("EUR", "Asia/Kolkata")

SALES_DAY, REFUND_DAY, LATE_REFUND_DAY = date(2026, 3, 10), date(2026, 3, 12), date(2026, 3, 20)
NOON = "2026-03-10T12:00:00Z"
REFUNDED_AT = "2026-03-12T09:00:00Z"


def _item(order_id: int, number: int, price: str, quantity: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "order_item_id": 10 * order_id + number, "order_id": order_id, "product_id": 7, "warehouse_id": 3,
        "quantity": quantity, "price": price, "event_time": NOON, **fields,
    }  # fmt: skip


def _row(
    order_id: int,
    total: str,
    *items: dict[str, Any],
    time: str = NOON,
    status: str = "Delivered",
    actual: str | None = None,
    refunds: tuple[dict[str, Any], ...] = (),
    discount: str = "0",
    **fields: Any,
) -> dict[str, Any]:
    return {
        "order": {
            "order_id": order_id, "user_id": 5, "order_time": time, "total_amount": total, "discount": discount,
            "quantity": len(items), "payment_type": "card", **fields,
        },
        "order_items": list(items),
        "delivery": {
            "delivery_id": order_id, "order_id": order_id, "status": status, "expected_time": "2026-03-15T00:00:00Z",
            "actual_time": actual, "courier_id": 4, "location": "Berlin",
        },
        **({"refunds": [{"refund_id": n, **one} for n, one in enumerate(refunds)]} if refunds else {}),
    }  # fmt: skip


def _refund(amount: str, time: str = REFUNDED_AT, **fields: Any) -> dict[str, Any]:
    return {"refund_time": time, "amount": amount, **fields}


def _back(order_item_id: int, quantity: int = 1) -> dict[str, Any]:
    return {"items": [{"order_item_id": order_item_id, "quantity": quantity}]}


PLAIN = _row(1, "18", _item(1, 0, "10", 2, unit_cost="4"), discount="0.1", channel="web")
TAX_ON_TOP = _row(
    2, "124", _item(2, 0, "100"), refunds=(_refund("29.75", tax_amount="4.75"),), tax_amount="19", shipping_amount="5"
)  # part refund
TAX_IN_THE_PRICE = _row(
    3, "123.90", _item(3, 0, "119", unit_cost="40"), tax_amount="19", tax_included=True, shipping_amount="4.90",
    refunds=(_refund("123.90", tax_amount="19", shipping_amount="4.90", **_back(30)),),
)  # fmt: skip # full refund
SHIPPING_REFUNDED = _row(4, "56", _item(4, 0, "50"), shipping_amount="6", refunds=(_refund("6", shipping_amount="6"),))
WITH_GIFT_CARD = _row(5, "55", _item(5, 0, "25", gift_card=True), _item(5, 1, "30"))
GIFT_CARD_BACK = _row(6, "40", _item(6, 0, "40", gift_card=True), refunds=(_refund("40", **_back(60)),))
CANCELLED = _row(7, "80", _item(7, 0, "80", unit_cost="1"), status="Cancelled")
RETURNED = _row(
    8, "57", _item(8, 0, "60"), discount="0.1", status="Returned", actual="2026-03-12T10:00:00Z", tax_amount="9",
    tax_included=True, shipping_amount="3",
)  # fmt: skip
RETURNED_AT_NO_TIME = _row(9, "10", _item(9, 0, "10"), status="Returned")
CREDIT = _row(10, "0", time=REFUNDED_AT, status="Returned", refunds=(_refund("7.50"),))
COST_OF_A_PART = _row(11, "50", _item(11, 0, "20", unit_cost="8"), _item(11, 1, "30"))
IN_DOLLARS = _row(12, "200", _item(12, 0, "200"), currency="USD", channel="web", refunds=(_refund("50"),))
SAYS_EURO = _row(13, "15", _item(13, 0, "15"), currency="EUR")
REFUNDED_LATE = _row(
    14, "70", _item(14, 0, "35", 2, unit_cost="15.75"),
    refunds=(_refund("35", "2026-03-20T08:00:00Z", **_back(140)),),
)  # fmt: skip
CLOCK_CHANGES = tuple(
    _row(20 + at, price, _item(20 + at, 0, price), time=time)
    for at, (price, time) in enumerate(
        [
            ("1", "2025-10-25T23:30:00+02:00"), ("2", "2025-10-26T00:30:00+02:00"),
            ("3", "2025-10-26T23:30:00+01:00"), ("4", "2025-10-27T00:30:00+01:00"),
            ("10", "2026-03-28T23:30:00+01:00"), ("11", "2026-03-29T00:30:00+01:00"),
            ("12", "2026-03-29T23:30:00+02:00"), ("13", "2026-03-30T00:30:00+02:00"),
        ]
    )
)  # fmt: skip
"""At half past eleven in the evening and half past midnight, on both days when the clock changes."""
MIDNIGHT_IN_KOLKATA = (
    _row(30, "14", _item(30, 0, "14"), time="2026-05-01T23:45:00+05:30"),
    _row(31, "16", _item(31, 0, "16"), time="2026-05-02T00:15:00+05:30"),
)

ROWS = (
    PLAIN, TAX_ON_TOP, TAX_IN_THE_PRICE, SHIPPING_REFUNDED, WITH_GIFT_CARD, GIFT_CARD_BACK, CANCELLED, RETURNED,
    RETURNED_AT_NO_TIME, CREDIT, COST_OF_A_PART, IN_DOLLARS, SAYS_EURO, REFUNDED_LATE, *CLOCK_CHANGES,
    *MIDNIGHT_IN_KOLKATA,
)  # fmt: skip


def _sheet(
    gross: str, discounts: str, returns: str, net: str, tax: str, shipping: str, total: str, cost: str, margin: str,
    share: float | None,
) -> dict[str, Any]:  # fmt: skip
    return {
        "gross_sales": gross, "discounts": discounts, "returns": returns, "net_sales": net, "tax": tax,
        "shipping": shipping, "total_sales": total, "cost": cost, "margin": margin, "cost_known_share": share,
    }  # fmt: skip


def _only(gross: str) -> dict[str, Any]:
    return _sheet(gross, "0.00", "0.00", gross, "0.00", "0.00", gross, "0.00", "0.00", 0.0)


NOTHING = _only("0.00") | {"cost_known_share": None}

Sheet = dict[date, tuple[int, str, dict[str, Any]]]
"""Day → orders of all currencies, revenue and sales in EUR."""

SHEET: Sheet = {
    SALES_DAY: (
        13, "551.90",
        # gross 20+100+100+50+30+51+10+50+15+70; discounts 2+6; tax 19+19+9; shipping 5+4.90+6+3; cost 8+40+31.50
        _sheet("496.00", "8.00", "10.00", "478.00", "47.00", "18.90", "543.90", "79.50", "108.50", 0.393305),
    ),
    REFUND_DAY: (
        0, "0.00",
        # returns 25+100+45+7.50; tax 4.75+19+9; shipping 4.90+6+3
        _sheet("0.00", "0.00", "177.50", "-177.50", "-32.75", "-13.90", "-224.15", "-40.00", "-60.00", 0.56338),
    ),
    LATE_REFUND_DAY: (
        0, "0.00", _sheet("0.00", "0.00", "35.00", "-35.00", "0.00", "0.00", "-35.00", "-15.75", "-19.25", 1.0)
    ),
    date(2026, 3, 11): (0, "0.00", NOTHING),
    date(2025, 10, 25): (1, "1.00", _only("1.00")),
    date(2025, 10, 26): (2, "5.00", _only("5.00")),
    date(2025, 10, 27): (1, "4.00", _only("4.00")),
    date(2026, 3, 28): (1, "10.00", _only("10.00")),
    date(2026, 3, 29): (2, "23.00", _only("23.00")),
    date(2026, 3, 30): (1, "13.00", _only("13.00")),
    date(2026, 5, 1): (2, "30.00", _only("30.00")),
    date(2026, 5, 2): (0, "0.00", NOTHING),
}  # fmt: skip

SHEET_IN_KOLKATA: Sheet = SHEET | {
    # Half past eleven in the evening in Berlin is three or four in the morning of the next day.
    date(2025, 10, 25): (0, "0.00", NOTHING),
    date(2025, 10, 26): (2, "3.00", _only("3.00")),
    date(2025, 10, 27): (2, "7.00", _only("7.00")),
    date(2026, 3, 28): (0, "0.00", NOTHING),
    date(2026, 3, 29): (2, "21.00", _only("21.00")),
    date(2026, 3, 30): (2, "25.00", _only("25.00")),
    date(2026, 5, 1): (1, "14.00", _only("14.00")),
    date(2026, 5, 2): (1, "16.00", _only("16.00")),
}

BY_CURRENCY = {
    "EUR": {"orders": 22, "revenue": "637.90", "net_sales": "351.50", "total_sales": "370.75"},
    "USD": {"orders": 1, "revenue": "200.00", "net_sales": "150.00", "total_sales": "150.00"},
}
BY_CHANNEL = {
    # In EUR: of the two orders of the web one is in dollars.
    "Unknown": {"orders": 21, "revenue": "619.90", "net_sales": "333.50", "total_sales": "352.75"},
    "web": {"orders": 2, "revenue": "18.00", "net_sales": "18.00", "total_sales": "18.00"},
}


def midnight(day: date, zone: str = SHOP.time_zone) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
