"""What commands print on a terminal is not taken for something else: zero, a cut name, a failed run."""

import io
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli import imports, kpis
from cli.generate import announcement, count_lines, live_lines
from ecommerce.errors import InputError
from ecommerce.generate.live import Lived
from ecommerce.generate.request import Request
from ecommerce.importing.loading.report import FileReport, ImportReport
from ecommerce.kpis.figures import Sales


def test_counts_of_older_orders_are_printed_where_there_are_some() -> None:
    counts = {"accepted": 0, "unchanged": 10_000, "shipped": 0, "delivered": 0, "files": ["a.csv", "b.csv"]}
    assert count_lines(counts) == ["accepted: 0", "unchanged: 10000", "files: a.csv, b.csv"]


def test_live_mode_says_what_it_is_about_to_do() -> None:
    assert announcement(Request(rate=2.5), "shop") == (
        "live orders: 2.5 a second into the database 'shop'; Ctrl-C stops it"
    )
    assert announcement(Request(rate=5, orders=2_000), "shop").endswith("; until there are 2,000, or Ctrl-C")


def test_live_mode_says_what_it_made_in_how_long_and_why_it_ended() -> None:
    assert live_lines(Lived(accepted=1, seconds=8.34, stopped=True).counts()) == [
        "1 order made in 8.3 s; stopped by Ctrl-C"
    ]
    assert live_lines(Lived(2_000, 1, 400.0).counts()) == [
        "2,000 orders made in 6 min 40 s; as many as were asked for",
        "1 step of open orders meanwhile: shipped, delivered, cancelled or returned",
    ]


@pytest.mark.parametrize("share", [None, 0.0])
def test_the_margin_of_goods_whose_cost_nobody_knows_is_not_zero(share: float | None) -> None:
    zeros: dict[str, Any] = dict.fromkeys(Sales.__slots__, Decimal(0))
    sales, amounts = Sales(**zeros | {"cost_known_share": share}), kpis.Amounts("EUR")
    texts = {name: kpis.sales_text(sales, name, amounts) for name in ("cost", "margin", "tax")}
    assert (texts["cost"], texts["margin"], texts["tax"]) == ("not known", "not known", "0.00")
    known = replace(sales, cost_known_share=0.5, margin=Decimal(3))
    assert (kpis.sales_text(known, "cost", amounts), kpis.sales_text(known, "margin", amounts)) == ("0.00", "3.00")


def test_an_import_of_a_name_that_is_mistyped_starts_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(imports, "services", lambda **_: pytest.fail("a service was asked for"))
    with pytest.raises(InputError, match=r"ordres\.csv: no such file"):
        imports.import_([str(tmp_path / "ordres.csv")])


def test_the_name_of_an_imported_file_is_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.StringIO()
    monkeypatch.setattr(imports, "Console", lambda: Console(file=output, width=80))
    name = "orders_of_the_second_week_of_january_2026.csv"
    imports.print_report(ImportReport([FileReport(Path(name))]))
    table = output.getvalue()
    assert "…" not in table
    assert name in "".join(line.split()[0] for line in table.splitlines())
