"""The disks that a home is on: folders of its services may have disks of their own, each of which can run full."""

import shutil
from pathlib import Path

FOLDERS = ("mongo", "hdfs/name", "hdfs/data", "postgres", "prefect", "logs")


def space_of_disks(home: Path) -> dict[Path, tuple[int, int]]:
    """Of each disk the first folder on it, home before those under it, with its free bytes and all of its bytes."""
    found: dict[int, Path] = {}
    for folder in (home, *(home / name for name in FOLDERS)):
        if folder.exists():
            found.setdefault(folder.stat().st_dev, folder)
    usage = {folder: shutil.disk_usage(folder) for folder in found.values()}
    return {folder: (of_disk.free, of_disk.total) for folder, of_disk in usage.items()}
