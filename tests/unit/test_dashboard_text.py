"""What the dashboard writes: spans, numbers, changes and names in words, cells of a download."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from dashboard.downloads import BYTE_ORDER_MARK, csv_text
from dashboard.headlines import _versus
from dashboard.text import change, change_text, money, readable, readable_names, span_so_far, span_text
from dashboard.views.freshness import as_markdown_text
from ecommerce.kpis.question import Span
from ecommerce.readable import compact, duration
from ecommerce.sizes import size_text
from ecommerce.spreadsheet import spreadsheet_cell


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (("2026-11-26", "2026-11-27"), "26 Nov 2026"),
        (("2026-11-26", "2026-11-26T14"), "26 Nov 2026, 00:00–14:00"),
        (("2026-11-26T23", "2026-11-27"), "26 Nov 2026, 23:00–24:00"),
        (("2026-03-01", "2026-04-01"), "1–31 Mar 2026"),
        (("2026-10-28", "2026-11-27"), "28 Oct – 26 Nov 2026"),
        (("2025-12-28", "2026-01-03"), "28 Dec 2025 – 2 Jan 2026"),
        (("2026-11-14", "2026-11-20T14"), "14 Nov – 20 Nov 2026, 14:00"),
        (("2026-11-25T15", "2026-11-26T14"), "25 Nov, 15:00 – 26 Nov 2026, 14:00"),
        (("1970-01-01", "2026-11-27"), "until 26 Nov 2026"),
    ],
)
def test_a_span_is_named_by_its_days_and_hours(span: tuple[str, str], text: str) -> None:
    start, end = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in span)
    assert span_text(Span(start, end), ZoneInfo("UTC")) == text


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (("2026-11-26", "2026-11-26T14"), "26 Nov 2026, so far"),
        (("2026-11-14", "2026-11-26T14"), "14–26 Nov 2026, so far"),
        (("2026-11-25T14", "2026-11-26T14"), "since 25 Nov 2026, 14:00"),
        (("2026-11-25", "2026-12-02"), "25 Nov – 1 Dec 2026, so far"),
        (("1970-01-01", "2026-11-27"), "until 26 Nov 2026, so far"),
        (("2026-11-28", "2026-12-02"), "28 Nov – 1 Dec 2026, not begun yet"),
    ],
)
def test_a_span_that_runs_names_no_hour_that_is_yet_to_come(span: tuple[str, str], text: str) -> None:
    start, end = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in span)
    assert span_so_far(Span(start, end), datetime(2026, 11, 26, 13, tzinfo=UTC), ZoneInfo("UTC")) == text


def test_a_span_that_is_over_and_an_open_one_are_named_as_they_are() -> None:
    over = Span(datetime(2026, 11, 26, tzinfo=UTC), datetime(2026, 11, 26, 14, tzinfo=UTC))
    assert span_so_far(over, None, ZoneInfo("UTC")) == span_text(over, ZoneInfo("UTC"))
    assert span_so_far(Span(), datetime(2026, 11, 26, 13, tzinfo=UTC), ZoneInfo("UTC")) == "all orders"


def test_changes_are_said_so_that_they_can_be_read() -> None:
    assert [change_text(relative) for relative in (0.123, -0.5, 8.99, 11.2, 151.3)] == [
        "12.3 %", "50.0 %", "899.0 %", "×12", "×152",
    ]  # fmt: skip


def test_of_nothing_and_of_less_no_change_is_a_percentage() -> None:
    """From -100 to 50 net sales rose, and "fell by 150 %"."""
    assert [change(Decimal(50), Decimal(before)) for before in (-100, 0, 100)] == [None, None, -0.5]
    assert _versus("revenue", Decimal(50), Decimal(-100), "vs. 1 Mar") == {"note": "nothing to compare with"}
    assert _versus("revenue", Decimal(50), Decimal(0), "vs. 1 Mar") == {"change": "new", "note": "vs. 1 Mar"}


def test_names_of_a_shops_system_are_readable_and_all_others_stay() -> None:
    assert [readable(name) for name in ("credit_card", "boleto", "bank-transfer", "paypal", "Visa", "O'Neil_x y")] == [
        "Credit card", "Boleto", "Bank transfer", "PayPal", "Visa", "O'Neil_x y",
    ]  # fmt: skip
    assert readable_names(["credit_card", "Credit card"]) == {
        "Credit card": "Credit card",
        "credit_card": "credit_card",
    }


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "10.0 k"),
        (999_499, "999 k"),
        (999_999, "1.00 M"),
        (1_234_567, "1.23 M"),
        (-52_400, "-52.4 k"),
        (Decimal("0.0000"), "0.00"),
        (Decimal("458.6100"), "458.61"),
        (Decimal("2297200.8900"), "2.30 M"),
        (7 * 10**12, "7.00 T"),
    ],
)
def test_numbers_are_short(number: int | Decimal, text: str) -> None:
    assert compact(number) == text


def test_exact_amounts_keep_every_digit() -> None:
    amount = Decimal("2297200.8912")
    assert money(amount, "USD", short=False) == "$2,297,200.8912"
    assert money(amount, "CHF", short=True) == "2.30 M CHF"
    assert money(Decimal("16.4000"), "EUR", short=False) == "€16.40"
    assert [money(Decimal("1640.0000"), "JPY", short=short) for short in (True, False)] == ["¥1,640", "¥1,640"]
    assert [money(Decimal("16.4"), "KWD", short=short) for short in (True, False)] == ["16.400 KWD", "16.400 KWD"]
    assert money(Decimal("16.4"), "JPY", short=False) == "¥16.4"


def test_sizes_durations_and_changes() -> None:
    assert [size_text(size) for size in (0, 999, 1536, 23_456_789, 5 * 10**12)] == [
        "0 B",
        "999 B",
        "1.5 kB",
        "23 MB",
        "5.0 TB",
    ]
    assert [duration(seconds) for seconds in (0.84, 59.7, 3_661, 180_000)] == ["0.8 s", "1 min", "1 h 1 min", "2 d 2 h"]
    assert (change(150, 100), change(1, 0)) == (0.5, None)


@pytest.mark.parametrize("cell", ["=cmd()", "+1", "-1", "@x", "\t=1", "\r=1", "  =1", "＝1"])
def test_a_spreadsheet_gets_no_formula(cell: str) -> None:
    assert spreadsheet_cell(cell) == "'" + cell


def test_numbers_and_plain_texts_stay_as_they_are_in_a_download() -> None:
    assert csv_text(["=name", "n"], [["a,b\n", -3], ['say "x"', Decimal("-1.50")]]) == (
        BYTE_ORDER_MARK + "'=name,n\r\n" + '"a,b\n",-3\r\n"say ""x""",-1.50\r\n'
    )


def test_a_text_in_markdown_is_only_text() -> None:
    assert as_markdown_text("<b>*x*[a](b)") == r"\<b\>\*x\*\[a\]\(b\)"
