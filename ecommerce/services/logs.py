"""Service logs: when each line was written, and what of them goes into an error message."""

import io
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

EXCERPT_LENGTH = 300

Say = Callable[[str], None]
"""Tells the user one line."""

_TELLING = ("Exception", "ERROR", "FATAL", "Error", "error:")


def log_lines(log: Path) -> list[str]:
    """The lines of a log's last 256 kB; none where there is no log."""
    try:
        with log.open("rb") as content:
            size = content.seek(0, os.SEEK_END)
            content.seek(max(0, size - 262_144))
            return [line.strip() for line in content.read().decode(errors="replace").splitlines() if line.strip()]
    except OSError:
        return []


def log_excerpt(log: Path) -> str:
    """The last telling line of a log, else its last line; empty where there is none."""
    lines = log_lines(log)
    chosen = [line for line in lines if any(word in line for word in _TELLING)] or lines
    return chosen[-1][:EXCERPT_LENGTH] if chosen else ""


TIMED_LINES = "ECOMMERCE_TIMED_LINES"
"""Set for an `up` whose output is a log."""

_TIME = "%Y-%m-%dT%H:%M:%SZ "
_TIME_LENGTH = len("2026-11-27T23:38:00Z ")


class TimedLines(io.TextIOBase):
    """Writes to another stream, with the time in UTC before each line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._line_begins = True

    def write(self, text: str) -> int:
        for part in text.splitlines(keepends=True):
            self._stream.write(f"{datetime.now(UTC):{_TIME}}{part}" if self._line_begins else part)
            self._line_begins = part.endswith("\n")
        return len(text)

    def flush(self) -> None:
        self._stream.flush()

    def fileno(self) -> int:
        return self._stream.fileno()


def without_time(line: str) -> str:
    """What a line of such a log says."""
    return line[_TIME_LENGTH:]
