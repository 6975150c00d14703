"""The disks that a home is on: folders of its services may have disks of their own, each of which can run full."""

import shutil
from collections.abc import Iterable, Iterator
from operator import itemgetter
from pathlib import Path

import psutil

from ecommerce.errors import ServiceError
from ecommerce.sizes import size_text

FOLDERS = ("mongo", "hdfs/name", "hdfs/data", "postgres", "prefect", "logs")

FREE_BYTES_MIN = 50_000_000
"""With less than this on a disk a service that ends, or does not start, is taken to miss it."""

MONGO_BYTES_MIN = 250_000_000
"""Where mongod's files are: a start removes old journals and sets up two new ones of 100 MB, so between two starts that
a full disk ended there was room, and it was left down for ten minutes without a word of the disk."""

START_BYTES_MIN = 500_000_000
"""Below this MongoDB's journal, the NameNode (it goes into safe mode) and Spark's scratch files fail in turn."""


def full_disk(home: Path) -> str:
    """Which disk of a home is full, and what to do; empty where none is."""
    mongo = home / "mongo"
    for folder, (free, _) in space_of_disks(home).items():
        has_mongo = mongo.exists() and mongo.stat().st_dev == folder.stat().st_dev
        if free < (MONGO_BYTES_MIN if has_mongo else FREE_BYTES_MIN):
            left = f"the disk of {folder} has {size_text(free)} left"
            return f"{left}: free some space (`ecommerce doctor` names what can be deleted), or make the disk larger"
    return ""


def require_space(home: Path) -> None:
    """Raise ServiceError where the disk of a home is nearly full, or home cannot be made."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(home).free
    except OSError as error:
        raise ServiceError(f"{home} cannot be used ({error.strerror}): set ECOMMERCE_HOME to another folder") from None
    if free < START_BYTES_MIN:
        raise ServiceError(
            f"the disk of {home} has {size_text(free)} left, the services need {size_text(START_BYTES_MIN)}: "
            "free some space or set ECOMMERCE_HOME to another disk"
        )


def space_of_disks(home: Path) -> dict[Path, tuple[int, int]]:
    """Of each disk the first folder on it, home before those under it, with its free bytes and all of its bytes."""
    found: dict[int, Path] = {}
    for folder in (home, *(home / name for name in FOLDERS)):
        if folder.exists():
            found.setdefault(folder.stat().st_dev, folder)
    usage = {folder: shutil.disk_usage(folder) for folder in found.values()}
    return {folder: (of_disk.free, of_disk.total) for folder, of_disk in usage.items()}


DELETABLE_BYTES_MIN = 1_000_000
"""Less than this helps nobody."""


def deletable(home: Path, inbox: Path, disk: Path) -> list[str]:
    """What can be deleted on the disk of a folder, the largest first: as a shell takes it, but for blanks, and why."""
    device = disk.stat().st_dev
    candidates = (
        (f"{inbox / 'done'}/*", "files that were imported", _files(inbox / "done")),
        (f"{home / 'logs'}/*.log.*", "older logs", (home / "logs").glob("*.log.*")),
        (f"{home / 'spark'}/*", "left by processes that were killed", _left_by_spark(home / "spark")),
    )
    sizes = [(_size_on(device, files), place, what) for place, what, files in candidates]
    found = sorted((one for one in sizes if one[0] >= DELETABLE_BYTES_MIN), key=itemgetter(0), reverse=True)
    return [f"{place} ({size_text(size)}: {what})" for size, place, what in found]


def _left_by_spark(folder: Path) -> Iterator[Path]:
    for left in folder.glob("*"):
        if left.name.isdigit() and not psutil.pid_exists(int(left.name)):
            yield from _files(left)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _size_on(device: int, files: Iterable[Path]) -> int:
    total = 0
    for file in files:
        try:
            found = file.stat()
        except OSError:  # it was deleted meanwhile
            continue
        total += found.st_size if found.st_dev == device else 0
    return total
