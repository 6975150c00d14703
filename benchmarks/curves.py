"""The curves of docs/performance.md: which figures belong to which line, and how they are drawn."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from benchmarks.common import Result


@dataclass(frozen=True, slots=True)
class Line:
    """Figures whose name matches the pattern; its group `x` is the place on the horizontal axis."""

    label: str
    pattern: str

    def takes(self, name: str) -> bool:
        """Whether a figure of that name belongs to it."""
        return re.fullmatch(self.pattern, name) is not None


@dataclass(frozen=True, slots=True)
class Curve:
    """One picture."""

    file: str
    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    target: float | None = None
    is_logarithmic: bool = True

    def takes(self, name: str) -> bool:
        """Whether a figure of that name is on one of its lines."""
        return any(line.takes(name) for line in self.lines)


CURVES = (
    Curve(
        "performance-tick.svg",
        "What a refresh of the dashboard costs as the orders grow",
        "orders",
        "ms",
        (
            Line("a tick with 100 changed orders", r"tick, 100 changed, (?P<x>[\d,]+) orders"),
            Line("by aggregation over the documents", r"figures of (?P<x>[\d,]+) orders by aggregation"),
            Line("by loading them into pandas", r"figures of (?P<x>[\d,]+) orders by loading them into pandas"),
        ),
        target=100,
    ),
    Curve(
        "performance-dashboard.svg",
        "From a tick to its update in the browser, by open sessions on one process",
        "open sessions",
        "s",
        (
            Line("95th percentile", r"(?P<x>\d+) sessions?: tick to update, p95"),
            Line("median", r"(?P<x>\d+) sessions?: tick to update, median"),
        ),
        target=1,
        is_logarithmic=False,
    ),
    Curve(
        "performance-archive.svg",
        "Archiving, from start to committed",
        "orders",
        "s",
        (Line("start to committed", r"(?P<x>[\d,]+) orders: archived, start to committed"),),
        is_logarithmic=False,
    ),
)


def draw(results: Sequence[Result], folder: Path) -> None:
    """Draw every curve that has figures, as SVG, the same bytes for the same figures."""
    for curve in CURVES:
        lines = [(line.label, points) for line in curve.lines if (points := _points(line, results))]
        if lines:
            _draw(curve, lines, folder / curve.file)


def _points(line: Line, results: Sequence[Result]) -> list[tuple[float, float]]:
    found = ((re.fullmatch(line.pattern, result.name), result.value) for result in results)
    return sorted((float(match["x"].replace(",", "")), value) for match, value in found if match)


def pyplot() -> ModuleType:
    """Matplotlib for SVG files without a screen, with names inside the files that don't change from run to run."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "ecommerce", "svg.fonttype": "none", "font.family": "sans-serif"})
    from matplotlib import pyplot as plt

    return plt


def _draw(curve: Curve, lines: Sequence[tuple[str, list[tuple[float, float]]]], path: Path) -> None:
    from matplotlib.ticker import EngFormatter

    plt = pyplot()
    figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
    for label, points in lines:
        axes.plot(*zip(*points, strict=True), marker="o", label=label)
    if curve.target is not None:
        axes.axhline(curve.target, color="grey", linestyle="--", linewidth=1, label=f"to reach: {curve.target:g}")
    if curve.is_logarithmic:
        axes.set(xscale="log", yscale="log")
    else:
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.yaxis.set_major_formatter(EngFormatter(sep="") if curve.is_logarithmic else axes.yaxis.get_major_formatter())
    axes.set(title=curve.title, xlabel=curve.x_label, ylabel=curve.y_label)
    axes.grid(alpha=0.3, which="both" if curve.is_logarithmic else "major")
    axes.legend()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
