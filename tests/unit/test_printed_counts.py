"""What commands print on a terminal is not taken for something else: zero, a cut name, a failed run."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from cli import imports, summaries
from cli.generate import count_lines
from ecommerce.errors import InputError
from ecommerce.importing.loading.report import FileReport, ImportReport


def test_counts_of_older_orders_are_printed_where_there_are_some() -> None:
    counts = {"accepted": 0, "unchanged": 10_000, "shipped": 0, "delivered": 0, "files": ["a.csv", "b.csv"]}
    assert count_lines(counts) == ["accepted: 0", "unchanged: 10000", "files: a.csv, b.csv"]


@pytest.mark.parametrize("share", [None, 0.0])
def test_the_margin_of_goods_whose_cost_nobody_knows_is_not_zero(share: float | None) -> None:
    sales = {"cost": "0.00", "margin": "0.00", "tax": "0.00", "cost_known_share": share}
    texts = {name: summaries.sales_text(sales, name) for name in sales}
    assert (texts["cost"], texts["margin"], texts["tax"]) == ("not known", "not known", "0.00")
    known = sales | {"cost_known_share": 0.5, "margin": "3.00"}
    assert (summaries.sales_text(known, "cost"), summaries.sales_text(known, "margin")) == ("0.00", "3.00")


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
