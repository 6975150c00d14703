"""`python -m tests.drills.disk_full_each FOLDER`: each folder of the home has a disk of its own, in a mount
namespace of its own, and one after the other runs full.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
from pymongo.errors import PyMongoError

from ecommerce.mongo import get_database
from ecommerce.services.disks import FOLDERS
from ecommerce.settings import Settings
from tests.programs import ecommerce, new_settings, printed, states, wait_until
from tests.runbook import row_of

MADE, IN_FILE, MORE = 5_000, 5_000, 60_000

BACK_SECONDS = 300
"""A service that could not be started is tried again every minute."""

Work = Callable[[Settings], tuple[bool, str]]
"""Does something that needs the disk; whether it went well, and what it said."""


def command(*arguments: str) -> Work:
    def work(settings: Settings) -> tuple[bool, str]:
        ended = ecommerce(settings, *arguments)
        return ended.returncode == 0, ended.stdout + ended.stderr

    return work


def archive_until(day: date) -> Work:
    return command("archive", "--older-than-days", str((datetime.now(UTC).date() - day).days))


def import_inbox(settings: Settings) -> tuple[bool, str]:
    """A run of the deployment that empties the inbox."""
    with httpx.Client(base_url=f"http://127.0.0.1:{settings.prefect_port}/api", timeout=60) as api:
        deployment = api.get("deployments/name/import-files/hourly").raise_for_status().json()
        run = api.post(f"deployments/{deployment['id']}/create_flow_run", json={}).raise_for_status().json()

        def state() -> dict[str, str]:
            found: dict[str, str] = api.get(f"flow_runs/{run['id']}").raise_for_status().json()["state"]
            return found

        wait_until(lambda: state()["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"), 300)
        return state()["type"] == "COMPLETED", state()["message"]


def generate_and_checkpoint(settings: Settings) -> tuple[bool, str]:
    """Orders into MongoDB, and a checkpoint, as it makes one every minute: its journal has its room from before, so it
    took 60 000 orders with 4 kB free, and ends only where it writes them into its files."""
    days = ("--start", "2025-02-01", "--end", "2025-02-21")
    well, said = command("generate", "--orders", str(MORE), "--seed", "3", *days)(settings)
    try:
        get_database(settings).client.admin.command("fsync")
    except PyMongoError:  # it ends when a checkpoint finds no room
        return False, said
    return well, said


@dataclass(frozen=True)
class Disk:
    """A disk under a folder of the home, what needs it, and what is said when it is full."""

    folder: str
    size_mb: int
    work: Work
    says: str
    may_go_on: bool = False
    """Whether the work may be done all the same."""


DISKS = (
    Disk("inbox/done", 16, import_inbox, r"imported but cannot be moved to .*done.*: No space left"),
    Disk("spark", 64, archive_until(date(2025, 1, 5)), "no space left: make room in the folder `spark`"),
    Disk("hdfs/data", 1600, archive_until(date(2025, 1, 9)), "see whether its disk is full"),
    Disk("hdfs/name", 260, archive_until(date(2025, 1, 13)), "the disk of its NameNode is full"),
    # Where Postgres does not end, orders are archived although Prefect cannot write the run's history down.
    Disk("postgres", 260, archive_until(date(2025, 1, 17)), "are free at .*postgres", may_go_on=True),
    Disk("mongo", 700, generate_and_checkpoint, "mongod .*: the disk of .*mongo has .* left: free some space"),
)


def main() -> None:
    """Mount, start, and fill each disk in turn: it is named, and with room again all goes on and nothing is lost."""
    place = Path(sys.argv[1])
    (place / "home").mkdir(parents=True)
    settings = new_settings(place / "home")
    printed(settings, "up", "--detach", "--no-demo")
    printed(settings, "down")
    for disk in DISKS:
        move(settings.home / disk.folder, disk.size_mb)
    printed(settings, "up", "--detach", "--no-demo")
    try:
        printed(settings, "generate", "--orders", str(MADE), "--start", "2025-01-01", "--end", "2025-01-21")
        into_files = ("--start", "2025-03-01", "--end", "2025-03-11", "--to", str(place / "files"))
        printed(settings, "generate", "--orders", str(IN_FILE), "--seed", "9", *into_files)
        for file in (place / "files").glob("orders*"):
            os.utime(file, (0, 0))  # a younger one may not be complete yet
            shutil.move(file, settings.home / "inbox")
        failed = [text for disk in DISKS if (text := why_not_mended(settings, disk))]
        assert not failed, "\n\n".join(failed)
        assert json.loads(printed(settings, "kpis", "--json"))["orders"] >= MADE + IN_FILE + MORE
    finally:
        ecommerce(settings, "down")


def move(folder: Path, size_mb: int) -> None:
    """Give a folder a disk of its own, with what is in it."""
    before = folder.with_name(f"{folder.name}.before")
    folder.mkdir(parents=True, exist_ok=True)
    folder.rename(before)
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "none", str(folder)], check=True)
    subprocess.run(["cp", "-a", f"{before}/.", str(folder)], check=True)
    shutil.rmtree(before)


def why_not_mended(settings: Settings, disk: Disk) -> str:
    """Why a disk that ran full was not named and mended; empty where it was."""
    try:
        fill(settings, disk)
    except AssertionError as error:
        return f"{disk.folder}: {error}"
    return ""


def fill(settings: Settings, disk: Disk) -> None:
    """Fill a disk, see what is said, make room, and see that the same work is done then."""
    folder = settings.home / disk.folder
    ballast = folder / "ballast"
    space = os.statvfs(folder)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, space.f_bavail * space.f_frsize - 4096)
    try:
        well, said = disk.work(settings)
        print(f"{disk.folder}: {' '.join(said.split())[-400:]}", flush=True)
        wait_until(
            lambda: re.search(disk.says, " ".join(f"{said} {doctor(settings)} {log(settings)}".split())),
            90,
            lambda: f"{well} {said} {doctor(settings)} {log(settings)}",
        )
        assert "Traceback" not in said, said
        assert not well or disk.may_go_on, said
        if disk.folder in FOLDERS:
            assert f"are free at {folder}, " in doctor(settings), doctor(settings)
        for message in re.findall(r"(?:^error|ServiceError): (.*)", said, re.MULTILINE):
            row_of(message)
    finally:
        ballast.unlink()
    wait_until(lambda: not unwell(settings), BACK_SECONDS, lambda: unwell(settings))
    # What was begun may still be held by a process that the full disk ended.
    wait_until(lambda: disk.work(settings)[0], 200, lambda: disk.work(settings))
    printed(settings, "check")
    print(f"{disk.folder}: mended", flush=True)


def doctor(settings: Settings) -> str:
    """All that it finds wrong, in one line."""
    return " ".join(ecommerce(settings, "doctor").stdout.split())


def unwell(settings: Settings) -> dict[str, object]:
    return {name: state["reason"] for name, state in states(settings).items() if not state["healthy"]}


def log(settings: Settings) -> str:
    return (settings.home / "logs" / "up.log").read_text()


if __name__ == "__main__":
    main()
