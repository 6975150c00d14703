"""Processes known again for certain: by an id and what tells it from an earlier or foreign process of that id.

Not by the wall time of their creation: a clock that is set, as after a laptop's sleep, moves that of every process.
"""

from functools import lru_cache
from pathlib import Path

import psutil


def birth(pid: int) -> str:
    """What tells a process from others that had its id: the kernel's ticks at its start, of which boot.

    Raises psutil.NoSuchProcess where there is none.
    """
    try:
        # The name of the program, in parentheses, may hold anything.
        return f"{Path(f'/proc/{pid}/stat').read_text(errors='replace').rpartition(')')[2].split()[19]}@{_boot()}"
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            raise psutil.NoSuchProcess(pid) from None
    return f"{psutil.Process(pid).create_time():.2f}"


def is_born(pid: int, text: str) -> bool:
    """Whether the process that has this id was born as `text` says, which `birth` gave, or version 0.1.0's creation
    time in seconds. Raises psutil.NoSuchProcess where there is none."""
    if "@" in text:
        return birth(pid) == text
    try:
        return abs(psutil.Process(pid).create_time() - float(text)) < 0.01
    except ValueError:
        return False


def process_space() -> str | None:
    """Where process ids mean the same: a boot of a machine and a namespace of ids, which each container has. Host names
    do not tell: containers of one file have equal ones. None where it cannot be known."""
    try:
        return f"{_boot()}:{Path('/proc/self/ns/pid').readlink()}" if _boot() else None
    except OSError:
        return None


def is_stopped(pid: int | None) -> bool:
    """Whether a process is stopped, as by SIGSTOP or a debugger: it lives, its ports are open, and it does nothing."""
    try:
        return pid is not None and psutil.Process(pid).status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
    except psutil.Error:
        return False


@lru_cache(maxsize=1)
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
