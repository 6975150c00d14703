"""What lies among the files to import and is not read: folders, links, pipes, what may not be opened. Each is named."""

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

NAMED = 20
"""Names that a sentence gives for one reason."""

FOLDER = "no run looks into folders: move the files up into the inbox"
LINK = "no run follows links: put the file itself there"
OTHER_NAME = "not named like a file to import (.csv, .json, …): rename it, or take it away"
_BROKEN_LINK = "a link to nothing: put the file itself there, or remove the link"
_KINDS = {
    stat.S_IFIFO: "a FIFO", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
}  # fmt: skip


class LeftOut(NamedTuple):
    """Something that is not imported."""

    name: str
    why: str
    """What it is, and what to do."""


def why_not_read(path: Path) -> str:
    """Why a path cannot be read as a file, with what to do; empty where it can. A FIFO or device is not opened.

    Raises FileNotFoundError where there is nothing.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISREG(mode):
            with path.open("rb"):
                return ""
        if stat.S_ISDIR(mode):
            os.scandir(path).close()
            return ""
    except FileNotFoundError:
        if path.is_symlink():
            return _BROKEN_LINK
        raise
    except OSError as error:
        return f"it cannot be read ({error.strerror}): give the user of the import the right, or take it away"
    return f"{_KINDS.get(stat.S_IFMT(mode), 'no file')}, which is not read: write what it gives to a file"


def why_no_folder(folder: Path) -> str:
    """What lies in the place of a folder, or of one above it; empty where nothing does."""
    for place in (folder, *folder.parents):
        # Unlike Path's, these are False where a folder may not be looked into.
        if os.path.isdir(place):  # noqa: PTH112
            return ""
        if os.path.lexists(place):
            what = "a file" if os.path.exists(place) else "a link to nothing"  # noqa: PTH110
            return f"{place} is {what}, not a folder"
    return ""


def left_out_text(left: Iterable[LeftOut]) -> str:
    """The names of each reason, and the reason; empty where nothing is left out."""
    by_reason: dict[str, list[str]] = {}
    for one in left:
        by_reason.setdefault(one.why, []).append(one.name)
    return "; ".join(f"{names_of(names)} ({why})" for why, names in by_reason.items())


def names_of(names: Sequence[str]) -> str:
    """The first of these names, and how many there are more."""
    more = [f"and {len(names) - NAMED:,} more"] if len(names) > NAMED else []
    return ", ".join([*names[:NAMED], *more])
