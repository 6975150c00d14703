"""How far work is, on a terminal or in a log."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from ecommerce.progress import Progress

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

LINE_SECONDS = 60.0
"""Between two lines about how far work is where standard error is no terminal; `check` was silent for two minutes."""
NO_BARS = ("dumb", "unknown")
"""Terminals on which Rich draws no bar and says nothing instead."""

PLAIN_TERMINAL_SECONDS = 10.0
"""The same on a terminal that cannot draw a bar (TERM=dumb), where a person waits."""

_bars: ContextVar["Bars | None"] = ContextVar("bars", default=None)


@contextmanager
def progress_lines(title: str, every_seconds: float) -> Iterator[Progress]:
    """A Progress for a log: a line on standard error again and again, also while the work reports nothing."""
    last: tuple[int, int | None, str] = (0, None, "")
    ended = threading.Event()

    def report(done: int, total: int | None, what: str) -> None:
        nonlocal last
        last = (done, total, what)

    def write() -> None:
        while not ended.wait(every_seconds):
            done, total, what = last
            how_far = f"{done:,}{'' if total is None else f' of {total:,}'} {what}" if what else "at work"
            print(f"{title}: {how_far}", file=sys.stderr, flush=True)

    threading.Thread(target=write, name="progress", daemon=True).start()
    try:
        yield report
    finally:
        ended.set()


@contextmanager
def terminal_progress(title: str) -> Iterator[Progress]:
    """A Progress that draws a bar with rate and time left on standard error; into a log a line each minute.

    On a terminal that can draw no bar it is a line every ten seconds.
    """
    draws = sys.stderr.isatty() and os.environ.get("TERM", "").lower() not in NO_BARS
    if not draws:
        with progress_lines(title, PLAIN_TERMINAL_SECONDS if sys.stderr.isatty() else LINE_SECONDS) as lines:
            yield lines
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[what]} {task.fields[rate]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        bar = bars.add_task(title, total=None, what="", rate="")
        shown = _bars.set(bars)

        def report(done: int, total: int | None, what: str) -> None:
            speed = bars.tasks[0].speed
            bars.update(bar, completed=done, total=total, what=what, rate=f"{speed:,.0f}/s" if speed else "")

        try:
            yield report
        finally:
            _bars.reset(shown)


@contextmanager
def without_bar() -> Iterator[None]:
    """Take the bar off the terminal meanwhile: it is drawn ten times a second, over whatever a person is asked."""
    bars = _bars.get()
    if bars is None:
        yield
        return
    bars.stop()
    try:
        yield
    finally:
        bars.start()
