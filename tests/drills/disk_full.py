"""`python -m tests.drills.disk_full FOLDER`: fills the disk under running services, in a mount namespace of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.drills.disk_full_each import log, unwell
from tests.programs import SERVICES, ecommerce, new_settings, printed, states, wait_until

SIZE_MB = 1600
"""HDFS keeps 16 MB free for each of 40 files that are written at once, MongoDB and Postgres take 400 MB."""
BACK_SECONDS = 200
"""A service that could not be started is tried again every minute; mongod replays its journal first."""

MADE = ("generate", "--orders", "20000", "--start", "2025-01-01", "--end", "2025-01-21")
MORE_ORDERS = 60_000


def more(month: int) -> tuple[str, ...]:
    """The command that makes as many orders again, in a month of their own."""
    span = ("--start", f"2025-{month:02}-01", "--end", f"2025-{month:02}-21")
    return ("generate", "--orders", str(MORE_ORDERS), "--seed", "3", *span)


def main() -> None:
    """Start, fill, look at what is said, make room, and see that all of it comes back and nothing is lost."""
    disk = Path(sys.argv[1])
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "none", str(disk)], check=True)
    (disk / "home").mkdir()
    settings = new_settings(disk / "home")

    printed(settings, "up", "--detach", "--no-demo")
    try:
        printed(settings, *MADE)
        ballast = disk / "ballast"
        with ballast.open("wb") as file:
            space = os.statvfs(disk)
            os.posix_fallocate(file.fileno(), 0, space.f_bavail * space.f_frsize - 1_000_000)
        orders = 20_000
        for month in range(2, 8):
            ended = ecommerce(settings, *more(month))
            if ended.returncode:
                break
            orders += MORE_ORDERS  # MongoDB had room for these in its cache and its journal
        assert ended.returncode == 1, f"{ended.returncode}: {ended.stdout}{ended.stderr}"
        *_, error = ended.stderr.splitlines()
        assert error.startswith("error: ") and "Traceback" not in ended.stderr, ended.stderr
        wait_until(
            lambda: "did not start again, which is tried every minute" in log(settings), 120, lambda: log(settings)
        )
        assert "free some space" in log(settings)
        assert "mongod" in unwell(settings)
        wait_until(lambda: "safe mode" in str(unwell(settings).get("namenode")), 60, lambda: unwell(settings))
        ballast.unlink()
        wait_until(lambda: not unwell(settings), BACK_SECONDS, lambda: unwell(settings))
        assert set(states(settings)) >= set(SERVICES)
        printed(settings, *more(month))
        printed(settings, "archive", "--older-than-days", "30")
        assert json.loads(printed(settings, "kpis", "--json"))["orders"] == orders + MORE_ORDERS
        printed(settings, "check")
    finally:
        ecommerce(settings, "down")


if __name__ == "__main__":
    main()
