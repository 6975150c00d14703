"""What the report of an import says beside its counts."""

from collections import Counter
from pathlib import Path

import pytest

from cli.imports import print_report
from ecommerce.importing.loading.report import FileReport, ImportReport
from ecommerce.importing.reasons import Rejection


def test_orders_in_another_currency_than_the_shop_s_are_counted_and_it_is_said_how_to_see_them() -> None:
    report = FileReport(Path("a.csv"), "orders", read=9, currencies=Counter(EUR=4, USD=2, JPY=1), shop_currency="EUR")
    (note,) = report.notes
    assert "the shop's, EUR: 1 in JPY, 2 in USD" in note
    assert "`ecommerce kpis --currency JPY`" in note
    assert FileReport(Path("a.csv"), "orders", read=4, currencies=Counter(EUR=4), shop_currency="EUR").notes == []


def test_a_shop_without_an_order_in_its_own_currency_is_told_how_to_get_another() -> None:
    report = FileReport(Path("a.csv"), "orders", read=9, rejected=2, currencies=Counter(EUR=7), shop_currency="USD")
    assert report.may_lack_own_currency
    (note,) = report.notes
    assert "ecommerce shop" not in note, "another file had some"
    report.no_own_currency = True
    (note,) = report.notes
    assert "`ecommerce kpis --currency EUR`" in note
    assert "`ecommerce shop --currency EUR`" in note
    report.read = 10
    assert not report.may_lack_own_currency, "one names no currency, so it is in the shop's"


def test_a_list_of_rejected_rows_says_how_many_it_leaves_out(capsys: pytest.CaptureFixture[str]) -> None:
    report = FileReport(Path("a.csv"), "order lines", read=9)
    report.add_rejections(Rejection(line, "bad_value", "no number", b"", rows=2) for line in range(2, 10, 2))
    print_report(ImportReport([report]))
    printed = capsys.readouterr().out
    assert printed.count("bad_value: no number") == 3
    assert "orders, from lines" in printed
    assert str(report).startswith("a.csv: 9 orders read: "), "lines of one order are counted together"
    assert "a.csv: and 2 more\n" in printed
    few = FileReport(Path("b.csv"), "orders", read=1)
    few.add_rejections([Rejection(2, "bad_value", "no number", b"")])
    print_report(ImportReport([few]))
    assert "more" not in capsys.readouterr().out
