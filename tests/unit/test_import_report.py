"""What the report of an import says beside its counts."""

from collections import Counter
from pathlib import Path

from ecommerce.importing.loading.report import FileReport


def test_orders_in_another_currency_than_the_shop_s_are_counted_and_it_is_said_how_to_see_them() -> None:
    report = FileReport(Path("a.csv"), "orders", read=9, currencies=Counter(EUR=4, USD=2, JPY=1), shop_currency="EUR")
    (note,) = report.notes
    assert "the shop's, EUR: 1 in JPY, 2 in USD" in note
    assert "`ecommerce kpis --currency JPY`" in note
    assert FileReport(Path("a.csv"), "orders", read=4, currencies=Counter(EUR=4), shop_currency="EUR").notes == []
