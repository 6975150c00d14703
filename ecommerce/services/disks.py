"""The disks that a home is on: folders of its services may have disks of their own, each of which can run full."""

import shutil
from pathlib import Path

from ecommerce.sizes import size_text

FOLDERS = ("mongo", "hdfs/name", "hdfs/data", "postgres", "prefect", "logs")

FREE_BYTES_MIN = 50_000_000
"""With less than this on a disk a service that ends, or does not start, is taken to miss it."""

MONGO_BYTES_MIN = 250_000_000
"""Where mongod's files are: a start removes old journals and sets up two new ones of 100 MB, so between two starts that
a full disk ended there was room, and it was left down for ten minutes without a word of the disk."""


def full_disk(home: Path) -> str:
    """Which disk of a home is full, and what to do; empty where none is."""
    mongo = home / "mongo"
    for folder, (free, _) in space_of_disks(home).items():
        has_mongo = mongo.exists() and mongo.stat().st_dev == folder.stat().st_dev
        if free < (MONGO_BYTES_MIN if has_mongo else FREE_BYTES_MIN):
            left = f"the disk of {folder} has {size_text(free)} left"
            return f"{left}: free some space, or set ECOMMERCE_HOME to another disk"
    return ""


def space_of_disks(home: Path) -> dict[Path, tuple[int, int]]:
    """Of each disk the first folder on it, home before those under it, with its free bytes and all of its bytes."""
    found: dict[int, Path] = {}
    for folder in (home, *(home / name for name in FOLDERS)):
        if folder.exists():
            found.setdefault(folder.stat().st_dev, folder)
    usage = {folder: shutil.disk_usage(folder) for folder in found.values()}
    return {folder: (of_disk.free, of_disk.total) for folder, of_disk in usage.items()}
