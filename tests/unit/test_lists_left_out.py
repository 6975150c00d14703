"""A list that leaves something out says how much."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from rich.console import Console

from cli import kpis
from ecommerce.archive.days import Damage, named_days
from ecommerce.check.report import CheckReport, FiguresDiffer
from ecommerce.importing.left_out import names_of
from ecommerce.kpis.figures import ItemGroup


@pytest.mark.parametrize(("groups", "says"), [(12, False), (15, True)])
def test_a_table_of_many_groups(groups: int, says: bool, capsys: pytest.CaptureFixture[str]) -> None:
    sold = {f"house {number}": ItemGroup(1, 1, Decimal(1)) for number in range(groups)}
    kpis._print_items(Console(), kpis.Amounts("EUR"), "warehouse", sold)  # noqa: SLF001 - a part of what `kpis` prints
    assert ("and 3 more" in capsys.readouterr().out) == says


def test_damaged_days() -> None:
    damaged = [Damage(date(2026, 1, day), "it is gone", "r1") for day in range(1, 9)]
    assert named_days(damaged).endswith("And 5 more days are damaged: `ecommerce check` names all.")
    assert named_days(damaged[:4]).endswith("And 1 more day is damaged: `ecommerce check` names all.")
    assert "more" not in named_days(damaged[:3])
    report = CheckReport(datetime.now(UTC), 1, 1, True, 0, (), tuple(map(str, damaged)), (), False, 0.1)
    assert str(FiguresDiffer(report)).endswith("And 3 more days of the archive are damaged")
    report = replace(report, damaged=report.damaged[:6])
    assert str(FiguresDiffer(report)).endswith("And 1 more day of the archive is damaged")


def test_files_that_stay_in_the_inbox() -> None:
    left = [f"{number}.doc" for number in range(30)]
    assert names_of(left).endswith(" more")
    assert names_of(left[:1]) == "0.doc"
