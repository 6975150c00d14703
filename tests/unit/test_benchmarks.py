"""The figures in the documentation are those that were measured and kept, none is written by hand."""

from pathlib import Path

from benchmarks import report
from benchmarks.common import Result
from benchmarks.curves import CURVES, draw
from benchmarks.plan import plan_text


def test_the_pages_show_what_was_measured() -> None:
    kept = report.read_results()
    page, readme, scaling = report.PAGE.read_text(), report.README.read_text(), report.SCALING.read_text()
    assert page == report.between_marks(page, report.measured_text(kept)), "run `make bench`"
    assert readme == report.between_marks(readme, report.headlines_text(kept)), "run `make bench`"
    assert scaling == report.between_marks(scaling, plan_text(report.all_results(kept))), "run `make bench`"


def test_the_readme_has_each_of_its_six_figures() -> None:
    table = report.headlines_text(report.read_results())
    assert [headline for headline in report.HEADLINES if headline not in table] == []


def test_every_curve_has_its_figures() -> None:
    names = [result.name for result in report.all_results(report.read_results())]
    for curve in CURVES:
        for line in curve.lines:
            assert any(line.takes(name) for name in names), f"{curve.title}: {line.label}"


def test_a_curve_is_drawn_from_figures_alike_each_time(tmp_path: Path) -> None:
    results = [Result(f"{count} sessions: tick to update, p95", count / 100, "s") for count in (1, 10, 200)]
    pictures = []
    for _ in range(2):
        draw(results, tmp_path)
        pictures.append((tmp_path / "performance-dashboard.svg").read_bytes())
    assert pictures[0] == pictures[1]
    assert [path.name for path in tmp_path.iterdir()] == ["performance-dashboard.svg"]
