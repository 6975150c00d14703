"""Orders that are valid and hardly right: they come in as they are, and a person hears of them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ecommerce.importing.check_file import FileCheck, check_file
from ecommerce.importing.loading.file_import import ImportOptions
from ecommerce.importing.loading.report import FileReport
from ecommerce.importing.rows.plausible import DISCOUNT_BELOW_ZERO, doubt_sentences
from tests.import_samples import complete_row, write_lines

CASES = Path(__file__).parents[1] / "data" / "cases"


def checked(folder: Path, *rows: Any) -> FileCheck:
    return check_file(write_lines(folder / "orders.jsonl", *rows), ImportOptions())


def refund(amount: float) -> dict[str, Any]:
    return {"refund_id": 1, "refund_time": "2026-03-02T00:00:00Z", "amount": amount}


@pytest.mark.parametrize("slowly", [False, True])
def test_amounts_that_hardly_belong_together_are_named_with_an_order(tmp_path: Path, slowly: bool) -> None:
    # Texts for numbers are read by the lenient way only.
    text: Any = str if slowly else (lambda number: number)
    dear = {"order": {"total_amount": text(1645)}}
    found = checked(
        tmp_path,
        complete_row(1, refunds=[refund(16.45)]),
        complete_row(2, refunds=[refund(text(16.46))]),
        complete_row(3, **dear),
        complete_row(4, order={"total_amount": text(1645), "shipping_amount": text(1600)}),
        complete_row(5, refunds=[refund(text(99))]),
        complete_row(6, order={"total_amount": text(0)}),
    )
    assert (found.rows, found.rejected) == (6, 0)
    below, back, total = doubt_sentences(found.report.doubts)
    assert {below, back, total} <= set(found.notes)
    assert below == (
        "a total_amount above the items, tax and shipping, so that the discount is below zero: 1 order, taken in as it "
        "is: see `ecommerce order 4`"
    )
    assert back == "paid back more than was paid: 2 orders, taken in as they are: see `ecommerce order 2`, the first"
    assert total == (
        "a total_amount of more than twice the items, tax and shipping: 1 order, taken in as it is: see "
        "`ecommerce order 3`"
    )


@pytest.mark.parametrize(
    ("of_order", "doubted"),
    [
        ({"total_amount": "24.00", "tax_amount": "3", "shipping_amount": "1"}, False),
        ({"total_amount": "24.02", "tax_amount": "3", "shipping_amount": "1"}, False),  # prices are rounded
        ({"total_amount": "24.03", "tax_amount": "3", "shipping_amount": "1"}, True),
        ({"total_amount": "21.00", "tax_amount": "3", "shipping_amount": "1", "tax_included": True}, False),
        ({"total_amount": "24.00", "tax_amount": "3", "shipping_amount": "1", "tax_included": True}, True),
    ],
)
def test_a_discount_below_zero_is_named(tmp_path: Path, of_order: dict[str, Any], doubted: bool) -> None:
    item = complete_row(1)["order_items"][0] | {"quantity": 2, "price": "10"}
    row = complete_row(1, order=of_order | {"quantity": 1}, order_items=[item])
    assert list(checked(tmp_path, row).report.doubts) == [DISCOUNT_BELOW_ZERO] * doubted


def test_orders_of_the_future_are_counted() -> None:
    report = FileReport(Path("a.csv"), "orders", read=3)
    now = datetime.now(UTC)
    report.saw_orders([int((now + timedelta(hours=hours)).timestamp() * 1000) for hours in (0, 23, 25, 9000)])
    assert "2 of them are placed in the future: are days read as months?" in report.notes


@pytest.mark.parametrize("code", ["XYZ", "EURO", "eu", "€", ""])
def test_a_currency_that_there_is_not_is_rejected(tmp_path: Path, code: str) -> None:
    found = checked(tmp_path, complete_row(1, order={"currency": code}), complete_row(2, order={"currency": "EUR"}))
    assert (found.rows, dict(found.reasons)) == (2, {"bad_currency": 1})


def test_no_file_of_the_cases_is_doubted() -> None:
    for path in sorted(CASES.glob("*/*.csv")):
        assert check_file(path, ImportOptions()).report.doubts == {}, path
