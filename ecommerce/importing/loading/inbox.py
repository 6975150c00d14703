"""The inbox: a folder from which files are imported, and from which they move once their rows are safe."""

import errno
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ecommerce.errors import ServiceError
from ecommerce.importing.files import COMPRESSED, DONE, FAILED, known_suffix, natural
from ecommerce.importing.left_out import FOLDER, LINK, OTHER_NAME, LeftOut, why_no_folder, why_not_read
from ecommerce.importing.loading.report import FileReport
from ecommerce.importing.people_in_files import forget_in_file
from ecommerce.importing.sources.streams import FileIdentity
from ecommerce.ingest.forgotten import REWRITE, People
from ecommerce.mongo import IMPORTS, MongoDatabase

UNFINISHED_TIMES = 60
"""An empty file, and one whose last line has no end, wait so many times as long as others: an upload may stall, and not
every program ends the last line."""


@dataclass(frozen=True, slots=True)
class Inbox:
    """What lies in the inbox, by what becomes of it; each thing is in one list."""

    waiting: list[Path]
    """The files that a run takes, in the order of their names."""
    unsettled: list[str]
    """Those that may still be written to; a later run takes them."""
    left: list[LeftOut]
    """What no run takes, with the reason."""


def look_into(inbox: Path, settle_seconds: float) -> Inbox:
    """Look once at what lies in the inbox, which is made if need be.

    A file that was written to in the last `settle_seconds` may not be complete yet, and one that is empty or ends in
    the middle of a line even longer: a later run takes it. Raises ServiceError where the inbox cannot be read.
    """
    make_inbox(inbox)
    entries = [*_entries(inbox)]
    waiting, unsettled = [], []
    for path in sorted((path for path, why in entries if not why), key=natural):
        if _settled(path, settle_seconds):
            waiting.append(path)
        else:
            unsettled.append(path.name)
    return Inbox(waiting, unsettled, _left(entries))


def make_inbox(inbox: Path) -> None:
    """Make the folder where it is not there. Raises ServiceError where it cannot be, or a file has a folder's name."""
    try:
        inbox.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(inbox, error) from None
    if why := why_no_place(inbox):
        raise _in_the_way(inbox, why)


def why_no_place(inbox: Path) -> str:
    """What lies where the inbox, its done/ or its failed/ belongs; empty where nothing does."""
    return next(filter(None, map(why_no_folder, (inbox, inbox / DONE, inbox / FAILED))), "")


def left_in_inbox(inbox: Path) -> list[LeftOut]:
    """What lies in the inbox and no run takes, with the reason. Raises ServiceError where the inbox cannot be read."""
    return _left(_entries(inbox))


def _left(entries: Iterable[tuple[Path, str]]) -> list[LeftOut]:
    """Folders, links, what is no file, other names.

    Links are none, either: one to the worker's environment would bring its passwords into `rejected_rows`.
    """
    return sorted((LeftOut(path.name, why) for path, why in entries if why), key=lambda one: natural(one.name))


def _entries(inbox: Path) -> Iterator[tuple[Path, str]]:
    """What lies in the inbox, with the reason why no run takes it, which is empty for the files that one takes."""
    try:
        for path in [*inbox.iterdir()]:
            if path.name.startswith(".") or (path.name in (DONE, FAILED) and path.is_dir()):
                continue
            with suppress(FileNotFoundError):  # taken away in this moment
                yield path, _why_left(path)
    except OSError as error:
        raise _unusable(inbox, error) from None


def _why_left(path: Path) -> str:
    if path.is_symlink():
        return LINK
    if why := why_not_read(path):
        return why
    return FOLDER if path.is_dir() else "" if known_suffix(path) else OTHER_NAME


def _in_the_way(inbox: Path, why: str) -> ServiceError:
    return ServiceError(f"the inbox {inbox} cannot be used ({why}): move it away")


def _unusable(inbox: Path, error: OSError) -> ServiceError:
    if why := why_no_folder(inbox):
        return _in_the_way(inbox, why)
    return ServiceError(
        f"the inbox {inbox} cannot be used ({error.strerror}): let the user of the import read and write it, or set"
        " ECOMMERCE_INBOX to another folder"
    )


def _settled(path: Path, settle_seconds: float) -> bool:
    try:
        # A time in the future is of another clock, or of this one before it was set back.
        age = abs(time.time() - path.stat().st_mtime)
        return age >= settle_seconds * (1 if _looks_complete(path) else UNFINISHED_TIMES)
    except FileNotFoundError:
        return False


def _looks_complete(path: Path) -> bool:
    """Whether the file has an end: not empty, as an upload begins, nor cut off in a line.

    Of compressed files and of JSON the content tells what is missing.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0 or path.name.lower().endswith((*COMPRESSED, ".json", ".xlsx", ".xlsm", ".parquet")):
            return size > 0
        file.seek(max(0, size - 2))
        return file.read(2).strip(b"\0")[-1:] in (b"\n", b"\r")


def take_back_failed(database: MongoDatabase, flow_run: str) -> list[Path]:
    """Move the files that an attempt of a flow run put into failed/ back to the inbox; returns where they are now.

    One whose name is taken in the inbox stays: somebody put a corrected file there.
    """
    back = []
    for record in database[IMPORTS].find({"flow_run": flow_run, "state": "failed", "moved_to": {"$exists": True}}):
        failed, path = Path(record["moved_to"]), Path(record["file"])
        if failed.exists() and not path.exists():
            shutil.move(failed, path)
            back.append(path)
    return sorted(back)


def put_away(path: Path, report: FileReport, people: People | None = None) -> Path:
    """Move an imported file to done/ or failed/ beside it, under a name that is free there. Returns where it is now.

    A file that is not the one that was read any more stays for the next run. Call it after the import has returned:
    whoever dies before this imports the file again, which changes nothing. Rows of `people` who were forgotten leave it
    before; where that cannot be, it is removed.
    """
    folder = path.parent / (FAILED if report.error else DONE)
    target = folder / path.name
    if _replaced(path, report):
        return path
    if report.forgotten and people is not None and forget_in_file(path, people, REWRITE):
        report.identity = FileIdentity.of(path)
        if report.identity is None:
            return path
    try:
        folder.mkdir(exist_ok=True)
        if target.exists():
            target = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{path.name}"
        try:
            path.rename(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            return _copied(path, target, report)
        if _replaced(target, report) and not path.exists():  # in the moment between the look and the move
            target.rename(path)
            return path
    except FileNotFoundError:
        if path.exists():
            raise
    except OSError as error:
        in_the_way = why_no_folder(folder)
        why = f"{in_the_way}: move it away" if in_the_way else error.strerror
        raise ServiceError(f"{path} is imported but cannot be moved to {folder}: {why}") from None
    return target


def _copied(path: Path, target: Path, report: FileReport) -> Path:
    """Move a file to a folder on another disk: under a name that no run takes, until all of it is there."""
    part = target.with_name(f".{target.name}.part")
    try:
        shutil.copy2(path, part)
        if _replaced(path, report):
            return path
        part.rename(target)
        path.unlink()
    finally:
        part.unlink(missing_ok=True)
    return target


def _replaced(path: Path, report: FileReport) -> bool:
    now = FileIdentity.of(path)
    if report.identity is not None and now is not None and now != report.identity:
        report.replaced = True
    return report.replaced
