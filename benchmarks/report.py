"""What was measured, kept: `benchmarks/results.json`, and the table and curves of docs/performance.md drawn from it.

A part that is measured anew replaces its own figures and leaves the others'. Nothing on the page between the two marks
is written by hand.
"""

import json
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec
import psutil

from benchmarks.common import REPOSITORY, Result, formatted
from benchmarks.curves import CURVES, draw
from benchmarks.plan import plan_text

RESULTS = REPOSITORY / "benchmarks" / "results.json"
PAGE = REPOSITORY / "docs" / "performance.md"
README = REPOSITORY / "README.md"
SCALING = REPOSITORY / "docs" / "scaling.md"
IMAGES = REPOSITORY / "docs" / "images"
HEADLINES = (
    "up, empty home, to first figures",
    "orders into MongoDB",
    "import JSON Lines, new orders",
    "tick, 100 changed",
    "sessions: tick to update, p95",
    "archived, start to committed",
)
"""What the names of the README's six figures contain."""
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"


class Measured(msgspec.Struct, kw_only=True):
    """One part's figures, and where and when they were obtained."""

    measured_at: str
    commit: str
    machine: str
    load_before: float
    """Processes that wanted a processor in the minute before, from the operating system; near 0 on a quiet machine."""
    results: list[Result] = []


def read_results() -> dict[str, Measured]:
    """Every part's last figures; none where nothing has been measured."""
    return msgspec.json.decode(RESULTS.read_bytes(), type=dict[str, Measured]) if RESULTS.exists() else {}


def started() -> Measured:
    """Where and when a part is measured, taken before it begins."""
    memory = psutil.virtual_memory().total / 2**30
    return Measured(
        measured_at=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        commit=_commit(),
        machine=f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}",
        load_before=round(os.getloadavg()[0], 1),
    )


def _commit() -> str:
    try:
        found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True)
    except OSError:
        return "unknown"
    return found.stdout.strip() or "unknown"


def keep(part: str, where: Measured, results: Iterable[Result]) -> None:
    """Replace a part's figures in the file, and bring the page and its pictures up to date."""
    kept = read_results() | {part: msgspec.structs.replace(where, results=list(results))}
    RESULTS.write_text(json.dumps(msgspec.to_builtins(kept), indent=1, ensure_ascii=False) + "\n")
    PAGE.write_text(between_marks(PAGE.read_text(), measured_text(kept)))
    README.write_text(between_marks(README.read_text(), headlines_text(kept)))
    SCALING.write_text(between_marks(SCALING.read_text(), plan_text(all_results(kept))))
    draw(all_results(kept), IMAGES)


def all_results(kept: Mapping[str, Measured]) -> list[Result]:
    return [result for measured in kept.values() for result in measured.results]


def between_marks(text: str, measured: str) -> str:
    """A page with what was measured between its two marks."""
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ValueError(f"a page has lost its marks {BEGIN.strip()} and {END.strip()}")
    return before + BEGIN + "\n" + measured + "\n" + END + after


def headlines_text(kept: Mapping[str, Measured]) -> str:
    """The README's table: the figure of each headline that was measured with most orders or sessions."""
    found = all_results(kept)
    lasts = [[result for result in found if result.target and headline in result.name][-1:] for headline in HEADLINES]
    return _table([result for last in lasts for result in last])


def measured_text(kept: Mapping[str, Measured]) -> str:
    """The curves that have figures, then a table per part."""
    names = [result.name for result in all_results(kept)]
    pictures = [
        f"![{curve.title}](images/{curve.file})\n" for curve in CURVES if any(curve.takes(name) for name in names)
    ]
    return "\n".join([*pictures, *(_part(part, measured) for part, measured in kept.items())])


def _part(part: str, measured: Measured) -> str:
    results = sorted(measured.results, key=lambda result: not result.target)
    where = (
        f"{measured.measured_at}, commit `{measured.commit}`, {measured.machine}, load {measured.load_before} before."
    )
    return f"### {part}\n\n{where}\n\n{_table(results)}"


def _table(results: Sequence[Result]) -> str:
    rows = [(one.name, formatted(one.value), one.unit, one.target, one.beside) for one in results]
    lines = ["| " + " | ".join(re.sub(r"[|\n]", " ", text) for text in row) + " |" for row in rows]
    return (
        "| what | measured | unit | to reach | beside |\n| --- | ---: | --- | --- | --- |\n" + "\n".join(lines) + "\n"
    )
