"""Service logs: what of them goes into an error message."""

import os
from pathlib import Path

EXCERPT_LENGTH = 300

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
