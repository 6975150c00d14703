"""A Shopify export beside the sales of its days, computed by hand.

| order | of | paid | gross | discounts | tax | shipping | paid back |
| --- | --- | --- | --- | --- | --- | --- | --- |
| #1 | 8 January | 113.05 | 2 × 30 + 40 = 100 | 10 | 18.05 on top | 5 | 30 on 9 January: the export tells no tax of it |
| #2 | 8 January | 119.00 | 119 − 19 = 100 | | 19.00 in the price | | |
| #3 | 9 January | 53.43 | 40 | | 8.53 on top | 4.90 | all of it on 10 January |
| #4 | 10 January | 0.00 | 40 | 40 | | | |
| #5 | 10 January | never | its payment was voided: it is no sale | | | | |
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ecommerce.importing.import_files import import_paths
from ecommerce.kpis import Filters, Span, compute_kpis
from ecommerce.mongo import MongoDatabase

EXPORT = Path(__file__).parents[1] / "data" / "shops" / "shopify.csv"
DAYS = {
    8: {"gross_sales": "200", "discounts": "10", "returns": "0", "net_sales": "190", "tax": "37.05", "shipping": "5",
        "total_sales": "232.05"},
    9: {"gross_sales": "40", "discounts": "0", "returns": "30", "net_sales": "10", "tax": "8.53", "shipping": "4.90",
        "total_sales": "23.43"},
    10: {"gross_sales": "40", "discounts": "40", "returns": "40", "net_sales": "-40", "tax": "-8.53",
         "shipping": "-4.90", "total_sales": "-53.43"},
}  # fmt: skip


@pytest.mark.parametrize("day", DAYS)
def test_the_sales_of_each_day_are_those_of_the_sheet(database: MongoDatabase, day: int) -> None:
    assert import_paths(database, [EXPORT]).accepted == 5
    start = datetime(2024, 1, day, tzinfo=UTC)
    sales = compute_kpis(database, Span(start, start + timedelta(days=1)), Filters(currency="EUR")).sales
    assert sales is not None
    assert {name: getattr(sales, name) for name in DAYS[day]} == {
        name: Decimal(text) for name, text in DAYS[day].items()
    }
