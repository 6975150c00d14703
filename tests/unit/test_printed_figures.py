"""`ecommerce kpis` prints a span's figures, and apart from them what is of all of the shop; amounts have one form."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from cli.kpis import Amounts, print_kpis, span_title
from ecommerce.hours import hours_of
from ecommerce.iso_4217 import amount_text, minor_digits
from ecommerce.kpis.figures import SHOP_FIGURES, ItemGroup, Kpis, OrderGroup, Sales, SalesGroup
from ecommerce.kpis.question import Span

NOW = datetime(2026, 3, 8, 12, tzinfo=UTC)
BEFORE = "2026-02-22 to 2026-02-28"
TITLE = "2026-03-01 to 2026-03-07"


def figures(**given: object) -> Kpis:
    """Figures of a span in a shop with 130 017 orders."""
    group = OrderGroup(3, Decimal("1234.5675"), 4, 1, 1, 1, 0, 0, 2, 1, 0.5)
    texts = ("12.5", "0", "1234", "3.125", "7", "8", "-0.001", "1", "2")
    sold: dict[str, Any] = dict(zip(Sales.__slots__, (*map(Decimal, texts), 0.5), strict=True))
    values: dict[str, object] = {
        "orders": 3, "revenue": Decimal("1234.5675"), "average_order_value": Decimal("411.52"), "quantity": 4,
        "delivered": 1, "pending": 0, "by_status": {"Delivered": 3}, "by_payment_type": {"card": group},
        "top_products": (), "by_warehouse": {"Lima": ItemGroup(3, 4, Decimal("12.5"))}, "by_courier": {},
        "by_location": {}, "by_category": {"Toys": ItemGroup(3, 4, Decimal("1234"))}, "late_share": 0.285,
        "overdue": 0, "due_late": 1, "due": 2,
        "delivery_timeline": (), "hot_orders": 120_000, "archived_orders": 10_017, "aside": 2,
        "as_of": NOW, "time_zone": "Europe/Berlin", "discount": Decimal(0), "measures": {}, "incomplete": (),
        "currency": "EUR", "sales": Sales(**sold), "by_currency": None, "by_channel": None,
        "not_filtered": (),
    }  # fmt: skip
    return Kpis(**(values | given))  # type: ignore[arg-type]


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    print_kpis(*arguments)  # type: ignore[arg-type]
    return " ".join(capsys.readouterr().out.split())


def rows_of(text: str) -> set[str]:
    return set(re.findall(r"│ (\w+) +│", text))


def test_what_is_of_all_of_the_shop_is_in_no_column_of_a_span(capsys: pytest.CaptureFixture[str]) -> None:
    before = figures(hot_orders=777, archived_orders=778, aside=779, orders=5)
    text = printed(capsys, figures(), (BEFORE, before), TITLE)
    rows = rows_of(text)
    assert "overdue" in rows
    assert not rows & {*SHOP_FIGURES, "as_of", "time_zone", "currency"}
    assert not re.search("77[789]", text)
    assert (text.count(TITLE), text.count(BEFORE)) == (2, 2)  # the figures and their sales
    assert (
        "in all of the shop now, whatever the span: 120,000 hot orders, 2 documents of them no order and set aside;"
        " 10,017 archived orders"
    ) in text
    assert "amounts are in EUR, hours those of Europe/Berlin, figures as of 2026-03-08 12:00:00 UTC" in text


def test_every_single_value_of_the_json_is_printed_or_said(capsys: pytest.CaptureFixture[str]) -> None:
    names = {
        name
        for name, value in figures().to_json_dict().items()
        if value is None or isinstance(value, int | float | str)
    }
    said = {*SHOP_FIGURES, "as_of", "time_zone", "currency"}
    assert names - said - {"by_currency", "by_channel"} <= rows_of(
        printed(capsys, figures(by_currency={}, by_channel={}))
    )


def test_amounts_of_a_currency_have_its_decimals_and_the_text_says_where_that_rounds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = printed(capsys, figures())
    for amount in ("1,234.57", "411.52", "12.50", "1,234.00", "3.12", "0.00"):
        assert f"│ {amount} │" in text, amount
    assert "-0.00" not in text
    assert "28.5%" in text
    assert "amounts are rounded to the decimals of their currency; --json has them exactly" in text
    yen = figures(
        currency="JPY", revenue=Decimal(1234), by_payment_type={}, average_order_value=Decimal(411), sales=None
    )
    text = printed(capsys, yen)
    assert "│ revenue │ 1,234 │" in text
    assert "│ Lima │ 3 │ 4 │ 12 │" in text
    whole = figures(sales=None, by_payment_type={}, revenue=Decimal("1.5"))
    assert "rounded" not in printed(capsys, whole)


def test_numbers_end_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    print_kpis(figures())
    table = capsys.readouterr().out.split("└")[0].splitlines()[3:]
    ends = {line.rindex("│") - len(line[: line.rindex("│")].rstrip()) for line in table if line.startswith("│")}
    assert ends == {1}


def test_amounts_of_several_currencies_have_each_its_own_decimals(capsys: pytest.CaptureFixture[str]) -> None:
    group = SalesGroup(1, Decimal("10.5"), Decimal(10), Decimal(10))
    text = printed(capsys, figures(by_currency={"EUR": group, "KWD": group}))
    assert "│ EUR │ 1 │ 10.50 │ 10.00 │" in text
    assert "│ KWD │ 1 │ 10.500 │ 10.000 │" in text


def test_it_says_what_revenue_holds_where_it_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, figures())
    assert "item revenue, of warehouses and categories, is of their items after discount, without shipping" in text
    assert text.count("│ item revenue") + text.count("┃ item revenue") == 2


@pytest.mark.parametrize(("currency", "digits"), [("EUR", 2), ("JPY", 0), ("KWD", 3), ("", 2)])
def test_decimals_of_a_currency(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits
    assert Amounts(currency).text(Decimal(1)) == f"{1:.{digits}f}"


@pytest.mark.parametrize(
    ("span", "title"),
    [
        (Span(), "value"),
        (Span(datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 3, 7, 23, tzinfo=UTC)), TITLE),
        (Span(start=datetime(2026, 3, 1, 12, tzinfo=UTC)), "from 2026-03-01 13:00"),
        (Span(end=datetime(2026, 3, 1, 12, tzinfo=UTC)), "before 2026-03-01 13:00"),
    ],
)
def test_the_column_of_a_span_is_called_by_it(span: Span, title: str) -> None:
    assert span_title(span, hours_of("Europe/Berlin")) == title


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("63.8000", "EUR", "63.80"),
        ("1234.5", "EUR", "1,234.50"),
        ("1234.5675", "EUR", "1,234.5675"),
        ("1234.5600", "JPY", "1,234.56"),
        ("1234", "JPY", "1,234"),
        ("-1E+3", "KWD", "-1,000.000"),
        ("1E+6144", "EUR", "1E+6144"),
        ("1E-6000", "EUR", "1E-6000"),
        ("Infinity", "EUR", "Infinity"),
        ("NaN", "EUR", "NaN"),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency_or_all_that_it_has(amount: str, currency: str, text: str) -> None:
    assert amount_text(Decimal(amount), currency, grouped=True) == text
    assert amount_text(Decimal(amount), currency) == text.replace(",", "")
